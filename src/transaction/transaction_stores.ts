/**
 * What a transaction knows of each store that it touches, and what stores ask of it: parents, states, what was staged.
 *
 * @module
 */

import type { DatabaseKey } from "../auth/database_key.ts";
import type { StateType } from "../backend/state/state_type.ts";
import type { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import type { Encryptor, StoreContext } from "../store/context.ts";
import type { DerivedKeys } from "../store/derived_keys.ts";
import { Registry } from "../store/registry.ts";
import { wrongArgument } from "../util/arguments.ts";
import { TransactionError } from "../util/errors.ts";
import type { RandomSource } from "../util/random.ts";
import { turns } from "../util/turns.ts";
import { databaseText } from "./database_text.ts";
import { foldDecrypted } from "./encrypted_state.ts";
import type { Alone, TransactionHost } from "./host.ts";
import { areFew, parentTips } from "./parent_tips.ts";
import { StagedStore } from "./staged_store.ts";

/** What is done with a store first, as it follows "Cannot". */
export const OPEN_STORE = "open a store";

/** Where a transaction stands: the database, the frontier it builds on, and who acts. */
export interface TransactionBase {
  /** The instance behind the database. */
  readonly host: TransactionHost;
  /** Root of the database; undefined for the transaction that creates one. */
  readonly tree: ID | undefined;
  /** Main parents of the entry to be made. */
  readonly parents: Snapshot;
  /** Who signs; undefined for reading only. */
  readonly key: DatabaseKey | undefined;
  /** Entropy of the entry's metadata; set for the transaction that creates a database. */
  readonly entropy?: bigint;
  /** Set for a transaction that must be the only change of the database since it began. */
  readonly alone?: Alone;
}

/** The stores of a transaction, as the types of stores see them. */
export abstract class TransactionStores implements StoreContext {
  /** Where this transaction stands. */
  readonly base: TransactionBase;
  readonly #stores = new Map<string, StagedStore>();
  /** Whether nothing can be changed any more. */
  protected isCommitted = false;

  /** Use `Database.newTransaction`. */
  constructor(base: TransactionBase) {
    this.base = base;
  }

  /** See {@link StoreContext.random}. */
  get random(): RandomSource {
    return this.base.host.random;
  }

  /** See {@link StoreContext.derivedKeys}. */
  get derivedKeys(): DerivedKeys {
    return this.base.host.derivedKeys;
  }

  /** The registry of stores. */
  getIndex(): Registry {
    return new Registry(this);
  }

  /** Whether anything was staged: a value, a deletion, or the registration of a store. */
  get isStaged(): boolean {
    for (const store of this.#stores.values()) if (store.isStaged) return true;
    return false;
  }

  /** See {@link StoreContext.place}. */
  get place(): string {
    return databaseText(this.base.host, this.base.tree);
  }

  /** See {@link StoreContext.staged}. */
  staged<T>(store: string): T | undefined {
    return this.#stores.get(store)?.delta as T | undefined;
  }

  /** See {@link StoreContext.requireWritable}. */
  requireWritable(_store: string): void {
    this.requireOpen();
  }

  /** See {@link StoreContext.stage}. */
  stage<T>(store: string, delta: T, type: StateType<T>): void {
    this.requireOpen();
    this.#touch(store).stage(delta, type);
  }

  /** Stages a payload as it is. */
  stageRaw(store: string, data: Uint8Array): void {
    this.requireOpen();
    this.#touch(store).rawData = data;
  }

  /** See {@link StoreContext.registerEncryptor}. */
  registerEncryptor(store: string, encryptor: Encryptor): void {
    this.requireOpen();
    this.#touch(store).setEncryptor(encryptor);
  }

  /** See {@link StoreContext.fullState}. */
  async fullState<T>(store: string, type: StateType<T>): Promise<T> {
    if (turns.isOver) await turns.next();
    const known = this.peekState(store, type);
    if (known !== undefined) return known;
    const tips = await this.storeParents(store);
    const { tree, host } = this.base;
    if (tree === undefined || tips.tips.length === 0) return type.empty();
    const staged = this.#touch(store);
    const { encryptor } = staged;
    if (encryptor === undefined) return await host.backend.stateAt(tree, store, tips, type);
    return await staged.decrypted(
      type.name,
      () => foldDecrypted(host.backend, tree, store, tips, type, encryptor),
    );
  }

  /** See {@link StoreContext.peekState}. */
  peekState<T>(store: string, type: StateType<T>): T | undefined {
    const tips = this.peekStoreParents(store);
    if (tips === undefined || this.#touch(store).encryptor !== undefined) return undefined;
    const { tree, host } = this.base;
    return tree === undefined ? type.empty() : host.backend.states.peek(tree, store, tips, type);
  }

  /** Store tips that an entry of this transaction builds on: those below its main parents. */
  async storeParents(store: string): Promise<Snapshot> {
    const known = this.peekStoreParents(store);
    if (known !== undefined) return known;
    const staged = this.#touch(store);
    const reading = staged.reading ??= this.#readStoreParents(store);
    try {
      return staged.parents = await reading;
    } catch (error) {
      if (staged.reading === reading) staged.reading = undefined;
      throw error;
    }
  }

  /** As {@link storeParents}, if they are in memory. */
  peekStoreParents(store: string): Snapshot | undefined {
    const { tree, host, parents } = this.base;
    if (tree === undefined) return Snapshot.EMPTY;
    const staged = this.#touch(store);
    if (staged.parents !== undefined) return staged.parents;
    const tips = host.backend.tips.peekStoreAt(tree, store, parents);
    return tips && areFew(tips) ? staged.parents = tips : undefined;
  }

  async #readStoreParents(store: string): Promise<Snapshot> {
    const { tree, host, parents } = this.base;
    return await parentTips(
      host.backend,
      await host.backend.storeSnapshotAt(tree!, store, parents),
    );
  }

  /** Everything that was touched, by store name. */
  get stores(): ReadonlyMap<string, StagedStore> {
    return this.#stores;
  }

  #touch(store: string): StagedStore {
    if (typeof store !== "string") throw wrongArgument(OPEN_STORE, "the name", "a text", store);
    const known = this.#stores.get(store);
    if (known !== undefined) return known;
    const made = new StagedStore();
    this.#stores.set(store, made);
    return made;
  }

  /** Refuses a transaction that was committed. */
  protected requireOpen(): void {
    if (!this.isCommitted) return;
    throw new TransactionError(
      "TransactionAlreadyCommitted",
      "Cannot use a transaction that was committed already: begin a new one",
    );
  }
}
