/**
 * The native protocol without connections that live on: a body of frames by `POST`, answered by a stream of frames.
 *
 * @module
 */

import type { PrivateKey } from "../../keys/private_key.ts";
import { FRAMES_TYPE } from "../../transport/http_transport.ts";
import { piecesOf, streamOf } from "../../transport/silence.ts";
import { concat } from "../../util/bytes.ts";
import { EideticaError, SyncError } from "../../util/errors.ts";
import { tasksEndWithRequests } from "../../util/isolate.ts";
import { MAX_HTTP_REQUEST_BYTES } from "../access/limits.ts";
import type { VerifyMeter } from "../access/verify_time.ts";
import type { NonceLedger } from "../access/port.ts";
import {
  checkPost,
  postOpenBytes,
  type PostProof,
  proveAnswer,
  readPostProof,
} from "../access/post_proof.ts";
import type { NativeHost } from "../native/host/native_host.ts";
import { PostAnswer } from "../native/host/post_answer.ts";
import { plain } from "./fetch_handler.ts";

/** Statuses of refusals; 400 for others. */
const STATUS: Readonly<Record<string, number>> = {
  AuthenticationFailed: 401,
  PermissionDenied: 403,
  PeerBlocked: 403,
  Banned: 403,
  TreeNotFound: 404,
  TooLarge: 413,
  TooManySessions: 429,
  TooBusy: 429,
  Closing: 503,
};

/** With what requests are answered. */
export interface PostServer {
  /** The instance. */
  readonly host: NativeHost;
  /** Key of the device. */
  readonly device: PrivateKey;
  /** Spent nonces; those of all transports. */
  readonly nonces: NonceLedger;
}

/** Answers one request, which comes from a host unless that is not known. */
export async function answerPost(
  server: PostServer,
  request: Request,
  remote: string | undefined,
): Promise<Response> {
  return await answered(request, async () => {
    const { host } = server;
    const proven = await provenRequest(server, request, remote);
    const leave = enter(host, remote);
    const frames = streamOf(framesOf(server, proven, leave));
    return new Response(frames, { headers: { "content-type": FRAMES_TYPE, ...proven.headers } });
  });
}

/** An answer, which tells why the request was refused where it was. */
export async function answered(
  request: Request,
  answer: () => Promise<Response>,
): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    await request.body?.cancel().catch(() => {});
    if (error instanceof EideticaError) return plain(STATUS[error.code] ?? 400, error.message);
    throw error;
  }
}

/** A request whose sender has proved its key and is let in, and what proves the key of the server to it. */
export interface ProvenRequest {
  /** The proof. */
  readonly proof: PostProof;
  /** The whole body. */
  readonly body: Uint8Array;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its time. */
  readonly meter: VerifyMeter;
}

/** Reads a request that a key has signed, with what is asked for. `TooBusy` when no time is left to it, or to where it comes from. */
export async function provenRequest(
  { host, device, nonces }: PostServer,
  request: Request,
  remote: string | undefined,
): Promise<ProvenRequest> {
  // Nobody has proved anything yet.
  const stranger = host.meter(undefined, remote);
  stranger.require();
  const { clock } = host.serving.host.host;
  const proof = readPostProof(request.headers.get("authorization"), clock);
  const body = await bodyOf(request);
  const { pathname, search } = new URL(request.url);
  const target = { server: device.publicKey, path: pathname + search };
  stranger.charge(1);
  await checkPost(proof, target, body, nonces, clock);
  await host.admit(proof.key);
  const meter = host.meter(proof.key, remote);
  meter.require();
  const headers = {
    "cache-control": "no-store",
    "eidetica-proof": proveAnswer(device, proof),
  };
  return { proof, body, headers, meter };
}

/** Answers under way count as sessions, where it is seen when they end. */
function enter(host: NativeHost, remote: string | undefined): () => void {
  if (tasksEndWithRequests) return () => {};
  const leave = host.enter({ close: () => Promise.resolve() }, true, remote);
  let isIn = true;
  return () => {
    if (isIn) leave();
    isIn = false;
  };
}

function framesOf(
  { host, device }: PostServer,
  { proof, body, meter }: ProvenRequest,
  leave: () => void,
): AsyncIterable<Uint8Array> {
  const server = device.publicKey;
  const openBytes = postOpenBytes.bind(undefined, server, proof);
  const frames = new PostAnswer(host, { peer: proof.key, openBytes, meter }).frames(body);
  const end = async (): Promise<IteratorResult<Uint8Array>> => {
    leave();
    await frames.return();
    return { done: true, value: undefined };
  };
  // A generator that was never begun has no `finally` to run.
  const next = async () => {
    const result = await frames.next().catch(async (error) => (await end(), Promise.reject(error)));
    if (result.done === true) leave();
    return result;
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

async function bodyOf(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_HTTP_REQUEST_BYTES) throw tooLarge();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of piecesOf(request.body)) {
    length += piece.length;
    if (length > MAX_HTTP_REQUEST_BYTES) throw tooLarge();
    pieces.push(piece);
  }
  return concat(...pieces);
}

function tooLarge(): SyncError {
  const message =
    `Cannot read a request of more than ${MAX_HTTP_REQUEST_BYTES} bytes: send it in parts`;
  return new SyncError("TooLarge", message);
}
