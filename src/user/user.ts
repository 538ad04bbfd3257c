import { DatabaseKey } from "../auth/database_key.ts";
import { Doc } from "../crdt/doc.ts";
import { Database } from "../database/database.ts";
import type { ID } from "../entry/id.ts";
import { SigKey } from "../entry/sig_info.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { EideticaError, UserError } from "../util/errors.ts";
import { InstanceAdmin, isInstanceAdmin } from "./admin.ts";
import { DatabaseBuilder, type StoreInit } from "./database_builder.ts";
import type { SyncSettings, TrackedDatabase } from "./records.ts";
import { SYNC_DISABLED } from "./sync_settings.ts";
import { KeysTable, TrackedTable } from "./system_databases.ts";
import { UserKeyring } from "./user_keyring.ts";

/** Settings of a new database: a document, or a plain object with the same members. */
export type DatabaseSettings = Doc | { readonly name?: string; readonly [key: string]: unknown };

/** How a database is created. */
export interface CreateDatabaseOptions {
  /** Key that owns the database; the default key when absent. */
  readonly key?: PublicKey;
  /** Stores to create, and fill, in the database's first entry. */
  readonly stores?: readonly StoreInit[];
}

/** A logged-in user: its keys, its databases, its preferences (08 §8). */
export class User extends UserKeyring {
  // --- databases -----------------------------------------------------------------------------

  /** Creates a database that this user owns, tracks, and can find by its name. */
  async createDatabase(
    settings: DatabaseSettings,
    options: CreateDatabaseOptions = {},
  ): Promise<Database> {
    const key = options.key ?? this.defaultKey();
    // The database that is returned keeps the key.
    const signingKey = this.signingKey(key);
    const doc = settings instanceof Doc ? settings : Doc.from(settings);
    const stores = options.stores ?? [];
    const database = await Database.create(this.userHost, signingKey, doc, async (transaction) => {
      for (const store of stores) {
        const opened = await transaction.getStore(store.type, store.name);
        await store.init?.(opened);
      }
    });
    await this.#recordDatabase(key, database.rootId);
    return database;
  }

