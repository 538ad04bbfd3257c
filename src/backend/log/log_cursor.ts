/**
 * A place in the arrival log of another node: what a peer says of how much of it it has.
 *
 * ```text
 * cursor  format u8 = 1 · log id 8 bytes · position u64 · sum of all rows before it u64
 * ```
 *
 * It is good only while that log has this sum at this position: a log that was made anew, that an older copy of
 * the storage holds, or whose end was lost, is told from the one that it was made for.
 *
 * @module
 */

import { equalBytes } from "../../util/bytes.ts";
import { LOG_ID_BYTES } from "../records/arrivals.ts";
import { RecordReader, RecordWriter } from "../records/record_bytes.ts";

/** A place in an arrival log. */
export interface LogCursor {
  /** Which log. */
  readonly logId: Uint8Array;
  /** How many rows are before it. */
  readonly position: number;
  /** The sum of these. */
  readonly sum: bigint;
}

/** Bytes of a cursor. */
export const CURSOR_BYTES = 25;
const FORMAT = 1;

/** Writes a cursor. */
export function encodeCursor({ logId, position, sum }: LogCursor): Uint8Array {
  return new RecordWriter().integer(FORMAT, 1).bytes(logId).integer(position, 8).word(sum).toKeep();
}

/** Reads a cursor; undefined for what is none, or is of a later format. */
export function decodeCursor(bytes: Uint8Array): LogCursor | undefined {
  if (bytes.length !== CURSOR_BYTES || bytes[0] !== FORMAT) return undefined;
  const reader = new RecordReader(bytes.subarray(1));
  const logId = reader.bytes(LOG_ID_BYTES).slice();
  const position = reader.integer(8);
  return Number.isSafeInteger(position) ? { logId, position, sum: reader.word() } : undefined;
}

/** Whether both are the same place in the same log. */
export function isSameCursor(a: LogCursor, b: LogCursor): boolean {
  return a.position === b.position && a.sum === b.sum && equalBytes(a.logId, b.logId);
}
