import { AuthKey } from "../auth/auth_key.ts";
import { DatabaseKey } from "../auth/database_key.ts";
import { Permission } from "../auth/permission.ts";
import { inTree } from "../backend/tree/walk.ts";
import type { Doc } from "../crdt/doc.ts";
import { ROOT } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { SigKey } from "../entry/sig_info.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { StoreType, ViewOf } from "../store/context.ts";
import type { SettingsViewer } from "../store/settings_store.ts";
import type { Alone } from "../transaction/host.ts";
import { areFew, parentTips } from "../transaction/parent_tips.ts";
import { Transaction } from "../transaction/transaction.ts";
import { utf8 } from "../util/bytes.ts";
import { AuthError, InstanceError, TransactionError } from "../util/errors.ts";
import { randomU64 } from "../util/random.ts";
import { canAccess, currentPermission, findSigkeys } from "./access.ts";
import type { DatabaseHost, VerifyCounts, WriteCallback, WriteEvent } from "./host.ts";
import { idsAdded } from "./ids_added.ts";
import { commitStaged, updateAlone, type UpdateOptions } from "./update.ts";
import { verifyEntrySignature } from "./verify_entry.ts";

/** Something that belongs to a host: an instance, or the host itself. */
export interface HasHost {
  /** The host. */
  readonly host: DatabaseHost;
}

/** Which earlier state a transaction or viewer stands on. */
export interface AtOptions {
  /** Tips to stand on; the current frontier when absent. */
  readonly at?: Snapshot;
}

/** What to do inside the transaction that creates a database. */
export type DatabaseInit = (transaction: Transaction) => Promise<void> | void;

/**
 * A handle on one database: a tree of signed entries with its own keys and settings (06).
 *
 * Handles are cheap; two of them on one root share all data and write handlers. Key and read scope
 * belong to the handle. By default it sees what this node has verified.
 */
export class Database {
  /** ID of the root entry, which names the database. */
  readonly rootId: ID;
  /** Who this handle acts as; undefined when it can only read. */
  readonly key: DatabaseKey | undefined;
  readonly #host: DatabaseHost;
  readonly #allowUnverified: boolean;

  private constructor(
    host: DatabaseHost,
    rootId: ID,
    key: DatabaseKey | undefined,
    allowUnverified: boolean,
  ) {
    this.#host = host;
    this.rootId = rootId;
    this.key = key;
    this.#allowUnverified = allowUnverified;
  }

  // --- creating and opening ------------------------------------------------------------------

  /**
   * Creates a database: one signed entry that holds the settings, grants the key `Admin(0)`, and
   * whatever `init` writes. `settings` must not hold `auth` (06 §2.1).
   */
  static async create(
    instance: HasHost,
    key: DatabaseKey | PrivateKey,
    settings: Doc,
    init?: DatabaseInit,
  ): Promise<Database> {
    if (settings.get("auth") !== undefined) throw presetAuth();
    const { host } = instance;
    const databaseKey = toDatabaseKey(key);
    const entropy = randomU64(host.random);
    const parents = Snapshot.EMPTY;
    const transaction = new Transaction({
      host,
      tree: undefined,
      parents,
      key: databaseKey,
      entropy,
    });
    await stageGenesis(transaction, databaseKey.publicKey, settings);
    if (init !== undefined) await transaction.withSystemLocked(init);
    return new Database(host, await transaction.commit(), databaseKey, false);
  }

  /** Opens the database with this root, for reading; `EntryNotFound` when it is not held. */
  static async open(instance: HasHost, rootId: ID): Promise<Database> {
    const root = await instance.host.backend.get(rootId);
    if (root.isRoot) return new Database(instance.host, rootId, undefined, false);
    const message = `Cannot open "${rootId}" as a database: the entry is not a root`;
    throw new InstanceError("DatabaseNotFound", message, { fields: { name: rootId.toString() } });
  }

  /** Identities under which a key may act on a database, strongest first (02 §11.2). */
  static async findSigkeys(
    instance: HasHost,
    rootId: ID,
    publicKey: PublicKey,
  ): Promise<(readonly [SigKey, Permission])[]> {
    await instance.host.backend.get(rootId);
    return await findSigkeys(instance.host, rootId, publicKey);
  }

  /** Whether a key has at least the wanted permission on a database (02 §11.3). */
  static async canAccess(
    instance: HasHost,
    rootId: ID,
    publicKey: PublicKey,
    wanted: Permission,
  ): Promise<boolean> {
    await instance.host.backend.get(rootId);
    return await canAccess(instance.host, rootId, publicKey, wanted);
  }

