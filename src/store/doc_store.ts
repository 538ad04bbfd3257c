import { docState } from "../backend/doc_state.ts";
import { Doc } from "../crdt/doc.ts";
import { List } from "../crdt/list.ts";
import { DELETED, isVisible, typeName, type ValueInput, type VisibleValue } from "../crdt/value.ts";
import { describePath, type PathLike, segmentsOf } from "../crdt/path.ts";
import type { StoreContext } from "./context.ts";
import { keyNotFound, mergedChild, typeMismatch } from "./staged_doc.ts";
import { ValueEditor } from "./value_editor.ts";

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
export class DocStore {
  /** Type ID of this format (04 §1). */
  static readonly typeId: string = "docstore:v0";

  /** Name of the store. */
  readonly name: string;
  readonly #context: StoreContext;

  /** A handle on the store `name` of the transaction behind `context`. */
  constructor(context: StoreContext, name: string) {
    this.#context = context;
    this.name = name;
  }

  /** Builds the handle; called by `getStore` and `getStoreViewer`. */
  static load(context: StoreContext, name: string): DocStore {
    return new DocStore(context, name);
  }

  /** The delta that this transaction will write; undefined before the first write. */
  localData(): Doc | undefined {
    return this.#context.staged<Doc>(this.name)?.clone();
  }

  #delta(): Doc {
    return this.#context.staged<Doc>(this.name) ?? new Doc();
  }

  #stage(delta: Doc): void {
    this.#context.stage(this.name, delta, docState);
  }

  async #history(): Promise<Doc> {
    return await this.#context.fullState(this.name, docState);
  }

  // --- reading -------------------------------------------------------------------------------

  /** The value at a path, or undefined when nothing visible is there. */
  async getOption(path: PathLike): Promise<VisibleValue | undefined> {
    const segments = segmentsOf(path);
    const first = segments[0];
    if (first === undefined) return undefined;
    const child = mergedChild(this.#context.staged<Doc>(this.name), await this.#history(), first);
    if (!isVisible(child)) return undefined;
    const holder = new Doc();
    holder.set([first], child);
    return holder.get(segments);
  }

  /** The value at a path; `KeyNotFound` when nothing visible is there. */
  async get(path: PathLike): Promise<VisibleValue> {
    const value = await this.getOption(path);
    if (value === undefined) throw keyNotFound(this.name, describePath(path));
    return value;
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
    const staged = this.#context.staged<Doc>(this.name);
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
   * way is replaced. A plain object merges into the document at that path; an atomic `Doc` replaces.
   */
  set(path: PathLike, value: ValueInput): Promise<void> {
    return attempt(() => {
      const delta = this.#delta();
      delta.stage(path, value);
      this.#stage(delta);
    });
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
  async insert(path: PathLike, value: ValueInput): Promise<VisibleValue | undefined> {
    const before = this.#context.staged<Doc>(this.name)?.get(path);
    await this.set(path, value);
    return before;
  }

  /** Stages a deletion; false, and nothing staged, when nothing visible is there. */
  async delete(path: PathLike): Promise<boolean> {
    if (!await this.containsKey(path)) return false;
    await this.set(path, DELETED);
    return true;
  }

  /** Reads, changes and stages a value; `KeyNotFound` when nothing visible is there. */
  async modify(
    path: PathLike,
    change: (value: VisibleValue) => ValueInput | void,
  ): Promise<void> {
    const value = await this.get(path);
    await this.set(path, change(value) ?? value);
  }

  /** The value at a path, or `fallback`, which is then staged. */
  async getOrInsert(path: PathLike, fallback: ValueInput): Promise<VisibleValue> {
    if (!await this.containsKey(path)) await this.set(path, fallback);
    return await this.get(path);
  }

  /** As {@link modify}, beginning with `fallback` when nothing visible is there. */
  async modifyOrInsert(
    path: PathLike,
    fallback: ValueInput,
    change: (value: VisibleValue) => ValueInput | void,
  ): Promise<void> {
    await this.getOrInsert(path, fallback);
    await this.modify(path, change);
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
function attempt(step: () => void): Promise<void> {
  return new Promise((resolve) => {
    step();
    resolve();
  });
}
