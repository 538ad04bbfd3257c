/** Plays the recorded requests to a node, and tells what it answered. */

import { csrfOf } from "./page_facts.ts";
import type { PeerPlaces } from "./transcript_peer.ts";
import type { Answer, Recorded } from "./transcripts.ts";

/** Sends a request; nothing is followed. */
export type Send = (path: string, init: RequestInit) => Promise<Response>;

/** Cases with a database of the peer for which it has to be asked. */
const GUARDED = /pending/;

/** A browser of sorts: it keeps the tokens of sessions under the names of the transcripts. */
export class Replay {
  readonly #send: Send;
  readonly #places: PeerPlaces;
  #session = "";
  #another = "";
  #otherUser = "";
  readonly #csrf = new Map<string, string>();

  constructor(send: Send, places: PeerPlaces) {
    this.#send = send;
    this.#places = places;
  }

  /** What the placeholders of a case stand for. */
  fill(text: string, one: Recorded): string {
    const { peer, closed, open, openTip, guarded } = this.#places;
    const database = GUARDED.test(one.name) || GUARDED.test(one.response_body ?? "")
      ? guarded
      : open;
    const values: Readonly<Record<string, string>> = {
      "<PEER>": peer,
      "<CLOSED>": closed,
      "<PEERDB>": database,
      "<CID>": openTip,
      "<SESSION>": `eidetica_session=${this.#session}`,
      "<ANOTHER SESSION>": `eidetica_session=${this.#anotherOf(one)}`,
    };
    return text.replace(
      /<(?:PEER|CLOSED|PEERDB|CID|SESSION|ANOTHER SESSION)>/g,
      (it) => values[it]!,
    );
  }

  #anotherOf({ note }: Recorded): string {
    return note?.includes("another user") ? this.#otherUser : this.#another;
  }

  /** Sends the request of a case. */
  async play(one: Recorded): Promise<Response> {
    const headers = new Headers();
    if (one.cookie !== null) headers.set("cookie", this.fill(one.cookie, one));
    if (one.content_type !== undefined) headers.set("content-type", one.content_type);
    const body = await this.#bodyOf(one, headers);
    const init = { method: one.method, headers, redirect: "manual" as const };
    const path = this.fill(one.path, one);
    const response = await this.#send(path, body === undefined ? init : { ...init, body });
    this.#keep(one, response);
    return response;
  }

  async #bodyOf(one: Recorded, headers: Headers): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const [, length] = /^\((\d+) bytes\)$/.exec(one.body ?? "") ?? [];
    if (length !== undefined) return new Uint8Array(Number(length)).fill(0x20);
    const form = one.body === undefined ? undefined : this.fill(one.body, one);
    const token = await this.#token(one, headers.get("cookie") ?? "");
    if (token === undefined) return form === undefined ? undefined : new TextEncoder().encode(form);
    headers.set("content-type", "application/x-www-form-urlencoded");
    return new TextEncoder().encode(`${form === undefined ? "" : `${form}&`}csrf=${token}`);
  }

  /** Forms of who is logged in hold a token, which is on the dashboard. */
  async #token(one: Recorded, cookie: string): Promise<string | undefined> {
    const isForm = one.path === "/logout" || one.path === "/dashboard/track";
    if (one.method !== "POST" || !isForm || one.status === 415) return undefined;
    if (!this.#csrf.has(cookie)) {
      const dashboard = await this.#send("/dashboard", { headers: { cookie }, redirect: "manual" });
      const html = await dashboard.text();
      if (dashboard.status === 200) this.#csrf.set(cookie, csrfOf(html));
    }
    return this.#csrf.get(cookie);
  }

  #keep(one: Recorded, response: Response): void {
    const [, token] = /^eidetica_session=([^;]+);/.exec(response.headers.getSetCookie()[0] ?? "") ??
      [];
    if (token === undefined || one.body === "username=ada&password=") return;
    // A login of who is logged in, and the first of another user, leave the session before.
    if (one.cookie === null) [this.#session, this.#otherUser] = [token, this.#session];
    else this.#another = token;
  }
}

/** What is different each time, as the transcripts write it. */
export function masked(answer: Answer): Answer {
  const cookies = answer.cookies.map((cookie) =>
    cookie
      .replace(/=[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12};/, "=<UUID>;")
      .replace(/Expires=[^;]+/, "Expires=<past>")
  );
  const error = (answer.page?.["error"] as string | undefined)
    // What the platform says of a connection that failed is its own.
    ?.replace(/(Cannot reach [\d.]+:\d+): .*$/, "$1");
  return error === undefined
    ? { ...answer, cookies }
    : { ...answer, cookies, page: { ...answer.page, error } };
}
