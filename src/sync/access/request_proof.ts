/**
 * Proof that the sender of a request has a key: a signature over the request's tree and tips, the server's key, a
 * time and a nonce (09 §5).
 *
 * ```text
 * signed = lp("eidetica/sync/tree-request/v1") · lp(server key) · lp(tree ID) · lp(u64 number of tips)
 *          · lp(tip ID)… · lp(u64 time in ms) · lp(nonce)
 * lp(x)  = u64 length of x · x                 integers are big-endian, keys and IDs their texts
 * ```
 *
 * The tips are in ID order, each once, whatever order they were sent in.
 *
 * @module
 */

import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { concat, utf8 } from "../../util/bytes.ts";
import { type Clock, SystemClock } from "../../util/clock.ts";
import { SyncError } from "../../util/errors.ts";
import { type RandomSource, systemRandom } from "../../util/random.ts";
import { FRESHNESS_MS } from "./limits.ts";
import type { NonceLedger } from "./port.ts";

/** Bytes of the nonces made here; others may be of any length. */
export const NONCE_LENGTH = 32;

const SIGNATURE_LENGTH = 64;
const DOMAIN = utf8("eidetica/sync/tree-request/v1");

/** A proof as it is sent along. */
export interface RequestProof {
  /** The key that the sender has. */
  readonly key: PublicKey;
  /** When it was made, in milliseconds since 1970; an integer of 64 bits. */
  readonly timestampMs: number | bigint;
  /** What makes it unlike any other. */
  readonly nonce: Uint8Array;
  /** The signature, 64 bytes. */
  readonly signature: Uint8Array;
}

/** What a proof is about. */
export interface ProvenRequest {
  /** Key of the server that is asked. */
  readonly server: PublicKey;
  /** Root of the database that is asked for. */
  readonly tree: ID;
  /** Tips that the request names. */
  readonly tips: Snapshot;
}

/** Time and randomness of a proof. */
export interface ProofSources {
  /** Tells the time; the computer's clock unless told. */
  readonly clock?: Clock | undefined;
  /** Makes the nonce; the system's generator unless told. */
  readonly random?: RandomSource | undefined;
}

/** The bytes that a proof signs. */
export function proofBytes(
  { server, tree, tips }: ProvenRequest,
  { timestampMs, nonce }: Pick<RequestProof, "timestampMs" | "nonce">,
): Uint8Array {
  const fields = [
    ...[DOMAIN, utf8(server.toString()), utf8(tree.toString()), uint64(tips.length)],
    ...tips.tips.map((tip) => utf8(tip.toString())),
    ...[uint64(timestampMs), nonce],
  ];
  return concat(...fields.flatMap((field) => [uint64(field.length), field]));
}

/** An integer as 8 bytes, highest first. */
export function uint64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Proves to a server that the sender of a request has `key`. */
export function proveRequest(
  key: PrivateKey,
  request: ProvenRequest,
  { clock = new SystemClock(), random = systemRandom }: ProofSources = {},
): RequestProof {
  const nonce = random.bytes(NONCE_LENGTH);
  const timestampMs = clock.nowMillis();
  const signature = key.sign(proofBytes(request, { timestampMs, nonce }));
  return { key: key.publicKey, timestampMs, nonce, signature };
}

/**
 * The key that a request proves to have. Its nonce is spent then, whatever the key may do; a proof that is not
 * valid or not fresh spends nothing.
 *
 * Throws `SyncError` `AuthenticationRequired` when there is no proof, and `AuthenticationFailed`.
 */
export async function checkProof(
  proof: RequestProof | undefined,
  request: ProvenRequest,
  nonces: NonceLedger,
  clock: Clock = new SystemClock(),
): Promise<PublicKey> {
  if (proof === undefined) throw authenticationRequired(request.tree);
  const { key, nonce, signature, timestampMs } = proof;
  if (signature.length !== SIGNATURE_LENGTH || !key.verify(proofBytes(request, proof), signature)) {
    throw authenticationFailed("invalid request signature");
  }
  requireFresh(timestampMs, clock);
  await spendNonce(nonces, key, nonce, Number(timestampMs));
  return key;
}

/** Fails unless a request was made about now: nonces of any other time are not remembered. */
export function requireFresh(timestampMs: number | bigint, clock: Clock): void {
  if (Math.abs(Number(timestampMs) - clock.nowMillis()) <= FRESHNESS_MS) return;
  throw authenticationFailed("request timestamp outside the freshness window");
}

/** Spends the nonce of a valid request with a fresh time; fails when that cannot be. */
export async function spendNonce(
  nonces: NonceLedger,
  key: PublicKey,
  nonce: Uint8Array,
  timestampMs: number,
): Promise<void> {
  const verdict = await nonces.spend(key, nonce, timestampMs);
  if (verdict === "fresh") return;
  throw authenticationFailed(
    verdict === "spent" ? "request nonce already spent" : "too many requests of that time",
  );
}

/** The error for a database that strangers may not read. */
export function authenticationRequired(tree: ID): SyncError {
  const message = `Authentication required to read database '${tree}'`;
  return new SyncError("AuthenticationRequired", message, { fields: { tree } });
}

/** The error for a proof that proves nothing. */
export function authenticationFailed(reason: string): SyncError {
  return new SyncError("AuthenticationFailed", `Authentication failed: ${reason}`, {
    fields: { reason },
  });
}
