import { malformed } from "../codec/dag_cbor.ts";
import { DagCborReader } from "../codec/dag_cbor_reader.ts";
import { PublicKey } from "../keys/public_key.ts";
import { EideticaError, EntryError } from "../util/errors.ts";
import { MAX_NAME_BYTES, MAX_PARENTS, MAX_PATH_STEPS, MAX_SUBTREES } from "./constants.ts";
import {
  compareNames,
  type EntryModel,
  K,
  MAX_SIG_BYTES,
  requireSorted,
  type SubtreeNode,
  TRUE,
} from "./entry_codec.ts";
import { ID } from "./id.ts";
import { type DelegationStep, type KeyHint, SigInfo, SigKey } from "./sig_info.ts";

/**
 * Reads canonical bytes; anything else is an {@link EntryError}. Payloads are views of `bytes`.
 *
 * A member is taken if its key comes next, and each map must have as many members as were taken: so
 * nothing but the sorted keys of the format is read.
 */
export function decodeEntry(bytes: Uint8Array): { model: EntryModel; keyEnd: number } {
  try {
    return readEntry(new DagCborReader(bytes));
  } catch (cause) {
    if (cause instanceof EntryError || !(cause instanceof EideticaError)) throw cause;
    throw malformed(cause.message, cause);
  }
}

function readEntry(reader: DagCborReader): { model: EntryModel; keyEnd: number } {
  if (reader.map("the entry") !== 3) throw malformed("it has not exactly three members");
  reader.expect(K.sig, "the member `sig`");
  const sigSize = reader.map("`sig`");
  reader.expect(K.key, "the signature's key");
  const key = readSigKey(reader);
  const keyEnd = reader.position;
  const sig = new SigInfo(key, readSignature(reader, sigSize));
  reader.expect(K.tree, "the member `tree`");
  const model = readTree(reader, sig);
  reader.end();
  return { model, keyEnd };
}

function readSignature(reader: DagCborReader, size: number): string | Uint8Array | undefined {
  if (size === 1) return undefined;
  if (size !== 2) throw malformed("`sig` has not one or two members");
  reader.expect(K.sig, "the signature");
  return reader.lazyText("the signature", MAX_SIG_BYTES);
}

function readSigKey(reader: DagCborReader): SigKey {
  if (reader.map("the key") !== 1) throw malformed("the key has not exactly one variant");
  if (reader.accept(K.Direct)) {
    if (reader.map("the direct key") !== 1) throw malformed("the direct key is not just a hint");
    reader.expect(K.hint, "the hint");
    return SigKey.direct(readHint(reader));
  }
  reader.expect(K.Delegation, "the variant of the key");
  if (reader.map("the delegation") !== 2) throw malformed("the delegation has not two members");
  reader.expect(K.hint, "the hint");
  const hint = readHint(reader);
  reader.expect(K.path, "the path");
  const length = reader.array("the path", MAX_PATH_STEPS);
  return SigKey.delegation(Array.from({ length }, () => readStep(reader)), hint);
}

function readStep(reader: DagCborReader): DelegationStep {
  if (reader.map("a delegation step") !== 2) throw malformed("a step has not two members");
  reader.expect(K.tips, "the tips of a step");
  const tips = readIds(reader, "the tips of a step");
  reader.expect(K.tree, "the tree of a step");
  return { tips, tree: readId(reader, "the tree of a step") };
}

function readHint(reader: DagCborReader): KeyHint {
  const size = reader.map("the hint");
  let name: string | undefined;
  let pubkey: PublicKey | undefined;
  let isGlobal: true | undefined;
  let taken = 0;
  if (reader.accept(K.name)) name = reader.text("the name", MAX_NAME_BYTES), taken++;
  if (reader.accept(K.pubkey)) {
    pubkey = PublicKey.parse(reader.text("the key", MAX_NAME_BYTES));
    taken++;
  }
  if (reader.accept(K.is_global)) {
    reader.expect(TRUE, "the flag of the hint");
    isGlobal = true;
    taken++;
  }
  requireTaken(taken, size, "the hint");
  return { name, pubkey, isGlobal };
}

function requireTaken(taken: number, size: number, what: string): void {
  if (taken !== size) throw malformed(`${what} has members that it must not have there`);
}

function readTree(reader: DagCborReader, sig: SigInfo): EntryModel {
  const size = reader.map("`tree`");
  let taken = 1;
  const height = readTreeHeight(reader);
  if (height !== 0) taken++;
  const root = reader.accept(K.root) ? readRoot(reader) : undefined;
  if (root !== undefined) taken++;
  reader.expect(K.parents, "the list of parents");
  const parents = readSortedIds(reader, "the parents");
  const metadata = reader.accept(K.metadata) ? reader.bytes("the metadata") : undefined;
  if (metadata !== undefined) taken++;
  requireTaken(taken, size, "`tree`");
  reader.expect(K.subtrees, "the member `subtrees`");
  return { root, parents, metadata, height, nodes: readNodes(reader), sig };
}

function readTreeHeight(reader: DagCborReader): number {
  if (!reader.accept(K.h)) return 0;
  const height = reader.uint("the height");
  if (height === 0) throw malformed("a height of zero is written, which must be left out");
  return height;
}

function readRoot(reader: DagCborReader): ID {
  const root = readId(reader, "the root", "root");
  if (root.isEmpty) throw malformed("the root is null, which must be left out");
  return root;
}

function readNodes(reader: DagCborReader): SubtreeNode[] {
  const length = reader.array("`subtrees`", MAX_SUBTREES);
  const nodes: SubtreeNode[] = [];
  for (let at = 0; at < length; at++) {
    const node = readNode(reader);
    if (at > 0 && compareNames(nodes[at - 1]!.name, node.name) >= 0) {
      throw malformed("the subtrees are not sorted by name, each once");
    }
    nodes.push(node);
  }
  return nodes;
}

function readNode(reader: DagCborReader): SubtreeNode {
  const size = reader.map("a subtree");
  const height = reader.accept(K.h) ? reader.uint("the height of a subtree") : undefined;
  const data = reader.accept(K.data) ? reader.bytes("the payload") : undefined;
  reader.expect(K.name, "the name of a subtree");
  const name = reader.text("the name of a subtree", MAX_NAME_BYTES);
  reader.expect(K.parents, "the list of parents of a subtree");
  const parents = readSortedIds(reader, "the parents of a subtree");
  requireTaken(2 + Number(height !== undefined) + Number(data !== undefined), size, "a subtree");
  return { name, parents, data, height };
}

/** IDs that were read last: entries of a tree have one root, and often the same parents in the tree and its stores. */
const last: { root: ID; id: ID } = { root: ID.EMPTY, id: ID.EMPTY };

function readId(reader: DagCborReader, what: string, place: "root" | "id" = "id"): ID {
  const from = reader.skipCid(what);
  if (reader.isSince(from, last[place].bytes)) return last[place];
  const bytes = reader.since(from);
  const id = ID.fromBytes(bytes);
  if (id.bytes.length !== bytes.length) throw malformed(`${what} has bytes after its CID`);
  return last[place] = id;
}

function readIds(reader: DagCborReader, what: string): ID[] {
  const length = reader.array(what, MAX_PARENTS);
  const ids: ID[] = [];
  for (let at = 0; at < length; at++) ids.push(readId(reader, what));
  return ids;
}

function readSortedIds(reader: DagCborReader, what: string): ID[] {
  const ids = readIds(reader, what);
  requireSorted(ids, what);
  return ids;
}
