/**
 * The values that messages are made of, as their readers read them.
 *
 * ```text
 * ID = text    key = "ed25519:" base64    bytes = [0…255, …]
 * ```
 *
 * @module
 */

import { PublicKey } from "../keys/public_key.ts";
import type { JsonBytes } from "../util/json_bytes.ts";
import { listOf, orUnlike, type ReadJson } from "../util/json_struct.ts";
import { ID } from "./id.ts";

const MAX_U32 = 2 ** 32 - 1;

/** Reads an ID in any spelling. */
export function id(reader: JsonBytes): ID {
  const isPlain = reader.scanText("an ID");
  const usual = isPlain && ID.readText(reader.bytes, reader.textStart, reader.textEnd);
  return usual || orUnlike(reader, () => ID.parse(reader.text()));
}

/** Reads a list of IDs, which stay in their order. */
export const ids: ReadJson<ID[]> = listOf("a list of IDs", id);

/** Reads a public key. */
export function key(reader: JsonBytes): PublicKey {
  const text = reader.string("a key");
  return orUnlike(reader, () => PublicKey.parse(text));
}

/** Reads a text. */
export function text(reader: JsonBytes): string {
  return reader.string("a text");
}

/** Reads `true` or `false`. */
export function flag(reader: JsonBytes): boolean {
  return reader.boolean("true or false");
}

/** Reads an integer of 64 bits. */
export function u64(reader: JsonBytes): number | bigint {
  return reader.uint("an integer of 64 bits");
}

/** Reads an integer of 32 bits. */
export function u32(reader: JsonBytes): number {
  return reader.smallUint(MAX_U32, "an integer of 32 bits");
}

/** Reads bytes. */
export function bytes(reader: JsonBytes): Uint8Array {
  return reader.byteList("a list of bytes");
}
