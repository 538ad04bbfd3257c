/**
 * The canonical DAG-CBOR of an entry, written and read by its shape (01 §3, §5, §6).
 *
 * ```text
 * entry   = { sig: SigInfo, tree: tree, subtrees: [subtree…] }
 * tree    = { h?: height ≠ 0, root?: CID, parents: [CID…], metadata?: bytes }
 * subtree = { h?: height, data?: bytes, name: text, parents: [CID…] }
 * SigInfo = { key: SigKey, sig?: text }
 * SigKey  = { Direct: { hint: hint } } | { Delegation: { hint: hint, path: [{ tips, tree }…] } }
 * hint    = { name?: text, pubkey?: text, is_global?: true }
 * ```
 *
 * Keys come in this order: the shorter first, then bytewise. Lists of IDs are sorted and unique, so
 * are the subtrees by the UTF-8 bytes of their names. Whatever differs is refused (00 §B4).
 *
 * @module
 */

import { CborReader, CborWriter, malformed, textBytes } from "../codec/cbor.ts";
import { PublicKey } from "../keys/public_key.ts";
import { compareBytes, utf8 } from "../util/bytes.ts";
import { MAX_NAME_BYTES, MAX_PARENTS, MAX_PATH_STEPS, MAX_SUBTREES } from "./constants.ts";
import { ID } from "./id.ts";
import { type DelegationStep, type KeyHint, SigInfo, SigKey } from "./sig_info.ts";

/** The part of an entry that belongs to one store. */
export interface SubtreeNode {
  /** Name of the store. */
  readonly name: string;
  /** Parents in the store, sorted. */
  readonly parents: readonly ID[];
  /** Payload; undefined when the entry only takes part, which differs from an empty one. */
  readonly data: Uint8Array | undefined;
  /** Own height in the store; undefined when it is that of the entry. */
  readonly height: number | undefined;
}

/** Everything an entry says. */
export interface EntryModel {
  /** Root of the tree; undefined for a root entry. */
  readonly root: ID | undefined;
  /** Parents in the tree, sorted. */
  readonly parents: readonly ID[];
  /** Metadata of the transaction. */
  readonly metadata: Uint8Array | undefined;
  /** Height in the tree. */
  readonly height: number;
  /** Stores that the entry takes part in, sorted by name. */
  readonly nodes: readonly SubtreeNode[];
  /** Who signed it. */
  readonly sig: SigInfo;
}

/** Longest `sig` text: 64 bytes are 88 characters; hostile ones may be anything. */
const MAX_SIG_BYTES = 1024;

const K = {
  sig: textBytes("sig"),
  tree: textBytes("tree"),
  subtrees: textBytes("subtrees"),
  h: textBytes("h"),
  root: textBytes("root"),
  parents: textBytes("parents"),
  metadata: textBytes("metadata"),
  data: textBytes("data"),
  name: textBytes("name"),
  key: textBytes("key"),
  direct: textBytes("Direct"),
  delegation: textBytes("Delegation"),
  hint: textBytes("hint"),
  path: textBytes("path"),
  tips: textBytes("tips"),
  pubkey: textBytes("pubkey"),
  isGlobal: textBytes("is_global"),
} as const;
const TRUE = Uint8Array.of(0xf5);
/** Where the head of the SigInfo map stands: after the entry's head and the key `sig`. */
const SIG_INFO_AT = 1 + K.sig.length;

/** An encoded entry, and where its SigKey ends. */
export interface EncodedEntry {
  /** Canonical bytes. */
  readonly bytes: Uint8Array;
  /** Offset of the first byte after the SigKey, where the signature stands if there is one. */
  readonly keyEnd: number;
}

/** The canonical bytes of an entry. */
export function encodeEntry(entry: EntryModel): EncodedEntry {
  const writer = new CborWriter();
  writer.map(3);
  writer.raw(K.sig);
  writer.map(entry.sig.sig === undefined ? 1 : 2);
  writer.raw(K.key);
  writeSigKey(writer, entry.sig.key);
  const keyEnd = writer.length;
  if (entry.sig.sig !== undefined) {
    writer.raw(K.sig);
    writer.text(entry.sig.sig);
  }
  writeTree(writer, entry);
  writer.raw(K.subtrees);
  writer.array(entry.nodes.length);
  for (const node of entry.nodes) writeNode(writer, node);
  return { bytes: writer.done(), keyEnd };
}

