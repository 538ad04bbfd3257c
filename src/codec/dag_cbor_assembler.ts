import { allocateReceived } from "../util/allocate.ts";
import { readBase32Into } from "./base32.ts";
import { CID_BYTES, USUAL_TEXT } from "./cid.ts";
import { ARRAY, BYTES, CID_TAG_0, CID_TAG_1, MAP, TEXT } from "./dag_cbor.ts";
import { DagCborWriter } from "./dag_cbor_writer.ts";

/** Slots for the maps that are open at a time: two for each member and one for the map. */
const SLOTS = 256;
/** Size of a fresh buffer for what is moved. */
const ASIDE_BYTES = 1024;
/** One that grew beyond this is not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;
/** Up to here a loop is faster than a call into the engine. */
const SHORT = 64;
/** The head of a CID of 36 bytes: tag, byte string of 37 bytes, and the byte that comes first in it. */
const CID_HEAD: readonly number[] = [CID_TAG_0, CID_TAG_1, BYTES << 5 | 24, CID_BYTES + 1, 0];
/** How the ID of an entry begins: CIDv1, DAG-CBOR, BLAKE3, 32 bytes. */
const ENTRY_ID: readonly number[] = [0x01, 0x71, 0x1e, 0x20];

/**
 * Writes DAG-CBOR whose maps and arrays come from somewhere else, so that neither their sizes nor the order of
 * members are known before: members are put in their order when a map is closed.
 */
export class DagCborAssembler extends DagCborWriter {
  /** Of each open map: where its head stands, then from where to where each member does, 0 for none. */
  readonly #slots: Int32Array = new Int32Array(SLOTS);
  #used = 0;
  #aside: Uint8Array = new Uint8Array(ASIDE_BYTES);

  /** Forgets what was written. */
  override reset(): void {
    super.reset();
    this.#used = 0;
    if (this.#aside.length > MAX_KEPT_BYTES) this.#aside = new Uint8Array(ASIDE_BYTES);
  }

  /** Begins a map that has at most `most` members, less than 24. The result is for the calls that go with it. */
  openMap(most: number): number {
    const map = this.#used;
    const slots = this.#slots;
    slots[map] = this.at;
    this.#used = map + 1 + 2 * most;
    for (let slot = map + 1; slot < this.#used; slot++) slots[slot] = 0;
    this.#placeholder();
    return map;
  }

  #placeholder(): void {
    this.reserve(1);
    this.at++;
  }

  /** Begins the member that is the `rank`-th of the map in canonical order. */
  openMember(map: number, rank: number, key: Uint8Array): void {
    this.#slots[map + 1 + 2 * rank] = this.at;
    this.raw(key);
  }

  /** Ends a member, or undoes it when it has no value. */
  closeMember(map: number, rank: number, hasValue: boolean): void {
    const slot = map + 1 + 2 * rank;
    if (hasValue) {
      this.#slots[slot + 1] = this.at;
      return;
    }
    this.at = this.#slots[slot]!;
    this.#slots[slot] = 0;
  }

  /** Ends a map: its members are put in order. */
  closeMap(map: number): void {
    const slots = this.#slots;
    const head = slots[map]!;
    let size = 0;
    let next = head + 1;
    for (let slot = map + 1; slot < this.#used; slot += 2) {
      if (slots[slot] === 0) continue;
      if (slots[slot]! > next) this.#moveUp(slot, next);
      next = slots[slot + 1]!;
      size++;
    }
    this.buffer[head] = MAP << 5 | size;
    this.#used = map;
  }

  /** Ends the map that is all there is; gives a copy of it, its members in order. */
  finishMap(map: number): Uint8Array {
    const slots = this.#slots;
    const bytes = allocateReceived(this.at);
    let size = 0;
    let to = 1;
    for (let slot = map + 1; slot < this.#used; slot += 2) {
      if (slots[slot] === 0) continue;
      bytes.set(this.buffer.subarray(slots[slot], slots[slot + 1]), to);
      to += slots[slot + 1]! - slots[slot]!;
      size++;
    }
    bytes[0] = MAP << 5 | size;
    return bytes;
  }

  /** Moves a member up to `to`, before members that were written before it. */
  #moveUp(slot: number, to: number): void {
    const slots = this.#slots;
    const from = slots[slot]!;
    const end = slots[slot + 1]!;
    this.#rotate(to, from, end);
    for (let other = slot + 2; other < this.#used; other += 2) {
      if (slots[other]! >= to && slots[other]! < from) this.#shift(other, end - from);
    }
    this.#shift(slot, to - from);
  }

