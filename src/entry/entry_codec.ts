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

import { malformed } from "../codec/dag_cbor.ts";
import { textBytes } from "../codec/dag_cbor_writer.ts";
import { ID } from "./id.ts";
import type { SigInfo } from "./sig_info.ts";

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
export const MAX_SIG_BYTES = 1024;

type KeyName =
  | "sig"
  | "tree"
  | "subtrees"
  | "h"
  | "root"
  | "parents"
  | "metadata"
  | "data"
  | "name"
  | "key"
  | "Direct"
  | "Delegation"
  | "hint"
  | "path"
  | "tips"
  | "pubkey"
  | "is_global";

/** Keys and variants, encoded. */
export const K: Readonly<Record<KeyName, Uint8Array>> = {
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
  Direct: textBytes("Direct"),
  Delegation: textBytes("Delegation"),
  hint: textBytes("hint"),
  path: textBytes("path"),
  tips: textBytes("tips"),
  pubkey: textBytes("pubkey"),
  is_global: textBytes("is_global"),
};
/** `true`. */
export const TRUE: Uint8Array = Uint8Array.of(0xf5);
/** Where the head of the SigInfo map stands: after the entry's head and the key `sig`. */
export const SIG_INFO_AT: number = 1 + K.sig.length;

/** An encoded entry, and where its SigKey ends. */
export interface EncodedEntry {
  /** Canonical bytes. */
  readonly bytes: Uint8Array;
  /** Offset of the first byte after the SigKey, where the signature stands if there is one. */
  readonly keyEnd: number;
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
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = codePointRank(a.charCodeAt(at)) - codePointRank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others, but have smaller units than U+E000 to U+FFFF. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
