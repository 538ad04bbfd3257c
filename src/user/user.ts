import { Database } from "../database/database.ts";
import { ID } from "../entry/id.ts";
import { SigKey } from "../entry/sig_info.ts";
import { PublicKey } from "../keys/public_key.ts";
import { requireInstance, requireText, wrongArgument } from "../util/arguments.ts";
import { EideticaError, UserError } from "../util/errors.ts";
import { InstanceAdmin, isInstanceAdmin } from "./admin.ts";
import { changePassword } from "./password_change.ts";
import type { SyncSettings, TrackedDatabase } from "./records.ts";
import type { BootstrapRequest, DatabaseTicket } from "../sync/port.ts";
import { requireSyncSettings, SYNC_DISABLED, SYNC_ON_COMMIT } from "./sync_settings.ts";
import {
  type AccessOptions,
  ask,
  join,
  type JoinOptions,
  joinOptions,
  requireSync,
  share,
} from "./sharing.ts";
import { KeysTable, TrackedTable } from "./system_databases.ts";
import { noSigKey, UserDatabases } from "./user_databases.ts";
import { requireRoot } from "./user_keyring.ts";

/** What becomes of how a database is tracked; undefined leaves it. */
type TrackChange = (before: TrackedDatabase | undefined) => TrackedDatabase | undefined;

/** A logged-in user: its keys, its databases, its preferences. */
export class User extends UserDatabases {
  // --- tracking ------------------------------------------------------------------------------

  /** Tracks a database, or changes how; a new key's identity there is looked up and mapped. */
  async trackDatabase(
    root: ID,
    key: PublicKey,
    syncSettings: SyncSettings = SYNC_DISABLED,
  ): Promise<void> {
    requireInstance(key, PublicKey, "track a database", "the key");
    requireSyncSettings(syncSettings, "track a database");
    await this.#track(root, () => ({ databaseId: root, keyId: key, syncSettings }));
  }

