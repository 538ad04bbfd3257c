/**
 * DAG-CBOR as a tree whose every head can be spelled in any way: to make bytes that mean the same entry
 * but are not canonical.
 */
import { concat, utf8 } from "../../src/util/bytes.ts";

/** A value; `items` of a map are keys and values in turn. */
export interface Cbor {
  /** Major type, 0 to 7. */
  readonly major: number;
  /** The number in the head. */
  readonly value: number;
  /** What the head introduces as bytes. */
  readonly bytes?: Uint8Array;
  /** What the head introduces as values. */
  readonly items?: readonly Cbor[];
  /** Bytes of the number in the head, 0 for none; the fewest when absent. */
  readonly width?: number;
  /** Written with indefinite length. */
  readonly indefinite?: boolean;
}

/** Reads one canonical value. */
export function parseCbor(bytes: Uint8Array): Cbor {
  let at = 0;
  const read = (): Cbor => {
    const first = bytes[at++]!;
    const major = first >> 5;
    const width = (first & 31) < 24 ? 0 : 1 << ((first & 31) - 24);
    let value = width === 0 ? first & 31 : 0;
    for (let left = width; left > 0; left--) value = value * 256 + bytes[at++]!;
    if (major === 2 || major === 3) {
      return { major, value, bytes: bytes.slice(at, at += value) };
    }
    const count = major === 4 ? value : major === 5 ? 2 * value : major === 6 ? 1 : undefined;
    if (count === undefined) return { major, value };
    return { major, value, items: Array.from({ length: count }, read) };
  };
  const root = read();
  if (at !== bytes.length) throw new Error("not one value");
  return root;
}

/** Writes a value as its fields say. */
export function writeCbor(node: Cbor): Uint8Array {
  const content = node.items === undefined
    ? node.bytes ?? new Uint8Array(0)
    : concat(...node.items.map(writeCbor));
  if (node.indefinite !== true) return concat(head(node), content);
  const chunk = node.bytes === undefined ? content : concat(head(node), content);
  return concat(Uint8Array.of((node.major << 5) | 31), chunk, Uint8Array.of(0xff));
}

function head({ major, value, width = leastWidth(value) }: Cbor): Uint8Array {
  if (width === 0) return Uint8Array.of((major << 5) | value);
  const out = new Uint8Array(1 + width);
  out[0] = (major << 5) | (24 + Math.log2(width));
  let rest = value;
  for (let at = width; at > 0; at--) {
    out[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return out;
}

/** Fewest bytes that hold the number of a head. */
export function leastWidth(value: number): number {
  if (value < 24) return 0;
  return value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 2 ** 32 ? 4 : 8;
}

/** A text. */
export function text(value: string): Cbor {
  const bytes = utf8(value);
  return { major: 3, value: bytes.length, bytes };
}

/** An unsigned integer. */
export function uint(value: number): Cbor {
  return { major: 0, value };
}

/** `false`. */
export const FALSE: Cbor = { major: 7, value: 20 };
/** `null`. */
export const NULL: Cbor = { major: 7, value: 22 };

/** A place in a tree: the value there, and the whole tree with another value there. */
export interface Place {
  readonly node: Cbor;
  /** Indices from the root. */
  readonly path: readonly number[];
  readonly replace: (by: Cbor) => Cbor;
}

/** Every place of a tree, the root first. */
export function places(root: Cbor): Place[] {
  const found: Place[] = [];
  const visit = (node: Cbor, path: readonly number[], replace: (by: Cbor) => Cbor): void => {
    found.push({ node, path, replace });
    node.items?.forEach((item, at) =>
      visit(item, [...path, at], (by) => replace({ ...node, items: node.items!.with(at, by) }))
    );
  };
  visit(root, [], (by) => by);
  return found;
}

/** A map or array with other items; the size in its head follows. */
export function withItems(node: Cbor, items: readonly Cbor[]): Cbor {
  return { ...node, items, value: node.major === 5 ? items.length / 2 : items.length };
}

/** The text of a key, if it is one. */
export function keyOf(node: Cbor | undefined): string | undefined {
  return node?.major === 3 ? new TextDecoder().decode(node.bytes) : undefined;
}
