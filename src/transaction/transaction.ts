import { quote, setInspection } from "#inspect";
import type { DatabaseKey } from "../auth/database_key.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { StateType } from "../backend/state/state_type.ts";
import { Doc } from "../crdt/doc.ts";
import { INDEX, ROOT, SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import type { Encryptor, StoreContext, StoreType, ViewOf } from "../store/context.ts";
import { supports, supportsView } from "../store/context.ts";
import type { DerivedKeys } from "../store/derived_keys.ts";
import { Registry, type StoreInfo } from "../store/registry.ts";
import { SettingsStore, type SettingsViewer } from "../store/settings_store.ts";
import { ViewContext } from "../store/view_context.ts";
import { requireMethod, requireText, wrongArgument } from "../util/arguments.ts";
import { StoreError, TransactionError } from "../util/errors.ts";
import type { RandomSource } from "../util/random.ts";
import { turns } from "../util/turns.ts";
import { buildEntry } from "./build_entry.ts";
import { databaseText } from "./database_text.ts";
import type { Alone, PutOptions, TransactionHost } from "./host.ts";
import { foldDecrypted } from "./encrypted_state.ts";
import { areFew, parentTips } from "./parent_tips.ts";
import { StagedStore } from "./staged_store.ts";

/** How an entry of this process's own is stored. */
const OWN: PutOptions = { verification: "Verified", source: "local" };

const SYSTEM_STORES: ReadonlySet<string> = new Set([SETTINGS, INDEX, ROOT]);

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

/**
 * A set of changes to the stores of one database that become one signed entry, or nothing.
 *
 * The parents are fixed when the transaction begins: reads see the history below them and what was
 * staged here, never what others commit meanwhile. Transactions do not block each other; two of them
 * from the same frontier become two branches that the next read merges.
 */
export class Transaction implements StoreContext {
  /** Where this transaction stands. */
  readonly base: TransactionBase;
  readonly #stores = new Map<string, StagedStore>();
  readonly #view = new ViewContext(this);
  #systemLocked = false;
  #committed = false;
  #id: ID | undefined;

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

  /** Main parents of the entry to be made. */
  get parents(): Snapshot {
    return this.base.parents;
  }

  /** ID of the entry that this transaction has become; undefined before it is committed. */
  get id(): ID | undefined {
    return this.#id;
  }

  /** Whether anything was staged: a value, a deletion, or the registration of a store. */
  get isStaged(): boolean {
    for (const store of this.#stores.values()) if (store.isStaged) return true;
    return false;
  }

  /**
   * Opens a store. A name that is not registered yet is registered with this type; one that is must
   * be of a type that `type` supports, else `TypeMismatch`.
   */
  async getStore<S>(type: StoreType<S>, name: string): Promise<S> {
    if (turns.isOver) await turns.next();
    requireStore(type, name);
    this.#requireOpen();
    if (SYSTEM_STORES.has(name)) return await this.#systemStore(type, name);
    if (this.peekStoreParents(name) === undefined) await this.storeParents(name);
    const index = this.getIndex();
    const info = index.peek(name)?.info ?? await this.#register(index, type, name);
    if (info === undefined) return await (type.register ?? type.load).call(type, this, name);
    if (!supports(type, info.typeId)) throw wrongType(name, type.typeId, info.typeId);
    return type.load(this, name);
  }

  async #register(
    index: Registry,
    type: StoreType<unknown>,
    name: string,
  ): Promise<StoreInfo | undefined> {
    return await index.register(name, type.typeId, type.defaultConfig?.() ?? new Doc());
  }

  /**
   * Opens a store for reading: nothing is registered, one that does not exist reads as empty, and every
   * write is refused with `RequiresTransaction`. A store that is registered must be of a type that `type`
   * can show, else `TypeMismatch`.
   */
  async getViewer<S, V = unknown>(type: StoreType<S, V>, name: string): Promise<ViewOf<S, V>> {
    requireStore(type, name);
    if (!SYSTEM_STORES.has(name)) await this.#requireReadableAs(type, name);
    const build = (type.view ?? type.load) as StoreType<ViewOf<S, V>>["load"];
    return await build.call(type, this.#view, name);
  }

  async #requireReadableAs(type: StoreType<unknown>, name: string): Promise<void> {
    // The data of a store can be read even if its registration cannot.
    const info = await this.getIndex().find(name).catch(() => undefined);
    if (info === undefined || supportsView(type, info.typeId)) return;
    throw wrongType(name, type.typeId, info.typeId);
  }

  async #systemStore<S>(type: StoreType<S>, name: string): Promise<S> {
    if (this.#systemLocked) {
      const message =
        `Cannot open "${name}" while a database is being created: the system stores are written by the creation itself`;
      throw new TransactionError("SystemSubtreeLocked", message, { fields: { name } });
    }
    await this.storeParents(name);
    return await type.load(this, name);
  }

  /** The settings of the database, to read and to change. */
  getSettings(): SettingsStore {
    return new SettingsStore(this);
  }

  /** The settings of the database, for reading. */
  viewSettings(): SettingsViewer {
    return new SettingsStore(this.#view);
  }

  /** The registry of stores. */
  getIndex(): Registry {
    return new Registry(this);
  }

  /** Runs `init` while the system stores cannot be opened. */
  async withSystemLocked(init: (transaction: Transaction) => Promise<void> | void): Promise<void> {
    this.#systemLocked = true;
    try {
      await init(this);
    } finally {
      this.#systemLocked = false;
    }
  }

  // --- what stores use -----------------------------------------------------------------------

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
    this.#requireOpen();
  }

  /** See {@link StoreContext.stage}. */
  stage<T>(store: string, delta: T, type: StateType<T>): void {
    this.#requireOpen();
    this.#touch(store).stage(delta, type);
  }

  /** Stages a payload as it is. */
  stageRaw(store: string, data: Uint8Array): void {
    this.#requireOpen();
    this.#touch(store).rawData = data;
  }

  /** See {@link StoreContext.registerEncryptor}. */
  registerEncryptor(store: string, encryptor: Encryptor): void {
    this.#requireOpen();
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

  #requireOpen(): void {
    if (!this.#committed) return;
    throw new TransactionError(
      "TransactionAlreadyCommitted",
      "Cannot use a transaction that was committed already: begin a new one",
    );
  }

  /**
   * Makes one signed entry of all that was staged and stores it. The entry is judged against exactly
   * the settings that it pins, before it is stored.
   *
   * @returns the ID of the entry, when it is durable and the write handlers have settled.
   */
  async commit(): Promise<ID> {
    this.#requireOpen();
    this.#committed = true;
    if (turns.isOver) await turns.next();
    try {
      // A handler may close the instance, which takes nothing back of what was written.
      const { backend } = this.base.host;
      const entry = await buildEntry(this);
      const tree = this.base.tree ?? entry.id;
      await this.base.host.putEntry(tree, entry, OWN, this.base.alone);
      this.#id = entry.id;
      this.#noteWritten(backend, tree, entry);
      for (const store of this.#stores.values()) store.wipe();
      return entry.id;
    } catch (error) {
      this.#committed = false;
      throw error;
    }
  }

  /** Tells the engine what was written in the clear; of encrypted stores it keeps no states. */
  #noteWritten(backend: LocalBackend, tree: ID, entry: Entry): void {
    for (const [name, { type, encryptor }] of this.#stores) {
      const data = entry.findData(name);
      if (type === undefined || encryptor !== undefined || data === undefined) continue;
      backend.wrote(tree, name, type, data);
    }
  }

  static {
    setInspection(Transaction, "Transaction", (transaction) => {
      const staged = [...transaction.#stores].filter(([, { isStaged }]) => isStaged);
      const state = transaction.#id === undefined
        ? `staged ${staged.map(([name]) => quote(name)).join(", ") || "nothing"}`
        : `committed as ${transaction.#id}`;
      return [`on ${transaction.place}`, state];
    });
  }
}

const OPEN_STORE = "open a store";

function requireStore(type: StoreType<unknown>, name: string): void {
  requireMethod(type, "load", OPEN_STORE, "the type of store");
  requireText(name, OPEN_STORE, "the name");
}

function wrongType(store: string, expected: string, actual: string): StoreError {
  const message =
    `Cannot open the store "${store}" as "${expected}": it is registered as "${actual}"`;
  return new StoreError("TypeMismatch", message, { fields: { store, expected, actual } });
}
