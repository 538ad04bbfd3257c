/**
 * What one side tells of the entries of a tree in the order (height, digest), in ranges from the first place to the
 * last, so that both find where they differ:
 *
 * ```text
 * ranges  number integer · number × range
 * range   mode u8 · last u8 · upper bound unless last = 1 ·
 *         mode 0 same: nothing follows, nothing is to be done here
 *         mode 1 fingerprint: sum of first 8 digest bytes mod 2^64, 8 bytes · count integer
 *         mode 2 list: number integer · number × short ID 8 bytes, all that the sender has here
 *         mode 3 wanted: bytes, one bit for each item of the list that was told of this range, low bits first
 * bound   height more than that of the last bound integer · digest prefix bytes, at most 8
 * ```
 *
 * A range begins where the one before it ended and holds all places below its upper bound; the last one has none and
 * goes on for ever. A short ID is the first 8 bytes of a digest.
 *
 * @module
 */

import { malformed, type Reader, type Writer } from "./varint.ts";

/** Most ranges of one message. */
export const MAX_RANGES = 4096;
/** Most short IDs of one range. */
export const MAX_LISTED = 1024;
/** Bytes of a short ID, and of a fingerprint. */
export const SHORT_BYTES = 8;

/** A place between entries: those below it have a smaller height, or the same and a smaller digest. */
export interface Bound {
  /** Height in the tree. */
  readonly height: number;
  /** Beginning of the digests that are not below it any more. */
  readonly prefix: Uint8Array;
}

/** What is told of the entries below an upper bound, and not below the one before. */
export type Range =
  & {
    /** Where the range ends; undefined for the last one. */
    readonly upper: Bound | undefined;
  }
  & (
    | { readonly mode: "same" }
    | { readonly mode: "fingerprint"; readonly sum: bigint; readonly count: number }
    | { readonly mode: "list"; readonly ids: readonly Uint8Array[] }
    | { readonly mode: "wanted"; readonly bits: Uint8Array }
  );

const MODES = ["same", "fingerprint", "list", "wanted"] as const;

/** Writes ranges, which must be in order. */
export function writeRanges(writer: Writer, ranges: readonly Range[]): void {
  let height = 0;
  writer.list(ranges, (range) => {
    const { upper } = range;
    writer.integer(MODES.indexOf(range.mode)).integer(upper === undefined ? 1 : 0);
    if (upper !== undefined) {
      writer.integer(upper.height - height).bytes(upper.prefix);
      height = upper.height;
    }
    writeContent(writer, range);
  });
}

function writeContent(writer: Writer, range: Range): void {
  if (range.mode === "same") return;
  if (range.mode === "fingerprint") writer.raw(sumBytes(range.sum)).integer(range.count);
  else if (range.mode === "wanted") writer.bytes(range.bits);
  else writer.list(range.ids, (id) => writer.raw(id));
}

/** Reads ranges; `Malformed` unless they are in order and only the last one is without end. */
export function readRanges(reader: Reader): Range[] {
  let height = 0;
  let isOver = false;
  return reader.list(MAX_RANGES, 2, () => {
    if (isOver) throw malformed("a range follows the last one");
    const mode = MODES[reader.integer(MODES.length - 1)]!;
    isOver = reader.integer(1) === 1;
    const upper = isOver ? undefined : readBound(reader, height);
    height = upper?.height ?? height;
    return readContent(reader, mode, upper);
  });
}

function readBound(reader: Reader, before: number): Bound {
  const height = before + reader.integer();
  if (!Number.isSafeInteger(height)) throw malformed("a height is too large");
  return { height, prefix: reader.bytes(SHORT_BYTES) };
}

function readContent(
  reader: Reader,
  mode: (typeof MODES)[number],
  upper: Bound | undefined,
): Range {
  if (mode === "same") return { mode, upper };
  if (mode === "fingerprint") {
    return { mode, upper, sum: sumOf(reader.raw(SHORT_BYTES)), count: reader.integer() };
  }
  if (mode === "wanted") return { mode, upper, bits: reader.bytes(MAX_LISTED / 8) };
  const ids = reader.list(MAX_LISTED, SHORT_BYTES, () => reader.raw(SHORT_BYTES));
  return { mode, upper, ids };
}

function sumBytes(sum: bigint): Uint8Array {
  const bytes = new Uint8Array(SHORT_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, sum);
  return bytes;
}

/** The number that 8 bytes are. */
export function sumOf(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, SHORT_BYTES).getBigUint64(0);
}