  /** Swaps the bytes from `start` to `middle` with those from there to `end`; the shorter ones are set aside. */
  #rotate(start: number, middle: number, end: number): void {
    const bytes = this.buffer;
    const isLeftShorter = middle - start <= end - middle;
    const aside = this.#setAside(isLeftShorter ? start : middle, isLeftShorter ? middle : end);
    if (isLeftShorter) bytes.copyWithin(start, middle, end);
    else bytes.copyWithin(start + end - middle, start, middle);
    const target = isLeftShorter ? start + end - middle : start;
    const length = Math.min(middle - start, end - middle);
    for (let index = 0; index < length; index++) bytes[target + index] = aside[index]!;
  }

  #setAside(from: number, to: number): Uint8Array {
    if (to - from > this.#aside.length) this.#aside = new Uint8Array(2 * (to - from));
    const aside = this.#aside;
    for (let index = from; index < to; index++) aside[index - from] = this.buffer[index]!;
    return aside;
  }

  #shift(slot: number, by: number): void {
    this.#slots[slot]! += by;
    this.#slots[slot + 1]! += by;
  }

  /** Begins an array; the result is for {@link closeArray}. */
  openArray(): number {
    this.#placeholder();
    return this.at - 1;
  }

  /** Ends an array of `length` items. */
  closeArray(array: number, length: number): void {
    if (length < 24) this.buffer[array] = ARRAY << 5 | length;
    else this.#longArray(array, length);
  }

  /** The head needs more than the byte that was kept for it. */
  #longArray(array: number, length: number): void {
    const items = this.buffer.slice(array + 1, this.at);
    this.at = array;
    this.head(ARRAY, length);
    this.raw(items);
  }

  /** A text of ASCII characters that stand in `codes`. */
  ascii(codes: Uint8Array, from: number, to: number): void {
    this.head(TEXT, to - from);
    this.#copy(codes, from, to);
  }

  /** A byte string of the bytes from `from` to `to`. */
  byteString(bytes: Uint8Array, from: number, to: number): void {
    this.head(BYTES, to - from);
    this.#copy(bytes, from, to);
  }

  #copy(bytes: Uint8Array, from: number, to: number): void {
    this.reserve(to - from);
    const out = this.buffer;
    const start = this.at;
    this.at += to - from;
    if (to - from > SHORT) out.set(bytes.subarray(from, to), start);
    else for (let index = from; index < to; index++) out[start + index - from] = bytes[index]!;
  }

  /** The ID of an entry by its usual text, which begins at `from`; false, and nothing, for any other text. */
  entryId(codes: Uint8Array, from: number): boolean {
    if (codes[from] !== 0x62) return false;
    this.reserve(CID_HEAD.length + CID_BYTES);
    const out = this.buffer;
    let at = this.at;
    for (let index = 0; index < CID_HEAD.length; index++) out[at++] = CID_HEAD[index]!;
    if (!readBase32Into(codes, from + 1, from + USUAL_TEXT, out, at)) return false;
    for (let index = 0; index < ENTRY_ID.length; index++) {
      if (out[at + index] !== ENTRY_ID[index]) return false;
    }
    this.at = at + CID_BYTES;
    return true;
  }
}
