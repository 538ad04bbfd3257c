/**
 * BLAKE3 in plain JavaScript: for hosts that compile no WASM, and for what is hashed before `ready`.
 *
 * ```text
 * chunk  = up to 1,024 bytes, in blocks of 64 that are compressed one after the other
 * parent = the chaining values of two subtrees, as one block; the left one is the largest full tree
 * hash   = the chaining value of the root
 * ```
 *
 * @module
 */

const CHUNK_BYTES = 1024;
const BLOCK_BYTES = 64;

const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

const IV = Int32Array.of(
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a],
  ...[0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
);

/** Which word of the block each of the seven rounds takes at which place. */
const SCHEDULE: Uint8Array = schedule();

function schedule(): Uint8Array {
  const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
  const out = Uint8Array.from({ length: 112 }, (_, at) => at & 15);
  for (let at = 16; at < out.length; at++) {
    out[at] = out[(at & ~15) - 16 + permutation[at & 15]!]!;
  }
  return out;
}

/** What is compressed: the words of the block, and the state of 16 words. */
const block = new Int32Array(16);
const state = new Int32Array(16);

/** The 32-byte BLAKE3 hash of `data`. */
export function blake3(data: Uint8Array): Uint8Array {
  const words = subtree(data, 0, data.length, ROOT);
  const out = new Uint8Array(32);
  const view = new DataView(out.buffer);
  words.forEach((word, index) => view.setUint32(4 * index, word, true));
  return out;
}

/** The chaining value of the bytes from `start` to `end`. */
function subtree(data: Uint8Array, start: number, end: number, root: number): Int32Array {
  const length = end - start;
  if (length <= CHUNK_BYTES) return chunk(data, start, end, root);
  const chunks = Math.ceil(length / CHUNK_BYTES);
  const middle = start + CHUNK_BYTES * 2 ** (31 - Math.clz32(chunks - 1));
  const left = subtree(data, start, middle, 0);
  const right = subtree(data, middle, end, 0);
  block.set(left);
  block.set(right, 8);
  return compress(IV.slice(), 0, BLOCK_BYTES, PARENT | root);
}

function chunk(data: Uint8Array, start: number, end: number, root: number): Int32Array {
  const value = IV.slice();
  const number = start / CHUNK_BYTES;
  let flags = CHUNK_START;
  let at = start;
  do {
    const length = Math.min(BLOCK_BYTES, end - at);
    fillBlock(data, at, length);
    if (at + BLOCK_BYTES >= end) flags |= CHUNK_END | root;
    compress(value, number, length, flags);
    flags = 0;
    at += BLOCK_BYTES;
  } while (at < end);
  return value;
}

/** Reads little-endian words; what is missing is zero. */
function fillBlock(data: Uint8Array, start: number, length: number): void {
  block.fill(0);
  for (let at = 0; at < length; at++) block[at >> 2]! |= data[start + at]! << ((at & 3) << 3);
}

/** Compresses {@link block} into `value`. */
function compress(value: Int32Array, number: number, length: number, flags: number): Int32Array {
  state.set(value);
  state.set(IV.subarray(0, 4), 8);
  state[12] = number;
  state[13] = number / 2 ** 32;
  state[14] = length;
  state[15] = flags;
  for (let round = 0; round < SCHEDULE.length; round += 16) mixAll(round);
  for (let at = 0; at < 8; at++) value[at] = state[at]! ^ state[at + 8]!;
  return value;
}

/** Mixes the columns of the state, then its diagonals. */
function mixAll(round: number): void {
  for (let at = 0; at < 4; at++) mix(at, at + 4, at + 8, at + 12, round + 2 * at);
  for (let at = 0; at < 4; at++) {
    mix(at, 4 + ((at + 1) & 3), 8 + ((at + 2) & 3), 12 + ((at + 3) & 3), round + 8 + 2 * at);
  }
}

/** The mixing function G with two words of the block. */
function mix(a: number, b: number, c: number, d: number, at: number): void {
  let va = state[a]!;
  let vb = state[b]!;
  let vc = state[c]!;
  let vd = state[d]!;
  va = (va + vb + block[SCHEDULE[at]!]!) | 0;
  vd = rotate(vd ^ va, 16);
  vc = (vc + vd) | 0;
  vb = rotate(vb ^ vc, 12);
  va = (va + vb + block[SCHEDULE[at + 1]!]!) | 0;
  vd = rotate(vd ^ va, 8);
  vc = (vc + vd) | 0;
  vb = rotate(vb ^ vc, 7);
  state[a] = va;
  state[b] = vb;
  state[c] = vc;
  state[d] = vd;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
