import { unencodable } from "../codec/dag_cbor.ts";
import { DagCborReader } from "../codec/dag_cbor_reader.ts";
import { DagCborWriter } from "../codec/dag_cbor_writer.ts";
import {
  MAX_ENTRY_BYTES,
  MAX_NAME_BYTES,
  MAX_PARENTS,
  MAX_PATH_STEPS,
  MAX_SUBTREES,
} from "./constants.ts";
import {
  type EncodedEntry,
  type EntryModel,
  K,
  MAX_SIG_BYTES,
  SIG_INFO_AT,
  type SubtreeNode,
  TRUE,
} from "./entry_codec.ts";
import type { ID } from "./id.ts";
import type { DelegationStep, KeyHint, SigInfo, SigKey } from "./sig_info.ts";

/** Nothing calls the encoder while it encodes, so all entries share its buffer. */
const writer: DagCborWriter = new DagCborWriter();

/**
 * The canonical bytes of an entry. Throws {@link EntryError} `InvalidStructure` for what could not be
 * decoded again: beyond the limits, or with a name that is no Unicode text.
 */
export function encodeEntry(entry: EntryModel): EncodedEntry {
  writer.reset();
  writer.map(3);
  writer.raw(K.sig);
  const keyEnd = writeSigInfo(entry.sig);
  writeTree(entry);
  writer.raw(K.subtrees);
  writer.array(entry.nodes.length, MAX_SUBTREES, "`subtrees`");
  for (let at = 0; at < entry.nodes.length; at++) writeNode(entry.nodes[at]!);
  if (writer.position > MAX_ENTRY_BYTES) {
    throw unencodable(
      `it has ${writer.position} bytes, at most ${MAX_ENTRY_BYTES} can be read; divide the change among transactions`,
    );
  }
  return { bytes: writer.done(), keyEnd };
}

/** The bytes of an entry with another signature, or none. Nothing is encoded again. */
export function spliceSignature(from: EncodedEntry, sig: string | undefined): EncodedEntry {
  const { bytes, keyEnd } = from;
  const isSigned = bytes[SIG_INFO_AT] === 0xa2;
  const restAt = isSigned ? keyEnd + K.sig.length + sigLength(bytes, keyEnd) : keyEnd;
  writer.reset();
  writer.raw(bytes.subarray(0, keyEnd));
  if (sig !== undefined) writeSignature(sig);
  writer.raw(bytes.subarray(restAt));
  const out = writer.done();
  out[SIG_INFO_AT] = sig === undefined ? 0xa1 : 0xa2;
  return { bytes: out, keyEnd };
}

function sigLength(bytes: Uint8Array, keyEnd: number): number {
  const reader = new DagCborReader(bytes.subarray(keyEnd + K.sig.length));
  reader.text("the signature", MAX_SIG_BYTES);
  return reader.position;
}

/** Writes who signed; says where the key ends. */
function writeSigInfo({ key, sig }: SigInfo): number {
  writer.map(sig === undefined ? 1 : 2);
  writer.raw(K.key);
  writeSigKey(key);
  const keyEnd = writer.position;
  if (sig !== undefined) writeSignature(sig);
  return keyEnd;
}

function writeSignature(sig: string): void {
  writer.raw(K.sig);
  writer.text(sig, MAX_SIG_BYTES, "the signature");
}

function writeSigKey({ path, hint }: SigKey): void {
  writer.map(1);
  writer.raw(path === undefined ? K.Direct : K.Delegation);
  writer.map(path === undefined ? 1 : 2);
  writer.raw(K.hint);
  writeHint(hint);
  if (path === undefined) return;
  writer.raw(K.path);
  writer.array(path.length, MAX_PATH_STEPS, "the path");
  for (const step of path) writeStep(step);
}

function writeStep({ tree, tips }: DelegationStep): void {
  writer.map(2);
  writer.raw(K.tips);
  writeIds(tips, "the tips of a step");
  writer.raw(K.tree);
  writer.cid(tree.bytes);
}

function writeHint({ name, pubkey, isGlobal }: KeyHint): void {
  writer.map(Number(name !== undefined) + Number(pubkey !== undefined) + Number(isGlobal === true));
  if (name !== undefined) {
    writer.raw(K.name);
    writer.text(name, MAX_NAME_BYTES, "the name of the key");
  }
  if (pubkey !== undefined) {
    writer.raw(K.pubkey);
    writer.text(pubkey.toString(), MAX_NAME_BYTES, "the key");
  }
  if (isGlobal !== true) return;
  writer.raw(K.is_global);
  writer.raw(TRUE);
}

function writeIds(ids: readonly ID[], what: string): void {
  writer.array(ids.length, MAX_PARENTS, what);
  for (let at = 0; at < ids.length; at++) writer.cid(ids[at]!.bytes);
}

function writeHeight(height: number): void {
  writer.raw(K.h);
  writer.uint(height);
}

function writePayload(key: Uint8Array, bytes: Uint8Array): void {
  writer.raw(key);
  writer.bytes(bytes);
}

function writeTree({ height, root, parents, metadata }: EntryModel): void {
  writer.raw(K.tree);
  writer.map(
    1 + Number(height !== 0) + Number(root !== undefined) + Number(metadata !== undefined),
  );
  if (height !== 0) writeHeight(height);
  if (root !== undefined) {
    writer.raw(K.root);
    writer.cid(root.bytes);
  }
  writer.raw(K.parents);
  writeIds(parents, "the parents");
  if (metadata !== undefined) writePayload(K.metadata, metadata);
}

function writeNode({ name, parents, data, height }: SubtreeNode): void {
  writer.map(2 + Number(height !== undefined) + Number(data !== undefined));
  if (height !== undefined) writeHeight(height);
  if (data !== undefined) writePayload(K.data, data);
  writer.raw(K.name);
  writer.text(name, MAX_NAME_BYTES, "the name of a subtree");
  writer.raw(K.parents);
  writeIds(parents, "the parents of a subtree");
}
