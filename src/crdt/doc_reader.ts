/**
 * The stored form of documents: JSON text in UTF-8 (03 §4).
 *
 * ```text
 * doc   = {"_a":true,"children":{key:value,…}}      "_a" only if atomic; "children" always
 * value = "Null" | "Deleted" | {"Bool":b} | {"Int":i64} | {"Text":s} | {"Doc":doc} | {"List":list}
 * list  = [[{"numerator":i64,"denominator":u64,"unique_id":uuid},value],…]   ascending positions
 * ```
 *
 * This file reads it, in one pass straight into what a maker makes; `doc_writer.ts` writes it. The reader accepts and refuses exactly what 03 §4.2 lists, including
 * the array forms of documents and positions.
 *
 * @module
 */
import { SerializeError } from "../util/errors.ts";
import { JsonReader } from "../util/json_reader.ts";
import { skipJson } from "../util/json_skip.ts";
import type { Doc } from "./doc.ts";
import type { Children } from "./doc_core.ts";
import type { List } from "./list.ts";
import type { Item } from "./list_items.ts";
import type { Position } from "./position.ts";
import { parseUuid } from "./uuid.ts";
import { DELETED, type Int, MAX_DENOMINATOR, MAX_INT, MIN_INT, type Value } from "./value.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A byte order mark is not skipped: it is no JSON. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Makes what is read: documents themselves, or only what somebody wants to know of them. */
export interface DocMaker {
  /** An empty map of children. */
  children(): Children;
  /** A document that takes over its children. */
  doc(children: Children, atomic: boolean): Doc;
  /** A list of items in the order of the text. */
  list(items: Item[]): List;
  /** A position of parts that were checked. */
  position(numerator: Int, denominator: Int, uniqueId: string): Position;
}

/**
 * Reads a document from its stored form, where containers nest up to `maxDepth`. Throws `SerializeError`
 * `DeserializationFailed`.
 */
export function readDocText(text: string, make: DocMaker, maxDepth?: number): Doc {
  const reader = new JsonReader(text, maxDepth);
  const doc = readDoc(reader, make);
  reader.end();
  return doc;
}

/** Reads a document from its stored form in UTF-8. Throws `SerializeError` `DeserializationFailed`. */
export function readDocBytes(bytes: Uint8Array, make: DocMaker): Doc {
  return readDocText(decodeUtf8(bytes), make);
}

/** Reads a value from its stored form. Throws `SerializeError` `DeserializationFailed`. */
export function readValueText(text: string, make: DocMaker): Value {
  const reader = new JsonReader(text);
  const value = readValue(reader, make);
  reader.end();
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const reason = "the bytes are not UTF-8";
    throw new SerializeError("DeserializationFailed", `Cannot read a document: ${reason}`, {
      fields: { reason },
      cause,
    });
  }
}

function readDoc(reader: JsonReader, make: DocMaker): Doc {
  if (reader.peek() === OPEN_BRACKET) return readDocArray(reader, make);
  let children: Children | undefined;
  let atomic: boolean | undefined;
  let version: true | undefined;
  if (reader.begin(OPEN_BRACE, CLOSE_BRACE)) {
    do {
      const field = readKey(reader);
      if (field === "children") children = readChildren(once(reader, children), make);
      else if (field === "_a") atomic = once(reader, atomic).boolean();
      else if (field === "_v") version = readVersion(once(reader, version));
      else skipJson(reader);
    } while (reader.more(CLOSE_BRACE));
  }
  return make.doc(children ?? reader.mismatch('a document without "children"'), atomic === true);
}

/** The reader, unless the field it stands at was read before. */
function once(reader: JsonReader, previous: unknown): JsonReader {
  return previous === undefined ? reader : reader.mismatch("a field stands twice");
}

function readKey(reader: JsonReader): string {
  const key = reader.name();
  reader.expect(COLON);
  return key;
}

/** The array form `[version, atomic, children]`. */
function readDocArray(reader: JsonReader, make: DocMaker): Doc {
  openFields(reader);
  readVersion(reader);
  nextField(reader);
  const atomic = reader.boolean();
  nextField(reader);
  const children = readChildren(reader, make);
  reader.close(CLOSE_BRACKET);
  return make.doc(children, atomic);
}

/** Opens an array that stands for an object. */
function openFields(reader: JsonReader): void {
  reader.open(OPEN_BRACKET);
  if (reader.peek() === CLOSE_BRACKET) reader.mismatch("an array without fields");
}

