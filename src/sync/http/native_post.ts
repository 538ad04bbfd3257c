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
  PeerBlocked: 403,
  Banned: 403,
  TooLarge: 413,
  TooManySessions: 429,
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
  try {
    return await answer(server, request, remote);
  } catch (error) {
    await request.body?.cancel().catch(() => {});
    if (error instanceof EideticaError) return plain(STATUS[error.code] ?? 400, error.message);
    throw error;
  }
}

async function answer(
  server: PostServer,
  request: Request,
  remote: string | undefined,
): Promise<Response> {
  const { host, device } = server;
  const { clock } = host.serving.host.host;
  const proof = readPostProof(request.headers.get("authorization"), clock);
  const body = await bodyOf(request);
  const target = { server: device.publicKey, path: new URL(request.url).pathname };
  await checkPost(proof, target, body, server.nonces, clock);
  await host.admit(proof.key);
  const headers = {
    "content-type": FRAMES_TYPE,
    "cache-control": "no-store",
    "eidetica-proof": proveAnswer(device, proof),
  };
  const leave = enter(host, remote);
  return new Response(streamOf(framesOf(server, proof, body, leave)), { headers });
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
  proof: PostProof,
  body: Uint8Array,
  leave: () => void,
): AsyncIterable<Uint8Array> {
  const server = device.publicKey;
  const openBytes = postOpenBytes.bind(undefined, server, proof);
  const frames = new PostAnswer(host, { peer: proof.key, openBytes }).frames(body);
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
