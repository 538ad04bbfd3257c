/**
 * JSON with exact 64-bit integers: a strict parser, a writer, and plain-JavaScript forms.
 *
 * An integer is a `number` when |n| ≤ 2^53 − 1 and a `bigint` up to −2^63 … 2^64−1; every other
 * number is a {@link JsonFloat}. Objects are `Map`s, so `__proto__` is a key like any other; of a
 * repeated key the last value counts, and {@link duplicateKeys} tells which keys were repeated.
 *
 * @module
 */
import { SerializeError } from "./errors.ts";
import {
  JsonFloat,
  JsonReader,
  MAX_JSON_DEPTH,
  MAX_JSON_INTEGER,
  MIN_JSON_INTEGER,
} from "./json_reader.ts";
import { turns } from "./turns.ts";

export {
  JsonFloat,
  MAX_JSON_DEPTH,
  MAX_JSON_INTEGER,
  MIN_JSON_INTEGER,
  normalizeInteger,
} from "./json_reader.ts";

/** A JSON object as {@link parseJson64} makes it. */
export type JsonObject = Map<string, Json64>;

/** A parsed JSON value. */
export type Json64 = null | boolean | number | bigint | JsonFloat | string | Json64[] | JsonObject;

/** Limits of {@link parseJson64} and {@link stringifyJson64}. */
export interface Json64Options {
  /** Most nested containers; {@link MAX_JSON_DEPTH} unless told. */
  readonly maxDepth?: number;
}

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const QUOTE = 0x22;

const NO_KEYS: ReadonlySet<string> = new Set();
const repeatedKeys = new WeakMap<JsonObject, Set<string>>();

/** Parses a whole JSON text. Throws {@link SerializeError} `DeserializationFailed`. */
export function parseJson64(text: string, options: Json64Options = {}): Json64 {
  const reader = new JsonReader(text, options.maxDepth);
  const value = readJson64(reader);
  reader.end();
  return value;
}

/** As {@link parseJson64}, for long texts: others have their turns between the members of the outer two levels. */
export async function parseJson64InTurns(
  text: string,
  options: Json64Options = {},
): Promise<Json64> {
  const reader = new JsonReader(text, options.maxDepth);
  const value = await readInTurns(reader, 2);
  reader.end();
  return value;
}

async function readInTurns(reader: JsonReader, levels: number): Promise<Json64> {
  if (levels === 0 || reader.peek() !== OPEN_BRACE) return readJson64(reader);
  const object: JsonObject = new Map();
  if (!reader.begin(OPEN_BRACE, CLOSE_BRACE)) return object;
  do {
    const key = readKey(reader);
    setMember(object, key, await readInTurns(reader, levels - 1));
    if (turns.isOver) await turns.next();
  } while (reader.more(CLOSE_BRACE));
  return object;
}

/** The keys that stood more than once in an object of {@link parseJson64}. */
export function duplicateKeys(object: JsonObject): ReadonlySet<string> {
  return repeatedKeys.get(object) ?? NO_KEYS;
}

/** Reads one JSON value from a reader, which then stands behind it. */
export function readJson64(reader: JsonReader): Json64 {
  switch (reader.peek()) {
    case OPEN_BRACE:
      return readObject(reader);
    case OPEN_BRACKET:
      return readArray(reader);
    case QUOTE:
      return reader.string();
    case 0x6e:
      reader.literal("null");
      return null;
    case 0x74:
    case 0x66:
      return reader.boolean();
    default:
      return reader.number();
  }
}

function readArray(reader: JsonReader): Json64[] {
  const items: Json64[] = [];
  if (!reader.begin(OPEN_BRACKET, CLOSE_BRACKET)) return items;
  do items.push(readJson64(reader)); while (reader.more(CLOSE_BRACKET));
  return items;
}

function readObject(reader: JsonReader): JsonObject {
  const object: JsonObject = new Map();
  if (!reader.begin(OPEN_BRACE, CLOSE_BRACE)) return object;
  do readMember(reader, object); while (reader.more(CLOSE_BRACE));
  return object;
}

function readMember(reader: JsonReader, object: JsonObject): void {
  const key = readKey(reader);
  setMember(object, key, readJson64(reader));
}

function readKey(reader: JsonReader): string {
  const key = reader.name();
  reader.expect(COLON);
  return key;
}

function setMember(object: JsonObject, key: string, value: Json64): void {
  if (object.has(key)) noteRepeated(object, key);
  object.set(key, value);
}

