/**
 * The store of collaborative documents, for text and whatever else several people edit at once. It needs
 * the npm package `yjs`, and has a door of its own so that nothing else does.
 *
 * ```ts
 * import { Instance, NewUser } from "eidetica";
 * import { YDoc } from "eidetica/ydoc";
 *
 * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const db = await user!.createDatabase({ name: "letters" });
 * await db.withTransaction(async (tx) => {
 *   const letter = await tx.getStore(YDoc, "letter");
 *   await letter.withDocMut((doc) => doc.getText("body").insert(0, "Dear Grace,"));
 * });
 * const letter = await db.getStoreViewer(YDoc, "letter");
 * const text = await letter.withDoc((doc) => doc.getText("body").toString());
 * if (text !== "Dear Grace,") throw new Error("not stored");
 * await instance.close();
 * ```
 *
 * @module
 */

import { setInspection } from "#inspect";
import * as Y from "yjs";
import type { StateType } from "../backend/state/state_type.ts";
import { fromUtf8, utf8 } from "../util/bytes.ts";
import { SerializeError, StoreError } from "../util/errors.ts";
import type { StoreContext } from "./context.ts";
import { type HandleWrites, StoreHandle, storeText } from "./store_handle.ts";

/** Updates whose effects add up to a state, in any order. */
type Updates = readonly Uint8Array[];

/** A state is kept as this many updates before they are made one, which costs a whole document. */
const MAX_UPDATES = 64;
/** The update without any content. */
const EMPTY_UPDATE: readonly number[] = [0, 0];

/** Payloads `{"data":[byte, …]}`: one Yjs update, encoding v1. */
const ydocState: StateType<Updates> = {
  name: "ydoc",
  empty: () => [],
  parse: parsePayload,
  merge: (left, right) => {
    const all = [...left, ...right];
    return all.length > MAX_UPDATES ? [wholeUpdate(all, "YDoc")] : all;
  },
  serialize: (updates) => utf8(`{"data":[${[...wholeUpdate(updates, "YDoc")].join()}]}`),
};

/** What a viewer of a Yjs document can do: read. */
export type YDocViewer = Omit<
  YDoc,
  HandleWrites | "withDocMut" | "applyUpdate" | "saveDoc" | "saveDocFull"
>;

/**
 * A store that holds one Yjs document. Concurrent edits merge character by character.
 *
 * Each transaction stores what it changed since its history as one Yjs update, encoding v1, which Yjs
 * and the reference's yrs both read.
 */
export class YDoc extends StoreHandle {
  /** Type ID of this format. */
  static readonly typeId: string = "ydoc:v0";

  /** What history holds; it stays the same for the life of a transaction. */
  #historyVector: Uint8Array | undefined;

  /** See {@link StoreHandle.typeId}. */
  override get typeId(): string {
    return YDoc.typeId;
  }

  /** Builds the handle; called by `getStore`. */
  static load(context: StoreContext, name: string): YDoc {
    return new YDoc(context, name);
  }

  /** Builds the handle of a viewer; called by `getStoreViewer`. */
  static view(context: StoreContext, name: string): YDocViewer {
    return new YDoc(context, name);
  }

  /** The update that this transaction will write; undefined before the first write. */
  localData(): Uint8Array | undefined {
    const staged = this.context.staged<Updates>(this.name);
    return staged === undefined ? undefined : wholeUpdate(staged, this.name);
  }

  /**
   * A new document with history and what is staged. It belongs to the caller: edits stay in it until
   * `saveDoc` gets it.
   */
  async doc(): Promise<Y.Doc> {
    const history = await this.context.fullState(this.name, ydocState);
    const doc = new Y.Doc();
    applyAll(doc, history, this.name);
    this.#historyVector ??= Y.encodeStateVector(doc);
    applyAll(doc, this.context.staged<Updates>(this.name) ?? [], this.name);
    return doc;
  }

  /** Runs `use` on a copy of the document; changes to it are lost. */
  async withDoc<R>(use: (doc: Y.Doc) => R | Promise<R>): Promise<R> {
    return await use(await this.doc());
  }

  /** Runs `change` on the document and stages what it changed; nothing when it fails. */
  async withDocMut<R>(change: (doc: Y.Doc) => R | Promise<R>): Promise<R> {
    this.context.requireWritable(this.name);
    const doc = await this.doc();
    let isChanged = false;
    doc.on("update", () => isChanged = true);
    const result = await change(doc);
    if (isChanged) await this.saveDoc(doc);
    return result;
  }

  /** Stages a Yjs update, encoding v1, from elsewhere; `ImplementationError` when it is none. */
  async applyUpdate(update: Uint8Array): Promise<void> {
    this.context.requireWritable(this.name);
    const doc = await this.doc();
    applyAll(doc, [update], this.name);
    await this.saveDoc(doc);
  }

  /** The whole document as a Yjs update, encoding v1. */
  async getUpdate(): Promise<Uint8Array> {
    return Y.encodeStateAsUpdate(await this.doc());
  }

  /** Stages what `doc` has and history has not, on top of what is staged. */
  async saveDoc(doc: Y.Doc): Promise<void> {
    if (this.#historyVector === undefined) await this.doc();
    this.#stage(Y.encodeStateAsUpdate(doc, this.#historyVector));
  }

  /** Stages the whole of `doc`. */
  saveDocFull(doc: Y.Doc): Promise<void> {
    return new Promise((resolve) => {
      this.#stage(Y.encodeStateAsUpdate(doc));
      resolve();
    });
  }

  /** Adds an update to the staged ones, so that edits that run side by side both stay. */
  #stage(update: Uint8Array): void {
    this.context.requireWritable(this.name);
    const staged = this.context.staged<Updates>(this.name) ?? [];
    if (staged.length === 0 && isEmptyUpdate(update)) return;
    this.context.stage(this.name, [Y.mergeUpdates([...staged, update])], ydocState);
  }

  static {
    setInspection(YDoc, "YDoc", ({ name, context }) => [storeText(name, context)]);
  }
}

function isEmptyUpdate(update: Uint8Array): boolean {
  return update.length === 2 && EMPTY_UPDATE.every((byte, at) => update[at] === byte);
}

/** One update with the effects of all, those included that wait for others to arrive. */
function wholeUpdate(updates: Updates, store: string): Uint8Array {
  if (updates.length === 1) return updates[0]!;
  const doc = new Y.Doc();
  applyAll(doc, updates, store);
  return Y.encodeStateAsUpdate(doc);
}

function applyAll(doc: Y.Doc, updates: Updates, store: string): void {
  try {
    for (const update of updates) Y.applyUpdate(doc, update);
  } catch (cause) {
    const reason = "it is not a Yjs update";
    throw new StoreError(
      "ImplementationError",
      `Cannot read an update of the store "${store}": ${reason}`,
      { cause, fields: { store, reason } },
    );
  }
}

function parsePayload(bytes: Uint8Array): Updates {
  const data = readData(bytes);
  if (!Array.isArray(data) || !data.every(isByte)) {
    throw new SerializeError(
      "DeserializationFailed",
      'Cannot read a Yjs document: expected {"data":[…]} with bytes as numbers',
      { fields: { reason: "no list of bytes under `data`" } },
    );
  }
  return data.length === 0 ? [] : [Uint8Array.from(data)];
}

function readData(bytes: Uint8Array): unknown {
  try {
    return (JSON.parse(fromUtf8(bytes)) as { data?: unknown } | null)?.data;
  } catch {
    return undefined;
  }
}

function isByte(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}
