import { setInspection } from "#inspect";
import { docState } from "../backend/state/doc_state.ts";
import { toValue } from "../crdt/convert.ts";
import { Doc } from "../crdt/doc.ts";
import { type PathLike, segmentsOf } from "../crdt/path.ts";
import { changeOf, putOver, REPLACING } from "../crdt/staging.ts";
import { DELETED, isBranch, type ValueInput, type VisibleValue } from "../crdt/value.ts";
import { requireFunction } from "../util/arguments.ts";
import { turns } from "../util/turns.ts";
import type { StoreContext } from "./context.ts";
import { DocView } from "./doc_view.ts";
import { typeMismatch } from "./staged_doc.ts";
import { type HandleWrites, storeText } from "./store_handle.ts";
import { ValueEditor } from "./value_editor.ts";
import {
  isOfKind,
  kindOf,
  type ReadAs,
  valueAs,
  type ValueKind,
  type ValueKinds,
} from "./value_kinds.ts";

type Modification = [
  kind: ValueKind | undefined,
  change: (value: VisibleValue) => ValueInput | void,
];

/** What a viewer of a document store can do: read. */
export type DocViewer = Omit<DocView, HandleWrites>;

/**
 * A document store: nested values under dot-separated paths.
 *
 * Reads see what this transaction has staged, merged onto history, deletions included. What a read
 * returns belongs to the caller: changing it changes nothing stored.
 *
 * @example
 * ```ts
 * import { DocStore, Instance, NewUser } from "eidetica";
 *
 * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const notes = await user!.createDatabase({ name: "notes" });
 * await notes.withTransaction(async (tx) => {
 *   const pages = await tx.getStore(DocStore, "pages");
 *   await pages.set("meta.author", { name: "ada", age: 36 });
 *   if (await pages.getInt("meta.author.age") !== 36) throw new Error("not stored");
 * });
 * await instance.close();
 * ```
 */
export class DocStore extends DocView {
  /** Type ID of document stores, as the registry keeps it. */
  static readonly typeId: string = "docstore:v0";

  /** See {@link StoreHandle.typeId}. */
  override get typeId(): string {
    return DocStore.typeId;
  }

  /** Builds the handle; called by `getStore`. */
  static load(context: StoreContext, name: string): DocStore {
    return new DocStore(context, name);
  }

  /** Builds the handle of a viewer; called by `getStoreViewer`. */
  static view(context: StoreContext, name: string): DocViewer {
    return new DocStore(context, name);
  }

  /** Viewers show the document behind any store, such as the rows of a table as they are stored. */
  static supportsViewOf(_typeId: string): boolean {
    return true;
  }