function noteRepeated(object: JsonObject, key: string): void {
  const keys = repeatedKeys.get(object);
  if (keys === undefined) repeatedKeys.set(object, new Set([key]));
  else keys.add(key);
}

/**
 * Writes a value as JSON text without whitespace. Takes what {@link parseJson64} makes and also plain
 * objects, in member order, leaving out members that are `undefined`. A {@link JsonFloat} keeps a
 * decimal point or exponent, and so does an integral `number` beyond 2^53 − 1: use `bigint` for integers.
 *
 * Throws {@link SerializeError} `SerializationFailed` for anything JSON cannot hold, integers outside
 * −2^63 … 2^64−1, lone surrogates and too deep nesting.
 */
export function stringifyJson64(value: unknown, options: Json64Options = {}): string {
  return write(value, options.maxDepth ?? MAX_JSON_DEPTH);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return quoteJson(value);
    case "number":
      return writeNumber(value);
    case "bigint":
      return writeBigint(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      return value === null ? "null" : writeObject(value, depth);
    default:
      return fail(`JSON has no form for ${typeof value}`);
  }
}

function writeObject(value: object, depth: number): string {
  if (value instanceof JsonFloat) return formatFloat(value.value);
  if (depth === 0) return fail("too many nested containers");
  if (Array.isArray(value)) {
    return `[${value.map((item) => write(item, depth - 1)).join(",")}]`;
  }
  const members = value instanceof Map ? value.entries() : Object.entries(value);
  const parts: string[] = [];
  for (const [key, member] of members) {
    if (member !== undefined) parts.push(`${quoteJson(key)}:${write(member, depth - 1)}`);
  }
  return `{${parts.join(",")}}`;
}

/** Writes a string as JSON; refuses lone surrogates, which no strict reader accepts. */
export function quoteJson(text: string): string {
  if (!text.isWellFormed()) fail("a string holds a lone surrogate");
  return JSON.stringify(text);
}

/** A double beyond 2^53 is written as a float, so that it is not read back as an exact integer. */
function writeNumber(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : formatFloat(value);
}

function writeBigint(value: bigint): string {
  if (value < MIN_JSON_INTEGER || value > MAX_JSON_INTEGER) {
    return fail(`the integer ${value} does not fit 64 bits`);
  }
  return value.toString();
}

function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return fail(`JSON has no form for ${value}`);
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function fail(reason: string): never {
  throw new SerializeError("SerializationFailed", `Cannot write JSON: ${reason}`, {
    fields: { reason },
  });
}

/** A parsed value as plain JavaScript: objects instead of `Map`s, numbers instead of floats. */
export function toPlainJson(value: Json64): unknown {
  if (value instanceof JsonFloat) return value.value;
  if (Array.isArray(value)) return value.map(toPlainJson);
  if (!(value instanceof Map)) return value;
  const object: Record<string, unknown> = {};
  for (const [key, member] of value) defineMember(object, key, toPlainJson(member));
  return object;
}

/** Sets an own member, also when the key is `__proto__`. */
export function defineMember(object: object, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else (object as Record<string, unknown>)[key] = value;
}

/** Digits that may exceed 2^53, an exponent that may exceed a double, or an escape that may be a lone surrogate. */
const NEEDS_EXACT_PARSER = /[0-9]{16}|[eE]\+?[0-9]{3}|\\u[dD][89a-fA-F]/;

/**
 * Parses a JSON text into plain JavaScript; integers beyond 2^53 − 1 come as `bigint`.
 * Uses the engine's parser where that gives the same result. Throws {@link SerializeError}.
 */
export function parsePlainJson(text: string): unknown {
  if (NEEDS_EXACT_PARSER.test(text) || mayNestDeeply(text) || !text.isWellFormed()) {
    return toPlainJson(parseJson64(text));
  }
  try {
    return JSON.parse(text);
  } catch {
    return toPlainJson(parseJson64(text)); // names the position the same way on every runtime
  }
}

function mayNestDeeply(text: string): boolean {
  return text.length > 2 * MAX_JSON_DEPTH &&
    (hasMore(text, "{", MAX_JSON_DEPTH >> 1) || hasMore(text, "[", MAX_JSON_DEPTH >> 1));
}

function hasMore(text: string, char: string, count: number): boolean {
  let at = -1;
  for (let found = 0; found <= count; found++) {
    at = text.indexOf(char, at + 1);
    if (at < 0) return false;
  }
  return true;
}
