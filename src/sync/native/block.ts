/**
 * Blocks of entries as they stand in one message: each entry's canonical bytes, with their length before them.
 *
 * @module
 */

import type { Block } from "./actions.ts";
import { malformed, Reader, Writer } from "./varint.ts";

/** The largest entry of a block, in bytes. */
export const MAX_BLOCK_ENTRY: number = 32 * 1024 * 1024;

/** Puts entries into a block. */
export function packBlock(entries: readonly Uint8Array[]): Block {
  const writer = new Writer();
  for (const entry of entries) writer.bytes(entry);
  return { count: entries.length, body: writer.done(), deflated: false };
}

/** The entries of a block that is not deflated. `Malformed` when it does not hold exactly so many. */
export function unpackBlock({ count, body }: Pick<Block, "count" | "body">): Uint8Array[] {
  const reader = new Reader(body);
  if (count > body.length) throw malformed("it ends too early");
  const entries = Array.from({ length: count }, () => reader.bytes(MAX_BLOCK_ENTRY));
  reader.end();
  return entries;
}
