/**
 * How two sides of a session prove their keys to each other. Each signs, with the key of its HELLO,
 *
 * ```text
 * lp("eidetica/sync/session/v1") ‖ lp("client" or "server") ‖ lp(HELLO of the client) ‖ lp(HELLO of the server) ‖ lp(binding)
 * ```
 *
 * where `lp` is the length as 8 bytes before the bytes, a HELLO is the payload of its frame, and the binding names the
 * channel that carries the session, so that what was signed for one is of no use on another. Both nonces are fresh, so
 * nobody need remember what was signed before. Another key, as that of a user, vouches for reading a tree in the session
 * by a signature of
 *
 * ```text
 * lp("eidetica/sync/open/v1") ‖ lp(HELLO of the client) ‖ lp(HELLO of the server) ‖ lp(binding) ‖ lp(CID of the tree)
 * ```
 *
 * Both begin with zero bytes, as no entry does.
 *
 * @module
 */

import { concat, utf8 } from "../../util/bytes.ts";

const DOMAIN = "eidetica/sync/session/v1";
const OPEN_DOMAIN = "eidetica/sync/open/v1";

/** Which side of a session: the one that connected, or the one that was connected to. */
export type Role = "client" | "server";

/** Bytes with their length before them. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length));
  return concat(length, bytes);
}

/** What a side signs to prove its key. */
export function sessionTranscript(
  role: Role,
  clientHello: Uint8Array,
  serverHello: Uint8Array,
  binding: string,
): Uint8Array {
  const parts = [utf8(DOMAIN), utf8(role), clientHello, serverHello, utf8(binding)];
  return concat(...parts.map(lengthPrefixed));
}

/** What another key than the session's signs to vouch for reading a tree in a session. */
export function openTranscript(
  clientHello: Uint8Array,
  serverHello: Uint8Array,
  binding: string,
  tree: Uint8Array,
): Uint8Array {
  const parts = [utf8(OPEN_DOMAIN), clientHello, serverHello, utf8(binding), tree];
  return concat(...parts.map(lengthPrefixed));
}
