/**
 * Values of stores as JSON for people and programs. What is long is cut: `{"$cut":{"bytes":10485760,"head":"…"}}`; integers
 * that JSON numbers do not hold are `{"$int":"9223372036854775807"}`. Data with such members of its own is given as text.
 *
 * @module
 */

import { Doc } from "../../crdt/doc.ts";
import { List } from "../../crdt/list.ts";
import { DELETED, typeName, type Value, type VisibleValue } from "../../crdt/value.ts";
import { utf8 } from "../../util/bytes.ts";

/** Most characters of a value in a list. */
export const MAX_CELL = 256;
/** Most characters of a value that is shown by itself. */
export const MAX_VALUE: number = 1024 * 1024;

/** A value in a list. */
export interface ValueInfo {
  /** `null`, `bool`, `int`, `text`, `doc`, `list` or `deleted`. */
  readonly kind: string;
  /** The value, cut; left out for documents and lists. */
  readonly value?: unknown;
  /** How many members a document or list has. */
  readonly size?: number;
}

/** A text, cut to so many characters. */
export function cutText(text: string, most: number = MAX_CELL): unknown {
  if (text.length <= most) return text;
  return { $cut: { bytes: utf8(text).length, head: wholeCharacters(text, most) } };
}

/** Half of a surrogate pair is not left at the end. */
function wholeCharacters(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most);
}

/** What a member of a document or list is. */
export function valueInfo(value: Value, most: number = MAX_CELL): ValueInfo {
  const kind = typeName(value);
  if (value instanceof Doc || value instanceof List) return { kind, size: sizeOf(value) };
  if (value === DELETED) return { kind };
  if (typeof value === "string") return { kind, value: cutText(value, most) };
  return { kind, value: typeof value === "bigint" ? bigText(value) : value };
}

function sizeOf(value: Doc | List): number {
  return value instanceof Doc ? value.size : value.length;
}

/** A cell of a row: texts as they are, all else as JSON. */
export function cellOf(value: unknown, most: number = MAX_CELL): unknown {
  if (typeof value === "string") return cutText(value, most);
  if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "bigint") return bigText(value);
  let isPlain = true;
  const text = JSON.stringify(value, (_, it) => {
    if (typeof it === "bigint") return bigText(it);
    if (looksLikeOurs(it)) isPlain = false;
    return it;
  });
  return isPlain && text.length <= most ? JSON.parse(text) : cutText(text, most);
}

/** Whether an object of the data has a member by which this API says something. */
function looksLikeOurs(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    (Object.hasOwn(value, "$cut") || Object.hasOwn(value, "$int"));
}

function bigText(value: bigint): { readonly $int: string } {
  return { $int: String(value) };
}

/** The value under the parts of a path, one for each level; the document itself under none. */
export function valueUnder(doc: Doc, path: readonly string[]): VisibleValue | undefined {
  let value: VisibleValue | undefined = doc;
  for (const part of path) {
    if (value instanceof Doc) value = memberOf(value, part);
    else if (value instanceof List) {
      value = /^\d{1,9}$/.test(part) ? value.get(Number(part)) : undefined;
    } else return undefined;
  }
  return value;
}

/** The member of that very name, which may have dots in it. */
function memberOf(doc: Doc, name: string): VisibleValue | undefined {
  const [first] = doc.entries({ from: name, to: `${name}\0` });
  return first?.[0] === name ? first[1] : undefined;
}

/** Whether two values are the same; two that are missing are. */
export function isSame(a: VisibleValue | undefined, b: VisibleValue | undefined): boolean {
  if (a instanceof Doc) return b instanceof Doc && a.equals(b);
  if (a instanceof List) return b instanceof List && a.equals(b);
  return a === b;
}
