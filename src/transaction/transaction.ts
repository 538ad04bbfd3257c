import { quote, setInspection } from "#inspect";
import type { LocalBackend } from "../backend/local.ts";
import { Doc } from "../crdt/doc.ts";
import { INDEX, ROOT, SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { StoreType, ViewOf } from "../store/context.ts";
import { supports, supportsView } from "../store/context.ts";
import type { Registry, StoreInfo } from "../store/registry.ts";
import { SettingsStore, type SettingsViewer } from "../store/settings_store.ts";
import { ViewContext } from "../store/view_context.ts";
import { requireMethod, requireText } from "../util/arguments.ts";
import { StoreError, TransactionError } from "../util/errors.ts";
import { turns } from "../util/turns.ts";
import { buildEntry } from "./build_entry.ts";
import type { PutOptions } from "./host.ts";
import { OPEN_STORE, TransactionStores } from "./transaction_stores.ts";

/** How an entry of this process's own is stored. */
const OWN: PutOptions = { verification: "Verified", source: "local" };

const SYSTEM_STORES: ReadonlySet<string> = new Set([SETTINGS, INDEX, ROOT]);

/**
 * A set of changes to the stores of one database that become one signed entry, or nothing.
 *
 * The parents are fixed when the transaction begins: reads see the history below them and what was
 * staged here, never what others commit meanwhile. Transactions do not block each other; two of them
 * from the same frontier become two branches that the next read merges.
 */
export class Transaction extends TransactionStores {
  readonly #view = new ViewContext(this);
  #systemLocked = false;
  #id: ID | undefined;

  /** Main parents of the entry to be made. */
  get parents(): Snapshot {
    return this.base.parents;
  }

  /** ID of the entry that this transaction has become; undefined before it is committed. */
  get id(): ID | undefined {
    return this.#id;
  }

  /**
   * Opens a store. A name that is not registered yet is registered with this type; one that is must
   * be of a type that `type` supports, else `TypeMismatch`.
   */
  async getStore<S>(type: StoreType<S>, name: string): Promise<S> {
    if (turns.isOver) await turns.next();
    requireStore(type, name);
    this.requireOpen();
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

  /** Runs `init` while the system stores cannot be opened. */
  async withSystemLocked(init: (transaction: Transaction) => Promise<void> | void): Promise<void> {
    this.#systemLocked = true;
    try {
      await init(this);
    } finally {
      this.#systemLocked = false;
    }
  }

  /**
   * Makes one signed entry of all that was staged and stores it. The entry is judged against exactly
   * the settings that it pins, before it is stored.
   *
   * @returns the ID of the entry, when it is durable and the write handlers have settled.
   */
  async commit(): Promise<ID> {
    this.requireOpen();
    this.isCommitted = true;
    if (turns.isOver) await turns.next();
    try {
      // A handler may close the instance, which takes nothing back of what was written.
      const { backend } = this.base.host;
      const entry = await buildEntry(this);
      const tree = this.base.tree ?? entry.id;
      await this.base.host.putEntry(tree, entry, OWN, this.base.alone);
      this.#id = entry.id;
      this.#noteWritten(backend, tree, entry);
      for (const store of this.stores.values()) store.wipe();
      return entry.id;
    } catch (error) {
      this.isCommitted = false;
      throw error;
    }
  }

  /** Tells the engine what was written in the clear; of encrypted stores it keeps no states. */
  #noteWritten(backend: LocalBackend, tree: ID, entry: Entry): void {
    for (const [name, { type, encryptor }] of this.stores) {
      const data = entry.findData(name);
      if (type === undefined || encryptor !== undefined || data === undefined) continue;
      backend.wrote(tree, name, type, data);
    }
  }

  static {
    setInspection(Transaction, "Transaction", (transaction) => {
      const staged = [...transaction.stores].filter(([, { isStaged }]) => isStaged);
      const state = transaction.#id === undefined
        ? `staged ${staged.map(([name]) => quote(name)).join(", ") || "nothing"}`
        : `committed as ${transaction.#id}`;
      return [`on ${transaction.place}`, state];
    });
  }
}

function requireStore(type: StoreType<unknown>, name: string): void {
  requireMethod(type, "load", OPEN_STORE, "the type of store");
  requireText(name, OPEN_STORE, "the name");
}

function wrongType(store: string, expected: string, actual: string): StoreError {
  const message =
    `Cannot open the store "${store}" as "${expected}": it is registered as "${actual}"`;
  return new StoreError("TypeMismatch", message, { fields: { store, expected, actual } });
}
