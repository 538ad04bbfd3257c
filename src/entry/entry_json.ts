/**
 * The JSON form of an entry (01 §5), as on the sync wire and in the snapshot file.
 *
 * ```text
 * { "tree": { "root"?, "parents": […], "metadata"?: [byte…], "h"? },
 *   "subtrees": [{ "name", "parents": […], "data"?: [byte…], "h"? }…],
 *   "sig": { "sig"?, "key": … } }
 * ```
 *
 * @module
 */

import { utf8 } from "../util/bytes.ts";
import { EideticaError, EntryError } from "../util/errors.ts";
import { duplicateKeys, type Json64, parseJson64, toPlainJson } from "../util/json64.ts";
import { ENTRY_VERSION, MAX_NAME_BYTES, MAX_PARENTS, MAX_SUBTREES } from "./constants.ts";
import { compareNames, type EntryModel, requireSorted, type SubtreeNode } from "./entry_codec.ts";
import { ID } from "./id.ts";
import { SigInfo, SigKey } from "./sig_info.ts";

type JsonObject = ReadonlyMap<string, Json64>;

/** The JSON form of an entry, as plain JavaScript. */
export function entryToJson(entry: EntryModel): unknown {
  const tree: Record<string, unknown> = {};
  if (entry.root !== undefined) tree.root = entry.root.toString();
  tree.parents = entry.parents.map(String);
  if (entry.metadata !== undefined) tree.metadata = [...entry.metadata];
  if (entry.height !== 0) tree.h = entry.height;
  return { tree, subtrees: entry.nodes.map(nodeToJson), sig: entry.sig.toJSON() };
}

function nodeToJson({ name, parents, data, height }: SubtreeNode): unknown {
  const json: Record<string, unknown> = { name, parents: parents.map(String) };
  if (data !== undefined) json.data = [...data];
  if (height !== undefined) json.h = height;
  return json;
}

/** Reads the JSON form of an entry. Throws {@link EntryError} for anything else. */
export function parseEntryJson(text: string): EntryModel {
  let json: Json64;
  try {
    json = parseJson64(text);
  } catch (cause) {
    throw malformed("it is not JSON", cause);
  }
  return entryFromJson64(json);
}

/** Reads the JSON form of an entry out of JSON that was parsed already. */
export function entryFromJson64(json: Json64): EntryModel {
  try {
    return readEntry(json);
  } catch (cause) {
    if (cause instanceof EntryError || !(cause instanceof EideticaError)) throw cause;
    throw malformed(cause.message, cause);
  }
}

function readEntry(json: Json64): EntryModel {
  const entry = object(json, "the entry");
  if ((entry.get("_v") ?? (entry.has("_v") ? null : ENTRY_VERSION)) !== ENTRY_VERSION) {
    throw malformed(`its version is not ${ENTRY_VERSION}`);
  }
  const tree = object(entry.get("tree"), "`tree`");
  const parents = ids(tree.get("parents"), "the parents");
  requireSorted(parents, "the parents");
  return {
    root: optional(tree, "root", (root) => id(root, "the root")),
    parents,
    metadata: optional(tree, "metadata", (bytes) => byteList(bytes, "the metadata")),
    height: tree.has("h") ? height(tree.get("h")) : 0,
    nodes: nodes(entry.get("subtrees")),
    sig: sigInfo(object(entry.get("sig"), "`sig`")),
  };
}

function malformed(reason: string, cause?: unknown): EntryError {
  return new EntryError("InvalidStructure", `Cannot read an entry from JSON: ${reason}`, {
    cause,
    fields: { reason },
  });
}

function object(json: Json64 | undefined, what: string): JsonObject {
  if (!(json instanceof Map)) throw malformed(`${what} is not an object`);
  if (duplicateKeys(json).size > 0) throw malformed(`${what} has a member twice`);
  return json;
}

function optional<T>(from: JsonObject, name: string, read: (json: Json64) => T): T | undefined {
  const json = from.get(name);
  return json === undefined || json === null ? undefined : read(json);
}

function list(json: Json64 | undefined, what: string, limit: number): readonly Json64[] {
  if (!Array.isArray(json)) throw malformed(`${what} is not a list`);
  if (json.length > limit) throw malformed(`${what} has more than ${limit} items`);
  return json;
}

function id(json: Json64, what: string): ID {
  if (typeof json === "string") return ID.parseCanonical(json);
  throw malformed(`${what} is not a text`);
}

function ids(json: Json64 | undefined, what: string): ID[] {
  return list(json, what, MAX_PARENTS).map((item) => id(item, what));
}

function height(json: Json64 | undefined): number {
  if (typeof json === "number" && Number.isSafeInteger(json) && json >= 0) return json;
  throw malformed("a height is not an integer from 0 to 2^53 - 1");
}

/** Bytes as an array of numbers; a text stands for its UTF-8 bytes. */
function byteList(json: Json64, what: string): Uint8Array {
  if (typeof json === "string") return utf8(json);
  if (!Array.isArray(json)) throw malformed(`${what} is neither a list of bytes nor a text`);
  const bytes = new Uint8Array(json.length);
  for (let at = 0; at < json.length; at++) {
    const item = json[at];
    if (typeof item !== "number" || !(item >= 0 && item <= 255)) {
      throw malformed(`${what} holds something that is not a byte`);
    }
    bytes[at] = item;
  }
  return bytes;
}

function nodes(json: Json64 | undefined): SubtreeNode[] {
  const read = list(json, "`subtrees`", MAX_SUBTREES).map(node);
  for (let at = 1; at < read.length; at++) {
    if (compareNames(read[at - 1]!.name, read[at]!.name) >= 0) {
      throw malformed("the subtrees are not sorted by name, each once");
    }
  }
  return read;
}

function node(json: Json64): SubtreeNode {
  const from = object(json, "a subtree");
  const name = from.get("name");
  if (typeof name !== "string") throw malformed("the name of a subtree is not a text");
  if (utf8(name).length > MAX_NAME_BYTES) throw malformed("the name of a subtree is too long");
  const parents = ids(from.get("parents"), "the parents of a subtree");
  requireSorted(parents, "the parents of a subtree");
  const data = optional(from, "data", (bytes) => byteList(bytes, "the payload"));
  return { name, parents, data, height: optional(from, "h", height) };
}

function sigInfo(json: JsonObject): SigInfo {
  const sig = json.get("sig") ?? undefined;
  if (sig !== undefined && typeof sig !== "string") throw malformed("the signature is not a text");
  const key = json.get("key");
  if (key === undefined) throw malformed("the signature's key is missing");
  refuseDuplicates(key);
  return new SigInfo(SigKey.fromJSON(toPlainJson(key), ID.parseCanonical), sig);
}

/** The small tree of a key must not say anything twice. */
function refuseDuplicates(json: Json64): void {
  if (Array.isArray(json)) json.forEach(refuseDuplicates);
  else if (json instanceof Map) {
    object(json, "the key");
    for (const value of json.values()) refuseDuplicates(value);
  }
}
