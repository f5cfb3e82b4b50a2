// What the browser keeps: a device's name and a language for good; token and waiting beats for this tab.
// A browser that keeps nothing (private windows, blocked storage) loses only what a reload would have kept.

const DEVICE = "corpu.device";
const LANGUAGE = "corpu.language";
const TOKEN = "corpu.token";

function get(storage, key) {
  try {
    return globalThis[storage].getItem(key);
  } catch {
    return null;
  }
}

function put(storage, key, value) {
  try {
    if (value === null) globalThis[storage].removeItem(key);
    else globalThis[storage].setItem(key, value);
  } catch {
    // Nothing is kept here, or there is no more room.
  }
}

/** The name of this browser among the person's devices, made once. */
export function device() {
  const known = get("localStorage", DEVICE);
  if (known && /^[a-z0-9-]{8,40}$/.test(known)) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const made = `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  put("localStorage", DEVICE, made);
  return made;
}

/** The language that the person chose, else the first of ours that the browser asks for, else Indonesian. */
export function language() {
  const chosen = get("localStorage", LANGUAGE);
  const asked = [chosen, ...(navigator.languages ?? [])].map((each) => each?.slice(0, 2));
  return asked.find((each) => each === "id" || each === "en") ?? "id";
}

/** Remember the language. */
export function choose(language) {
  put("localStorage", LANGUAGE, language);
}

/** Take the person's token from the address bar, where nobody may see it for longer; else the tab's. */
export function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    put("sessionStorage", TOKEN, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return given ?? get("sessionStorage", TOKEN) ?? "";
}

/** The beats of a session that an earlier page of this tab could not send. */
export function waiting(session) {
  try {
    return JSON.parse(get("sessionStorage", `corpu.beats.${session}`) ?? "[]");
  } catch {
    return [];
  }
}

/** Keep the beats that wait. */
export function keepWaiting(session, beats) {
  put("sessionStorage", `corpu.beats.${session}`, beats.length ? JSON.stringify(beats) : null);
}