  /** A handle that acts as `key`. Nothing is checked before a commit. */
  withKey(key: DatabaseKey | PrivateKey): Database {
    return new Database(this.#host, this.rootId, toDatabaseKey(key), this.#allowUnverified);
  }

  /** A handle without a key. */
  readOnly(): Database {
    return new Database(this.#host, this.rootId, undefined, this.#allowUnverified);
  }

  /** A handle that also sees what this node cannot judge yet; what has failed stays hidden. */
  allowUnverified(): Database {
    return new Database(this.#host, this.rootId, this.key, true);
  }

  // --- reading -------------------------------------------------------------------------------

  /** The tips that this handle sees (06 §4). */
  async snapshot(): Promise<Snapshot> {
    return this.#peekSnapshot() ?? await this.#readSnapshot();
  }

  /** As {@link snapshot}, if it is in memory. */
  #peekSnapshot(): Snapshot | undefined {
    const host = this.#host;
    if (this.#allowUnverified || !host.isSettled(this.rootId)) return undefined;
    return host.backend.tips.peekSeen(this.rootId);
  }

  async #readSnapshot(): Promise<Snapshot> {
    await this.#host.settle(this.rootId);
    const { backend } = this.#host;
    if (!this.#allowUnverified) return await backend.tips.seen(this.rootId);
    const tips: ID[] = [];
    for (const id of (await backend.snapshot(this.rootId)).tips) {
      if (await backend.getVerificationStatus(id) !== "Failed") tips.push(id);
    }
    return Snapshot.of(tips);
  }

  /**
   * A store for reading, at the current frontier or at `at`. Nothing is registered; a store that does
   * not exist reads as empty. `TypeMismatch` when it is of a type that `type` would show wrongly; a
   * `DocStore` shows the document behind any store (04 §3).
   */
  async getStoreViewer<S, V = unknown>(
    type: StoreType<S, V>,
    name: string,
    options: AtOptions = {},
  ): Promise<ViewOf<S, V>> {
    const transaction = await this.newTransaction(options);
    return await transaction.getViewer(type, name);
  }

  /** The settings, for reading. To change them, take those of a transaction. */
  async getSettings(): Promise<SettingsViewer> {
    return (await this.newTransaction()).viewSettings();
  }

  /** Name in the settings; `KeyNotFound` when there is none. */
  async getName(): Promise<string> {
    return await (await this.getSettings()).getName();
  }

  /** The root entry. */
  async getRoot(): Promise<Entry> {
    return await this.#host.backend.get(this.rootId);
  }

  /** An entry of this database, whatever its status. */
  async getEntry(id: ID): Promise<Entry> {
    const entry = await this.#host.backend.get(id);
    if (inTree(entry, this.rootId)) return entry;
    const message = `Entry "${id}" belongs to another database than "${this.rootId}"`;
    const fields = { entryId: id, databaseId: this.rootId };
    throw new InstanceError("EntryNotInDatabase", message, { fields });
  }

  /** Entries of this database, in the order of `ids`; fails on the first that is not. */
  async getEntries(ids: Iterable<ID>): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const id of ids) entries.push(await this.getEntry(id));
    return entries;
  }

  /** Every held entry of any status, in fold order. */
  async getAllEntries(): Promise<Entry[]> {
    return await this.#host.backend.getTree(this.rootId);
  }

  /** The entries at the tips that this handle sees. */
  async getTipEntries(): Promise<Entry[]> {
    return await this.getEntries((await this.snapshot()).tips);
  }

  /** IDs of the entries between two frontiers, parents first (06 §9). */
  async idsAdded(previous: Snapshot, post: Snapshot): Promise<ID[]> {
    return await idsAdded(this.#host.backend, previous, post);
  }

  // --- writing -------------------------------------------------------------------------------

  /** Begins a transaction on the current frontier, or on any earlier one (06 §5). */
  async newTransaction(options: AtOptions = {}): Promise<Transaction> {
    return await this.#begin(options);
  }

  async #begin(options: AtOptions, alone?: Alone): Promise<Transaction> {
    if (options.at !== undefined) await this.#requireTips(options.at);
    const tips = options.at ?? this.#peekSnapshot() ?? await this.#readSnapshot();
    const isWhole = options.at !== undefined || areFew(tips);
    const parents = isWhole ? tips : await parentTips(this.#host.backend, tips);
    if (parents.tips.length === 0) throw this.#emptyTips();
    return new Transaction({ host: this.#host, tree: this.rootId, parents, key: this.key, alone });
  }

  /**
   * Runs `change` in a transaction, commits what it has staged, and gives what it returns. When `change`
   * fails nothing is stored, and when it stages nothing nothing is committed: `transaction.id` is then
   * undefined, and afterwards the ID of the entry that was made.
   *
   * Transactions never wait for each other. What one reads may be outdated when it commits, and two that
   * raise one number at the same time both write the same one: use {@link update} for that.
   */
  async withTransaction<R>(
    change: (transaction: Transaction) => Promise<R> | R,
    options: AtOptions = {},
  ): Promise<R> {
    const transaction = await this.newTransaction(options);
    const result = await change(transaction);
    await commitStaged(transaction);
    return result;
  }

  /**
   * As {@link withTransaction}, alone: `change` sees the newest state of the database, and is committed only
   * if nobody has changed that meanwhile, else it runs again on the newer one. So a value that is read,
   * changed and written back is never lost, over all processes on one storage, and no branch is made.
   *
   * Updates of one database run one after another. `change` may run several times: it should do nothing
   * but work on its transaction, and must not change the same database in another way. Copies on other
   * devices are not waited for: what they write at the same time is merged as ever.
   *
   * @example
   * ```ts
   * import { DocStore, Instance, NewUser } from "eidetica";
   *
   * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
   * const db = await user!.createDatabase({ name: "site" });
   * const visit = () =>
   *   db.update(async (tx) => {
   *     const pages = await tx.getStore(DocStore, "pages");
   *     const visits = Number(await pages.getOption("visits") ?? 0) + 1;
   *     await pages.set("visits", visits);
   *     return visits;
   *   });
   * const counts = await Promise.all(Array.from({ length: 50 }, visit));
   * if (Math.max(...counts) !== 50) throw new Error("a visit was lost");
   * await instance.close();
   * ```
   */
  async update<R>(
    change: (transaction: Transaction) => Promise<R> | R,
    options: UpdateOptions = {},
  ): Promise<R> {
    const begin = (alone: Alone) => this.#begin({}, alone);
    return await updateAlone(this.#host, this.rootId, begin, change, options);
  }

  async #requireTips(snapshot: Snapshot): Promise<void> {
    // The tips may be another process's, so what was seen of the tree before may be older than they.
    await this.#host.settle(this.rootId);
    for (const tip of snapshot.tips) {
      if (inTree(await this.#host.backend.get(tip), this.rootId)) continue;
      const message = `Cannot begin a transaction at "${tip}": it belongs to another database`;
      throw new TransactionError("InvalidTip", message, { fields: { tip } });
    }
  }

  #emptyTips(): TransactionError {
    return new TransactionError(
      "EmptyTipsNotAllowed",
      `Cannot begin a transaction on database "${this.rootId}" without tips: nothing of it is visible to this handle`,
    );
  }

  // --- verification, events, access ----------------------------------------------------------

  /** Judges the Unverified entries of this database (06 §7.2). */
  async verify(): Promise<VerifyCounts> {
    return await this.#host.verify(this.rootId);
  }

  /** Whether an entry is valid under the settings it pins; false while they are not all held. */
  async verifyEntrySignature(id: ID): Promise<boolean> {
    return await verifyEntrySignature(this.#host.backend, await this.getEntry(id));
  }

  /**
   * Calls `handler` for every write to this database, whoever makes it, until the returned
   * registration is disposed. The first event begins at `at`, or at the current frontier; each
   * further one where the one before it ended (00 §C1).
   */
  async onWrite(
    handler: (event: WriteEvent, database: Database) => void | Promise<void>,
    options: AtOptions = {},
  ): Promise<WriteCallback> {
    const database = new Database(this.#host, this.rootId, undefined, false);
    return await this.#host.onWrite(this.rootId, (event) => handler(event, database), options.at);
  }

  /** What the attached key may do now; an auth error without a key or without a grant. */
  async currentPermission(): Promise<Permission> {
    return await currentPermission(this.#host, this.rootId, this.key);
  }
}

function toDatabaseKey(key: DatabaseKey | PrivateKey): DatabaseKey {
  return key instanceof PrivateKey ? new DatabaseKey(key) : key;
}

function presetAuth(): AuthError {
  const reason =
    "the settings of a new database must not hold `auth`, which creation writes itself";
  return new AuthError("InvalidAuthConfiguration", `Cannot create the database: ${reason}`, {
    fields: { reason },
  });
}

async function stageGenesis(
  transaction: Transaction,
  publicKey: PublicKey,
  settings: Doc,
): Promise<void> {
  const store = transaction.getSettings();
  for (const [key, value] of settings.entries()) await store.asDocStore().set([key], value);
  await store.setAuthKey(publicKey, AuthKey.active(undefined, Permission.admin(0)));
  transaction.stageRaw(ROOT, utf8('""'));
}
