// How the page asks its node: with the person's token or a ticket, and never for longer than it waits.

const PATIENCE = 20_000;

/** Where this page stands: the session's id, and the path below which the node answers. */
export function place(path) {
  const found = /^(.*)\/live\/([^/]+)\/watch\/?$/.exec(path);
  return found ? { root: found[1], session: decodeURIComponent(found[2]) } : null;
}

/** Seconds to wait by a Retry-After header: a number or a date; NaN where there is none. */
export function patience(header, wallMs) {
  if (!header) return NaN;
  const seconds = Number(header);
  return Number.isFinite(seconds) ? seconds : (Date.parse(header) - wallMs) / 1000;
}

/** An address that a link or a player may open, or "" for anything but http and https. */
export function openable(address, at) {
  try {
    const url = new URL(address, at);
    return ["https:", "http:"].includes(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

/** The id of a YouTube video by any of its addresses, or "". */
export function videoId(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return "";
  }
  const last = url.pathname.split("/").filter(Boolean).pop() ?? "";
  const id = url.searchParams.get("v") ?? last;
  return /^[\w-]{6,20}$/.test(id) ? id : "";
}

/** Ask: {status, slug, body, retryAfter, at}, `at` by the server's clock; status 0 where nobody answered. */
export async function ask(address, { token, body, method = body ? "POST" : "GET" }) {
  const headers = { Accept: "application/json", Authorization: `Bearer ${token}` };
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  let text = "";
  try {
    answer = await fetch(address, {
      method,
      headers,
      body: body && JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    text = await answer.text();
  } catch {
    return { status: 0, slug: "", body: null, retryAfter: NaN, at: NaN };
  }
  const told = read(text);
  return {
    status: answer.status,
    slug: String(told?.type ?? "").split(":").pop(),
    body: told,
    retryAfter: patience(answer.headers.get("Retry-After"), Date.now()),
    at: Date.parse(answer.headers.get("Date")) / 1000,
  };
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
