// What a viewer's page claims, and what an answer to it means: no page, no network, no clock of its own.
// Times are seconds. `wall` is the device's clock, which may be set; `steady` is one that nobody sets.

const MINUTE = 60;
const DRIFT = 2;
const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 30;
// The server refuses what is this old by its own clock; a beat on its way needs some of that time.
const LATE = 300;
const ON_ITS_WAY = 5;
// Seconds over which many viewers spread what they would otherwise all do in the same second.
export const SPREAD = 10;

/** Takes beats while somebody really watches, and keeps each until an answer settles it. */
export class Beats {
  #pass = null;
  #taken = new Set();
  #last = null;
  #queue = [];
  #lost = 0;
  #trouble = 0;

  /**
   * Go by this pass from now on: {ticket, joinedAt, expires, every, origin, until}, and {replay, start} for a
   * recording, whose pieces of `every` seconds count from piece `start` on.
   * Its `joinedAt` is the server's clock at the latest at `wall`, so that no beat claims what is to come.
   * `share` (0 to 1) of its life passes before it wants renewal, so that many viewers do not renew at once.
   * What lives no longer than a minute is the last that a session gives: its end is the same for everybody,
   * and of the seconds after it, as many as ten, `chance` (0 to 1) of them pass as well.
   */
  adopt(pass, wall, share, chance) {
    const life = pass.expires - pass.joinedAt;
    // Towards a session's end tickets grow short, and must not be renewed ever more often.
    const passes = life > MINUTE ? Math.max(share * life, MINUTE) : life + chance * Math.min(life, SPREAD);
    const renewAt = pass.joinedAt + passes;
    this.#pass = { ...pass, renewAt, behind: wall - pass.joinedAt };
    this.#taken = new Set();
    this.#last = null;
  }

  /** Whether a person must join, again or at all, before another beat can be taken or sent. */
  wantsPass(wall) {
    if (!this.#pass) return true;
    const server = wall - this.#pass.behind;
    return server >= this.#pass.renewAt || (!this.#pass.replay && server >= this.#pass.until);
  }

  /** Join again before anything else is taken. */
  distrust() {
    this.#pass = null;
  }

  /** Take the beat that is due now, if somebody watches: its number, or null. */
  observe(wall, steady, watching, position = 0) {
    const leap = this.#leap(wall, steady);
    if (Math.abs(leap) > DRIFT) {
      this.distrust();
      // What waits is no older for it.
      for (const beat of this.#queue) beat.goodUntil += leap;
    }
    if (!this.#pass || !watching) return null;
    const claim = this.#pass.replay ? this.#played(wall, position) : this.#watched(wall);
    if (!claim || this.#taken.has(claim.n)) return null;
    this.#taken.add(claim.n);
    this.#queue.push({ ticket: this.#pass.ticket, ...claim });
    return claim.n;
  }

  #watched(wall) {
    const { joinedAt, every, origin, until, expires, behind } = this.#pass;
    const server = wall - behind;
    const n = Math.floor((server - joinedAt) / every);
    const at = joinedAt + n * every;
    const minute = Math.floor((at - origin) / MINUTE);
    // A minute is claimed only by who watches in it: a number from the minute before says nothing.
    const seen = minute === Math.floor((server - origin) / MINUTE);
    if (!seen || at < origin || at >= Math.min(until, expires)) return null;
    return { n, minute, goodUntil: at + behind + LATE - ON_ITS_WAY };
  }

  /** In a replay a number is a piece of the recording, and no piece counts sooner than it can be played. */
  #played(wall, position) {
    const { joinedAt, every, start, expires, behind } = this.#pass;
    const piece = Math.floor(position / every);
    const n = piece - start;
    const early = joinedAt + n * every - (wall - behind);
    // After a leap through the recording another ticket counts from there.
    if (n < -1 || early > every) this.distrust();
    if (n < 0 || early > 0) return null;
    return { n, minute: Math.floor((piece * every) / MINUTE), goodUntil: expires + behind - ON_ITS_WAY };
  }

  /** The oldest beat that still counts, or null; what came too late is given up. */
  next(wall) {
    const kept = this.#queue.filter((beat) => wall <= beat.goodUntil);
    this.#lost += this.#queue.length - kept.length;
    this.#queue = kept;
    return kept[0] ?? null;
  }

  /**
   * Settle a beat by its answer's status (0: no answer). The outcome is `counted`, `refused`, `expired`
   * or `later`; `pause` is for how many seconds nothing should be sent. `chance` (0 to 1) spreads pauses.
   */
  heard(beat, status, retryAfter, chance) {
    if (status === 204) return this.#settle(beat, "counted");
    if (status === 401) {
      // What an expired ticket claimed cannot be claimed by another one, which begins later.
      const current = this.#pass?.ticket === beat.ticket;
      if (current) this.distrust();
      this.#lost += 1;
      return this.#settle(beat, "expired");
    }
    if (status === 400 || status === 422) {
      this.#lost += 1;
      return this.#settle(beat, "refused");
    }
    // Everything else (no network, a proxy's page, too much waits) passes, or the beat grows too old.
    const longest = Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** this.#trouble);
    this.#trouble += 1;
    const asked = Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : 0;
    return { outcome: "later", pause: asked + longest * (asked ? chance : 0.5 + chance / 2) };
  }

  /** How many beats wait to be sent. */
  get waiting() {
    return this.#queue.length;
  }

  /** How many were given up: too late, refused or with a ticket that had expired. */
  get lost() {
    return this.#lost;
  }

  /** What waits, to be kept over a reload. */
  saved() {
    return this.#queue.map((beat) => ({ ...beat }));
  }

  /** Take back what an earlier page of the same tab kept; what is not in its shape is ignored. */
  restore(saved) {
    const sound = Array.isArray(saved) ? saved.filter(isBeat) : [];
    this.#queue = [...sound, ...this.#queue];
  }

  #settle(beat, outcome) {
    this.#queue = this.#queue.filter((each) => each !== beat);
    this.#trouble = 0;
    return { outcome, pause: 0 };
  }

  /** By how much the device's clock was set, or its steady one stood still while it slept, since last time. */
  #leap(wall, steady) {
    const last = this.#last ?? { wall, steady };
    this.#last = { wall, steady };
    return wall - last.wall - (steady - last.steady);
  }
}

