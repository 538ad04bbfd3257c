/**
 * Values of stores as JSON for people and programs. What is long is cut: `{"$cut":{"bytes":10485760,"head":"…"}}`; integers
 * that JSON numbers do not hold are `{"$int":"9223372036854775807"}`.
 *
 * @module
 */

import { Doc } from "../../crdt/doc.ts";
import { List } from "../../crdt/list.ts";
import { DELETED, typeName, type Value } from "../../crdt/value.ts";
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
  const text = JSON.stringify(value, (_, it) => typeof it === "bigint" ? bigText(it) : it);
  return text.length <= most ? JSON.parse(text) : cutText(text, most);
}

function bigText(value: bigint): { readonly $int: string } {
  return { $int: String(value) };
}
