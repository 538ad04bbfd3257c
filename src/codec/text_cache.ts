import { copyOf } from "../util/allocate.ts";

interface Known {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** How many texts are remembered; a power of two. */
const SLOTS = 512;
/** Longer texts are not remembered. */
const MAX_BYTES = 64;

/**
 * Texts by their bytes. Those of entries come again and again, names of stores and keys: looking one up is
 * several times faster than decoding it, and there is one string of it. A text has one place, where it
 * replaces another.
 */
export class TextCache {
  readonly #known: (Known | undefined)[] = new Array(SLOTS);

  /** The text of the bytes from `start` to `end`; undefined when it is not remembered. */
  get(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start > MAX_BYTES) return undefined;
    const known = this.#known[placeOf(bytes, start, end)];
    if (known === undefined || known.bytes.length !== end - start) return undefined;
    for (let at = start; at < end; at++) {
      if (bytes[at] !== known.bytes[at - start]) return undefined;
    }
    return known.text;
  }

  /** Remembers a text, unless it is long. */
  set(bytes: Uint8Array, start: number, end: number, text: string): void {
    if (end - start > MAX_BYTES) return;
    this.#known[placeOf(bytes, start, end)] = { bytes: copyOf(bytes, start, end), text };
  }
}

/** Texts often begin and end alike: the bytes in their middle tell them apart. */
function placeOf(bytes: Uint8Array, start: number, end: number): number {
  const middle = (start + end) >> 1;
  const mixed = (bytes[middle] ?? 0) * 31 + (bytes[middle + 1] ?? 0) * 7 + (bytes[start] ?? 0);
  return (mixed + end - start) & (SLOTS - 1);
}
