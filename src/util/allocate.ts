/**
 * Small byte arrays, many at a time.
 *
 * A buffer of its own costs Deno 300 ns and more, a view of one 20 ns; commits make dozens. So arrays of a
 * few hundred bytes share a slab, as those of Node's `Buffer` do. An array keeps its slab alive: that is why
 * slabs are small, and why what is soon forgotten has slabs of its own, which may be larger. Never use it for
 * secrets, nor for arrays whose `buffer` somebody may transfer.
 *
 * @module
 */

/** Hands out arrays of a kind. */
class Slabs {
  readonly #slabBytes: number;
  /** Longer arrays have a buffer of their own. */
  readonly #maxShared: number;
  #slab: ArrayBuffer;
  #used = 0;

  constructor(slabBytes: number, maxShared: number) {
    this.#slabBytes = slabBytes;
    this.#maxShared = maxShared;
    this.#slab = new ArrayBuffer(slabBytes);
  }

  take(length: number): Uint8Array {
    if (length > this.#maxShared) return new Uint8Array(length);
    if (this.#used + length > this.#slabBytes) {
      this.#slab = new ArrayBuffer(this.#slabBytes);
      this.#used = 0;
    }
    const bytes = new Uint8Array(this.#slab, this.#used, length);
    this.#used += length;
    return bytes;
  }
}

const MAX_SHARED = 512;
const lasting = new Slabs(4096, MAX_SHARED);
const brief = new Slabs(65_536, 4096);
const received = new Slabs(8192, 1024);

/** A fresh array of zeros. */
export function allocate(length: number): Uint8Array {
  return lasting.take(length);
}

/** A fresh array of zeros for the bytes of an entry that a peer sent: those of one message come and go together. */
export function allocateReceived(length: number): Uint8Array {
  return received.take(length);
}

/** A copy of the first bytes of an array, for a value that is soon forgotten: a record on its way to a storage. */
export function briefCopyOf(bytes: Uint8Array, length: number): Uint8Array {
  const copy = brief.take(length);
  copy.set(bytes.subarray(0, length));
  return copy;
}

/** Up to here a loop is faster than a call into the engine. */
const SHORT = 48;

/** A copy of `bytes` from `start` to `end`. */
export function copyOf(bytes: Uint8Array, start = 0, end: number = bytes.length): Uint8Array {
  // The engine makes a buffer of its own in less than half the time if it need not fill it with zeros first.
  if (end - start > MAX_SHARED && bytes.constructor === Uint8Array) return bytes.slice(start, end);
  const copy = allocate(end - start);
  if (copy.length > SHORT) copy.set(bytes.subarray(start, end));
  else for (let at = 0; at < copy.length; at++) copy[at] = bytes[start + at]!;
  return copy;
}
