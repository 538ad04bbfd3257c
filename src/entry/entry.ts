/**
 * The entry: an immutable, content-addressed, signed node of a database (01 §4).
 *
 * @module
 */

import { setInspection } from "#inspect";
import { PrivateKey } from "../keys/private_key.ts";
import { PublicKey } from "../keys/public_key.ts";
import { requireBytes, requireInstance, wrongArgument } from "../util/arguments.ts";
import { copyOf } from "../util/allocate.ts";
import { decodeBase64, encodeBase64 } from "../util/base64.ts";
import { EntryError, StoreError } from "../util/errors.ts";
import type { Json64 } from "../util/json64.ts";
import { tryRead } from "../util/try_read.ts";
import type { RandomSource } from "../util/random.ts";
import { EntryBuilder } from "./builder.ts";
import { MAX_ENTRY_BYTES } from "./constants.ts";
import {
  compareNames,
  type EncodedEntry,
  type EntryModel,
  type SubtreeNode,
} from "./entry_codec.ts";
import { decodeEntry } from "./entry_decoder.ts";
import { encodeEntry, spliceSignature } from "./entry_encoder.ts";
import { entryFromJson64, entryToJson, parseEntryJson } from "./entry_json.ts";
import { ID } from "./id.ts";
import { EntryMetadata } from "./metadata.ts";
import { SigInfo } from "./sig_info.ts";
import { isRootModel } from "./validate.ts";

const DECODE = "decode an entry";

/** An entry. Bytes and ID are made once. */
export class Entry {
  /** What the entry says; it must not be changed. */
  readonly model: EntryModel;
  readonly #encoded: EncodedEntry;
  #id: ID | undefined;
  #subtrees: readonly string[] | undefined;

  private constructor(model: EntryModel, encoded: EncodedEntry) {
    this.model = model;
    this.#encoded = encoded;
  }

