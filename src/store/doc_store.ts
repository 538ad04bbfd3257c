import { docState } from "../backend/state/doc_state.ts";
import { Doc } from "../crdt/doc.ts";
import { List } from "../crdt/list.ts";
import { describePath, type PathLike, segmentsOf } from "../crdt/path.ts";
import { DELETED, isVisible, typeName, type ValueInput, type VisibleValue } from "../crdt/value.ts";
import type { StoreContext } from "./context.ts";
import { keyNotFound, mergedChild, typeMismatch } from "./staged_doc.ts";
import { StoreHandle } from "./store_handle.ts";
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

/**
 * A document store: nested values under dot-separated paths (04 §5).
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
export class DocStore extends StoreHandle {
  /** Type ID of this format (04 §1). */
  static readonly typeId: string = "docstore:v0";

  /** See {@link StoreHandle.typeId}. */
  override get typeId(): string {
    return DocStore.typeId;
  }

  /** Builds the handle; called by `getStore` and `getStoreViewer`. */
  static load(context: StoreContext, name: string): DocStore {
    return new DocStore(context, name);
  }

  /** Viewers show the document behind any store, such as the rows of a table as they are stored. */
  static supportsViewOf(_typeId: string): boolean {
    return true;
  }

  /** The delta that this transaction will write; undefined before the first write. */
  localData(): Doc | undefined {
    return this.context.staged<Doc>(this.name)?.clone();
  }

  #delta(): Doc {
    return this.context.staged<Doc>(this.name) ?? new Doc();
  }

  #stage(delta: Doc): void {
    this.context.stage(this.name, delta, docState);
  }

  async #history(): Promise<Doc> {
    return await this.context.fullState(this.name, docState);
  }

  // --- reading -------------------------------------------------------------------------------

  /** The value at a path, or undefined when nothing visible is there. */
  async getOption(path: PathLike): Promise<VisibleValue | undefined> {
    return this.#find(path, await this.#history());
  }

  /** As {@link getOption}; nothing can be staged between this and what follows it. */
  #find(path: PathLike, history: Doc): VisibleValue | undefined {
    const segments = segmentsOf(path);
    const first = segments[0];
    if (first === undefined) return undefined;
    const child = mergedChild(this.context.staged<Doc>(this.name), history, first);
    if (!isVisible(child)) return undefined;
    const holder = new Doc();
    holder.set([first], child);
    return holder.get(segments);
  }

  /** The value at a path; `KeyNotFound` when nothing visible is there. */
  async get(path: PathLike): Promise<VisibleValue> {
    return this.#require(path, await this.#history());
  }

  #require(path: PathLike, history: Doc): VisibleValue {
    const value = this.#find(path, history);
    if (value === undefined) throw keyNotFound(this.name, describePath(path));
    return value;
  }

  /** The value at a path as one of a kind; a `CrdtError` `TypeMismatch` when it is of another. */
  async getAs<K extends ValueKind>(path: PathLike, kind: K): Promise<ValueKinds[K]> {
    return valueAs(await this.get(path), kind);
  }

  /** The text at a path; `TypeMismatch` when something else is there. */
  async getString(path: PathLike): Promise<string> {
    const value = await this.get(path);
    if (typeof value === "string") return value;
    throw typeMismatch(this.name, "String", typeName(value));
  }

  /** The integer at a path; a `bigint` beyond 2^53 − 1. */
  async getInt(path: PathLike): Promise<number | bigint> {
    const value = await this.get(path);
    if (typeof value === "number" || typeof value === "bigint") return value;
    throw typeMismatch(this.name, "int", typeName(value));
  }

  /** The truth value at a path. */
  async getBool(path: PathLike): Promise<boolean> {
    const value = await this.get(path);
    if (typeof value === "boolean") return value;
    throw typeMismatch(this.name, "bool", typeName(value));
  }

  /** The list at a path. */
  async getList(path: PathLike): Promise<List> {
    const value = await this.get(path);
    if (value instanceof List) return value;
    throw typeMismatch(this.name, "list", typeName(value));
  }

  /** The document at a path. */
  async getNode(path: PathLike): Promise<Doc> {
    const value = await this.get(path);
    if (value instanceof Doc) return value;
    throw typeMismatch(this.name, "Doc", typeName(value));
  }

  /** The whole merged document, tombstones included. */
  async getAll(): Promise<Doc> {
    const history = await this.#history();
    const staged = this.context.staged<Doc>(this.name);
    return staged === undefined ? history.clone() : history.merge(staged);
  }

  /** Whether something visible is at a path. */
  async containsKey(path: PathLike): Promise<boolean> {
    return await this.getOption(path) !== undefined;
  }

  /** The visible top-level keys, in order. */
  async *keys(): AsyncIterable<string> {
    yield* (await this.getAll()).keys();
  }

  /** The visible top-level members, in key order. */
  async *entries(): AsyncIterable<[string, VisibleValue]> {
    yield* (await this.getAll()).entries();
  }

  // --- writing -------------------------------------------------------------------------------

  /**
   * Stages a value. Missing documents on the way are created; a scalar, list or tombstone on the
   * way is replaced. A plain object merges into the document that history has at that path and replaces
   * what this transaction has staged there; an atomic `Doc` replaces both.
   */
  set(path: PathLike, value: ValueInput): Promise<void> {
    return attempt(() => this.#set(path, value));
  }

  #set(path: PathLike, value: ValueInput): void {
    const delta = this.#delta();
    delta.stage(path, value);
    this.#stage(delta);
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
      const before = this.context.staged<Doc>(this.name)?.get(path);
      this.#set(path, value);
      return before;
    });
  }

  /** Stages a deletion; false, and nothing staged, when nothing visible is there. */
  async delete(path: PathLike): Promise<boolean> {
    if (this.#find(path, await this.#history()) === undefined) return false;
    this.#set(path, DELETED);
    return true;
  }

  /**
   * Reads a value, stages what `change` returns or, when that is nothing, the value as `change` left it.
   * `KeyNotFound` when nothing visible is there. Changes that run side by side all count.
   */
  modify(path: PathLike, change: (value: VisibleValue) => ValueInput | void): Promise<void>;
  /** The same for a value of one kind; a `CrdtError` `TypeMismatch` when it is of another. */
  modify<K extends ValueKind>(
    path: PathLike,
    kind: K,
    change: (value: ValueKinds[K]) => ValueInput | void,
  ): Promise<void>;
  async modify(path: PathLike, ...rest: readonly unknown[]): Promise<void> {
    const [kind, change] = (rest.length === 1 ? [undefined, rest[0]] : rest) as Modification;
    const found = this.#require(path, await this.#history());
    const value = kind === undefined ? found : valueAs(found, kind);
    this.#set(path, change(value) ?? value);
  }

  /** The value at a path; `fallback`, which is then staged, when nothing of its kind is there. */
  async getOrInsert<T extends ValueInput>(path: PathLike, fallback: T): Promise<ReadAs<T>> {
    return this.#getOrInsert(path, fallback, await this.#history()) as ReadAs<T>;
  }

  #getOrInsert(path: PathLike, fallback: ValueInput, history: Doc): VisibleValue {
    const kind = kindOf(fallback);
    const found = this.#find(path, history);
    const fits = found !== undefined && (kind === undefined || isOfKind(found, kind));
    if (!fits) this.#set(path, fallback);
    const value = fits ? found : this.#require(path, history);
    return kind === undefined ? value : valueAs(value, kind);
  }

  /** As {@link modify}, beginning with `fallback` when nothing of its kind is there. */
  async modifyOrInsert<T extends ValueInput>(
    path: PathLike,
    fallback: T,
    change: (value: ReadAs<T>) => ValueInput | void,
  ): Promise<void> {
    const value = this.#getOrInsert(path, fallback, await this.#history()) as ReadAs<T>;
    this.#set(path, change(value) ?? value as ValueInput);
  }

  /** An editor of the value under `key` (04 §6). */
  getValueMut(key: string): ValueEditor {
    return new ValueEditor(this, [key]);
  }

  /** An editor of the whole document (04 §6). */
  getRootMut(): ValueEditor {
    return new ValueEditor(this, []);
  }

  /** The value under array segments in the merged view; each may itself be a dotted path (04 §6). */
  async getAtPath(segments: readonly string[]): Promise<VisibleValue> {
    let value: VisibleValue = await this.getAll();
    for (const segment of segments) {
      if (!(value instanceof Doc)) throw typeMismatch(this.name, "Doc", "non-node value");
      const next: VisibleValue | undefined = value.get(segment);
      if (next === undefined) throw keyNotFound(this.name, segments.join("."));
      value = next;
    }
    return value;
  }

  /** Stages a value under array segments; no segments replace this transaction's whole delta. */
  async setAtPath(segments: readonly string[], value: ValueInput): Promise<void> {
    if (segments.length > 0) return await this.set(segments.join("."), value);
    if (!(value instanceof Doc)) throw typeMismatch(this.name, "Doc", "non-doc value");
    this.#stage(value.clone());
  }
}

/** Runs a synchronous step so that its failure rejects instead of throwing at the caller. */
function attempt<T>(step: () => T): Promise<T> {
  return new Promise((resolve) => resolve(step()));
}
