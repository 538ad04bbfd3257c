/** Requests of the native protocol that stand alone, as tests make them. */

import { PrivateKey, SystemClock } from "../../mod.ts";
import { type PostProof, provePost, stampPost } from "../../src/sync/access/post_proof.ts";
import { encodeMessage } from "../../src/sync/native/codec.ts";
import type { Message } from "../../src/sync/native/messages.ts";
import type { WebHandler } from "../../src/transport/port.ts";
import { NATIVE_PATH } from "../../src/transport/web_socket_link.ts";
import { concat } from "../../src/util/bytes.ts";
import { systemRandom } from "../../src/util/random.ts";
import { listenHere } from "../transport/bed.ts";
import type { Node } from "./live_bed.ts";

/** Where a node answers such requests. */
export const URL_OF_NODE: string = `http://node.example${NATIVE_PATH}`;

/** What is unusual of a request. */
export interface Asked {
  readonly device?: PrivateKey;
  readonly timeMs?: number;
  readonly path?: string;
  readonly signedBody?: Uint8Array;
  readonly authorization?: string;
}

/** A proof of a request to a node. */
export function proofFor({ instance }: Node, body: Uint8Array, asked: Asked = {}): PostProof {
  const { device = PrivateKey.generate(), timeMs, path = NATIVE_PATH, signedBody = body } = asked;
  const made = stampPost(device.publicKey, new SystemClock(), systemRandom);
  const stamp = timeMs === undefined ? made : { ...made, timeMs };
  return provePost(device, stamp, { server: instance.id, path }, signedBody);
}

/** Messages as a body. */
export function bodyOf(...messages: readonly Message[]): Uint8Array {
  return concat(...messages.map(encodeMessage));
}

/**
 * A server in front of a node that makes no WebSockets of requests, and counts the others by path; `cut` ends the streams
 * that are open, and has nothing answered any more if that is for good.
 */
export async function withoutUpgrades(
  { sync }: Node,
  test: (
    address: string,
    counts: Map<string, number>,
    cut: (isForGood?: boolean) => void,
  ) => Promise<void>,
): Promise<void> {
  const counts = new Map<string, number>();
  let cuts = new AbortController();
  let isGone = false;
  const cut = (isForGood = false) => {
    isGone = isForGood;
    cuts.abort();
    cuts = new AbortController();
  };
  const inner: WebHandler = sync.fetchHandler();
  const handler = async (request: Request) => {
    if (isGone) return new Response(null, { status: 503 });
    if (request.headers.get("upgrade") !== null) return new Response(null, { status: 426 });
    const { pathname } = new URL(request.url);
    counts.set(pathname, (counts.get(pathname) ?? 0) + 1);
    return await inner(new Request(request, { signal: cuts.signal }));
  };
  const server = await (await listenHere())({ hostname: "127.0.0.1", port: 0, handler });
  try {
    await test(`127.0.0.1:${server.port}`, counts, cut);
  } finally {
    await server.close(0);
  }
}
