// Puts the page together: who watches, what plays, what counts, and what is shown.

import { openable, place } from "./asking.js";
import { Motion, pieceFrom, standing } from "./beats.js";
import { Embedding } from "./embedding.js";
import * as keeping from "./keeping.js";
import { Lecture } from "./lecture.js";
import { Streaming } from "./streaming.js";
import { View } from "./view.js";

const TICK = 1_000;
const BEAT_SECONDS = 30;

const $ = (id) => document.getElementById(id);
const { root, session } = place(location.pathname);
const view = new View();
view.language = keeping.language();
const motion = new Motion();
const lecture = new Lecture(
  { root, session, token: keeping.token(), device: keeping.device() },
  () => draw(),
);
lecture.beats.restore(keeping.waiting(session));

let player = null;
let opened = "";
let trouble = false;
let blocked = false;
let moving = false;

const hears = {
  qualities(list, chosen) {
    const { words } = view;
    const named = { auto: words.auto, audio: words.audio };
    const options = list.map(({ id, height }) => ({ value: id, text: named[id] ?? `${height}p` }));
    view.offer("quality", options, chosen);
    draw();
  },
  captions(list) {
    const { words } = view;
    const options = list.map(({ label, language }, index) => ({
      value: String(index),
      text: words.captionsOf(label, language),
    }));
    const chosen = String(list.findIndex((each) => each.shown));
    view.offer("captions", [{ value: "-1", text: words.off }, ...options], chosen);
  },
  slow: () => view.announce(view.words.slow),
  trouble(is) {
    trouble = is;
    draw();
  },
};

/** Open the player that the session's stream wants, once for each stream. */
async function perform() {
  const stream = lecture.answer?.stream;
  const wanted = stream && lecture.page === "live" ? `${stream.kind} ${stream.url} ${stream.audio_only ?? ""}` : "";
  if (!wanted || wanted === opened) return;
  opened = wanted;
  player?.close();
  player = null;
  blocked = false;
  if (stream.kind === "meeting") return;
  const made =
    stream.kind === "youtube"
      ? new Embedding($("frame"), stream, hears, view.language)
      : new Streaming($("video"), stream, hears);
  player = made;
  const works = await made.open();
  if (player === made) blocked = !works;
  draw();
}

/** What the stream does now. */
function playing() {
  return {
    over: lecture.page === "over",
    signedIn: lecture.signedIn,
    visible: document.visibilityState === "visible",
    started: player?.started ?? false,
    ended: player?.ended ?? false,
    paused: player?.paused ?? true,
    moving,
  };
}

function look() {
  const steady = performance.now() / 1000;
  const now = playing();
  const position = player?.position ?? 0;
  moving = motion.moves(position, steady, now.started && !now.paused && !now.ended);
  player?.look();
  const watching = moving && now.visible;
  lecture.tick(steady, { watching, position, piece: pieceFrom(position, BEAT_SECONDS) });
  keeping.keepWaiting(session, lecture.beats.saved());
  draw();
}

function draw() {
  perform();
  // Who speaks past the planned end is still heard; what has come to its own end makes room.
  if (lecture.page === "over" && player && (player.ended || player.paused)) {
    player.close();
    player = null;
    opened = "";
  }
  const { started, paused, ended } = playing();
  const stream = lecture.answer?.stream;
  view.render(lecture, {
    kind: stream?.kind,
    showing: Boolean(player),
    url: stream ? openable(stream.url, location.href) : "",
    standing: standing(playing()),
    // YouTube's player has a button of its own, and must be pressed itself.
    startable: stream?.kind === "hls" && Boolean(player) && !started && paused && !ended,
    started,
    blocked,
    trouble,
    audioOnly: player?.quality === "audio",
  });
}

$("language").addEventListener("click", () => {
  view.language = view.language === "id" ? "en" : "id";
  keeping.choose(view.language);
  if (player?.qualities) hears.qualities(player.qualities, player.quality);
  if (player?.captions) hears.captions(player.captions);
  draw();
});
$("start").addEventListener("click", () => {
  player?.play();
  $("video").focus();
});
$("again").addEventListener("click", () => {
  if (blocked) location.reload();
  else if (lecture.page === "over") lecture.watchReplay();
  else lecture.retry();
});
$("quality").addEventListener("change", ({ target }) => player?.choose?.(target.value));
$("captions").addEventListener("change", ({ target }) => player?.caption?.(Number(target.value)));
window.addEventListener("online", () => lecture.retry());
window.addEventListener("offline", look);
window.addEventListener("hashchange", () => {
  const token = keeping.token();
  if (token && token !== lecture.token) lecture.renew(token);
});
document.addEventListener("visibilitychange", look);
setInterval(look, TICK);
document.documentElement.dataset.runs = "";
look();
