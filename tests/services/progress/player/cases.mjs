// What the page claims and what it makes of answers, case by case; run by node and in a browser alike.

const here = globalThis.document ? "/module/" : "../../../../services/progress/player/";
const { Beats, Motion, Tally, joined, pieceFrom, quarter, standing } = await import(`${here}beats.js`);
const { openable, patience, place, videoId } = await import(`${here}asking.js`);
const { Lecture } = await import(`${here}lecture.js`);
const { WORDS, span } = await import(`${here}words.js`);
const { audioRung, captionFiles } = await import(`${here}streaming.js`);

// Older releases of node have none.
globalThis.navigator ??= { onLine: true };

const ORIGIN = 1_700_000_040;
const BEHIND = 7;

function equal(told, expected) {
  const [one, other] = [JSON.stringify(told), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${one} instead of ${other}`);
}

function pass(more = {}) {
  const joinedAt = ORIGIN + 600;
  return {
    ticket: "t", joinedAt, origin: ORIGIN, until: ORIGIN + 7200, expires: joinedAt + 600, every: 30, ...more,
  };
}

/** Somebody who joined ten minutes into a session, on a device whose clock is seven seconds ahead. */
class Viewer {
  constructor(more = {}, share = 0.5) {
    this.beats = new Beats();
    this.pass = pass(more);
    this.steady = 1000;
    this.wall = this.pass.joinedAt + BEHIND;
    this.beats.adopt(this.pass, this.wall, share, 0.5);
    this.position = 0;
  }

  /** Watch, or only wait, for so many seconds; tell the numbers that were taken. */
  spend(seconds, watching = true, speed = 1) {
    const taken = [];
    for (let second = 0; second < seconds; second += 1) {
      const n = this.beats.observe(this.wall, this.steady, watching, this.position);
      if (n !== null) taken.push(n);
      this.wall += 1;
      this.steady += 1;
      if (watching) this.position += speed;
    }
    return taken;
  }

  send(status, retryAfter = NaN) {
    const beat = this.beats.next(this.wall);
    return beat && { n: beat.n, ...this.beats.heard(beat, status, retryAfter, 0) };
  }
}

/** Somebody whose page joins a node, on a device whose clock is `wall`; it answers the same until told otherwise. */
class Waiting {
  constructor(wall, answer, mine = answer) {
    Object.assign(this, { wall, asked: 0, steady: 0, answer, mine });
    this.lecture = new Lecture({ root: "", session: "s", token: "t", device: "d" }, () => {});
  }

  #answered(address) {
    const { status, body = null, date = "" } = address.endsWith("/mine") ? this.mine : this.answer;
    return { status, text: async () => JSON.stringify(body), headers: { get: (name) => (name === "Date" ? date : null) } };
  }

  /** Let so many seconds pass; tell how often the node was asked until then. */
  async spend(seconds) {
    const [fetch, now] = [globalThis.fetch, Date.now];
    globalThis.fetch = async (address) => {
      this.asked += 1;
      return this.#answered(address);
    };
    Date.now = () => this.wall * 1000;
    try {
      for (let second = 0; second < seconds; second += 1) {
        this.lecture.tick((this.steady += 1), { watching: false, position: 0, piece: 0 });
        for (let turn = 0; turn < 10; turn += 1) await null;
        this.wall += 1;
      }
    } finally {
      Object.assign(globalThis, { fetch });
      Date.now = now;
    }
    return this.asked;
  }
}

function early(starts, at) {
  const body = { type: "urn:corpu:problem:not-live", starts_at: new Date(starts * 1000).toISOString() };
  return { status: 409, body, date: new Date(at * 1000).toUTCString() };
}

const OVER = { status: 409, body: { type: "urn:corpu:problem:session-over" } };

function stands(state) {
  return { status: 200, body: { state, minutes_counted: 3, threshold_minutes: 20, met: false } };
}

/** What joining answers somebody who may watch for ten minutes from `at` on. */
function admitted(at) {
  const body = { ticket: "t", joined_at: at, expires_at: at + 600, origin: ORIGIN, minutes_counted: 3, threshold_minutes: 20 };
  return { status: 200, body };
}

export const cases = {
  async "what goes on after its end is joined again by itself"() {
    const page = new Waiting(ORIGIN, OVER, stands("ended"));
    await page.spend(40);
    equal([page.asked, page.lecture.page], [2, "over"]);
    page.mine = stands("live");
    page.answer = admitted(ORIGIN + 100);
    await page.spend(100);
    equal([page.asked, page.lecture.page, page.lecture.minutes], [4, "live", 3]);
  },
  async "whether it goes on is asked ever more rarely, until it is closed or some minutes have passed"() {
    const page = new Waiting(ORIGIN, OVER, stands("ended"));
    equal((await page.spend(44)) <= 2, true);
    equal((await page.spend(3600)) <= 6, true);
    const closed = new Waiting(ORIGIN, OVER, stands("closed"));
    equal(await closed.spend(3600), 2);
  },
  async "whoever is told that it goes on and then that it is over asks no more often for it"() {
    const page = new Waiting(ORIGIN, OVER, stands("live"));
    equal((await page.spend(3600)) <= 10, true);
    equal(page.lecture.page, "over");
  },
  async "whoever watches the recording of what goes on is let in to that"() {
    const page = new Waiting(ORIGIN, { status: 409, body: { type: "urn:corpu:problem:not-over" } });
    page.lecture.replay = true;
    await page.spend(1);
    page.answer = admitted(ORIGIN + 1);
    await page.spend(2);
    equal([page.lecture.page, page.lecture.replay], ["live", false]);
  },
  async "who is early waits by the server's clock"() {
    const slow = new Waiting(ORIGIN - 3600, early(ORIGIN + 60, ORIGIN));
    equal(await slow.spend(55), 1);
    equal(slow.lecture.page, "early");
    equal(await slow.spend(20), 2);
  },
  async "who is very early asks now and then, for the start may be moved"() {
    const soon = new Waiting(ORIGIN, early(ORIGIN + 86_400, ORIGIN));
    equal([await soon.spend(295), await soon.spend(20)], [1, 2]);
  },
  async "a page of something in between is nobody's answer"() {
    const caught = new Waiting(ORIGIN, { status: 200 });
    equal([await caught.spend(1), caught.lecture.page], [1, "away"]);
    equal((await caught.spend(60)) < 10, true);
  },
  async "a clock that is set back makes no pause longer"() {
    const device = new Waiting(ORIGIN, { status: 503 });
    await device.spend(60);
    const asked = device.asked;
    device.wall -= 86_400;
    equal((await device.spend(60)) > asked, true);
  },
  "what the closing told is what counts"() {
    const { lecture } = new Waiting(ORIGIN, {});
    for (let minute = 0; minute < 24; minute += 1) lecture.tally.heard(minute);
    Object.assign(lecture, { page: "over", mine: { state: "ended", minutes_counted: 18, threshold_minutes: 20, met: false } });
    equal([lecture.minutes, lecture.met], [24, true]);
    lecture.mine = { ...lecture.mine, state: "closed" };
    equal([lecture.minutes, lecture.met], [18, false]);
  },
  "what waits is no older for a clock that is set"() {
    for (const leap of [3600, -3600]) {
      const viewer = new Viewer();
      viewer.spend(31);
      viewer.wall += leap;
      viewer.spend(200, false);
      equal([viewer.beats.next(viewer.wall).n, viewer.beats.lost], [0, 0]);
      viewer.spend(70, false);
      equal([viewer.beats.next(viewer.wall).n, viewer.beats.lost], [1, 1]);
    }
  },
  "a beat is taken each half minute while somebody watches"() {
    equal(new Viewer().spend(121), [0, 1, 2, 3, 4]);
  },
  "nothing is taken while nobody watches, and numbers follow the clock afterwards"() {
    const viewer = new Viewer();
    equal(viewer.spend(20), [0]);
    equal(viewer.spend(100, false), []);
    equal(viewer.spend(60), [4, 5]);
  },
  "a minute is not claimed by who came back in the next one"() {
    // Joined 50 s into a minute: number 1 falls on second 20 of the next, number 0 on the minute before.
    const viewer = new Viewer({ joinedAt: ORIGIN + 650, expires: ORIGIN + 1250 });
    viewer.spend(15, false);
    equal(viewer.spend(10), []);
    equal(viewer.spend(10), [1]);
  },
  "a device that was set claims nothing until it has joined again"() {
    const viewer = new Viewer();
    viewer.spend(10);
    viewer.wall += 3600;
    equal(viewer.spend(60), []);
    equal(viewer.beats.wantsPass(viewer.wall), true);
  },
  "a device that slept claims nothing of that time"() {
    const viewer = new Viewer();
    equal(viewer.spend(10), [0]);
    viewer.wall += 200;
    equal(viewer.spend(60), []);
    viewer.beats.adopt(pass({ ticket: "u", joinedAt: ORIGIN + 870 }), viewer.wall, 0.5, 0);
    equal(viewer.spend(31), [0, 1]);
    equal(viewer.beats.saved().map(({ ticket, n, minute }) => [ticket, n, minute]), [
      ["t", 0, 10], ["u", 0, 14], ["u", 1, 15],
    ]);
  },
  "nothing is claimed before the session's first minute nor from its end on"() {
    equal(new Viewer({ until: ORIGIN + 660 }).spend(121), [0, 1]);
    equal(new Viewer({ origin: ORIGIN + 660 }).spend(121), [2, 3, 4]);
  },
  "beats leave in order and an answer settles one"() {
    const viewer = new Viewer();
    viewer.spend(61);
    equal(viewer.beats.waiting, 3);
    equal(viewer.send(204), { n: 0, outcome: "counted", pause: 0 });
    equal(viewer.send(204), { n: 1, outcome: "counted", pause: 0 });
    equal(viewer.beats.waiting, 1);
  },
  "what nobody answers is kept and tried ever more rarely"() {
    const viewer = new Viewer();
    viewer.spend(31);
    equal([0, 0, 0, 0, 0, 0, 0].map((status) => viewer.send(status).pause), [0.5, 1, 2, 4, 8, 15, 15]);
    equal(viewer.send(204).n, 0);
    equal(viewer.send(0).pause, 0.5);
  },
  "a server that asks for patience gets it"() {
    const viewer = new Viewer();
    viewer.spend(1);
    equal(viewer.send(429, 12), { n: 0, outcome: "later", pause: 12 });
    equal(viewer.send(503, 2), { n: 0, outcome: "later", pause: 2 });
    equal(viewer.send(200).outcome, "later");
    equal(viewer.send(404).outcome, "later");
    equal(viewer.beats.waiting, 1);
  },
  "a refused beat is dropped and told of"() {
    const viewer = new Viewer();
    viewer.spend(31);
    equal(viewer.send(422).outcome, "refused");
    equal([viewer.beats.waiting, viewer.beats.lost], [1, 1]);
  },
  "an expired ticket asks for another, and only the one in use does"() {
    const viewer = new Viewer();
    viewer.spend(1);
    viewer.beats.adopt(pass({ ticket: "u" }), viewer.wall, 0.5, 0);
    equal(viewer.send(401).outcome, "expired");
    equal(viewer.beats.wantsPass(viewer.wall), false);
    viewer.spend(1);
    viewer.send(401);
    equal(viewer.beats.wantsPass(viewer.wall), true);
  },
  "what was taken offline is sent while it counts, and what is too old is told of"() {
    const viewer = new Viewer();
    viewer.spend(400);
    equal(viewer.beats.next(viewer.wall).n, 4);
    equal([viewer.beats.waiting, viewer.beats.lost], [10, 4]);
  },
  "a ticket is renewed in the middle of its life, and when the session seems to end"() {
    const viewer = new Viewer({}, 0.45);
    viewer.spend(269);
    equal(viewer.beats.wantsPass(viewer.wall), false);
    viewer.spend(2);
    equal(viewer.beats.wantsPass(viewer.wall), true);
    const last = new Viewer({ until: ORIGIN + 610 });
    equal(last.beats.wantsPass(last.wall + 10), true);
  },
  "a ticket that lives shortly is renewed soon after its end, not by all at once, and takes nothing after that"() {
    const viewer = new Viewer({ expires: ORIGIN + 640 });
    equal(viewer.spend(45), [0, 1]);
    equal(viewer.beats.wantsPass(viewer.wall - 1), false);
    equal(viewer.beats.wantsPass(viewer.wall), true);
    equal(viewer.spend(40), []);
  },
  "what waits survives a reload, and what is no beat does not"() {
    const viewer = new Viewer();
    viewer.spend(31);
    const later = new Beats();
    later.restore([...viewer.beats.saved(), null, 7, { ticket: "t", n: "1" }]);
    equal([later.waiting, later.next(viewer.wall).n], [2, 0]);
    later.restore("nonsense");
    equal(later.waiting, 2);
  },
  "a recording counts by the piece, no faster than it can be played"() {
    const viewer = new Viewer({ replay: true, start: 0, until: 0 });
    equal(viewer.spend(91), [0, 1, 2, 3]);
    equal(viewer.beats.saved().map(({ minute }) => minute), [0, 0, 1, 1]);
    equal(viewer.beats.wantsPass(viewer.wall), false);
  },
  "a leap through a recording asks for a ticket from there"() {
    const viewer = new Viewer({ replay: true, start: 0 });
    viewer.spend(5);
    viewer.position = 1000;
    equal(viewer.spend(1), []);
    equal(viewer.beats.wantsPass(viewer.wall), true);
    equal([pieceFrom(1000, 30), pieceFrom(0, 30), pieceFrom(60, 30)], [34, 0, 2]);
    viewer.beats.adopt(pass({ replay: true, start: 34, joinedAt: ORIGIN + 700 }), viewer.wall, 0.5, 0);
    viewer.position = 1000;
    equal(viewer.spend(60), [0, 1]);
  },
  "a recording watched again from before its start asks as well"() {
    const viewer = new Viewer({ replay: true, start: 10 });
    viewer.position = 100;
    equal(viewer.spend(1), []);
    equal(viewer.beats.wantsPass(viewer.wall), true);
  },
  "minutes are what the server told and what it took since"() {
    const tally = new Tally();
    tally.told(20, 30);
    tally.heard(30);
    equal(tally.minutes, 20);
    tally.heard(31);
    tally.heard(31);
    tally.heard(32);
    equal(tally.minutes, 22);
    tally.told(21, 33);
    equal(tally.minutes, 22);
    tally.told(24, 34);
    equal(tally.minutes, 24);
  },
  "a stream goes on while its position changes"() {
    const motion = new Motion(15);
    equal(motion.moves(0, 100, true), false);
    equal(motion.moves(1, 101, true), true);
    equal(motion.moves(1, 116, true), true);
    equal(motion.moves(1, 117, true), false);
    equal(motion.moves(2, 118, true), true);
    equal(motion.moves(3, 119, false), false);
    equal(motion.moves(3, 120, true), false);
  },
  "a person is told the first thing that keeps attendance from counting"() {
    const good = { signedIn: true, visible: true, started: true, ended: false, paused: false, moving: true };
    equal(
      [{ over: true }, {}, { moving: false }, { visible: false }, { paused: true }, { ended: true }, { started: false }, { signedIn: false }]
        .map((change) => standing({ ...good, ...change })),
      ["over", "counting", "stalled", "hidden", "paused", "ended", "unstarted", "signedout"],
    );
  },
  "answers to joining are told apart"() {
    const told = [
      [200, ""], [201, ""], [401, "token-expired"], [404, "unknown-session"], [422, "invalid-request"],
      [409, "not-live"], [409, "session-over"], [409, "not-over"], [403, "not-enrolled"], [403, "role-missing"], [409, "other"],
      [503, "unavailable"], [0, ""],
    ].map(([status, slug]) => joined(status, slug, NaN, 0, 0).kind);
    equal(told, [
      "joined", "joined", "expired", "unknown", "unknown", "early", "over", "resumed", "unenrolled", "refused", "refused",
      "later", "later",
    ]);
    equal(joined(503, "", 2, 3, 0.5).pause, 6);
    equal(joined(0, "", NaN, 9, 1).pause, 30);
  },
  "progress is told by quarters"() {
    equal([0, 11, 12, 44, 45, 60].map((minutes) => quarter(minutes, 45)), [0, 0, 1, 3, 4, 4]);
    equal(quarter(0, 0), 4);
  },
  "the page knows where it stands"() {
    equal(place("/live/a%20b/watch"), { root: "", session: "a b" });
    equal(place("/belajar/live/s1/watch/"), { root: "/belajar", session: "s1" });
    equal(place("/live/sessions"), null);
  },
  "patience is told in seconds or as a date"() {
    equal(patience("7", 0), 7);
    equal(patience("Thu, 01 Jan 1970 00:01:00 GMT", 30_000), 30);
    equal(Number.isNaN(patience(null, 0)), true);
  },
  "only addresses of the web are opened"() {
    equal(openable("https://meet.test/a"), "https://meet.test/a");
    equal(openable("audio.m3u8", "https://cdn.test/x/master.m3u8"), "https://cdn.test/x/audio.m3u8");
    equal([openable("javascript:alert(1)"), openable("data:text/html,x"), openable("nonsense")], ["", "", ""]);
  },
  "a video is known by any of its addresses"() {
    const addresses = [
      "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3", "https://youtu.be/dQw4w9WgXcQ",
      "https://www.youtube.com/live/dQw4w9WgXcQ?si=x", "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
    ];
    equal(addresses.map(videoId), Array(4).fill("dQw4w9WgXcQ"));
    equal([videoId("https://youtu.be/"), videoId("x"), videoId("https://youtu.be/a'b<c>d")], ["", "", ""]);
  },
  "a rung without pictures is found beside rungs with them"() {
    const seen = { videoCodec: "avc1", width: 320, height: 180, url: "v" };
    equal(audioRung([seen, { audioCodec: "mp4a", url: "a" }]), "a");
    equal([audioRung([seen]), audioRung([{ audioCodec: "mp4a", url: "a" }])], ["", ""]);
  },
  "captions are told as an address or as a list"() {
    const at = "https://cdn.test/x.m3u8";
    equal(captionFiles("id.vtt", at), [{ url: "https://cdn.test/id.vtt", language: "id", label: "" }]);
    equal(captionFiles([{ url: "https://c.test/e.vtt", language: "en" }, { url: "javascript:1" }], at).length, 1);
    equal(captionFiles(null, at), []);
  },
  "both languages say the same things"() {
    const shape = (words) =>
      Object.entries(words).map(([key, value]) => [key, typeof value === "object" ? Object.keys(value) : typeof value]);
    equal(shape(WORDS.id), shape(WORDS.en));
    const marks = Object.values(WORDS).flatMap((words) => Object.values(words)).filter((each) => each === "");
    equal(marks, []);
  },
  "a span of time reads as people write it"() {
    equal(/2026/.test(span("2026-11-30T01:00:00Z", "2026-11-30T03:00:00Z", "id")), true);
    equal(/^Monday, 30 November 2026/.test(span("2026-11-30T12:00:00Z", null, "en")), true);
  },
};
