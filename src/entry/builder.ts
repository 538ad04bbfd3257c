import { setInspection } from "#inspect";
import { visibleKeys } from "../crdt/doc_keys.ts";
import {
  requireBytes,
  requireInstance,
  requireIterable,
  requireMethod,
  wrongArgument,
} from "../util/arguments.ts";
import { copyOf } from "../util/allocate.ts";
import { utf8 } from "../util/bytes.ts";
import { EntryError } from "../util/errors.ts";
import { type RandomSource, randomU64, systemRandom } from "../util/random.ts";
import { INDEX, MAX_HEIGHT, ROOT } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { compareNames, type EntryModel, type SubtreeNode } from "./entry_codec.ts";
import { ID } from "./id.ts";
import { SigInfo } from "./sig_info.ts";
import { Snapshot } from "./snapshot.ts";
import { validateModel } from "./validate.ts";

const BUILD = "build an entry";

/** Makes the entry that a model describes. */
type MakeEntry = (model: EntryModel) => Entry;

/** IDs as given; a snapshot need not be sorted again. */
type Given = readonly ID[] | Snapshot;

interface DraftNode {
  parents: Given;
  data: Uint8Array | undefined;
  height: number | undefined;
}

/** Collects the parts of an entry; nothing is sorted or checked before {@link build}. */
export class EntryBuilder {
  #root: ID | undefined;
  #parents: Given = [];
  #metadata: Uint8Array | undefined;
  #height = 0;
  #sig: SigInfo = SigInfo.UNSIGNED;
  readonly #nodes = new Map<string, DraftNode>();
  readonly #make: MakeEntry;

  /** Use `Entry.builder` or `Entry.rootBuilder`, which say how an entry is made. */
  constructor(make: MakeEntry) {
    this.#make = make;
  }

  /** Marks the entry as a root and gives it random entropy. */
  markAsRoot(random: RandomSource = systemRandom): this {
    requireMethod(random, "bytes", BUILD, "the source of randomness");
    this.setSubtreeData(ROOT, new Uint8Array(0));
    return this.setMetadata(utf8(`{"entropy":${randomU64(random)}}`));
  }

  #node(name: string): DraftNode {
    if (typeof name !== "string") throw wrongArgument(BUILD, "the name of a store", "a text", name);
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const made: DraftNode = { parents: [], data: undefined, height: undefined };
    this.#nodes.set(name, made);
    return made;
  }

  /** Sets the root of the tree; the empty ID clears it. */
  setRoot(root: ID): this {
    requireInstance(root, ID, BUILD, "the root");
    this.#root = root.isEmpty ? undefined : root;
    return this;
  }

  /** Replaces the parents in the tree. */
  setParents(parents: Iterable<ID>): this {
    this.#parents = given(parents);
    return this;
  }

  /** Adds a parent in the tree. */
  addParent(parent: ID): this {
    requireInstance(parent, ID, BUILD, "a parent");
    this.#parents = [...this.#parents, parent];
    return this;
  }

  /** Sets the payload for a store, of which a copy is kept. */
  setSubtreeData(name: string, data: Uint8Array): this {
    requireBytes(data, BUILD, "the payload");
    this.#node(name).data = copyOf(data);
    return this;
  }

  /** Replaces the parents in a store. */
  setSubtreeParents(name: string, parents: Iterable<ID>): this {
    this.#node(name).parents = given(parents);
    return this;
  }

  /** Adds a parent in a store. */
  addSubtreeParent(name: string, parent: ID): this {
    const node = this.#node(name);
    node.parents = [...node.parents, parent];
    return this;
  }

  /** Sets or clears the own height in a store. */
  setSubtreeHeight(name: string, height: number | undefined): this {
    this.#node(name).height = height;
    return this;
  }

  /** Sets the height in the tree. */
  setHeight(height: number): this {
    this.#height = height;
    return this;
  }

  /** Sets the metadata, of which a copy is kept. */
  setMetadata(metadata: Uint8Array): this {
    requireBytes(metadata, BUILD, "the metadata");
    this.#metadata = copyOf(metadata);
    return this;
  }

  /** Sets identity and signature. */
  setSig(sig: SigInfo): this {
    requireInstance(sig, SigInfo, BUILD, "the signature");
    this.#sig = sig;
    return this;
  }

  /** Names of the stores, in the order in which they were first named. */
  subtrees(): string[] {
    return [...this.#nodes.keys()];
  }

  /** Payload for a store; undefined when there is none. */
  data(name: string): Uint8Array | undefined {
    return this.#nodes.get(name)?.data;
  }

  /** Parents in the tree as given. */
  parents(): readonly ID[] {
    return listed(this.#parents);
  }

  /** Parents in a store as given; undefined when the store was not named. */
  subtreeParents(name: string): readonly ID[] | undefined {
    const node = this.#nodes.get(name);
    return node && listed(node.parents);
  }

  /** The metadata; undefined when there is none. */
  metadata(): Uint8Array | undefined {
    return this.#metadata;
  }

  /**
   * Drops stores without payload, except those that the `_index` payload registers, and stores with
   * an empty one. Throws {@link EntryError} `InvalidIndexData` when `_index` is damaged.
   */
  removeEmptySubtrees(): this {
    const registered = this.#registered();
    for (const [name, node] of this.#nodes) {
      const keep = node.data === undefined ? registered.has(name) : node.data.length > 0;
      if (!keep) this.#nodes.delete(name);
    }
    return this;
  }

  #registered(): ReadonlySet<string> {
    const data = this.#nodes.get(INDEX)?.data;
    if (data === undefined) return new Set();
    try {
      return visibleKeys(data);
    } catch (cause) {
      const reason = "the `_index` payload is not a document";
      throw new EntryError("InvalidIndexData", `Cannot build an entry: ${reason}`, {
        cause,
        fields: { reason },
      });
    }
  }

  /** The entry: lists sorted and without duplicates, checked by the rules of structure. */
  build(): Entry {
    const model: EntryModel = {
      root: this.#root,
      parents: Snapshot.of(this.#parents).tips,
      metadata: this.#metadata,
      height: checkHeight(this.#height),
      nodes: [...this.#nodes].map(toNode).sort((a, b) => compareNames(a.name, b.name)),
      sig: this.#sig,
    };
    validateModel(model);
    return this.#make(model);
  }
}

setInspection(EntryBuilder, "EntryBuilder");

function given(ids: Iterable<ID>): Given {
  if (ids instanceof Snapshot) return ids;
  requireIterable(ids, BUILD, "the parents");
  return [...ids];
}

function listed(ids: Given): readonly ID[] {
  return ids instanceof Snapshot ? ids.tips : ids;
}

function toNode([name, draft]: [string, DraftNode]): SubtreeNode {
  const height = draft.height === undefined ? undefined : checkHeight(draft.height);
  return { name, parents: Snapshot.of(draft.parents).tips, data: draft.data, height };
}

function checkHeight(height: number): number {
  if (Number.isSafeInteger(height) && height >= 0) return height;
  const reason = `the height ${height} is not an integer from 0 to ${MAX_HEIGHT}`;
  throw new EntryError("InvalidStructure", `Cannot build an entry: ${reason}`, {
    fields: { reason },
  });
}
