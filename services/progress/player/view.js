// What the page shows, drawn from a lecture's state; it changes nothing that is as it should be already.

import { quarter } from "./beats.js";
import { WORDS, span } from "./words.js";

const $ = (id) => document.getElementById(id);

function say(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

function show(id, shown) {
  $(id).hidden = !shown;
}

/** Draws; `language` may be set at any time. */
export class View {
  language = "id";
  #announced = null;
  #quarter = null;

  get words() {
    return WORDS[this.language];
  }

  /** Draw everything. `stage` says how playing stands: {kind, showing, standing, startable, started, blocked, trouble, audioOnly}. */
  render(lecture, stage) {
    const { words } = this;
    document.documentElement.lang = this.language;
    say("language", words.other);
    $("language").lang = this.language === "id" ? "en" : "id";
    $("stage").setAttribute("aria-label", words.player);
    this.#about(lecture);
    this.#notice(lecture, stage);
    this.#stage(lecture, stage);
    this.#attendance(lecture, stage);
  }

  /** Say something aloud, once, to whoever does not see it. */
  announce(text) {
    if (text === this.#announced) return;
    this.#announced = text;
    say("aloud", text);
  }

  /** Offer what can be chosen in a list. */
  offer(id, options, chosen) {
    const select = $(id);
    const drawn = [...select.options].map((each) => `${each.value} ${each.text}`).join("\n");
    if (drawn !== options.map((each) => `${each.value} ${each.text}`).join("\n")) {
      select.replaceChildren(...options.map((each) => new Option(each.text, each.value)));
    }
    select.value = chosen;
    show(`${id}Label`, options.length > 1);
  }

  #about({ answer, page, replay, startsAt }) {
    const { words, language } = this;
    const live = page === "live";
    show("kind", live);
    say("kind", replay ? words.replaying : words.live);
    $("kind").classList.toggle("now", live && !replay);
    const title = answer?.title ?? "";
    say("title", title || "CorpU");
    document.title = title ? `${title} – CorpU` : "CorpU";
    const from = answer?.starts_at ?? startsAt;
    show("time", Boolean(from));
    if (from) say("time", span(from, answer?.ends_at, language));
  }

  #notice({ page, startsAt, recorded, mine }, { kind, showing, blocked, url }) {
    const { words, language } = this;
    const meeting = page === "live" && kind === "meeting";
    const playing = page === "live" || (page === "over" && showing);
    const shown = !playing || meeting || blocked;
    show("notice", shown);
    if (!shown) return;
    const unseen = page === "over" && mine && !mine.minutes_counted;
    const [title, text] = meeting
      ? [words.meeting, words.report]
      : page === "live"
        ? [words.blocked, ""]
        : (words.pages[unseen ? "unseen" : page] ?? [words.connecting, ""]);
    say("noticeTitle", title);
    say("noticeText", text);
    const when = page === "early" && startsAt;
    show("noticeWhen", Boolean(when));
    if (when) say("noticeWhen", words.begins(span(startsAt, null, language)));
    const waits = ["early", "later", "away", "unenrolled"].includes(page);
    const again = waits || (page === "live" && blocked) || (page === "over" && recorded);
    show("again", again);
    say("again", page === "over" ? words.replay : words.again);
    show("open", meeting && Boolean(url));
    if (meeting && url) {
      $("open").href = url;
      say("open", `${words.open} ${words.newTab}`);
    }
    this.announce(`${title}. ${text}`);
  }

  #stage({ page, network, beats }, { showing, startable, started, kind, audioOnly }) {
    const { words } = this;
    const playing = (page === "live" && kind !== "meeting") || (page === "over" && showing);
    show("start", playing && startable);
    say("startWord", started ? words.resume : words.watch);
    show("only", playing && audioOnly);
    say("only", words.audioOnly);
    show("controls", playing);
    say("qualityWord", words.quality);
    say("captionsWord", words.captions);
    const said = network === "online" ? words.online : words[network](beats.waiting);
    // Sending takes a moment, and to say so each time would be noise.
    if (network !== "sending" || beats.waiting > 1) say("network", said);
    $("network").classList.toggle("busy", network === "retrying");
    $("network").classList.toggle("off", network === "offline");
  }

  #attendance(lecture, { standing, kind, showing, trouble }) {
    const { words } = this;
    const known = lecture.answer !== null || Boolean(lecture.mine?.minutes_counted);
    const shown = known && kind !== "meeting" && ["live", "over"].includes(lecture.page);
    show("attendance", shown);
    show("privacy", shown);
    if (!shown) return;
    const { minutes, planned, threshold, met } = lecture;
    say("attendanceTitle", words.attendance);
    say("privacy", words.privacy);
    show("standing", lecture.page === "live" || showing);
    say("standing", trouble && standing !== "counting" ? words.trouble : words[standing]);
    $("standing").classList.toggle("good", standing === "counting");
    say("counted", words.counted(minutes, planned));
    $("progress").max = Math.max(1, threshold);
    $("progress").value = Math.min(minutes, Math.max(1, threshold));
    const percent = lecture.answer?.threshold_percent ?? Math.round((100 * threshold) / Math.max(1, planned));
    say("threshold", words.threshold(threshold, percent));
    const missing = met ? words.met : words.missing(threshold - minutes);
    say("missing", missing);
    $("attendance").classList.toggle("met", met);
    show("lost", lecture.beats.lost > 0);
    say("lost", lecture.beats.lost > 0 ? words.lost(lecture.beats.lost) : "");
    this.#tell(quarter(minutes, threshold), `${words.counted(minutes, planned)}. ${missing}.`, words[standing]);
  }

  /** Tell a quarter of the way once, and whether attendance counts when that changes. */
  #tell(reached, progress, standing) {
    if (this.#quarter !== null && reached > this.#quarter) this.announce(progress);
    else this.#changed(standing);
    this.#quarter = reached;
  }

  #changed(standing) {
    if (this.said === standing) return;
    this.said = standing;
    this.announce(standing);
  }
}
