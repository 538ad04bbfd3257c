/**
 * Tells readers when the tips of databases change, as a stream of events: for those who can keep no WebSocket open. What
 * is new is then asked for with requests that stand alone.
 *
 * ```text
 * GET  …/events?tree=ID&tree=ID     databases that anybody may read, or with a proof of a key in `Authorization`
 * POST …/events                     a body of OPENs: with proofs of other keys, and the tips that the reader has
 * ```
 *
 * @module
 */

import { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { NATIVE_PATH } from "../../transport/web_socket_link.ts";
import { streamOf } from "../../transport/silence.ts";
import { SyncError } from "../../util/errors.ts";
import { tasksEndWithRequests } from "../../util/isolate.ts";
import { utf8 } from "../../util/bytes.ts";
import { postOpenBytes } from "../access/post_proof.ts";
import { decodeMessage } from "../native/codec.ts";
import { decodeFrames } from "../native/frames.ts";
import { provenKeys } from "../native/host/native_host.ts";
import { MAX_POST_TREES } from "../native/host/post_answer.ts";
import { Reading } from "../access/reading.ts";
import {
  type FedTree,
  type FeedEvent,
  MAX_NAMED_TREES,
  TipsFeed,
} from "../native/host/tips_feed.ts";
import { SESSION_LIMITS } from "../native/limits.ts";
import type { Open } from "../native/messages.ts";
import { encodeEvent, EVENTS_PATH, EVENTS_TYPE, SIGN_OF_LIFE } from "./event_stream.ts";
import { empty } from "./fetch_handler.ts";
import { answered, type PostServer, type ProvenRequest, provenRequest } from "./native_post.ts";

/** Path of the stream of this package. */
export const NATIVE_EVENTS_PATH: string = NATIVE_PATH + EVENTS_PATH;
/** When `EventSource` tries again, in milliseconds. */
const RETRY_MS = 1000;

/** What was asked for, and by whom. */
interface Question {
  readonly trees: readonly FedTree[];
  /** Undefined when nobody has proved a key. */
  readonly peer: PublicKey | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers a request for a stream, which comes from a host unless that is not known. */
export async function answerEvents(
  server: PostServer,
  request: Request,
  remote: string | undefined,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "POST") {
    return empty(405, { allow: "GET, POST" });
  }
  return await answered(request, async () => {
    const question = await questionOf(server, request, remote);
    const after = request.headers.get("last-event-id") ?? undefined;
    const feed = new TipsFeed(server.host, question.trees, after);
    const leave = enter(server, feed, question.peer, remote);
    request.signal.addEventListener("abort", () => feed.close(), { once: true });
    feed.onEnd(leave);
    // Whoever went while it was asked whether it may does not read what would end the stream.
    if (request.signal.aborted) feed.close();
    await feed.begin();
    const headers = { "content-type": EVENTS_TYPE, "cache-control": "no-store" };
    return new Response(streamOf(bytesOf(feed)), { headers: { ...headers, ...question.headers } });
  });
}

/** Streams count as sessions, and for themselves, where it is seen when they end. */
function enter(
  { host }: PostServer,
  feed: TipsFeed,
  peer: PublicKey | undefined,
  remote: string | undefined,
): () => void {
  if (tasksEndWithRequests) return () => {};
  const close = () => Promise.resolve(feed.close());
  const leave = host.enter({ close }, true, remote);
  try {
    const leaveStreams = host.streams.enter(peer);
    return () => {
      leaveStreams();
      leave();
    };
  } catch (error) {
    leave();
    throw error;
  }
}

function bytesOf(feed: TipsFeed): AsyncIterable<Uint8Array> {
  let isBegun = false;
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    if (!isBegun) return isBegun = true, { done: false, value: utf8(`retry: ${RETRY_MS}\n\n`) };
    const event = await feed.next();
    return event === undefined
      ? { done: true, value: undefined }
      : { done: false, value: encoded(event) };
  };
  const end = (): Promise<IteratorResult<Uint8Array>> => {
    feed.close();
    return Promise.resolve({ done: true, value: undefined });
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

function encoded(event: FeedEvent): Uint8Array {
  if (event.type === "alive") return SIGN_OF_LIFE;
  const tree = event.tree.toString();
  if (event.type === "deny") {
    const { code, message } = event;
    return encodeEvent({ event: "deny", data: JSON.stringify({ tree, code, message }) });
  }
  const { tips, count, id } = event;
  return encodeEvent({ event: "tips", data: JSON.stringify({ tree, tips, count }), id });
}

// --- what is asked -------------------------------------------------------------------------------

async function questionOf(
  server: PostServer,
  request: Request,
  remote: string | undefined,
): Promise<Question> {
  if (request.method === "POST") return await openedBy(server, request, remote);
  const trees = namedBy(request);
  const isProven = request.headers.has("authorization");
  const { proof, headers } = isProven ? await provenRequest(server, request, remote) : NOBODY;
  const keys = proof === undefined ? [] : [proof.key];
  const fed = trees.map((tree) => ({
    tree,
    reading: new Reading(server.host, tree, keys),
    tips: [],
  }));
  return { trees: fed, peer: proof?.key, headers };
}

const NOBODY = { proof: undefined, headers: {} };

/** The trees that an address names. */
function namedBy({ url }: Request): ID[] {
  const names = [...new Set(new URL(url).searchParams.getAll("tree"))];
  requireCount(names.length, MAX_NAMED_TREES);
  const ids = names.map((name) => ID.parse(name));
  if (ids.some((id) => id.isEmpty)) throw malformed("the ID of a database is empty");
  return ids;
}

async function openedBy(
  server: PostServer,
  request: Request,
  remote: string | undefined,
): Promise<Question> {
  const proven = await provenRequest(server, request, remote);
  const { proof, body, headers } = proven;
  const opens = opensOf(body);
  requireCount(opens.length, MAX_POST_TREES);
  const proofs = opens.reduce((sum, open) => sum + open.proofs.length, 0);
  if (proofs > SESSION_LIMITS.proofs) throw malformed("too many proofs are sent");
  // Each costs as much as another database, however often it is the same.
  if (new Set(opens.map(({ tree }) => `${tree}`)).size < opens.length) {
    throw malformed("a database is named twice");
  }
  const vouching = new Map<number, readonly PublicKey[]>();
  const trees = opens.map((open) => fedBy(server, proven, open, vouching));
  return { trees, peer: proof.key, headers };
}

function opensOf(body: Uint8Array): Open[] {
  const opens: Open[] = [];
  for (const frame of decodeFrames(body, SESSION_LIMITS.frameBytes)) {
    const message = decodeMessage(frame, SESSION_LIMITS.frameBytes);
    if (message === undefined) continue;
    if (message.type !== "open") throw malformed("only OPEN may ask for events");
    opens.push(message);
  }
  return opens;
}

function fedBy(
  { host, device }: PostServer,
  { proof, meter }: ProvenRequest,
  { channel, tree, proofs, vouchedBy, tips }: Open,
  vouching: Map<number, readonly PublicKey[]>,
): FedTree {
  meter.charge(proofs.length);
  const own = provenKeys(proofs, postOpenBytes(device.publicKey, proof, tree));
  if (own.length > 0) vouching.set(channel, own);
  const others = vouchedBy === undefined ? [] : vouching.get(vouchedBy) ?? [];
  return { tree, reading: new Reading(host, tree, [proof.key, ...own, ...others]), tips };
}

function requireCount(count: number, most: number): void {
  if (count >= 1 && count <= most) return;
  throw malformed(`${count} databases are named; name 1 to ${most}`);
}

function malformed(why: string): SyncError {
  return new SyncError("Malformed", `Cannot tell of changes: ${why}`);
}
