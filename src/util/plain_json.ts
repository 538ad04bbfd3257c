/**
 * Plain JavaScript values as JSON text that reads back as they are, or not at all: the one writer for
 * values that come from callers.
 *
 * It keeps what JSON can keep: texts, finite numbers, integers of 64 bits, truth values, `null`, arrays,
 * and plain objects without their `undefined` members. An object with a `toJSON`, such as a `Date`, is what
 * that says. Anything else would come back as something else, and is refused with its kind and place.
 *
 * @module
 */

import { SerializeError } from "./errors.ts";
import {
  JsonFloat,
  MAX_JSON_DEPTH,
  MAX_JSON_INTEGER,
  MIN_JSON_INTEGER,
  stringifyJson64,
} from "./json64.ts";

export { parsePlainJson } from "./json64.ts";

/**
 * The JSON text of a value, which `parsePlainJson` reads back.
 * Throws {@link SerializeError} `SerializationFailed` with the fields `reason`, `kind` and `path`.
 */
export function stringifyPlainJson(value: unknown): string {
  return isPlain(value, MAX_JSON_DEPTH)
    ? JSON.stringify(value)
    : stringifyJson64(toModel(value, ROOT));
}

/** Whether the engine's own writer does the same as the exact one: nothing is special about the value. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
      return value.isWellFormed();
    case "number":
      return Number.isSafeInteger(value) ? value !== 0 || !Object.is(value, -0) : isFraction(value);
    case "boolean":
      return true;
    case "object":
      return value === null || (depth > 0 && isPlainObject(value, depth - 1));
    default:
      return false;
  }
}

function isFraction(value: number): boolean {
  return Number.isFinite(value) && !Number.isInteger(value);
}

function isPlainObject(value: object, depth: number): boolean {
  if (Array.isArray(value)) return isPlainArray(value, depth);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const members = value as Record<string, unknown>;
  if (members["toJSON"] !== undefined) return false;
  for (const key of Object.keys(members)) {
    const member = members[key];
    if (member !== undefined && !(key.isWellFormed() && isPlain(member, depth))) return false;
  }
  return true;
}

function isPlainArray(items: readonly unknown[], depth: number): boolean {
  // By index: other ways of going through an array pass over its holes.
  for (let at = 0; at < items.length; at++) if (!isPlain(items[at], depth)) return false;
  return !("toJSON" in items);
}

/** Where a value stands: the objects above it, and the keys that lead to it. */
interface Place {
  readonly above: readonly object[];
  readonly keys: readonly (string | number)[];
}

const ROOT: Place = { above: [], keys: [] };

/** A value as `stringifyJson64` takes it. */
function toModel(value: unknown, place: Place): unknown {
  switch (typeof value) {
    case "boolean":
      return value;
    case "string":
      return value.isWellFormed() ? value : refuse("a text with half of a surrogate pair", place);
    case "number":
      if (!Number.isFinite(value)) return refuse(`the number ${value}`, place);
      return Object.is(value, -0) ? new JsonFloat(value) : value;
    case "bigint":
      return value >= MIN_JSON_INTEGER && value <= MAX_JSON_INTEGER
        ? value
        : refuse("an integer of more than 64 bits", place);
    case "object":
      return value === null ? null : toObjectModel(value, place);
    default:
      return refuse(value === undefined ? "undefined" : `a ${typeof value}`, place);
  }
}

function toObjectModel(value: object, place: Place): unknown {
  if (place.above.includes(value)) return refuse("an object that contains itself", place);
  if (place.above.length >= MAX_JSON_DEPTH) {
    return refuse(`more than ${MAX_JSON_DEPTH} nested lists and objects`, place);
  }
  const said = ownForm(value, place);
  if (typeof said !== "object" || said === null) return toModel(said, place);
  const inner: Place = { above: [...place.above, value], keys: place.keys };
  return Array.isArray(said) ? toItems(said, inner) : toMembers(said, inner);
}

/** What an object says that it is in JSON, or the object itself. */
function ownForm(value: object, place: Place): unknown {
  // Buffers of Node say that they are lists of numbers, and dates that are none that they are null.
  if (ArrayBuffer.isView(value)) return refuse(`bytes (${nameOf(value)})`, place);
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    return refuse("an invalid Date", place);
  }
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === "function" ? toJSON.call(value, String(place.keys.at(-1) ?? "")) : value;
}

function toItems(items: readonly unknown[], { above, keys }: Place): unknown[] {
  return Array.from({ length: items.length }, (_, at) => {
    const place = { above, keys: [...keys, at] };
    return at in items ? toModel(items[at], place) : refuse("a hole", place);
  });
}

function toMembers(value: object, { above, keys }: Place): ReadonlyMap<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  // The prototype of plain objects has none itself, in whatever realm they were made.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return refuse(`an instance of ${nameOf(value)}`, { above, keys });
  }
  const members = new Map<string, unknown>();
  for (const [key, member] of Object.entries(value)) {
    const place = { above, keys: [...keys, key] };
    if (!key.isWellFormed()) return refuse("a key with half of a surrogate pair", place);
    if (member !== undefined) members.set(key, toModel(member, place));
  }
  return members;
}

function nameOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "a class";
}

function refuse(kind: string, { keys }: Place): never {
  const path = pathText(keys);
  const where = path === "" ? kind : `${kind} at ${path}`;
  const reason = `${where} would not come back as it is: JSON keeps texts, finite numbers, truth ` +
    "values, null, lists without gaps, and plain objects";
  throw new SerializeError("SerializationFailed", `Cannot write JSON: ${reason}`, {
    fields: { reason, kind, path },
  });
}

/** The way to a member as it is written in code: `tags[1].name`, `["odd key"]`. */
function pathText(keys: readonly (string | number)[]): string {
  return keys.map((key, at) => {
    if (typeof key === "number") return `[${key}]`;
    if (/^[A-Za-z_$][\w$]*$/.test(key)) return at === 0 ? key : `.${key}`;
    return `[${JSON.stringify(key)}]`;
  }).join("");
}