function nextField(reader: JsonReader): void {
  if (reader.peek() === CLOSE_BRACKET) reader.mismatch("an array with too few fields");
  reader.expect(COMMA);
}

function readVersion(reader: JsonReader): true {
  if (reader.number() !== 0) reader.mismatch("the document version is not 0");
  return true;
}

function readChildren(reader: JsonReader, make: DocMaker): Children {
  const children = make.children();
  if (!reader.begin(OPEN_BRACE, CLOSE_BRACE)) return children;
  do children.set(readKey(reader), readValue(reader, make)); while (reader.more(CLOSE_BRACE));
  return children;
}

function readValue(reader: JsonReader, make: DocMaker): Value {
  const start = reader.peek();
  if (start === QUOTE) return readUnit(reader, reader.string());
  if (start !== OPEN_BRACE) reader.fail("expected a value of a document");
  reader.open(OPEN_BRACE);
  const variant = readKey(reader);
  const value = readPayload(reader, variant, make);
  reader.close(CLOSE_BRACE);
  return value;
}

function readUnit(reader: JsonReader, variant: string): Value {
  if (variant === "Deleted") return DELETED;
  if (variant === "Null") return null;
  return reader.mismatch(`"${variant}" is no value without payload`);
}

function readPayload(reader: JsonReader, variant: string, make: DocMaker): Value {
  switch (variant) {
    case "Text":
      return reader.string();
    case "Int":
      return readInt(reader, MIN_INT, MAX_INT);
    case "Bool":
      return reader.boolean();
    case "Doc":
      return readDoc(reader, make);
    case "List":
      return readList(reader, make);
    default:
      return readUnitPayload(reader, variant);
  }
}

function readUnitPayload(reader: JsonReader, variant: string): Value {
  const value = readUnit(reader, variant);
  reader.literal("null");
  return value;
}

/** An integer literal of `min` … `max`. */
function readInt(reader: JsonReader, min: bigint, max: bigint): Int {
  const value = reader.number();
  if (typeof value === "object") return reader.mismatch("expected an integer literal of 64 bits");
  if (value < min || value > max) return reader.mismatch(`the integer ${value} is out of range`);
  return value;
}

function readList(reader: JsonReader, make: DocMaker): List {
  const items: Item[] = [];
  if (reader.begin(OPEN_BRACKET, CLOSE_BRACKET)) {
    do items.push(readItem(reader, make)); while (reader.more(CLOSE_BRACKET));
  }
  return make.list(items);
}

function readItem(reader: JsonReader, make: DocMaker): Item {
  reader.open(OPEN_BRACKET);
  const position = readPosition(reader, make);
  reader.expect(COMMA);
  const value = readValue(reader, make);
  reader.close(CLOSE_BRACKET);
  return { position, value };
}

function readPosition(reader: JsonReader, make: DocMaker): Position {
  if (reader.peek() === OPEN_BRACKET) return readPositionArray(reader, make);
  let numerator: Int | undefined;
  let denominator: Int | undefined;
  let id: string | undefined;
  if (reader.begin(OPEN_BRACE, CLOSE_BRACE)) {
    do {
      const field = readKey(reader);
      if (field === "numerator") numerator = readNumerator(once(reader, numerator));
      else if (field === "denominator") denominator = readDenominator(once(reader, denominator));
      else if (field === "unique_id") id = readUuid(once(reader, id));
      else skipJson(reader);
    } while (reader.more(CLOSE_BRACE));
  }
  if (numerator === undefined || denominator === undefined || id === undefined) {
    return reader.mismatch("a list position without all of its fields");
  }
  return make.position(numerator, denominator, id);
}

/** The array form `[numerator, denominator, unique_id]`. */
function readPositionArray(reader: JsonReader, make: DocMaker): Position {
  openFields(reader);
  const numerator = readNumerator(reader);
  nextField(reader);
  const denominator = readDenominator(reader);
  nextField(reader);
  const id = readUuid(reader);
  reader.close(CLOSE_BRACKET);
  return make.position(numerator, denominator, id);
}

function readNumerator(reader: JsonReader): Int {
  return readInt(reader, MIN_INT, MAX_INT);
}

function readDenominator(reader: JsonReader): Int {
  return readInt(reader, 0n, MAX_DENOMINATOR);
}

function readUuid(reader: JsonReader): string {
  return parseUuid(reader.string()) ?? reader.mismatch("a list position with a malformed UUID");
}
