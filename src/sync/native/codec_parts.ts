/** What the codecs of messages have in common. */

import type { LogCursor } from "../../backend/log/log_cursor.ts";
import { LOG_ID_BYTES } from "../../backend/records/arrivals.ts";
import type { ID } from "../../entry/id.ts";
import { MAX_CODE_BYTES, MAX_TEXT_BYTES, type Message } from "./messages.ts";
import { SHORT_BYTES, sumOf } from "./range_codec.ts";
import { bytesOf } from "./range_table.ts";
import { malformed, type Reader, type Writer } from "./varint.ts";

/** How one kind of message becomes bytes and back. */
export interface Codec<M extends Message> {
  readonly code: number;
  write(writer: Writer, message: M): void;
  read(reader: Reader): M;
}

/** Flag: the end of the sender's log follows. */
export const LOG = 1;
/** Flag: up to where the sender has the other's log follows. */
export const CURSOR = 2;
/** Flag: all that the other side lacks is coming. */
export const SENDS = 4;
/** Flag: the other side may read. */
export const READ = 8;
/** Flag: what the other side sends is taken. */
export const WRITE = 16;
/** Flag: what is committed later shall be sent at once. */
export const LIVE = 32;
/** Flag: the tips are those of OPEN. */
export const SAME = 64;

/** The sum of those flags that are set. */
export const flags = (...bits: readonly [bit: number, isSet: boolean][]): number =>
  bits.reduce((sum, [bit, isSet]) => isSet ? sum + bit : sum, 0);

/** Writes a cursor, if there is one. */
export function writeCursor(writer: Writer, cursor: LogCursor | undefined): void {
  if (cursor === undefined) return;
  writer.raw(cursor.logId).integer(cursor.position).raw(bytesOf(cursor.sum));
}

/** Reads a cursor. */
export function readCursor(reader: Reader): LogCursor {
  const [logId, position] = [reader.raw(LOG_ID_BYTES).slice(), reader.integer()];
  return { logId, position, sum: sumOf(reader.raw(SHORT_BYTES)) };
}

/** Fails: what is read is no message. */
export function cannot(reason: string): never {
  throw malformed(reason);
}

/** A flag word whose unknown bits are refused, so that they can mean something one day. */
export function readFlags(reader: Reader, known: number): number {
  const word = reader.integer(1023);
  return (word & ~known) === 0 ? word : cannot("a flag is not known");
}

/** Reads the number of a channel. */
export const channel = (reader: Reader): number => reader.integer(0xffff_ffff);
/** Reads a list of at most so many IDs. */
export const ids = (reader: Reader, most: number): ID[] => reader.list(most, 2, () => reader.id());
/** Reads a text for programs. */
export const code = (reader: Reader): string => reader.text(MAX_CODE_BYTES);
/** Reads a text for people. */
export const said = (reader: Reader): string => reader.text(MAX_TEXT_BYTES);

/** One bit for each, low ones first. */
export function bitsOf(held: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(held.length / 8));
  held.forEach((isHeld, at) => bytes[at >> 3]! |= isHeld ? 1 << (at & 7) : 0);
  return bytes;
}

/** What {@link bitsOf} has written, and up to seven more. */
export function heldOf(bytes: Uint8Array): boolean[] {
  return Array.from(
    { length: bytes.length * 8 },
    (_, at) => ((bytes[at >> 3]! >> (at & 7)) & 1) === 1,
  );
}
