/**
 * Writes the stored form of documents, which `doc_reader.ts` describes and reads (03 §4).
 *
 * Keys are sorted, so equal documents give equal bytes. Nesting that no reader accepts is refused.
 *
 * @module
 */
import { CrdtError } from "../util/errors.ts";
import { MAX_JSON_DEPTH } from "../util/json_reader.ts";
import type { Doc } from "./doc.ts";
import type { List } from "./list.ts";
import type { Position } from "./position.ts";
import { DELETED, type Value } from "./value.ts";

/** The stored form of a document. Throws {@link CrdtError} `SerializationFailed` if nested too deeply. */
export function stringifyDoc(doc: Doc): string {
  return writeDoc(doc, MAX_JSON_DEPTH);
}

/** The stored form of a value. Throws {@link CrdtError} `SerializationFailed` if nested too deeply. */
export function stringifyValue(value: Value): string {
  return writeValue(value, MAX_JSON_DEPTH);
}

/** `depth` is the number of containers that may still be opened. */
function writeDoc(doc: Doc, depth: number): string {
  const inner = nest(depth, 2);
  let children = "";
  doc.peekEach((key, value) => {
    if (children !== "") children += ",";
    children += `${JSON.stringify(key)}:${writeValue(value, inner)}`;
  });
  return `${doc.isAtomic() ? '{"_a":true,' : "{"}"children":{${children}}}`;
}

function writeValue(value: Value, depth: number): string {
  if (value === null) return '"Null"';
  if (value === DELETED) return '"Deleted"';
  const inner = nest(depth, 1);
  switch (typeof value) {
    case "string":
      return `{"Text":${JSON.stringify(value)}}`;
    case "boolean":
      return `{"Bool":${value}}`;
    case "object":
      return value.typeName === "doc"
        ? `{"Doc":${writeDoc(value, inner)}}`
        : `{"List":${writeList(value, inner)}}`;
    default:
      return `{"Int":${value}}`;
  }
}

function writeList(list: List, depth: number): string {
  const inner = nest(depth, 1);
  let items = "";
  for (const { position, value } of list.peekItems()) {
    if (items !== "") items += ",";
    items += writeItem(position, value, nest(inner, 1));
  }
  return `[${items}]`;
}

function writeItem(position: Position, value: Value, depth: number): string {
  nest(depth, 1);
  const place = `{"numerator":${position.numerator},"denominator":${position.denominator},` +
    `"unique_id":"${position.uniqueId}"}`;
  return `[${place},${writeValue(value, depth)}]`;
}

/** What is left of `depth` after opening `count` containers. */
function nest(depth: number, count: number): number {
  if (depth >= count) return depth - count;
  const reason = `it nests more than ${MAX_JSON_DEPTH} JSON containers, which no reader accepts`;
  throw new CrdtError("SerializationFailed", `Cannot write the document: ${reason}`, {
    fields: { reason },
  });
}
