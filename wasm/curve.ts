/**
 * The group of Ed25519 in plain arithmetic: −x² + y² = 1 + d·x²·y² over the integers modulo 2^255 − 19.
 *
 * For public values alone: time depends on the numbers. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z and
 * x·y = T/Z (Hisil, Wong, Carter, Dawson 2008).
 *
 * @module
 */

/** Bytes of the encoding of a point. */
export const POINT_LENGTH = 32;

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const D2 = (2n * D) % P;
/** A square root of −1. */
const I = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;
const BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202n;
const BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960n;

/** A point in extended coordinates. */
export interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

const ZERO: Point = { x: 0n, y: 1n, z: 1n, t: 0n };
const BASE: Point = affine(BASE_X, BASE_Y);
let baseMultiples: readonly Point[] | undefined;

/** The unsigned number that bytes spell, the lowest first. */
export function numberOf(bytes: Uint8Array): bigint {
  let hex = "";
  for (const byte of bytes) hex = byte.toString(16).padStart(2, "0") + hex;
  return BigInt(`0x${hex}`);
}

/** The point with this encoding; y ≥ p is let pass, and so is the sign of x = 0. Undefined: there is none. */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== POINT_LENGTH) return undefined;
  const all = numberOf(bytes);
  const y = (all & (2n ** 255n - 1n)) % P;
  const x = xOf(y);
  if (x === undefined) return undefined;
  return affine((x & 1n) === all >> 255n ? x : mod(-x), y);
}

/** The one canonical encoding of a point. */
export function encodePoint({ x, y, z }: Point): Uint8Array {
  // z^(p−2) is the inverse of z.
  const inverse = mod(squared(power2To252Minus3(z), 3) * z * z * z);
  let rest = mod(y * inverse) | ((mod(x * inverse) & 1n) << 255n);
  return Uint8Array.from({ length: POINT_LENGTH }, () => {
    const byte = Number(rest & 255n);
    rest >>= 8n;
    return byte;
  });
}

/** [s]B − [k]A for the base point B; s and k are below 2^256. */
export function baseTimesMinus(s: bigint, k: bigint, a: Point): Point {
  const ofBase = baseMultiples ??= smallMultiples(BASE);
  const ofA = smallMultiples({ ...a, x: mod(-a.x), t: mod(-a.t) });
  let sum = ZERO;
  for (let bit = 252n; bit >= 0n; bit -= 4n) {
    for (let times = 0; times < 4; times++) sum = double(sum);
    sum = add(add(sum, ofBase[Number((s >> bit) & 15n)]!), ofA[Number((k >> bit) & 15n)]!);
  }
  return sum;
}

/** Zero to fifteen times a point. */
function smallMultiples(point: Point): Point[] {
  const out = [ZERO, point];
  while (out.length < 16) out.push(add(out.at(-1)!, point));
  return out;
}

function affine(x: bigint, y: bigint): Point {
  return { x, y, z: 1n, t: mod(x * y) };
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function add(p: Point, q: Point): Point {
  if (q === ZERO) return p;
  const a = mod((p.y - p.x) * (q.y - q.x));
  const b = mod((p.y + p.x) * (q.y + q.x));
  const c = mod(p.t * D2 * q.t);
  const d = mod(2n * p.z * q.z);
  return fromParts(b - a, d - c, d + c, b + a);
}

function double({ x, y, z }: Point): Point {
  const a = mod(x * x);
  const b = mod(y * y);
  const sum = x + y;
  const g = b - a;
  return fromParts(mod(sum * sum) - a - b, g - mod(2n * z * z), g, -a - b);
}

/** The last step of adding and doubling. */
function fromParts(e: bigint, f: bigint, g: bigint, h: bigint): Point {
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) };
}

/** One of the two x that belong to y; undefined when there is none. */
function xOf(y: bigint): bigint | undefined {
  const y2 = mod(y * y);
  const u = mod(y2 - 1n);
  const v = mod(D * y2 + 1n);
  const v3 = mod(v * v * v);
  const root = mod(u * v3 * power2To252Minus3(mod(u * v3 * v3 * v)));
  const square = mod(v * root * root);
  if (square === u) return root;
  return square === mod(-u) ? mod(root * I) : undefined;
}

/** x^(2^252 − 3), by which roots are drawn: 2^252 − 3 = (p − 5) / 8. */
function power2To252Minus3(x: bigint): bigint {
  const ones2 = mod(squared(x, 1) * x);
  const ones4 = mod(squared(ones2, 2) * ones2);
  const ones5 = mod(squared(ones4, 1) * x);
  const ones10 = mod(squared(ones5, 5) * ones5);
  const ones20 = mod(squared(ones10, 10) * ones10);
  const ones40 = mod(squared(ones20, 20) * ones20);
  const ones80 = mod(squared(ones40, 40) * ones40);
  const ones160 = mod(squared(ones80, 80) * ones80);
  const ones240 = mod(squared(ones160, 80) * ones80);
  const ones250 = mod(squared(ones240, 10) * ones10);
  return mod(squared(ones250, 2) * x);
}

/** Squares so many times. */
function squared(x: bigint, times: number): bigint {
  let out = x;
  for (let done = 0; done < times; done++) out = mod(out * out);
  return out;
}
