// A YouTube video in its own player; how far it is and whether it plays is what that player says.

import { videoId } from "./asking.js";

const API = "https://www.youtube.com/iframe_api";
const HOST = "https://www.youtube-nocookie.com";
const PATIENCE = 15_000;

let loading = null;

/** Load YouTube's own script, once; it says that it is ready by calling a global function. */
function api() {
  loading ??= new Promise((ready, fail) => {
    const script = document.createElement("script");
    script.src = API;
    script.onerror = () => fail(new Error("blocked"));
    setTimeout(() => fail(new Error("silent")), PATIENCE);
    globalThis.onYouTubeIframeAPIReady = () => ready(globalThis.YT);
    document.head.append(script);
  });
  loading.catch(() => (loading = null));
  return loading;
}

/** Plays a video of YouTube's in the frame. */
export class Embedding {
  started = false;
  #player = null;
  #state = -1;

  constructor(frame, stream, hears, language) {
    this.frame = frame;
    this.id = videoId(stream.url);
    this.hears = hears;
    this.language = language;
  }

  /** Open the player; false where YouTube cannot be reached or knows no such video. */
  async open() {
    if (!this.id) return false;
    let YT;
    try {
      YT = await api();
    } catch {
      return false;
    }
    this.frame.hidden = false;
    const box = document.createElement("div");
    this.frame.replaceChildren(box);
    return new Promise((opened) => {
      this.#player = new YT.Player(box, {
        host: HOST,
        width: "100%",
        height: "100%",
        videoId: this.id,
        playerVars: { playsinline: 1, rel: 0, hl: this.language, origin: location.origin },
        events: {
          onReady: () => opened(true),
          onStateChange: ({ data }) => this.#hear(data),
          onError: () => {
            this.hears.trouble(true);
            opened(false);
          },
        },
      });
    });
  }

  play() {
    this.#player?.playVideo?.();
  }

  get paused() {
    return this.#state !== 1 && this.#state !== 3;
  }

  get ended() {
    return this.#state === 0;
  }

  get position() {
    return this.#player?.getCurrentTime?.() ?? 0;
  }

  look() {}

  close() {
    this.#player?.destroy?.();
    this.#player = null;
    this.frame.replaceChildren();
    this.frame.hidden = true;
  }

  #hear(state) {
    this.#state = state;
    if (state === 1) {
      this.started = true;
      this.hears.trouble(false);
    }
  }
}
