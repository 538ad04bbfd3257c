import type { Bound } from "./range_codec.ts";

/** Entries as reconciliation sees them, in any order. */
export interface RangedEntries {
  /** Heights in the tree. */
  readonly heights: ArrayLike<number>;
  /** The first 8 bytes of the digests in their IDs, as numbers. */
  readonly shorts: ArrayLike<bigint>;
  /** Where each is found: its position in a log. */
  readonly positions: ArrayLike<number>;
}

const BLOCK = 256;
const MASK = (1n << 64n) - 1n;

/**
 * The entries of one tree in the order (height, short ID), 20 bytes each, with sums over blocks, so that the
 * fingerprint of any range costs at most two blocks. Made from a log; what arrives later is not in it. What the log
 * lists twice is in it once.
 */
export class RangeTable {
  readonly #heights: Float64Array;
  readonly #shorts: BigUint64Array;
  readonly #positions: Uint32Array;
  /** Sum of everything before each block. */
  readonly #sums: BigUint64Array;

  /** A table of entries. */
  constructor({ heights, shorts, positions }: RangedEntries) {
    const order = orderOf(heights, shorts);
    this.#heights = Float64Array.from(order, (at) => heights[at]!);
    this.#shorts = BigUint64Array.from(order, (at) => shorts[at]!);
    this.#positions = Uint32Array.from(order, (at) => positions[at]!);
    this.#sums = new BigUint64Array(Math.ceil(order.length / BLOCK) + 1);
    for (let block = 0; block + 1 < this.#sums.length; block++) {
      const end = Math.min(order.length, (block + 1) * BLOCK);
      this.#sums[block + 1] = (this.#sums[block]! + this.#plain(block * BLOCK, end)) & MASK;
    }
  }

  /** How many entries there are. */
  get size(): number {
    return this.#shorts.length;
  }

  /** Bytes that it holds. */
  get bytes(): number {
    return 20 * this.size + this.#sums.byteLength;
  }

  /** Where the entry at a place is found. */
  positionAt(at: number): number {
    return this.#positions[at]!;
  }

  /** The short ID at a place. */
  shortAt(at: number): bigint {
    return this.#shorts[at]!;
  }

  /** The first place that is not below a bound. */
  indexOf({ height, prefix }: Bound): number {
    const short = padded(prefix);
    let [low, high] = [0, this.size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isBelow(middle, height, short)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isBelow(at: number, height: number, short: bigint): boolean {
    const own = this.#heights[at]!;
    return own < height || (own === height && this.#shorts[at]! < short);
  }

  /** The shortest bound between a place and the one before it. */
  boundAt(at: number): Bound {
    const height = this.#heights[at]!;
    if (at === 0 || this.#heights[at - 1]! < height) return { height, prefix: new Uint8Array(0) };
    const [before, own] = [bytesOf(this.#shorts[at - 1]!), bytesOf(this.#shorts[at]!)];
    const differing = own.findIndex((byte, index) => byte !== before[index]);
    return { height, prefix: differing < 0 ? own : own.slice(0, differing + 1) };
  }

  /** Sum of the short IDs from one place to before another, modulo 2^64. */
  sum(from: number, to: number): bigint {
    return (this.#sumBefore(to) - this.#sumBefore(from)) & MASK;
  }

  #sumBefore(at: number): bigint {
    const block = Math.floor(at / BLOCK);
    return this.#sums[block]! + this.#plain(block * BLOCK, at);
  }

  #plain(from: number, to: number): bigint {
    let sum = 0n;
    for (let at = from; at < to; at++) sum += this.#shorts[at]!;
    return sum;
  }
}

/** The order of entries by height and short ID, each of them once. */
function orderOf(heights: ArrayLike<number>, shorts: ArrayLike<bigint>): Uint32Array {
  const order = Uint32Array.from({ length: shorts.length }, (_, at) => at).sort((a, b) => {
    const [first, second] = [shorts[a]!, shorts[b]!];
    return heights[a]! - heights[b]! || (first < second ? -1 : first > second ? 1 : 0);
  });
  return order.filter((at, nth) => {
    const before = order[nth - 1];
    return before === undefined || heights[at] !== heights[before] || shorts[at] !== shorts[before];
  });
}

/** A short ID as bytes. */
export function bytesOf(short: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, short);
  return bytes;
}

function padded(prefix: Uint8Array): bigint {
  const bytes = new Uint8Array(8);
  bytes.set(prefix);
  return new DataView(bytes.buffer).getBigUint64(0);
}
