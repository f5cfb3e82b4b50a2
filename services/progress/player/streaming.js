// An HLS stream in the page's own video element: by hls.js where the browser has media sources, else by itself.

import { openable } from "./asking.js";

const STALL = 6_000;
const RETRY = 3_000;
const NATIVE = "application/vnd.apple.mpegurl";

/** The rung without pictures that a list of levels offers beside ones with pictures, or "". */
export function audioRung(levels) {
  const seen = levels.some((level) => level.videoCodec || level.width || level.height);
  const heard = levels.find((level) => !level.videoCodec && !level.width && !level.height);
  const url = heard && (Array.isArray(heard.url) ? heard.url[0] : heard.url);
  return (seen && url) || "";
}

/** Captions that are files of their own, as the node tells them: an address, or a list with languages. */
export function captionFiles(told, at) {
  const list = Array.isArray(told) ? told : told ? [told] : [];
  return list
    .map((each) => (typeof each === "string" ? { url: each } : each))
    .map(({ url, language = "id", label = "" }) => ({ url: openable(url, at), language, label }))
    .filter((each) => each.url);
}

/** Plays a stream; `hears` is told of qualities, captions, slowness and trouble as they come. */
export class Streaming {
  started = false;
  quality = "auto";
  #hls = null;
  #Hls = null;
  #audioUrl = "";
  #audioOnly = false;
  #waitingSince = null;
  #retry = null;

