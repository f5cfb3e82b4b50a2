// One person's presence at one session: joins and joins again, sends what Beats took, and tells how it stands.

import { ask } from "./asking.js";
import { Beats, SPREAD, Tally, joined } from "./beats.js";

const MINUTE = 60;
const BEAT_SECONDS = 30;
// A ticket is renewed in the middle of its life, so that what is taken offline can still be sent under it.
const RENEW_FROM = 0.45;
const RENEW_WITHIN = 0.15;
const EARLY_PAUSE = 20;
// A start may be moved to an earlier time while somebody waits for it.
const LONGEST_EARLY = 300;
const SETTLED_PAUSE = 90;
const SETTLED_TRIES = 5;

const wall = () => Date.now() / 1000;

/** Holds what the page shows in its fields; `changed` is called whenever one of them may have changed. */
export class Lecture {
  page = "connecting";
  answer = null;
  mine = null;
  startsAt = null;
  signedIn = true;
  recorded = false;
  network = "online";
  beats = new Beats();
  tally = new Tally();

  #tries = 0;
  #joinAfter = 0;
  #joining = false;
  #sendAfter = 0;
  #sending = false;
  #asked = 0;
  #last = 0;

  constructor({ root, session, token, device }, changed) {
    Object.assign(this, { root, session, token, device, changed });
    this.replay = false;
    if (!token) this.page = "notoken";
  }

  /** Whether the node has told what counts in the end, which may be less than it took: a session can be stopped. */
  get settled() {
    return this.page === "over" && this.mine?.state === "closed";
  }

  get minutes() {
    if (this.settled) return this.mine.minutes_counted;
    return Math.max(this.tally.minutes, this.mine?.minutes_counted ?? 0);
  }

  get threshold() {
    return this.mine?.threshold_minutes ?? this.answer?.threshold_minutes ?? 0;
  }

  get planned() {
    const { starts_at: from, ends_at: to } = this.answer ?? {};
    return this.mine?.planned_minutes ?? Math.max(0, Math.ceil((Date.parse(to) - Date.parse(from)) / 60_000));
  }

  get met() {
    if (this.settled) return this.mine.met;
    return Boolean(this.mine?.met) || (this.threshold > 0 && this.minutes >= this.threshold);
  }

  /** Go on with another token, as whoever opened the link again brings one. */
  renew(token) {
    this.token = token;
    this.signedIn = true;
    if (this.page !== "live") this.page = "connecting";
    this.beats.distrust();
    this.retry();
  }

  /** Watch the recording from here on. */
  watchReplay() {
    this.replay = true;
    this.page = "connecting";
    this.retry();
  }

  /** Try what failed at once. */
  retry() {
    this.#tries = 0;
    this.#joinAfter = 0;
    this.#sendAfter = 0;
    // Whoever was enrolled a moment ago may not be known here yet.
    if (this.page === "unenrolled") this.page = "connecting";
    this.changed();
  }