  async #recordDatabase(key: PublicKey, root: ID): Promise<void> {
    const identity = SigKey.fromPubkey(key);
    const updated = await this.database.withTransaction(async (transaction) => {
      const tracked = await transaction.getStore(TrackedTable, "databases");
      await tracked.set(root.toString(), {
        databaseId: root,
        keyId: key,
        syncSettings: SYNC_DISABLED,
      });
      return await this.mapIn(await transaction.getStore(KeysTable, "keys"), key, root, identity);
    });
    this.session.keys.updateMetadata(updated);
  }

  /** Collects what a new database needs, step by step (08 §8.3). */
  newDatabase(): DatabaseBuilder {
    return new DatabaseBuilder(this);
  }

  /** Opens a database under the identity that is mapped for it; rights are checked at commit. */
  async openDatabase(root: ID, options: { key?: PublicKey } = {}): Promise<Database> {
    const key = options.key ?? await this.#keyFor(root);
    const signingKey = this.signingKey(key);
    const identity = this.keyMapping(key, root);
    if (identity === undefined) throw noSigKey("NoSigKeyMapping", key, root, "is not mapped to");
    if (!await this.userHost.host.backend.hasEntry(root)) throw accessPending(root);
    return (await Database.open(this.userHost, root)).withKey(
      DatabaseKey.withIdentity(signingKey, identity),
    );
  }

  async #keyFor(root: ID): Promise<PublicKey> {
    const tracked = await this.#trackedOption(root);
    if (tracked !== undefined && this.session.keys.getSigningKey(tracked.keyId) !== undefined) {
      if (this.keyMapping(tracked.keyId, root) !== undefined) return tracked.keyId;
    }
    const key = this.findKey(root);
    if (key !== undefined) return key;
    throw new UserError("NoKeyForDatabase", `No key of this user is mapped to database "${root}"`, {
      fields: { databaseId: root },
    });
  }

  /** The tracked databases with this name; `DatabaseNotFoundByName` when there is none. */
  async findDatabase(name: string): Promise<Database[]> {
    const found: Database[] = [];
    for (const { databaseId } of await this.databases()) {
      const database = await this.openDatabase(databaseId).catch(() => undefined);
      const itsName = await database?.getName().catch(() => undefined);
      if (database !== undefined && itsName === name) found.push(database);
    }
    if (found.length > 0) return found;
    throw new UserError(
      "DatabaseNotFoundByName",
      `No database named "${name}" is tracked by this user`,
      {
        fields: { name },
      },
    );
  }

  // --- tracking ------------------------------------------------------------------------------

  /** Tracks a database, or changes how; a new key's identity there is looked up and mapped. */
  async trackDatabase(
    root: ID,
    key: PublicKey,
    syncSettings: SyncSettings = SYNC_DISABLED,
  ): Promise<void> {
    this.session.keys.requireOpen();
    const before = await this.#trackedOption(root);
    const identity = before?.keyId.equals(key) === true
      ? undefined
      : await this.#discover(root, key);
    const updated = await this.database.withTransaction(async (transaction) => {
      const tracked = await transaction.getStore(TrackedTable, "databases");
      await tracked.set(root.toString(), { databaseId: root, keyId: key, syncSettings });
      if (identity === undefined) return undefined;
      return await this.mapIn(await transaction.getStore(KeysTable, "keys"), key, root, identity);
    });
    if (updated !== undefined) this.session.keys.updateMetadata(updated);
  }

  async #discover(root: ID, key: PublicKey): Promise<SigKey> {
    this.recordOf(key);
    const [best] = await Database.findSigkeys(this.userHost, root, key);
    if (best === undefined) throw noSigKey("NoSigKeyFound", key, root, "has no rights on");
    return best[0];
  }

  /** Stops tracking a database; keys, mappings and data stay, so it can still be opened. */
  async untrackDatabase(root: ID): Promise<void> {
    this.session.keys.requireOpen();
    await this.trackedDatabase(root);
    await this.database.withTransaction(async (transaction) => {
      await (await transaction.getStore(TrackedTable, "databases")).delete(root.toString());
    });
  }

  /** All tracked databases. */
  async databases(): Promise<TrackedDatabase[]> {
    const table = await this.database.getStoreViewer(TrackedTable, "databases");
    return (await table.search(() => true)).map(([, row]) => row);
  }

  async #trackedOption(root: ID): Promise<TrackedDatabase | undefined> {
    const table = await this.database.getStoreViewer(TrackedTable, "databases");
    return await table.getOption(root.toString());
  }

  /** How a database is tracked; `DatabaseNotTracked` when it is not. */
  async trackedDatabase(root: ID): Promise<TrackedDatabase> {
    const tracked = await this.#trackedOption(root).catch(() => undefined);
    if (tracked !== undefined) return tracked;
    throw new UserError("DatabaseNotTracked", `Database "${root}" is not tracked by this user`, {
      fields: { databaseId: root },
    });
  }

  /**
   * Notes what came of asking for access to a database with a key (08 §8.6). Without an error the database
   * is tracked, as it was before if it was. `BootstrapPending` maps the key provisionally, so that the
   * database can be opened once it is granted. Every error is thrown again.
   */
  async recordDatabaseAccess(root: ID, key: PublicKey, error?: unknown): Promise<void> {
    this.recordOf(key);
    if (error === undefined) {
      const before = await this.#trackedOption(root);
      return await this.trackDatabase(root, key, before?.syncSettings);
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
    const { keyId, syncSettings } = await this.trackedDatabase(root);
    if (syncSettings.syncEnabled === syncEnabled) return;
    await this.trackDatabase(root, keyId, { ...syncSettings, syncEnabled });
  }

  /** Whether this user asks for a database to be synchronised. */
  async isSyncEnabled(root: ID): Promise<boolean> {
    return (await this.#trackedOption(root).catch(() => undefined))?.syncSettings.syncEnabled ??
      false;
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
      `User "${this.username}" does not administer this instance`,
    );
  }
}

function noSigKey(code: string, keyId: PublicKey, databaseId: ID, verb: string): UserError {
  const message = `No SigKey found: key "${keyId}" ${verb} database "${databaseId}"`;
  return new UserError(code, message, { fields: { keyId: keyId.toString(), databaseId } });
}

function accessPending(databaseId: ID): UserError {
  const message =
    `Cannot open database "${databaseId}": access was asked for, and its data has not arrived yet`;
  return new UserError("DatabaseAccessPending", message, { fields: { databaseId } });
}