/** The bytes of an entry with another signature, or none. Nothing is encoded again. */
export function spliceSignature(from: EncodedEntry, sig: string | undefined): EncodedEntry {
  const { bytes, keyEnd } = from;
  const restAt = bytes[SIG_INFO_AT] === 0xa1
    ? keyEnd
    : keyEnd + K.sig.length + sigLength(bytes, keyEnd);
  const added = new CborWriter();
  if (sig !== undefined) {
    added.raw(K.sig);
    added.text(sig);
  }
  const out = new Uint8Array(keyEnd + added.length + bytes.length - restAt);
  out.set(bytes.subarray(0, keyEnd));
  out[SIG_INFO_AT] = sig === undefined ? 0xa1 : 0xa2;
  out.set(added.done(), keyEnd);
  out.set(bytes.subarray(restAt), keyEnd + added.length);
  return { bytes: out, keyEnd };
}

function sigLength(bytes: Uint8Array, keyEnd: number): number {
  const reader = new CborReader(bytes.subarray(keyEnd + K.sig.length));
  reader.text("the signature", MAX_SIG_BYTES);
  return reader.position;
}

function writeSigKey(writer: CborWriter, key: SigKey): void {
  writer.map(1);
  writer.raw(key.path === undefined ? K.direct : K.delegation);
  writer.map(key.path === undefined ? 1 : 2);
  writer.raw(K.hint);
  writeHint(writer, key.hint);
  if (key.path === undefined) return;
  writer.raw(K.path);
  writer.array(key.path.length);
  for (const { tree, tips } of key.path) {
    writer.map(2);
    writer.raw(K.tips);
    writeIds(writer, tips);
    writer.raw(K.tree);
    writer.cid(tree.bytes);
  }
}

function writeHint(writer: CborWriter, { name, pubkey, isGlobal }: KeyHint): void {
  writer.map(Number(name !== undefined) + Number(pubkey !== undefined) + Number(isGlobal === true));
  if (name !== undefined) writer.raw(K.name), writer.text(name);
  if (pubkey !== undefined) writer.raw(K.pubkey), writer.text(pubkey.toString());
  if (isGlobal === true) writer.raw(K.isGlobal), writer.raw(TRUE);
}

function writeIds(writer: CborWriter, ids: readonly ID[]): void {
  writer.array(ids.length);
  for (const id of ids) writer.cid(id.bytes);
}

function writeTree(writer: CborWriter, { height, root, parents, metadata }: EntryModel): void {
  writer.raw(K.tree);
  writer.map(
    1 + Number(height !== 0) + Number(root !== undefined) + Number(metadata !== undefined),
  );
  if (height !== 0) writer.raw(K.h), writer.uint(height);
  if (root !== undefined) writer.raw(K.root), writer.cid(root.bytes);
  writer.raw(K.parents);
  writeIds(writer, parents);
  if (metadata !== undefined) writer.raw(K.metadata), writer.bytes(metadata);
}

function writeNode(writer: CborWriter, { name, parents, data, height }: SubtreeNode): void {
  writer.map(2 + Number(height !== undefined) + Number(data !== undefined));
  if (height !== undefined) writer.raw(K.h), writer.uint(height);
  if (data !== undefined) writer.raw(K.data), writer.bytes(data);
  writer.raw(K.name);
  writer.text(name);
  writer.raw(K.parents);
  writeIds(writer, parents);
}

/** Reads canonical bytes; anything else is an `EntryError`. Payloads are views of `bytes`. */
export function decodeEntry(bytes: Uint8Array): { model: EntryModel; keyEnd: number } {
  const reader = new CborReader(bytes);
  if (reader.map("the entry") !== 3) throw malformed("it has not exactly three members");
  reader.expect(K.sig, "the member `sig`");
  const sigSize = reader.map("`sig`");
  reader.expect(K.key, "the signature's key");
  const key = readSigKey(reader);
  const keyEnd = reader.position;
  const sig = readSignature(reader, sigSize);
  reader.expect(K.tree, "the member `tree`");
  const tree = readTree(reader);
  reader.expect(K.subtrees, "the member `subtrees`");
  const nodes = readNodes(reader);
  reader.end();
  return { model: { ...tree, nodes, sig: new SigInfo(key, sig) }, keyEnd };
}

function readSignature(reader: CborReader, size: number): string | undefined {
  if (size === 1) return undefined;
  if (size !== 2) throw malformed("`sig` has not one or two members");
  reader.expect(K.sig, "the signature");
  return reader.text("the signature", MAX_SIG_BYTES);
}

function readSigKey(reader: CborReader): SigKey {
  if (reader.map("the key") !== 1) throw malformed("the key has not exactly one variant");
  if (reader.accept(K.direct)) {
    if (reader.map("the direct key") !== 1) throw malformed("the direct key is not just a hint");
    reader.expect(K.hint, "the hint");
    return SigKey.direct(readHint(reader));
  }
  reader.expect(K.delegation, "the variant of the key");
  if (reader.map("the delegation") !== 2) throw malformed("the delegation has not two members");
  reader.expect(K.hint, "the hint");
  const hint = readHint(reader);
  reader.expect(K.path, "the path");
  const length = reader.array("the path", MAX_PATH_STEPS);
  return SigKey.delegation(Array.from({ length }, () => readStep(reader)), hint);
}

