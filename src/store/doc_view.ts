import { docState } from "../backend/state/doc_state.ts";
import { Doc } from "../crdt/doc.ts";
import { List } from "../crdt/list.ts";
import { describePath, type PathLike, segmentsOf } from "../crdt/path.ts";
import { isVisible, typeName, type VisibleValue } from "../crdt/value.ts";
import { inTurns } from "../util/turns.ts";
import { keyNotFound, mergedChild, typeMismatch } from "./staged_doc.ts";
import { StoreHandle } from "./store_handle.ts";
import { valueAs, type ValueKind, type ValueKinds } from "./value_kinds.ts";

/**
 * Reading a document store. Reads see what the transaction has staged, merged onto history, deletions
 * included. What a read returns belongs to the caller: changing it changes nothing stored.
 */
export abstract class DocView extends StoreHandle {
  /** The delta that this transaction will write; undefined before the first write. */
  localData(): Doc | undefined {
    return this.peekDelta()?.clone();
  }

  /** The staged delta itself: do not change it. */
  protected peekDelta(): Doc | undefined {
    return this.context.staged<Doc>(this.name);
  }

  /** Merged history before this transaction. The document is shared: do not change it. */
  protected async history(): Promise<Doc> {
    return await this.context.fullState(this.name, docState);
  }

  /** The value at a path, or undefined when nothing visible is there. */
  async getOption(path: PathLike): Promise<VisibleValue | undefined> {
    return this.find(path, await this.history());
  }

  /** As {@link getOption}, at once: nothing can be staged between this and what follows it. */
  protected find(path: PathLike, history: Doc): VisibleValue | undefined {
    const segments = segmentsOf(path);
    const first = segments[0];
    if (first === undefined) return undefined;
    const child = mergedChild(this.peekDelta(), history, first);
    if (!isVisible(child)) return undefined;
    const holder = new Doc();
    holder.set([first], child);
    return holder.get(segments);
  }

  /** The value at a path; `KeyNotFound` when nothing visible is there. */
  async get(path: PathLike): Promise<VisibleValue> {
    return this.require(path, await this.history());
  }

  /** As {@link get}, at once. */
  protected require(path: PathLike, history: Doc): VisibleValue {
    const value = this.find(path, history);
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
    const history = await this.history();
    const staged = this.peekDelta();
    return staged === undefined ? history.clone() : history.merge(staged);
  }

  /** Whether something visible is at a path. */
  async containsKey(path: PathLike): Promise<boolean> {
    return await this.getOption(path) !== undefined;
  }

  /** The visible top-level keys, in order. */
  async *keys(): AsyncIterable<string> {
    yield* inTurns((await this.getAll()).keys());
  }

  /** The visible top-level members, in key order. */
  async *entries(): AsyncIterable<[string, VisibleValue]> {
    yield* inTurns((await this.getAll()).entries());
  }

  /** The value under array segments in the merged view; each may itself be a dotted path. */
  async getAtPath(segments: readonly string[]): Promise<VisibleValue> {
    const path = segmentsOf(segments);
    let value: VisibleValue = await this.getAll();
    for (const segment of path) {
      if (!(value instanceof Doc)) throw typeMismatch(this.name, "Doc", "non-node value");
      const next: VisibleValue | undefined = value.get(segment);
      if (next === undefined) throw keyNotFound(this.name, path.join("."));
      value = next;
    }
    return value;
  }
}