  /** The delta to be changed, once it is sure that it may be. */
  #draft(): Doc {
    this.context.requireWritable(this.name);
    return this.peekDelta() ?? new Doc();
  }

  /**
   * Stages a value. Missing documents on the way are created; a scalar, list or tombstone on the
   * way is replaced. A plain object merges into the document that history has at that path and replaces
   * what this transaction has staged there, but for deletions; an atomic `Doc` replaces both. Likewise an
   * array unites with the list that history has. In place of what this transaction has deleted or replaced by
   * a scalar, both stand alone.
   */
  set(path: PathLike, value: ValueInput): Promise<void> {
    return attempt(() => this.#set(path, value));
  }

  #set(path: PathLike, value: ValueInput): void {
    const delta = this.#draft();
    delta.stageOpen(path, value);
    this.context.stage(this.name, delta, docState);
  }

  /** As {@link set}; the name says that the key is a path. */
  setPath(path: PathLike, value: ValueInput): Promise<void> {
    return this.set(path, value);
  }

  /** As {@link getOption}, failing with `KeyNotFound`; the name says that the key is a path. */
  getPath(path: PathLike): Promise<VisibleValue> {
    return this.get(path);
  }

  /** Stages a value and returns what this transaction had staged there before. */
  insert(path: PathLike, value: ValueInput): Promise<VisibleValue | undefined> {
    return attempt(() => {
      const before = this.peekDelta()?.get(path);
      this.#set(path, value);
      return before;
    });
  }

  /** Stages a deletion; false, and nothing staged, when nothing visible is there. */
  async delete(path: PathLike): Promise<boolean> {
    this.context.requireWritable(this.name);
    if (this.find(path, await this.history()) === undefined) return false;
    this.#set(path, DELETED);
    return true;
  }

  /**
   * Reads a value, stages what `change` returns or, when that is nothing, the value as `change` left it: what
   * is no longer in it is deleted, and what others add to it at the same time stays. `KeyNotFound` when
   * nothing visible is there. Changes that run side by side all count.
   */
  modify(path: PathLike, change: (value: VisibleValue) => ValueInput | void): Promise<void>;
  /** The same for a value of one kind; a `CrdtError` `TypeMismatch` when it is of another. */
  modify<K extends ValueKind>(
    path: PathLike,
    kind: K,
    change: (value: ValueKinds[K]) => ValueInput | void,
  ): Promise<void>;
  async modify(path: PathLike, ...rest: readonly unknown[]): Promise<void> {
    this.context.requireWritable(this.name);
    const [kind, change] = (rest.length === 1 ? [undefined, rest[0]] : rest) as Modification;
    requireFunction(change, "modify a value", "the change");
    const found = this.require(path, await this.history());
    this.#change(path, kind === undefined ? found : valueAs(found, kind), change);
  }

  /** The value at a path; `fallback`, which is then staged, when nothing of its kind is there. */
  async getOrInsert<T extends ValueInput>(path: PathLike, fallback: T): Promise<ReadAs<T>> {
    this.context.requireWritable(this.name);
    return this.#getOrInsert(path, fallback, await this.history()) as ReadAs<T>;
  }

  #getOrInsert(path: PathLike, fallback: ValueInput, history: Doc): VisibleValue {
    const kind = kindOf(fallback);
    const found = this.find(path, history);
    const fits = found !== undefined && (kind === undefined || isOfKind(found, kind));
    if (!fits) this.#set(path, fallback);
    const value = fits ? found : this.require(path, history);
    return kind === undefined ? value : valueAs(value, kind);
  }

  /** As {@link modify}, beginning with `fallback` when nothing of its kind is there. */
  async modifyOrInsert<T extends ValueInput>(
    path: PathLike,
    fallback: T,
    change: (value: ReadAs<T>) => ValueInput | void,
  ): Promise<void> {
    this.context.requireWritable(this.name);
    requireFunction(change, "modify a value", "the change");
    const value = this.#getOrInsert(path, fallback, await this.history()) as ReadAs<T>;
    this.#change(path, value, change);
  }

  /** Stages what `change` makes of a value that was read here, deletions included. */
  #change<T extends VisibleValue>(
    path: PathLike,
    value: T,
    change: (value: T) => ValueInput | void,
  ): void {
    const before = isBranch(value) ? value.clone() : value;
    const after = toValue(change(value) ?? value);
    this.#set(path, changeOf(before, after));
  }

  /** An editor of the value under `key`. */
  getValueMut(key: string): ValueEditor {
    return new ValueEditor(this, [key]);
  }

  /** An editor of the whole document. */
  getRootMut(): ValueEditor {
    return new ValueEditor(this, []);
  }

  /** Stages a value under array segments; no segments replace this transaction's whole delta. */
  async setAtPath(segments: readonly string[], value: ValueInput): Promise<void> {
    const path = segmentsOf(segments);
    if (path.length > 0) return await this.set(path.join("."), value);
    if (!(value instanceof Doc)) throw typeMismatch(this.name, "Doc", "non-doc value");
    const delta = putOver(this.#draft(), value.clone(), REPLACING) as Doc;
    this.context.stage(this.name, delta, docState);
  }

  static {
    setInspection(DocStore, "DocStore", ({ name, context }) => [storeText(name, context)]);
  }
}

/** Runs a synchronous step at once, so that its failure rejects instead of throwing at the caller. */
async function attempt<T>(step: () => T): Promise<T> {
  const result = step();
  if (turns.isOver) await turns.next();
  return result;
}
