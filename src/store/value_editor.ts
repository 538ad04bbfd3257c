import { quote, setInspection } from "#inspect";
import { DELETED, type ValueInput, type VisibleValue } from "../crdt/value.ts";
import type { DocStore } from "./doc_store.ts";

/** One place in a {@link DocStore}, for step-by-step access. */
export class ValueEditor {
  /** Segments from the root of the document to this place. */
  readonly path: readonly string[];
  readonly #store: DocStore;

  /** The place at `path` of `store`. */
  constructor(store: DocStore, path: readonly string[]) {
    this.#store = store;
    this.path = path;
  }

  /** An editor of a child. */
  getValueMut(key: string): ValueEditor {
    return new ValueEditor(this.#store, [...this.path, key]);
  }

  /** The value here; `KeyNotFound`, or `TypeMismatch` when the way leads through a non-document. */
  async get(): Promise<VisibleValue> {
    return await this.#store.getAtPath(this.path);
  }

  /** The value of a child. */
  async getValue(key: string): Promise<VisibleValue> {
    return await this.#store.getAtPath([...this.path, key]);
  }

  /** Stages a value here; at the root it must be a `Doc`. */
  async set(value: ValueInput): Promise<void> {
    await this.#store.setAtPath(this.path, value);
  }

  /** Stages the deletion of this place. */
  async deleteSelf(): Promise<void> {
    await this.#store.setAtPath(this.path, DELETED);
  }

  /** Stages the deletion of a child. */
  async deleteChild(key: string): Promise<void> {
    await this.#store.setAtPath([...this.path, key], DELETED);
  }
}

setInspection(ValueEditor, "ValueEditor", ({ path }) => [quote(path.join("."))]);
