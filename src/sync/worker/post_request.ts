/**
 * Requests of the native protocol that stand alone, as they are made: signed, and answered by whoever proves its key.
 *
 * @module
 */

import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address, PostedAnswer, Transport } from "../../transport/port.ts";
import { unlessAborted } from "../../util/abort.ts";
import {
  isAnswerOf,
  postOpenBytes,
  type PostStamp,
  provePost,
  stampPost,
  writePostProof,
} from "../access/post_proof.ts";
import { endStream, heardStream } from "../heard.ts";
import { concat } from "../../util/bytes.ts";
import { encodeMessage } from "../native/codec.ts";
import type { NativeHost } from "../native/host/native_host.ts";

/** Who is asked. */
export interface PostWay {
  /** Where. */
  readonly address: Address;
  /** Who answers there. */
  readonly peer: PublicKey;
  /** Path that is asked. */
  readonly path: string;
  /** What leads there. */
  readonly transport: Transport;
  /** Ends the request. */
  readonly signal?: AbortSignal | undefined;
}

/** What is opened. */
export interface PostedOpen {
  /** Number of its channel. */
  readonly channel: number;
  /** Root of the tree. */
  readonly tree: ID;
  /** Key that may read it. */
  readonly key: PrivateKey;
  /** Tips that are here. */
  readonly tips: readonly ID[];
  /** Up to where the peer's log is here. */
  readonly cursor: LogCursor | undefined;
}

/** Sends a request; undefined when nobody answers who proves the key. */
export async function postTo(
  { serving }: NativeHost,
  { address, peer, path, transport, signal }: PostWay,
  bodyOf: (stamp: PostStamp) => Uint8Array | Promise<Uint8Array>,
): Promise<PostedAnswer | undefined> {
  const { clock, random } = serving.host.host;
  const device = serving.host.deviceKey();
  const stamp = stampPost(device.publicKey, clock, random);
  const body = await bodyOf(stamp);
  const proof = provePost(device, stamp, { server: peer, path }, body);
  const authorization = writePostProof(proof);
  const post = () => transport.post!(address, { path, authorization, body, signal });
  const answer = await heardAnswer(signal, post);
  if (answer === undefined || isAnswerOf(peer, proof, answer.proof ?? null)) return answer;
  await endStream(answer.body);
  return undefined;
}

/** An answer that is not waited for, nor for any of its pieces, once a signal is aborted. */
async function heardAnswer(
  signal: AbortSignal | undefined,
  post: () => Promise<PostedAnswer | undefined>,
): Promise<PostedAnswer | undefined> {
  if (signal === undefined) return await post();
  const discard = (late: PostedAnswer | undefined) => late && endStream(late.body);
  const answer = await unlessAborted(signal, post, { discard });
  if (answer === undefined) return undefined;
  const body = heardStream(signal, "read an answer", () => Promise.resolve(answer.body));
  return { ...answer, body };
}

/** OPENs in a request to a peer, vouched for by the keys that may read: each of these signs once. */
export function postedOpens(
  peer: PublicKey,
  stamp: PostStamp,
  opens: readonly PostedOpen[],
): Uint8Array {
  const vouching = new Map<string, number>();
  return concat(...opens.map(({ key, ...what }) => {
    const name = key.publicKey.toString();
    const isDevice = key.publicKey.equals(stamp.key);
    const vouchedBy = vouching.get(name);
    const signature = () => key.sign(postOpenBytes(peer, stamp, what.tree));
    const isNew = !isDevice && vouchedBy === undefined;
    const proofs = isNew ? [{ key: key.publicKey.bytes, signature: signature() }] : [];
    if (isNew) vouching.set(name, what.channel);
    return encodeMessage({ type: "open", live: false, proofs, vouchedBy, ...what });
  }));
}
