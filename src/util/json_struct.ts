/**
 * Objects with known members, and enumerations, as peers write them (09 §2).
 *
 * ```text
 * struct  = { "member": value, … }  |  [value, …]      the values in the order of the members
 * variant = "Name"  |  { "Name": payload }
 * ```
 *
 * Members that are not known are skipped; known ones must not be repeated.
 *
 * @module
 */

import { utf8 } from "./bytes.ts";
import { EideticaError } from "./errors.ts";
import type { JsonBytes } from "./json_bytes.ts";

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The members of an object, in the order in which they are written. A name that ends with `?` may be missing in
 * an object, one that ends with `??` also at the end of an array.
 */
export class Members {
  /** What has these members, for messages: `"an address"`. */
  readonly what: string;
  /** The names. */
  readonly names: readonly string[];
  /** The names as they stand in JSON, quotes included. */
  readonly quoted: readonly Uint8Array[];
  /** What stands before the value of a member that is not the first one: `,"name":`. */
  readonly openings: readonly Uint8Array[];
  /** A bit for each member that an object must have. */
  readonly required: number;
  /** How many values an array must have. */
  readonly fewest: number;

  /** Members of `what`. */
  constructor(what: string, marked: readonly string[]) {
    this.what = what;
    this.names = marked.map((name) => name.replace(/\?+$/, ""));
    this.quoted = this.names.map((name) => utf8(`"${name}"`));
    this.openings = this.names.map((name) => utf8(`,"${name}":`));
    this.required = marked.reduce((bits, name, at) => bits | Number(!name.endsWith("?")) << at, 0);
    this.fewest = 1 + marked.findLastIndex((name) => !name.endsWith("??"));
  }
}

/** Steps into an object, or an array of its members' values; says which bracket ends it. */
export function openStruct(reader: JsonBytes, members: Members): number {
  if (reader.accept(OPEN_BRACE)) return CLOSE_BRACE;
  if (reader.accept(OPEN_BRACKET)) return CLOSE_BRACKET;
  return reader.mismatch(members.what);
}

/**
 * Steps to the value of the next known member and gives its number; −1 behind the end. `seen` has a bit for each
 * member that was read. What is missing or repeated is refused.
 */
export function nextMember(
  reader: JsonBytes,
  members: Members,
  closing: number,
  seen: number,
): number {
  if (closing === CLOSE_BRACKET) return nextElement(reader, members, seen);
  const usual = usualMember(reader, members, seen);
  if (usual >= 0) return usual;
  for (let isFirst = seen === 0;; isFirst = false) {
    if (isFirst ? reader.accept(closing) : !reader.more(closing)) {
      return requireAll(reader, members, seen);
    }
    const number = readName(reader, members, 32 - Math.clz32(seen));
    reader.expect(COLON);
    if (number < 0) reader.skip();
    else if ((seen >> number & 1) === 0) return number;
    else reader.unlike(`"${members.names[number]}" stands twice in ${members.what}`);
  }
}

/** Most objects have their members in order, and no blanks; −1 otherwise, and at the end. */
function usualMember(reader: JsonBytes, { openings }: Members, seen: number): number {
  const skipped = Number(seen === 0);
  for (let number = 32 - Math.clz32(seen); number < openings.length; number++) {
    if (reader.acceptBytes(openings[number]!, skipped)) return number;
  }
  return -1;
}

function requireAll(reader: JsonBytes, members: Members, seen: number): -1 {
  const missing = members.required & ~seen;
  if (missing === 0) return -1;
  const name = members.names[31 - Math.clz32(missing & -missing)];
  return reader.unlike(`${members.what} without "${name}"`);
}

function nextElement(reader: JsonBytes, members: Members, seen: number): number {
  const number = 32 - Math.clz32(seen);
  if (reader.peek() < 0) reader.fail("an array has no end");
  if (number === 0 ? reader.accept(CLOSE_BRACKET) : !reader.more(CLOSE_BRACKET)) {
    if (number >= members.fewest) return -1;
    return reader.unlike(`${members.what} as an array of ${number}`);
  }
  if (number < members.names.length) return number;
  return reader.fail(`${members.what} as an array of too many values`);
}

/** Reads a name; gives the number of the member, where `guess` is tried first, or −1. */
function readName(reader: JsonBytes, members: Members, guess: number): number {
  if (reader.peek() !== QUOTE) reader.fail("a name must be a text");
  const { quoted } = members;
  for (let tried = 0; tried < quoted.length; tried++) {
    const number = (guess + tried) % quoted.length;
    if (reader.acceptBytes(quoted[number]!)) return number;
  }
  return members.names.indexOf(reader.string("a name"));
}

/** Reads a value. */
export type ReadJson<T> = (reader: JsonBytes) => T;

/**
 * Reads a whole struct: `reads` read its members, in their order, and give its values. Those of absent members are
 * undefined. Where every microsecond counts, use {@link openStruct} and {@link nextMember}.
 */
export function readStruct<T extends readonly unknown[]>(
  reader: JsonBytes,
  members: Members,
  ...reads: { readonly [K in keyof T]: ReadJson<T[K]> }
): T {
  const values: unknown[] = new Array(reads.length).fill(undefined);
  const closing = openStruct(reader, members);
  for (let seen = 0, at; (at = nextMember(reader, members, closing, seen)) >= 0; seen |= 1 << at) {
    values[at] = reads[at]!(reader);
  }
  return values as unknown as T;
}

/** Reads a value that may be `null`, which gives undefined. */
export function optional<T>(read: ReadJson<T>): ReadJson<T | undefined> {
  return (reader) => reader.acceptNull() ? undefined : read(reader);
}

/** Reads an array. */
export function listOf<T>(what: string, read: ReadJson<T>): ReadJson<T[]> {
  return (reader) => {
    const items: T[] = [];
    if (!reader.array(what)) return items;
    do items.push(read(reader)); while (reader.more());
    return items;
  };
}

/** What `read` makes of a value that is JSON; when it refuses it, the JSON is not of the expected form. */
export function orUnlike<T>(reader: JsonBytes, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof EideticaError)) throw error;
    return reader.unlike(error.message);
  }
}

/**
 * Steps to the payload of a variant of an enumeration and gives its number; {@link endVariant} comes after the
 * payload. A variant without a payload is stepped over and gives −1 − its number.
 */
export function openVariant(reader: JsonBytes, names: readonly string[], what: string): number {
  const isUnit = reader.peek() === QUOTE;
  if (!isUnit) {
    reader.expect(OPEN_BRACE);
    if (reader.peek() !== QUOTE) reader.fail("a name must be a text");
  }
  const number = names.indexOf(reader.string(what));
  if (number < 0) return reader.unlike(`expected ${what}: ${names.join(", ")}`);
  if (isUnit) return -1 - number;
  reader.expect(COLON);
  return number;
}

/** Steps over the end of a variant with a payload. */
export function endVariant(reader: JsonBytes): void {
  reader.expect(CLOSE_BRACE);
}
