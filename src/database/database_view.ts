import { setInspection } from "#inspect";
import type { DatabaseKey } from "../auth/database_key.ts";
import type { Permission } from "../auth/permission.ts";
import { inTree } from "../backend/tree/walk.ts";
import type { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import type { StoreType, ViewOf } from "../store/context.ts";
import type { SettingsViewer } from "../store/settings_store.ts";
import type { Alone } from "../transaction/host.ts";
import { peekName } from "../transaction/database_text.ts";
import { areFew, parentTips } from "../transaction/parent_tips.ts";
import { Transaction } from "../transaction/transaction.ts";
import { optionsOf, requireInstance, requireIterable } from "../util/arguments.ts";
import { InstanceError, TransactionError } from "../util/errors.ts";
import { turns } from "../util/turns.ts";
import { type WorkOptions, workOptions } from "../util/work.ts";
import { currentPermission } from "./access.ts";
import type { DatabaseHost, VerifyCounts } from "./host.ts";
import { idsAdded } from "./ids_added.ts";

const BEGIN = "begin a transaction";
const READ = "read an entry";

/** Which earlier state a transaction or viewer stands on. */
export interface AtOptions {
  /** Tips to stand on; the current frontier when absent. */
  readonly at?: Snapshot;
}

/** What a handle on a database can be asked: states, entries, verdicts, rights. */
export class DatabaseView {
  /** ID of the root entry, which names the database. */
  readonly rootId: ID;
  /** Who this handle acts as; undefined when it can only read. */
  readonly key: DatabaseKey | undefined;
  readonly #host: DatabaseHost;
  readonly #seesUnverified: boolean;

  /** Use `Database.open`. */
  protected constructor(
    host: DatabaseHost,
    rootId: ID,
    key: DatabaseKey | undefined,
    seesUnverified: boolean,
  ) {
    this.#host = host;
    this.rootId = rootId;
    this.key = key;
    this.#seesUnverified = seesUnverified;
    if (key !== undefined) host.actAs(rootId, key);
  }

  /** The instance behind the database. */
  protected get databaseHost(): DatabaseHost {
    return this.#host;
  }

  /** Whether this handle also sees what this node cannot judge yet. */
  protected get seesUnverified(): boolean {
    return this.#seesUnverified;
  }

  // --- states --------------------------------------------------------------------------------

  /** The frontier that this handle sees: the IDs of the entries that nothing stands on yet. */
  async snapshot(): Promise<Snapshot> {
    if (turns.isOver) await turns.next();
    return this.#peekSnapshot() ?? await this.#readSnapshot();
  }

  /** As {@link snapshot}, if it is in memory. */
  #peekSnapshot(): Snapshot | undefined {
    const host = this.#host;
    if (this.#seesUnverified || !host.isSettled(this.rootId)) return undefined;
    return host.backend.tips.peekSeen(this.rootId);
  }

  async #readSnapshot(): Promise<Snapshot> {
    await this.#host.settle(this.rootId);
    const { backend } = this.#host;
    if (!this.#seesUnverified) return await backend.tips.seen(this.rootId);
    const tips: ID[] = [];
    for (const id of (await backend.snapshot(this.rootId)).tips) {
      if (await backend.getVerificationStatus(id) !== "Failed") tips.push(id);
    }
    return Snapshot.of(tips);
  }

  /**
   * A store for reading, at the current frontier or at `at`. Nothing is registered; a store that does
   * not exist reads as empty. `TypeMismatch` when it is of a type that `type` would show wrongly; a
   * `DocStore` shows the document behind any store.
   */
  async getStoreViewer<S, V = unknown>(
    type: StoreType<S, V>,
    name: string,
    options?: AtOptions,
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

  // --- entries -------------------------------------------------------------------------------

  /** The root entry. */
  async getRoot(): Promise<Entry> {
    return await this.#host.backend.get(this.rootId);
  }

  /** An entry of this database, whatever its status. */
  async getEntry(id: ID): Promise<Entry> {
    requireInstance(id, ID, READ, "the ID");
    const entry = await this.#host.backend.get(id);
    if (inTree(entry, this.rootId)) return entry;
    const owner = entry.root ?? entry.id;
    const message =
      `Cannot read entry "${id}" of database "${this.rootId}": it belongs to database "${owner}"`;
    const fields = { entryId: id, databaseId: this.rootId };
    throw new InstanceError("EntryNotInDatabase", message, { fields });
  }

  /** Entries of this database, in the order of `ids`; fails on the first that is not. */
  async getEntries(ids: Iterable<ID>): Promise<Entry[]> {
    requireIterable(ids, READ, "the IDs");
    const entries: Entry[] = [];
    for (const id of ids) entries.push(await this.getEntry(id));
    return entries;
  }

  /** Every held entry of any status, parents before children. */
  async getAllEntries(): Promise<Entry[]> {
    return await this.#host.backend.getTree(this.rootId);
  }

  /** The entries at the tips that this handle sees. */
  async getTipEntries(): Promise<Entry[]> {
    return await this.getEntries((await this.snapshot()).tips);
  }

  /**
   * IDs of the entries that have come between two frontiers, parents first: those that `post` reaches over
   * its parents and `previous` does not. What only `previous` reaches is not told, so from a newer frontier
   * to an older one nothing was added.
   *
   * Tips in `previous` that are not held count for nothing, so that a frontier of another node can be
   * compared with; a tip in `post` that is not held is an `EntryNotFound`.
   */
  async idsAdded(previous: Snapshot, post: Snapshot): Promise<ID[]> {
    const action = "compare frontiers";
    requireInstance(previous, Snapshot, action, "the earlier one");
    requireInstance(post, Snapshot, action, "the later one");
    return await idsAdded(this.#host.backend, previous, post);
  }

  // --- transactions --------------------------------------------------------------------------

  /**
   * Begins a transaction on the current frontier, or on any earlier one. It is committed by its `commit`,
   * and nobody has to wait for it or to end it otherwise.
   */
  async newTransaction(options?: AtOptions): Promise<Transaction> {
    if (turns.isOver) await turns.next();
    return await this.begin(options);
  }

  /** As {@link newTransaction}, for one that may have to be the only change. */
  protected async begin(options?: AtOptions, alone?: Alone): Promise<Transaction> {
    const { at } = optionsOf(options, BEGIN);
    if (at !== undefined) await this.#requireTips(at);
    // Who must be the only change has looked at the frontier, and is refused if there is a newer one.
    const seen = this.#seesUnverified ? undefined : alone?.tips;
    const tips = at ?? seen ?? this.#peekSnapshot() ?? await this.#readSnapshot();
    const isWhole = at !== undefined || areFew(tips);
    const parents = isWhole ? tips : await parentTips(this.#host.backend, tips);
    if (parents.tips.length === 0) throw this.#emptyTips();
    return new Transaction({ host: this.#host, tree: this.rootId, parents, key: this.key, alone });
  }

  async #requireTips(snapshot: Snapshot): Promise<void> {
    requireInstance(snapshot, Snapshot, BEGIN, "`at`");
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
      `Cannot begin a transaction on database "${this.rootId}" without tips: nothing of it is visible to this handle; \`allowUnverified()\` shows what cannot be judged yet`,
    );
  }

  // --- verification, access ------------------------------------------------------------------

  /**
   * Judges the entries of this database that have no verdict yet. Much is judged in parts; `onProgress` is told
   * after each how many of those there were at first have a verdict. Entries that name something that is not
   * held keep waiting for it.
   */
  async verify(options?: WorkOptions): Promise<VerifyCounts> {
    return await this.#host.verify(this.rootId, workOptions(options, "verify a database"));
  }

  /** Whether an entry is valid under the settings it pins; false while they are not all held. */
  async verifyEntrySignature(id: ID): Promise<boolean> {
    return await this.#host.verifyEntry(await this.getEntry(id));
  }

  /**
   * What the key of this handle may do by the newest settings that this node knows: its own grant, or the
   * one to everyone, or what a delegation gives. An `AuthError` when no key is attached
   * (`InvalidAuthConfiguration`) or nothing is granted to it (`KeyNotFound`). A commit is judged by the
   * settings at its own time, so this is what to show to people and no lock.
   */
  async currentPermission(): Promise<Permission> {
    return await currentPermission(this.#host, this.rootId, this.key);
  }

  static {
    setInspection(
      DatabaseView,
      "Database",
      (view) => [peekName(view.#host, view.rootId), view.rootId],
    );
  }
}