function readStep(reader: CborReader): DelegationStep {
  if (reader.map("a delegation step") !== 2) throw malformed("a step has not two members");
  reader.expect(K.tips, "the tips of a step");
  const tips = readIds(reader, "the tips of a step");
  reader.expect(K.tree, "the tree of a step");
  return { tips, tree: readId(reader, "the tree of a step") };
}

function readHint(reader: CborReader): KeyHint {
  let left = reader.map("the hint");
  const take = (key: Uint8Array): boolean => left > 0 && reader.accept(key) && left-- > 0;
  const name = take(K.name) ? reader.text("the name", MAX_NAME_BYTES) : undefined;
  const pubkey = take(K.pubkey)
    ? PublicKey.parse(reader.text("the key", MAX_NAME_BYTES))
    : undefined;
  const isGlobal = take(K.isGlobal) ? true : undefined;
  if (isGlobal === true) reader.expect(TRUE, "the flag of the hint");
  if (left !== 0) throw malformed("the hint has members that it must not have");
  return { name, pubkey, isGlobal };
}

function readTree(reader: CborReader): Omit<EntryModel, "nodes" | "sig"> {
  let left = reader.map("`tree`");
  const take = (key: Uint8Array): boolean => left > 0 && reader.accept(key) && left-- > 0;
  const written = take(K.h) ? reader.uint("the height") : undefined;
  if (written === 0) throw malformed("a height of zero is written, which must be left out");
  const height = written ?? 0;
  const root = take(K.root) ? readId(reader, "the root") : undefined;
  if (!take(K.parents)) throw malformed("the parents are missing");
  const parents = readSortedIds(reader, "the parents");
  const metadata = take(K.metadata) ? reader.bytes("the metadata") : undefined;
  if (left !== 0) throw malformed("`tree` has members that it must not have");
  return { root, parents, metadata, height };
}

function readNodes(reader: CborReader): SubtreeNode[] {
  const length = reader.array("`subtrees`", MAX_SUBTREES);
  const nodes: SubtreeNode[] = [];
  for (let at = 0; at < length; at++) {
    nodes.push(readNode(reader));
    const before = nodes[at - 1]?.name;
    if (before !== undefined && compareNames(before, nodes[at]!.name) >= 0) {
      throw malformed("the subtrees are not sorted by name, each once");
    }
  }
  return nodes;
}

function readNode(reader: CborReader): SubtreeNode {
  let left = reader.map("a subtree");
  const take = (key: Uint8Array): boolean => left > 0 && reader.accept(key) && left-- > 0;
  const height = take(K.h) ? reader.uint("the height of a subtree") : undefined;
  const data = take(K.data) ? reader.bytes("the payload") : undefined;
  if (!take(K.name)) throw malformed("the name of a subtree is missing");
  const name = reader.text("the name of a subtree", MAX_NAME_BYTES);
  if (!take(K.parents)) throw malformed("the parents of a subtree are missing");
  const parents = readSortedIds(reader, "the parents of a subtree");
  if (left !== 0) throw malformed("a subtree has members that it must not have");
  return { name, parents, data, height };
}

function readId(reader: CborReader, what: string): ID {
  const bytes = reader.cid(what);
  const id = ID.fromBytes(bytes);
  if (id.bytes.length !== bytes.length) throw malformed(`${what} has bytes after its CID`);
  return id;
}

function readIds(reader: CborReader, what: string): ID[] {
  const length = reader.array(what, MAX_PARENTS);
  const ids: ID[] = [];
  for (let at = 0; at < length; at++) ids.push(readId(reader, what));
  return ids;
}

function readSortedIds(reader: CborReader, what: string): ID[] {
  const ids = readIds(reader, what);
  requireSorted(ids, what);
  return ids;
}

/** Refuses a list of IDs that is not sorted, or has one twice. */
export function requireSorted(ids: readonly ID[], what: string): void {
  for (let at = 1; at < ids.length; at++) {
    if (ID.compare(ids[at - 1]!, ids[at]!) >= 0) {
      throw malformed(`${what} are not sorted, each once`);
    }
  }
}

/** Order of store names: their UTF-8 bytes, which is not that of UTF-16 code units. */
export function compareNames(a: string, b: string): number {
  return a === b ? 0 : compareBytes(utf8(a), utf8(b));
}
