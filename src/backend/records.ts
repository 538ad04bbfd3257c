/**
 * Binary records of the engine. All integers are big-endian; an ID list is a 4-byte count, then
 * per ID one length byte and the binary CID.
 *
 * ```text
 * id row      status u8 · height u64 · length u8 · tree CID
 * head        format u8 = 1 · sequence u64 · unverified u32 · waiting u32 · verified tips · raw tips
 * store tips  format u8 = 1 · sequence u64 · verified tips · raw tips
 * ```
 *
 * `sequence` counts the writes to a tree; a store record carries the sequence of the write that
 * last changed it, so that a reader knows whether it belongs to the head it has just read. Raw
 * tips are written as the count 2^32 − 1 when they equal the verified ones.
 *
 * @module
 */

import { ID } from "../entry/id.ts";
import { BackendError } from "../util/errors.ts";
import type { VerificationStatus } from "./backend.ts";

/** What is known of a held entry without reading its bytes. */
export interface IdRow {
  /** The verdict of this node (05 §2). */
  readonly status: VerificationStatus;
  /** Tree height of the entry. */
  readonly height: number;
  /** Root of the entry's tree; the entry's own ID for a root. */
  readonly tree: ID;
}

/** Frontiers of a tree or of one of its stores. */
export interface Frontiers {
  /** Number of the write that last changed this record. */
  readonly sequence: number;
  /** Tips of the Verified entries. */
  readonly verified: readonly ID[];
  /** Tips of all held entries; the same array as `verified` when they do not differ. */
  readonly raw: readonly ID[];
}

/** Head of a tree. */
export interface TreeHead extends Frontiers {
  /** How many held entries are Unverified. */
  readonly unverified: number;
  /** How many markers of waiting children exist. */
  readonly waiting: number;
}

const FORMAT = 1;
const SAME = 2 ** 32 - 1;
const STATUSES: readonly VerificationStatus[] = ["Verified", "Failed", "Unverified"];

/** Integer form of a status (05 §2): 0 Verified, 1 Failed, 2 Unverified. */
export function statusToInteger(status: VerificationStatus): number {
  return STATUSES.indexOf(status);
}

/** Status of an integer; any other integer is a `TreeIntegrityViolation` (05 §2). */
export function statusFromInteger(integer: number): VerificationStatus {
  const status = STATUSES[integer];
  if (status !== undefined) return status;
  throw damaged(`the status ${integer} is not one of 0, 1 and 2`);
}

function damaged(reason: string): BackendError {
  return new BackendError(
    "TreeIntegrityViolation",
    `Cannot read a record of the storage: ${reason}`,
    {
      fields: { reason },
    },
  );
}

class Writer {
  #bytes: Uint8Array = new Uint8Array(256);
  #length = 0;

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  integer(value: number, width: number): this {
    this.#reserve(width);
    let rest = value;
    for (let at = this.#length + width - 1; at >= this.#length; at--) {
      this.#bytes[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#length += width;
    return this;
  }

  id(id: ID): this {
    this.integer(id.bytes.length, 1).#reserve(id.bytes.length);
    this.#bytes.set(id.bytes, this.#length);
    this.#length += id.bytes.length;
    return this;
  }

  ids(ids: readonly ID[]): this {
    this.integer(ids.length, 4);
    for (const id of ids) this.id(id);
    return this;
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

class Reader {
  #at = 0;
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  integer(width: number): number {
    if (this.#at + width > this.#bytes.length) throw damaged("it is shorter than its format says");
    let value = 0;
    for (let index = 0; index < width; index++) value = value * 256 + this.#bytes[this.#at++]!;
    return value;
  }

  id(): ID {
    const length = this.integer(1);
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    if (bytes.length !== length) throw damaged("it is shorter than its format says");
    this.#at += length;
    return ID.fromBytes(bytes);
  }

  ids(): ID[] | undefined {
    const count = this.integer(4);
    if (count === SAME) return undefined;
    if (count > this.#bytes.length) throw damaged("an ID list is longer than the record");
    return Array.from({ length: count }, () => this.id());
  }

  format(): void {
    const found = this.integer(1);
    if (found !== FORMAT) throw damaged(`its format is ${found}, and this version reads ${FORMAT}`);
  }
}

/** Writes an id row. */
export function encodeIdRow(row: IdRow): Uint8Array {
  return new Writer().integer(statusToInteger(row.status), 1).integer(row.height, 8).id(row.tree)
    .done();
}

/** Reads an id row. */
export function decodeIdRow(bytes: Uint8Array): IdRow {
  const reader = new Reader(bytes);
  const status = statusFromInteger(reader.integer(1));
  return { status, height: reader.integer(8), tree: reader.id() };
}

function writeFrontiers(writer: Writer, tips: Frontiers): Uint8Array {
  writer.ids(tips.verified);
  return (tips.raw === tips.verified ? writer.integer(SAME, 4) : writer.ids(tips.raw)).done();
}

function readFrontiers(reader: Reader, sequence: number): Frontiers {
  const verified = reader.ids();
  if (verified === undefined) throw damaged("the verified tips are missing");
  return { sequence, verified, raw: reader.ids() ?? verified };
}

/** Writes the head of a tree. */
export function encodeHead(head: TreeHead): Uint8Array {
  const writer = new Writer().integer(FORMAT, 1).integer(head.sequence, 8);
  return writeFrontiers(writer.integer(head.unverified, 4).integer(head.waiting, 4), head);
}

/** Reads the head of a tree. */
export function decodeHead(bytes: Uint8Array): TreeHead {
  const reader = new Reader(bytes);
  reader.format();
  const sequence = reader.integer(8);
  const unverified = reader.integer(4);
  const waiting = reader.integer(4);
  return { ...readFrontiers(reader, sequence), unverified, waiting };
}

/** Writes the frontiers of a store. */
export function encodeStoreTips(tips: Frontiers): Uint8Array {
  return writeFrontiers(new Writer().integer(FORMAT, 1).integer(tips.sequence, 8), tips);
}

/** Reads the frontiers of a store. */
export function decodeStoreTips(bytes: Uint8Array): Frontiers {
  const reader = new Reader(bytes);
  reader.format();
  return readFrontiers(reader, reader.integer(8));
}