function isBeat(each) {
  return (
    typeof each?.ticket === "string" &&
    [each.n, each.minute, each.goodUntil].every((part) => Number.isFinite(part))
  );
}

/** The minutes that count as far as this page knows: what the server told, and what it took since. */
export class Tally {
  #told = 0;
  #since = -1;
  #heard = new Set();
  #most = 0;

  /** The server told so many minutes in this minute of the session. */
  told(counted, minute) {
    this.#told = counted;
    this.#since = minute;
    this.#keep();
  }

  /** The server took a beat of this minute. */
  heard(minute) {
    this.#heard.add(minute);
    this.#keep();
  }

  /** Never more than count, and never fewer than a moment ago. */
  get minutes() {
    return this.#most;
  }

  #keep() {
    // The server's number may hold the minute in which it was told already.
    const later = [...this.#heard].filter((minute) => minute > this.#since).length;
    this.#most = Math.max(this.#most, this.#told + later, this.#heard.size);
  }
}

/** Tells whether a stream really goes on, from its position now and then. */
export class Motion {
  #position = null;
  #movedAt = -Infinity;

  constructor(patience = 15) {
    this.patience = patience;
  }

  /** Whether the position has changed within the last `patience` seconds of playing. */
  moves(position, steady, playing) {
    if (!playing) {
      this.#position = null;
      this.#movedAt = -Infinity;
      return false;
    }
    if (this.#position !== null && position !== this.#position) this.#movedAt = steady;
    this.#position = position;
    return steady - this.#movedAt <= this.patience;
  }
}

/** What a person is told about their attendance now: the first that applies. */
export function standing({ over, signedIn, visible, started, ended, paused, moving }) {
  if (over) return "over";
  if (!signedIn) return "signedout";
  if (!started) return "unstarted";
  if (ended) return "ended";
  if (paused) return "paused";
  if (!visible) return "hidden";
  return moving ? "counting" : "stalled";
}

/** What an answer to joining means: {kind, ...}; `slug` is the last part of the problem's type. */
export function joined(status, slug, retryAfter, tries, chance) {
  if (status === 200 || status === 201) return { kind: "joined" };
  if (status === 401) return { kind: "expired" };
  if (status === 404 || (status === 422 && slug !== "not-live")) return { kind: "unknown" };
  if (slug === "not-live") return { kind: "early" };
  if (slug === "session-over") return { kind: "over" };
  if (slug === "not-over") return { kind: "resumed" };
  if (slug === "not-enrolled") return { kind: "unenrolled" };
  if (status === 403 || status === 409) return { kind: "refused" };
  const longest = Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** tries);
  const asked = Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : 0;
  return { kind: "later", pause: asked + longest * (asked ? chance : 0.5 + chance / 2) };
}

/** Which quarter of the threshold is reached, 0 to 4: worth saying aloud only when it changes. */
export function quarter(minutes, threshold) {
  if (threshold <= 0) return 4;
  return Math.min(4, Math.floor((4 * minutes) / threshold));
}

/** The first whole piece of a recording from this position on. */
export function pieceFrom(position, every) {
  return Math.ceil(position / every);
}
