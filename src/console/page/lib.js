/** What all views need: templates, the API, addresses, texts. */

import htm from "htm";
import { h } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** Templates; what is put in becomes text, never markup. */
export const html = htm.bind(h);

const INVISIBLE =
  // deno-lint-ignore no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** A text of which nothing hides: what no eye sees is named. */
export function visible(text) {
  return String(text).replace(INVISIBLE, (it) => {
    return `⟨U+${it.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** A value of the API as one line of text. */
export function valueText(value) {
  if (value === undefined) return "";
  if (value === null) return "null";
  if (typeof value === "object" && "$cut" in value) return `${visible(value.$cut.head)}…`;
  if (typeof value === "object" && "$int" in value) return value.$int;
  return visible(typeof value === "string" ? value : JSON.stringify(value));
}

/** A name, or what stands for one that is missing. */
export function nameText(name) {
  return name === null || name === undefined ? "(no name)" : valueText(name) || "(empty name)";
}

/** The part of an ID that tells it from others. */
export function shortId(id) {
  return id.slice(7, 15);
}

/** The beginning and the end of a key. */
export function shortKey(key) {
  const text = key.replace(/^ed25519:/, "");
  return `${text.slice(0, 4)}…${text.slice(-5, -1)}`;
}

/** A number with its thousands apart. */
export function count(number) {
  return Number(number).toLocaleString("en-US");
}

/** A claimed time, to the minute. */
export function timeText(time) {
  return time === null || time === undefined ? "no time" : time.slice(0, 16).replace("T", " ");
}

/** How many of something. */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** What the API said no to. */
export class ApiError extends Error {
  constructor(status, { code, message }) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Asks the API. */
export async function ask(path, init) {
  const response = await fetch(`/api/console/${path}`, init);
  if (response.status === 204) return undefined;
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw new ApiError(
    response.status,
    body.error ?? {
      code: "Failed",
      message: `The node answered ${response.status}`,
    },
  );
}

/** Has the node do something. */
export async function act(path) {
  const { csrf } = await ask("me");
  return await ask(path, { method: "POST", headers: { "x-eidetica-csrf": csrf } });
}

/** Writes a value, a text of JSON, over what was seen. */
export async function put(path, text) {
  const { csrf } = await ask("me");
  const headers = { "x-eidetica-csrf": csrf, "content-type": "application/json" };
  return await ask(path, { method: "PUT", headers, body: text });
}

/** The answer to a question, asked again when it or `version` changes; the last one stays until then. */
export function useAnswer(path, version = 0) {
  const [state, setState] = useState({ path: undefined });
  useEffect(() => {
    if (path === undefined) return;
    const gone = new AbortController();
    ask(path, { signal: gone.signal }).then(
      (data) => setState({ path, data }),
      (error) => gone.signal.aborted || setState({ path, error }),
    );
    return () => gone.abort();
  }, [path, version]);
  const { data, error } = state;
  const isFresh = state.path === path;
  if (error !== undefined && isFresh) tellIfEnded(error);
  return { data, error: isFresh ? error : undefined, isLoading: !isFresh };
}

/** Tells the page when what went wrong is that its session has ended. */
export function tellIfEnded(error) {
  if (error.status === 401) dispatchEvent(new Event("console-ended"));
}

/** Pages of a list one after the other: `more` loads the next. */
export function usePages(path, pageOf, version = 0) {
  const [state, setState] = useState({ path: undefined, items: [] });
  const wanted = useRef();
  wanted.current = path;
  const load = useCallback(async (from, before, signal) => {
    try {
      const page = await ask(pageOf(path, from), { signal });
      // Another list is shown by now.
      if (wanted.current !== path) return;
      setState({ path, items: [...before, ...page.items], page });
    } catch (error) {
      if (!signal?.aborted && wanted.current === path) setState({ path, items: before, error });
    }
  }, [path]);
  useEffect(() => {
    if (path === undefined) return;
    const gone = new AbortController();
    load(undefined, [], gone.signal);
    return () => gone.abort();
  }, [path, version]);
  const { page, error, items } = state;
  const isFresh = state.path === path;
  if (error !== undefined && isFresh) tellIfEnded(error);
  return {
    items,
    page,
    error: isFresh ? error : undefined,
    isLoading: !isFresh,
    more: page?.next === undefined ? undefined : () => load(page.next, items),
  };
}

/** A query of these parts; undefined ones are left out. */
export function query(parts) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") search.append(name, one);
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** A part of an address; one that nothing was encoded to stays as it is. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of the page, in parts. */
export function readRoute() {
  const [, , ...parts] = location.pathname.split("/").map(decoded);
  return { parts, search: new URLSearchParams(location.search) };
}

/** Goes to an address of the console. */
export function go(to, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", to);
  dispatchEvent(new Event("console-route"));
}

/** A link inside of the console. */
export function Link({ to, children, ...rest }) {
  const follow = (event) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(to);
  };
  return html`<a href=${to} onClick=${follow} ...${rest}>${children}</a>`;
}

/** The address of a database's view. */
export function dbPath(id, ...parts) {
  return ["/console/db", id, ...parts].map((part, at) => at === 0 ? part : encodeURIComponent(part))
    .join("/");
}