  /** Look once: take a beat if one is due, send what waits, join if need be. `piece` is where a replay stands. */
  tick(steady, { watching, position, piece }) {
    const now = wall();
    // Were the device's clock set back, every pause would last so much longer.
    if (now < this.#last) this.#joinAfter = this.#sendAfter = 0;
    this.#last = now;
    if (this.page === "live") {
      this.beats.observe(now, steady, watching, position);
      if (this.signedIn && this.beats.wantsPass(now)) this.#join(piece);
      this.#send();
      return;
    }
    if (["connecting", "early", "later", "away"].includes(this.page)) this.#join(piece);
    if (this.page === "over") {
      this.#send();
      this.#learnTheEnd();
    }
  }

  async #join(piece) {
    if (this.#joining || wall() < this.#joinAfter) return;
    this.#joining = true;
    const body = { device: this.device, replay: this.replay };
    if (this.replay) body.position = piece * BEAT_SECONDS;
    try {
      const answer = await ask(`${this.root}/live/sessions/${encodeURIComponent(this.session)}/join`, {
        token: this.token,
        body,
      });
      await this.#heed(answer, piece);
    } finally {
      this.#joining = false;
      this.changed();
    }
  }

  async #heed({ status, slug, body, retryAfter, at }, piece) {
    // A page of something in between, which says that all is well, is nobody's answer.
    const real = status >= 300 || body?.ticket ? status : 0;
    const meant = joined(real, slug, retryAfter, this.#tries, Math.random());
    if (meant.kind === "joined") {
      this.#tries = 0;
      return this.#adopt(body, piece);
    }
    if (meant.kind === "later") {
      this.#tries += 1;
      this.#joinAfter = wall() + meant.pause;
      if (this.page !== "live") this.page = real ? "later" : "away";
      return undefined;
    }
    if (meant.kind === "expired" && this.page === "live") {
      this.signedIn = false;
      return undefined;
    }
    if (meant.kind === "resumed") {
      // Whoever watches the recording of what goes on again is let in to that.
      this.replay = false;
      return this.#goOn();
    }
    // Whoever comes back in vain goes on with the same few looks.
    if (this.page === "live") this.#asked = 0;
    this.page = meant.kind;
    if (meant.kind === "early") this.#waitForStart(body?.starts_at, at);
    if (meant.kind === "over") await this.#end(body);
    return undefined;
  }

  #adopt(answer, piece) {
    const seconds = (told) => (typeof told === "number" ? told : Date.parse(told) / 1000);
    const joinedAt = seconds(answer.joined_at);
    const origin = seconds(answer.origin);
    const pass = {
      ticket: answer.ticket,
      joinedAt,
      origin,
      expires: seconds(answer.expires_at),
      until: answer.until === undefined ? Infinity : seconds(answer.until),
      every: answer.beat_seconds ?? BEAT_SECONDS,
      replay: this.replay,
      start: piece,
    };
    this.beats.adopt(pass, wall(), RENEW_FROM + RENEW_WITHIN * Math.random(), Math.random());
    this.tally.told(answer.minutes_counted, Math.floor((joinedAt - origin) / MINUTE));
    this.answer = answer;
    this.page = "live";
  }

  /** Wait by the server's clock, for the device's may be wrong. */
  #waitForStart(startsAt, at) {
    this.startsAt = startsAt ?? null;
    const left = Date.parse(startsAt) / 1000 - (Number.isFinite(at) ? at : wall()) || 0;
    const pause = Math.max(EARLY_PAUSE, Math.min(left, LONGEST_EARLY));
    this.#joinAfter = wall() + pause + SPREAD * Math.random();
  }

  async #end(body) {
    this.recorded = Boolean(body?.replay);
    await this.#askMine();
  }

  /** Join again what goes on. */
  #goOn() {
    this.mine = null;
    this.#joinAfter = 0;
    this.page = "connecting";
  }

  /** Ask again, ever more rarely, what the closing made of it, or whether it goes on after all. */
  #learnTheEnd() {
    if (this.#joining || this.#asked >= SETTLED_TRIES || this.mine?.state === "closed") return;
    if (wall() < this.#joinAfter) return;
    this.#joining = true;
    this.#askMine().finally(() => {
      this.#joining = false;
      if (this.page === "over" && this.mine?.state === "live") this.#goOn();
      this.changed();
    });
  }

  async #askMine() {
    const { status, body } = await ask(
      `${this.root}/live/sessions/${encodeURIComponent(this.session)}/mine`,
      { token: this.token },
    );
    if (status === 200) this.mine = body;
    this.#asked += 1;
    this.#joinAfter = wall() + SETTLED_PAUSE * (0.5 + Math.random()) * this.#asked;
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (;;) {
        const beat = this.beats.next(wall());
        this.network = this.#networkNow(beat);
        if (!beat || !navigator.onLine || wall() < this.#sendAfter) return;
        const address = `${this.root}${this.answer?.beats ?? "/live/beats"}?n=${beat.n}`;
        const { status, retryAfter } = await ask(address, { token: beat.ticket, method: "POST" });
        const { outcome, pause } = this.beats.heard(beat, status, retryAfter, Math.random());
        if (outcome === "counted") this.tally.heard(beat.minute);
        if (outcome === "later") {
          this.network = status ? "retrying" : "offline";
          this.#sendAfter = wall() + pause;
        }
      }
    } finally {
      this.#sending = false;
      this.changed();
    }
  }

  #networkNow(beat) {
    if (!navigator.onLine) return "offline";
    if (!beat) return "online";
    return wall() < this.#sendAfter ? this.network : "sending";
  }
}