  constructor(video, stream, hears) {
    this.video = video;
    this.url = openable(stream.url, location.href);
    this.hears = hears;
    this.#audioUrl = openable(stream.audio_only ?? "", this.url || location.href);
    if (!stream.audio_only) this.#audioUrl = "";
    for (const { url, language, label } of captionFiles(stream.captions, this.url)) {
      const track = document.createElement("track");
      Object.assign(track, { kind: "captions", src: url, srclang: language, label: label || language });
      video.append(track);
    }
    this.listening = new AbortController();
    const on = (target, name, does) =>
      target.addEventListener(name, does, { signal: this.listening.signal });
    on(video, "playing", () => {
      this.started = true;
      this.#waitingSince = null;
      hears.trouble(false);
    });
    on(video, "waiting", () => (this.#waitingSince ??= performance.now()));
    for (const name of ["addtrack", "removetrack", "change"]) {
      on(video.textTracks, name, () => hears.captions(this.captions));
    }
  }

  /** Open the stream; false where nothing in this browser can. */
  async open() {
    this.video.hidden = false;
    if (!this.url) return false;
    await this.#learn();
    if (this.listening.signal.aborted) return false;
    if (this.#Hls?.isSupported()) this.#load(this.url, -1);
    else if (this.video.canPlayType(NATIVE)) this.video.src = this.url;
    else return false;
    this.#tell();
    this.hears.captions(this.captions);
    return true;
  }

  play() {
    return this.video.play().catch(() => {});
  }

  get paused() {
    return this.video.paused;
  }

  get ended() {
    return this.video.ended;
  }

  get position() {
    return this.video.currentTime;
  }

  /** What can be chosen: `auto`, the number of a rung, `audio`. */
  get qualities() {
    const seen = (this.#hls?.levels ?? []).map((level, index) => ({ level, index }));
    const named = seen
      .filter(({ level }) => level.height)
      .sort((one, other) => other.level.height - one.level.height)
      .map(({ level, index }) => ({ id: String(index), height: level.height }));
    const rungs = this.#audioOnly ? this.pictures : (this.pictures = named);
    return [{ id: "auto" }, ...(rungs ?? []), ...(this.#audioUrl ? [{ id: "audio" }] : [])];
  }

  choose(id) {
    this.quality = id;
    const level = ["auto", "audio"].includes(id) ? -1 : Number(id);
    if ((id === "audio") !== this.#audioOnly) {
      this.#audioOnly = id === "audio";
      this.#change(this.#audioOnly ? this.#audioUrl : this.url, level);
    } else if (this.#hls && !this.#audioOnly) {
      this.#hls.nextLevel = level;
    }
    this.#tell();
  }

  get captions() {
    return [...this.video.textTracks]
      .filter((track) => ["captions", "subtitles"].includes(track.kind))
      .map((track) => ({ label: track.label, language: track.language, shown: track.mode === "showing" }));
  }

  /** Show the captions at this place of the list, or none at -1. */
  caption(place) {
    const tracks = [...this.video.textTracks].filter((track) =>
      ["captions", "subtitles"].includes(track.kind),
    );
    tracks.forEach((track, index) => (track.mode = index === place ? "showing" : "disabled"));
  }

  /** Look now and then whether the network is too slow for pictures, and help where it is. */
  look() {
    const stuck = this.#waitingSince !== null && performance.now() - this.#waitingSince > STALL;
    const lowest = !this.#hls || this.#hls.loadLevel <= 0;
    // Whoever reads captions would be left with nothing.
    const reads = this.captions.some((each) => each.shown);
    const may = this.quality === "auto" && this.#audioUrl && !this.#audioOnly && !reads && navigator.onLine;
    if (stuck && lowest && may) {
      this.#waitingSince = null;
      this.choose("audio");
      this.hears.slow();
    }
  }

  close() {
    clearTimeout(this.#retry);
    this.listening.abort();
    this.#hls?.destroy();
    this.#hls = null;
    this.video.pause();
    this.video.replaceChildren();
    this.video.removeAttribute("src");
    this.video.hidden = true;
  }

  /** Load hls.js, again and again where the network does not give it and nothing else would play. */
  async #learn() {
    const alone = this.video.canPlayType(NATIVE);
    for (let tried = 0; !this.#Hls && !this.listening.signal.aborted; tried += 1) {
      try {
        // A browser may remember that an address failed.
        this.#Hls = (await import(`./hls.min.mjs${tried ? `?again=${tried}` : ""}`)).default;
      } catch {
        if (alone) return;
        this.hears.trouble(true);
        await new Promise((awake) => setTimeout(awake, RETRY));
      }
    }
    this.hears.trouble(false);
  }

  #tell() {
    this.hears.qualities(this.qualities, this.quality);
  }

  #change(url, level) {
    const { paused, currentTime, duration } = this.video;
    const at = Number.isFinite(duration) ? currentTime : -1;
    if (this.#Hls?.isSupported()) {
      this.#load(url, at, level);
    } else {
      this.video.src = url;
      if (at >= 0) this.video.currentTime = at;
    }
    if (!paused) this.play();
  }

  #load(url, at, level = -1) {
    clearTimeout(this.#retry);
    this.#hls?.destroy();
    const thrifty = navigator.connection?.saveData || /2g/.test(navigator.connection?.effectiveType);
    const hls = new this.#Hls({
      startPosition: at,
      startLevel: level >= 0 ? level : thrifty ? 0 : -1,
      abrEwmaDefaultEstimate: 300_000,
      capLevelToPlayerSize: true,
      maxBufferLength: 30,
      backBufferLength: 30,
      // A worker would need a policy that lets scripts in from memory; these streams are small.
      enableWorker: false,
    });
    this.#hls = hls;
    const { Events, ErrorTypes } = this.#Hls;
    hls.on(Events.MANIFEST_LOADED, (_, told) => {
      if (this.#audioOnly) return;
      this.#audioUrl ||= audioRung(told.levels);
      this.#tell();
    });
    hls.on(Events.MANIFEST_PARSED, () => {
      if (level >= 0 && !this.#audioOnly) hls.nextLevel = level;
      this.#tell();
    });
    hls.on(Events.ERROR, (_, error) => {
      if (!error.fatal || hls !== this.#hls) return;
      this.hears.trouble(true);
      if (error.type === ErrorTypes.MEDIA_ERROR) return hls.recoverMediaError();
      if (error.type === ErrorTypes.NETWORK_ERROR && hls.levels.length) {
        // What is loaded already goes on playing meanwhile.
        this.#retry = setTimeout(() => hls.startLoad(), RETRY);
        return;
      }
      const { currentTime, duration } = this.video;
      const again = Number.isFinite(duration) && currentTime > 0 ? currentTime : at;
      this.#retry = setTimeout(() => this.#resume(url, again, level), RETRY);
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  /** Begin again where it broke, and play on if the person had not paused. */
  #resume(url, at, level) {
    const wanted = this.started && !this.video.ended && !this.video.paused;
    this.#load(url, at, level);
    if (wanted) this.play();
  }
}
