/**
 * Documents from their stored form.
 *
 * @module
 */

import { BTree, compareStrings } from "../util/btree.ts";
import { type Doc, makeDoc } from "./doc.ts";
import { type DocMaker, readDocBytes, readDocText, readValueText } from "./doc_reader.ts";
import { makeList } from "./list.ts";
import { isSorted, sortItems } from "./list_items.ts";
import { Position } from "./position.ts";
import type { Value } from "./value.ts";

const MAKER: DocMaker = {
  children: () => new BTree(compareStrings),
  doc: (children, atomic) => makeDoc(children, atomic),
  list: (items) => makeList(isSorted(items) ? items : sortItems(items)),
  position: (...parts) => Position.restore(...parts),
};

/**
 * Reads a document from its stored form, where containers nest up to `maxDepth`. Throws `SerializeError`
 * `DeserializationFailed`.
 */
export function parseDoc(text: string, maxDepth?: number): Doc {
  return readDocText(text, MAKER, maxDepth);
}

/** Reads a document from its stored form in UTF-8. Throws `SerializeError` `DeserializationFailed`. */
export function parseDocBytes(bytes: Uint8Array): Doc {
  return readDocBytes(bytes, MAKER);
}

/** Reads a value from its stored form. Throws `SerializeError` `DeserializationFailed`. */
export function parseValue(text: string): Value {
  return readValueText(text, MAKER);
}