  async #track(root: ID, change: TrackChange): Promise<void> {
    requireRoot(root);
    this.session.keys.requireOpen();
    const updated = await this.database.update(async (transaction) => {
      const tracked = await transaction.getStore(TrackedTable, "databases");
      const before = await tracked.getOption(root.toString());
      const after = change(before);
      if (after === undefined) return undefined;
      await tracked.set(root.toString(), after);
      if (before?.keyId.equals(after.keyId) === true) return undefined;
      const identity = await this.#discover(root, after.keyId);
      const keys = await transaction.getStore(KeysTable, "keys");
      return await this.mapIn(keys, after.keyId, root, identity);
    });
    if (updated !== undefined) this.session.keys.updateMetadata(updated);
    await this.#tellSync();
  }

  /** Has synchronisation, if it is enabled, read what this user wants now. */
  async #tellSync(): Promise<void> {
    await this.userHost.sync()?.syncUser(this.uuid, this.database.rootId);
  }

  async #discover(root: ID, key: PublicKey): Promise<SigKey> {
    this.recordOf(key);
    const [best] = await Database.findSigkeys(this.userHost, root, key);
    if (best === undefined) throw noSigKey("NoSigKeyFound", key, root, "has no rights on");
    return best[0];
  }

  /** Stops tracking a database; keys, mappings and data stay, so it can still be opened. */
  async untrackDatabase(root: ID): Promise<void> {
    requireRoot(root);
    this.session.keys.requireOpen();
    await this.database.update(async (transaction) => {
      const tracked = await transaction.getStore(TrackedTable, "databases");
      if (!await tracked.delete(root.toString())) throw notTracked(root);
    });
    await this.#tellSync();
  }

  /** All tracked databases. */
  async databases(): Promise<TrackedDatabase[]> {
    const table = await this.database.getStoreViewer(TrackedTable, "databases");
    return (await table.search(() => true)).map(([, row]) => row);
  }

  /** How a database is tracked; `DatabaseNotTracked` when it is not. */
  async trackedDatabase(root: ID): Promise<TrackedDatabase> {
    requireRoot(root);
    const tracked = await this.trackedOption(root).catch(() => undefined);
    if (tracked !== undefined) return tracked;
    throw notTracked(root);
  }

  /**
   * Notes what came of asking for access to a database with a key. Without an error the database is
   * tracked, as it was before if it was. `BootstrapPending` maps the key provisionally, so that the
   * database can be opened once it is granted. Every error is thrown again.
   */
  async recordDatabaseAccess(root: ID, key: PublicKey, error?: unknown): Promise<void> {
    this.recordOf(key);
    if (error === undefined || error === null) {
      return await this.#track(root, (before) => {
        const syncSettings = before?.syncSettings ?? SYNC_DISABLED;
        return { databaseId: root, keyId: key, syncSettings };
      });
    }
    if (error instanceof EideticaError && error.code === "BootstrapPending") {
      await this.mapKey(key, root, SigKey.fromPubkey(key));
    }
    throw error;
  }

  /** Asks for a database to be synchronised. */
  async enableSync(root: ID): Promise<void> {
    await this.#setSync(root, true);
  }

  /** Asks for a database not to be synchronised. */
  async disableSync(root: ID): Promise<void> {
    await this.#setSync(root, false);
  }

  async #setSync(root: ID, syncEnabled: boolean): Promise<void> {
    await this.#track(root, (before) => {
      if (before === undefined) throw notTracked(root);
      if (before.syncSettings.syncEnabled === syncEnabled) return undefined;
      return { ...before, syncSettings: { ...before.syncSettings, syncEnabled } };
    });
  }

  /** Whether this user asks for a database to be synchronised. */
  async isSyncEnabled(root: ID): Promise<boolean> {
    requireRoot(root);
    return (await this.trackedOption(root).catch(() => undefined))?.syncSettings.syncEnabled ??
      false;
  }

  // --- sharing -------------------------------------------------------------------------------

  /**
   * Shares a database: whoever has the ticket and may read the database can get it from this instance as long
   * as it serves. From then on every commit is sent to those who follow it. `SyncNotEnabled` before
   * `instance.enableSync()`, `DatabaseNotTracked` for a database that this user does not track.
   */
  async share(database: ID | Database): Promise<DatabaseTicket> {
    const root = database instanceof Database ? database.rootId : database;
    requireRoot(root);
    return await share(requireSync(this.userHost), root, async () => {
      await this.#track(root, (before) => {
        if (before === undefined) throw notTracked(root);
        if (before.syncSettings.syncEnabled) return undefined;
        return { ...before, syncSettings: SYNC_ON_COMMIT };
      });
    });
  }

  /**
   * Gets the database of a ticket, asks for access where it is needed, and keeps it in step from then on. When
   * an administrator has to decide, it waits until that is done, or `signal` is aborted.
   */
  async join(ticket: DatabaseTicket | string, given?: JoinOptions): Promise<Database> {
    const action = "join a database";
    requireTicket(ticket, action);
    const options = joinOptions(given, action);
    const sync = requireSync(this.userHost);
    return await join(sync, ticket, options, {
      key: this.signingKey(options.key ?? this.defaultKey()),
      record: (root, key, error) => this.recordDatabaseAccess(root, key, error),
      map: (root, key) => this.mapKey(key, root, SigKey.fromPubkey(key)),
      follow: (root, key) => this.#followJoined(root, key),
      open: (root, key) => this.openDatabase(root, { key }),
    });
  }

  /** Tracks what was joined. A database in which the key has no rights of its own is read all the same. */
  async #followJoined(root: ID, key: PublicKey): Promise<void> {
    const row = { databaseId: root, keyId: key, syncSettings: SYNC_ON_COMMIT };
    const [identity] = await Database.findSigkeys(this.userHost, root, key);
    if (identity !== undefined) return await this.#track(root, () => row);
    await this.mapKey(key, root, SigKey.fromPubkey(key));
    await this.database.update(async (transaction) => {
      await (await transaction.getStore(TrackedTable, "databases")).set(root.toString(), row);
    });
    await this.#tellSync();
  }

  /**
   * Asks for access to the database of a ticket once, and tells what came of it as
   * {@link recordDatabaseAccess} does: `BootstrapPending` when an administrator has to decide.
   */
  async requestDatabaseAccess(
    ticket: DatabaseTicket | string,
    given?: AccessOptions,
  ): Promise<void> {
    const action = "ask for access to a database";
    requireTicket(ticket, action);
    const options = joinOptions(given, action);
    const sync = requireSync(this.userHost);
    const key = this.signingKey(options.key ?? this.defaultKey());
    const root = await ask(sync, ticket, key, options).then(
      ({ root, error }) => this.recordDatabaseAccess(root, key.publicKey, error).then(() => root),
    );
    sync.useKey(root, key);
  }

  /** Requests for access to databases of this instance that nobody has decided yet, with their IDs. */
  async pendingBootstrapRequests(): Promise<[id: string, request: BootstrapRequest][]> {
    return await requireSync(this.userHost).pendingBootstrapRequests();
  }

  /** Grants a request with a key of this user, which must administer the database. */
  async approveBootstrapRequest(id: string, key: PublicKey = this.defaultKey()): Promise<void> {
    requireText(id, "approve a request", "its ID");
    const signingKey = this.signingKey(key);
    await requireSync(this.userHost).approveBootstrapRequestWithKey(id, signingKey);
  }

  /** Refuses a request with a key of this user, which must administer the database. */
  async rejectBootstrapRequest(id: string, key: PublicKey = this.defaultKey()): Promise<void> {
    requireText(id, "reject a request", "its ID");
    const signingKey = this.signingKey(key);
    await requireSync(this.userHost).rejectBootstrapRequestWithKey(id, signingKey);
  }

  // --- the password --------------------------------------------------------------------------

  /**
   * Changes this user's password: all keys are sealed anew, and from then on only the new one logs in.
   * `current` is undefined for a user who had none. `DecryptionFailed` when it is wrong. A crash at any
   * moment leaves a user who can log in with one of the two, and loses no key.
   *
   * Sessions that are open go on, but must log in again before they store keys (`PasswordChanged`). What was
   * sealed under the old password stays in the history of the storage: if somebody else knows that password and
   * can read the storage, make new keys, too.
   */
  async changePassword(current: string | undefined, next: string): Promise<void> {
    const action = "change the password";
    if (current !== undefined) requireText(current, action, "the current password");
    requireText(next, action, "the new password");
    this.session.keys.requireOpen();
    await changePassword(this.userHost, this.session, current, next);
  }

  // --- administration ------------------------------------------------------------------------

  /** Whether this user administers the instance. */
  async isAdmin(): Promise<boolean> {
    return await isInstanceAdmin(this.userHost, this.defaultKey());
  }

  /** The administrator's view; `InsufficientPermissions` for anybody else. */
  async admin(): Promise<InstanceAdmin> {
    if (await this.isAdmin()) {
      return new InstanceAdmin(this.userHost, this.signingKey(this.defaultKey()));
    }
    throw new UserError(
      "InsufficientPermissions",
      `Cannot administer the instance as "${this.username}": the user is no administrator of it; one of them can promote it with \`grantInstanceAdmin\``,
    );
  }
}

function requireTicket(ticket: DatabaseTicket | string, action: string): void {
  if (typeof ticket === "string" || ticket?.databaseId instanceof ID) return;
  throw wrongArgument(action, "the ticket", "a DatabaseTicket or its text", ticket);
}

function notTracked(databaseId: ID): UserError {
  const message =
    `Cannot find database "${databaseId}" among those that this user tracks: call \`trackDatabase\` first`;
  return new UserError("DatabaseNotTracked", message, { fields: { databaseId } });
}
