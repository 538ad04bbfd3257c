/**
 * Proof that a stateless request of the native protocol comes from a key, in the header `Authorization`:
 *
 * ```text
 * Eidetica KEY,TIME,NONCE,SIGNATURE     hexadecimal of 32, 16 and 64 bytes; TIME in milliseconds since 1970, decimal
 * SIGNATURE of   lp("eidetica/sync/request/v1") · lp(server key) · lp(path) · lp(BLAKE3 of the body) · lp(TIME) · lp(NONCE)
 * ```
 *
 * The answer proves the server's key in the header `Eidetica-Proof`, hexadecimal of its signature of
 *
 * ```text
 * lp("eidetica/sync/answer/v1") · lp(SIGNATURE of the request)
 * ```
 *
 * Another key that vouches for reading a tree signs
 *
 * ```text
 * lp("eidetica/sync/open/v1") · lp(server key) · lp(KEY) · lp(TIME) · lp(NONCE) · lp(CID of the tree)
 * ```
 *
 * TIME is 8 bytes there, highest first.
 *
 * @module
 */

import { core } from "../../../wasm/mod.ts";
import type { ID } from "../../entry/id.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import { PublicKey } from "../../keys/public_key.ts";
import { concat, utf8 } from "../../util/bytes.ts";
import type { Clock } from "../../util/clock.ts";
import { fromHex, toHex } from "../../util/hex.ts";
import type { RandomSource } from "../../util/random.ts";
import { tryRead } from "../../util/try_read.ts";
import { lengthPrefixed } from "../native/hello.ts";
import type { NonceLedger } from "./port.ts";
import { authenticationFailed, requireFresh, spendNonce, uint64 } from "./request_proof.ts";

/** Bytes of a nonce. */
const NONCE_BYTES = 16;
const HEADER = /^Eidetica ([0-9a-f]{64}),(\d{1,16}),([0-9a-f]{32}),([0-9a-f]{128})$/;

/** What makes a request unlike any other. */
export interface PostStamp {
  /** Key of the sender. */
  readonly key: PublicKey;
  /** When it was made, in milliseconds since 1970. */
  readonly timeMs: number;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
}

/** A stamp with the signature of a request. */
export interface PostProof extends PostStamp {
  /** The signature, 64 bytes. */
  readonly signature: Uint8Array;
}

/** What a request is signed for. */
export interface PostTarget {
  /** Key of the server. */
  readonly server: PublicKey;
  /** Path that is asked. */
  readonly path: string;
}

/** The stamp of a request that is about to be made. */
export function stampPost(key: PublicKey, clock: Clock, random: RandomSource): PostStamp {
  return { key, timeMs: clock.nowMillis(), nonce: random.bytes(NONCE_BYTES) };
}

/** What is signed for a request. */
function requestBytes(body: Uint8Array, target: PostTarget, { timeMs, nonce }: PostStamp) {
  const { server, path } = target;
  const parts = [server.bytes, utf8(path), core().blake3(body), uint64(timeMs), nonce];
  return signed("eidetica/sync/request/v1", parts);
}

/** What the server signs to prove its key. */
function answerBytes({ signature }: Pick<PostProof, "signature">): Uint8Array {
  return signed("eidetica/sync/answer/v1", [signature]);
}

/** What another key signs to vouch for reading a tree in a request. */
export function postOpenBytes(
  server: PublicKey,
  { key, timeMs, nonce }: PostStamp,
  tree: ID,
): Uint8Array {
  return signed("eidetica/sync/open/v1", [
    ...[server.bytes, key.bytes, uint64(timeMs), nonce],
    tree.bytes,
  ]);
}

function signed(domain: string, parts: readonly Uint8Array[]): Uint8Array {
  return concat(...[utf8(domain), ...parts].map(lengthPrefixed));
}

/** Signs a request. */
export function provePost(
  key: PrivateKey,
  stamp: PostStamp,
  target: PostTarget,
  body: Uint8Array,
): PostProof {
  return { ...stamp, signature: key.sign(requestBytes(body, target, stamp)) };
}

/** A proof as the value of the header. */
export function writePostProof({ key, timeMs, nonce, signature }: PostProof): string {
  return `Eidetica ${toHex(key.bytes)},${timeMs},${toHex(nonce)},${toHex(signature)}`;
}

/** Reads the value of the header, before anything else is read. `AuthenticationFailed` for what cannot be valid. */
export function readPostProof(header: string | null, clock: Clock): PostProof {
  const parts = HEADER.exec(header ?? "");
  if (parts === null) throw authenticationFailed("no proof of a key in `Authorization`");
  const [, key, time, nonce, signature] = parts;
  const timeMs = Number(time);
  requireFresh(timeMs, clock);
  const signer = keyOf(fromHex(key!));
  return { key: signer, timeMs, nonce: fromHex(nonce!), signature: fromHex(signature!) };
}

function keyOf(bytes: Uint8Array): PublicKey {
  const key = tryRead(() => PublicKey.fromBytes(bytes));
  if (key !== undefined && !key.isWeak) return key;
  throw authenticationFailed("signatures of this key prove nothing");
}

/**
 * Returns when a request is that of its key, and was not made before; its nonce is spent then. Its body may have taken
 * long to arrive: by then the time may have passed for which nonces are remembered.
 */
export async function checkPost(
  proof: PostProof,
  target: PostTarget,
  body: Uint8Array,
  nonces: NonceLedger,
  clock: Clock,
): Promise<void> {
  if (!proof.key.verify(requestBytes(body, target, proof), proof.signature)) {
    throw authenticationFailed("invalid request signature");
  }
  requireFresh(proof.timeMs, clock);
  await spendNonce(nonces, proof.key, proof.nonce, proof.timeMs);
}

/** The server's proof, as the value of its header. */
export function proveAnswer(key: PrivateKey, request: PostProof): string {
  return toHex(key.sign(answerBytes(request)));
}

/** Whether an answer to a request is that of a server. */
export function isAnswerOf(server: PublicKey, request: PostProof, header: string | null): boolean {
  if (header === null || !/^[0-9a-f]{128}$/.test(header)) return false;
  return server.verify(answerBytes(request), fromHex(header));
}
