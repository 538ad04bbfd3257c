import { ID } from "../../entry/id.ts";
import { briefCopyOf, copyOf } from "../../util/allocate.ts";
import { fromUtf8, utf8 } from "../../util/bytes.ts";
import { BackendError } from "../../util/errors.ts";

/** Written instead of the length of an ID list that equals the one before it. */
export const SAME: number = 2 ** 32 - 1;

const NOTHING = new Uint8Array(0);
const HEIGHT_BYTES = 8;
/** Bytes of the longest varint, that of 2^53 − 1. */
const MAX_VARINT_BYTES = 8;
const TOO_SHORT = "it is shorter than its format says";
/** Longest buffer that is kept for the next record. */
const MAX_SCRATCH = 4096;

/** The error for a record that cannot be read. */
export function damagedRecord(reason: string): BackendError {
  return new BackendError(
    "TreeIntegrityViolation",
    `Cannot read a record of the storage: ${reason}`,
    {
      fields: { reason },
    },
  );
}

/** Appends integers (big-endian), IDs and bytes to a record. */
export class RecordWriter {
  /** Where records are put together; whoever writes one has it until the record is done. */
  static #scratch: Uint8Array | undefined;

  #bytes: Uint8Array = RecordWriter.#take();
  #length = 0;

  static #take(): Uint8Array {
    const bytes = RecordWriter.#scratch ?? new Uint8Array(256);
    RecordWriter.#scratch = undefined;
    return bytes;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** Appends bytes as they are. */
  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Appends an unsigned integer of 1, 2, 4 or 8 bytes. */
  integer(value: number, width: number): this {
    this.#reserve(width);
    if (width === 8) this.#low(Math.floor(value / 2 ** 32), 4);
    this.#low(value, Math.min(width, 4));
    return this;
  }

  /** Appends an integer of 64 bits. */
  word(value: bigint): this {
    this.#reserve(8);
    this.#low(Number(value >> 32n), 4);
    this.#low(Number(value & 0xffff_ffffn), 4);
    return this;
  }

  /** Appends an unsigned integer in as few bytes as it needs: seven bits in each, the lowest first. */
  varint(value: number): this {
    this.#reserve(MAX_VARINT_BYTES);
    let left = value;
    for (; left > 0x7f; left = Math.floor(left / 128)) {
      this.#bytes[this.#length++] = left % 128 + 128;
    }
    this.#bytes[this.#length++] = left;
    return this;
  }

  /** The lowest bytes of an integer. */
  #low(value: number, width: number): void {
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) {
      this.#bytes[this.#length++] = value >>> shift;
    }
  }

  /** Appends a text of at most 65,535 bytes, and their number before it. */
  text(text: string): this {
    if (!this.#ascii(text)) {
      const bytes = utf8(text);
      this.integer(bytes.length, 2).bytes(bytes);
    }
    return this;
  }

  /** Appends a text of ASCII without encoding it first; nothing when it is another one. */
  #ascii(text: string): boolean {
    const { length } = text;
    this.#reserve(2 + length);
    const start = this.#length + 2;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) return false;
      this.#bytes[start + at] = code;
    }
    this.#low(length, 2);
    this.#length += length;
    return true;
  }

  /** Appends an ID. */
  id(id: ID): this {
    return this.integer(id.bytes.length, 1).bytes(id.bytes);
  }

  /** Appends a place in a fold order: a height and the fold key of an ID. */
  place(place: Uint8Array): this {
    return this.integer(place.length, 1).bytes(place);
  }

  /** Appends a list of IDs. */
  ids(ids: readonly ID[]): this {
    this.integer(ids.length, 4);
    for (const id of ids) this.id(id);
    return this;
  }

  /** A copy of what was written, for a storage; the writer is empty again. */
  done(): Uint8Array {
    return this.#end(briefCopyOf(this.#bytes, this.#length));
  }

  /** As {@link done}, for a record that stays in memory. */
  toKeep(): Uint8Array {
    return this.#end(copyOf(this.#bytes, 0, this.#length));
  }

  #end(record: Uint8Array): Uint8Array {
    if (this.#bytes.length <= MAX_SCRATCH) RecordWriter.#scratch = this.#bytes;
    this.#bytes = NOTHING;
    this.#length = 0;
    return record;
  }
}

/** Reads what a {@link RecordWriter} has written; `TreeIntegrityViolation` when it ends too early. */
export class RecordReader {
  #at = 0;
  readonly #bytes: Uint8Array;

  /** A reader of `bytes`, which it does not copy. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether everything was read. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** All bytes that are left, not copied. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }

  /** The next `count` bytes, not copied. */
  bytes(count: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + count);
    if (bytes.length !== count) throw damagedRecord(TOO_SHORT);
    this.#at += count;
    return bytes;
  }

  /** An unsigned integer of `width` bytes. */
  integer(width: number): number {
    const end = this.#at + width;
    if (end > this.#bytes.length) throw damagedRecord(TOO_SHORT);
    let value = 0;
    while (this.#at < end) value = value * 256 + this.#bytes[this.#at++]!;
    return value;
  }

  /** An integer of 64 bits. */
  word(): bigint {
    return BigInt(this.integer(4)) << 32n | BigInt(this.integer(4));
  }

  /** An unsigned integer in as few bytes as it needs. */
  varint(): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.integer(1);
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) throw damagedRecord("an integer in it is too large");
      if (byte <= 0x7f) return value;
    }
  }

  /** A place in a fold order. */
  place(): Uint8Array {
    const place = this.bytes(this.integer(1));
    if (place.length > HEIGHT_BYTES) return place;
    throw damagedRecord("a place in it is too short");
  }

  /** A text. */
  text(): string {
    const bytes = this.bytes(this.integer(2));
    try {
      return fromUtf8(bytes);
    } catch {
      throw damagedRecord("a text in it is not UTF-8");
    }
  }

  /** An ID. */
  id(): ID {
    return ID.fromBytes(this.bytes(this.integer(1)));
  }

  /** A list of IDs; undefined for {@link SAME}. */
  ids(): ID[] | undefined {
    const count = this.integer(4);
    if (count === SAME) return undefined;
    if (count > this.#bytes.length) throw damagedRecord("an ID list is longer than the record");
    return Array.from({ length: count }, () => this.id());
  }

  /** Reads the byte that names the format, and refuses any but those from `oldest` to `newest`. */
  format(newest: number, oldest: number = newest): number {
    const found = this.integer(1);
    if (found >= oldest && found <= newest) return found;
    const read = oldest === newest ? `${newest}` : `${oldest} to ${newest}`;
    throw damagedRecord(`its format is ${found}, and this version reads ${read}`);
  }
}