  static #fromModel(model: EntryModel): Entry {
    return new Entry(model, encodeEntry(model));
  }

  /**
   * Reads the {@link bytes} of an entry, as they come over a wire or from a file: canonical DAG-CBOR. Whatever is
   * not canonical is refused with an {@link EntryError}, so equal bytes and equal IDs mean equal entries. Nothing
   * is believed of the content: hand the entry to `instance.putRemoteEntries`, which judges it. A copy of the
   * bytes is kept.
   *
   * @example
   * ```ts
   * import { Entry, Instance, NewUser } from "eidetica";
   *
   * const here = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
   * const there = await Instance.connectOrCreate("memory://", NewUser.passwordless("bob"));
   * const db = await here.user!.createDatabase({ name: "sent" });
   * const wire: Uint8Array[] = (await db.getAllEntries()).map((entry) => entry.bytes);
   * const arrived = wire.map((bytes) => Entry.decode(bytes));
   * const report = await there.instance.putRemoteEntries(db.rootId, arrived);
   * if (report.verified !== wire.length) throw new Error("not all arrived");
   * await here.instance.close();
   * await there.instance.close();
   * ```
   */
  static decode(dagCbor: Uint8Array): Entry {
    requireBytes(dagCbor, DECODE, "it");
    checkSize(dagCbor);
    return Entry.#own(copyOf(dagCbor));
  }

  /** As {@link decode}, but keeps the bytes themselves, which nobody may change from then on. */
  static adopt(dagCbor: Uint8Array): Entry {
    requireBytes(dagCbor, DECODE, "it");
    checkSize(dagCbor);
    return Entry.#own(dagCbor);
  }

  static #own(bytes: Uint8Array): Entry {
    const { model, keyEnd } = decodeEntry(bytes);
    return new Entry(model, { bytes, keyEnd });
  }

  /** Reads the JSON form, 64-bit integers included. */
  static fromJSON(text: string): Entry {
    return Entry.#fromModel(parseEntryJson(text));
  }

  /** Reads the JSON form out of JSON that was parsed already. */
  static fromJson64(json: Json64): Entry {
    return Entry.#fromModel(entryFromJson64(json));
  }

  /** Builds an entry of the tree with this root; the empty ID means none yet. */
  static builder(root: ID): EntryBuilder {
    return new EntryBuilder((model) => Entry.#fromModel(model)).setRoot(root);
  }

  /** Builds the root entry of a new tree; random entropy makes it unlike any other. */
  static rootBuilder(random?: RandomSource): EntryBuilder {
    return Entry.builder(ID.EMPTY).markAsRoot(random);
  }

  // --- identity ------------------------------------------------------------------------------

  /** The ID: a CID over {@link bytes}, signature included. */
  get id(): ID {
    this.#id ??= ID.ofDagCbor(this.#encoded.bytes);
    return this.#id;
  }

  /**
   * The entry as canonical DAG-CBOR, signature included: what is hashed, stored and sent, and what {@link decode}
   * reads. The array is the entry's own and must not be changed.
   */
  get bytes(): Uint8Array {
    return this.#encoded.bytes;
  }

  /** The bytes that are signed: the canonical ones without the signature. Cut out at each call. */
  get signingBytes(): Uint8Array {
    if (!this.model.sig.hasSignature) return this.bytes;
    return spliceSignature(this.#encoded, undefined).bytes;
  }

  /** The JSON form, as plain JavaScript. */
  toJSON(): unknown {
    return entryToJson(this.model);
  }

  /** The JSON form, as text. */
  stringify(): string {
    return JSON.stringify(this.toJSON());
  }

  /** Whether both are the same entry. */
  equals(other: Entry): boolean {
    return this === other || other instanceof Entry && this.id.equals(other.id);
  }

  // --- the main tree -------------------------------------------------------------------------

  /** Root of the tree; undefined for a root entry. */
  get root(): ID | undefined {
    return this.model.root;
  }

  /** Whether this entry begins a tree. */
  get isRoot(): boolean {
    return isRootModel(this.model);
  }

  /** Parents in the tree, sorted. */
  get parents(): readonly ID[] {
    return this.model.parents;
  }

  /** Height in the tree. */
  get height(): number {
    return this.model.height;
  }

  /** Metadata of the transaction; undefined when there is none. */
  get metadata(): Uint8Array | undefined {
    return this.model.metadata;
  }

  /**
   * When the entry was made, in Unix milliseconds, by the clock of whoever made it; undefined where its
   * database writes no times, and in entries of other software. It is a claim that nothing checks, and says
   * nothing about the order of entries.
   */
  get time(): number | undefined {
    const { metadata } = this.model;
    return metadata && tryRead(() => EntryMetadata.parse(metadata))?.time;
  }

  /** Who signed the entry. */
  get sig(): SigInfo {
    return this.model.sig;
  }

  /** Whether the entry belongs to the tree with this root. */
  inTree(root: ID): boolean {
    return this.root?.equals(root) === true || this.id.equals(root);
  }

  // --- stores --------------------------------------------------------------------------------

  /** Names of the stores that the entry takes part in, sorted. */
  get subtrees(): readonly string[] {
    return this.#subtrees ??= this.model.nodes.map((node) => node.name);
  }

  /** Whether the entry takes part in a store. */
  inSubtree(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** Payload for a store; `KeyNotFound` when there is none. */
  data(name: string): Uint8Array {
    const data = this.#find(name)?.data;
    if (data === undefined) throw missing(name);
    return data;
  }

  /** Payload for a store; undefined when there is none. */
  findData(name: string): Uint8Array | undefined {
    return this.#find(name)?.data;
  }

  /** Parents in a store; `KeyNotFound` when the entry does not take part in it. */
  subtreeParents(name: string): readonly ID[] {
    return this.#node(name).parents;
  }

  /** Height in a store: the own one, else that of the tree. */
  subtreeHeight(name: string): number {
    return this.#node(name).height ?? this.height;
  }

  /** Nodes are sorted by name. */
  #find(name: string): SubtreeNode | undefined {
    if (typeof name !== "string") throw wrongArgument("read an entry", "the store", "a text", name);
    const { nodes } = this.model;
    let [low, high] = [0, nodes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareNames(nodes[middle]!.name, name) < 0) low = middle + 1;
      else high = middle;
    }
    return nodes[low]?.name === name ? nodes[low] : undefined;
  }

  #node(name: string): SubtreeNode {
    const node = this.#find(name);
    if (node === undefined) throw missing(name);
    return node;
  }

  // --- signatures ----------------------------------------------------------------------------

  /** This entry with a signature by `key`; the identity in it stays. */
  sign(key: PrivateKey): Entry {
    requireInstance(key, PrivateKey, "sign an entry", "the key");
    const sig = encodeBase64(key.sign(this.signingBytes));
    const model = { ...this.model, sig: new SigInfo(this.model.sig.key, sig) };
    return new Entry(model, spliceSignature(this.#encoded, sig));
  }

  /** Whether the signature is one by `key`. */
  verifySignature(key: PublicKey): boolean {
    requireInstance(key, PublicKey, "verify an entry", "the key");
    const signature = this.signature;
    return signature !== undefined && key.verify(this.signingBytes, signature);
  }

  /** The signature's bytes; undefined when there is none or it is not base64. */
  get signature(): Uint8Array | undefined {
    const { sig } = this.model.sig;
    try {
      return sig === undefined ? undefined : decodeBase64(sig);
    } catch {
      return undefined;
    }
  }

  static {
    setInspection(Entry, "Entry", ({ id, height, subtrees }) => {
      return [
        id,
        `height ${height}`,
        subtrees.length > 0 ? `stores ${subtrees.join(", ")}` : undefined,
      ];
    });
  }
}

function checkSize({ length }: Uint8Array): void {
  if (length <= MAX_ENTRY_BYTES) return;
  const reason = `it has ${length} bytes, at most ${MAX_ENTRY_BYTES} are read`;
  throw new EntryError("InvalidStructure", `Cannot decode an entry: ${reason}`, {
    fields: { reason },
  });
}

function missing(key: string): StoreError {
  return new StoreError(
    "KeyNotFound",
    `Cannot read store "${key}" of an entry: the entry takes no part in it`,
    {
      fields: { store: "entry", key },
    },
  );
}
