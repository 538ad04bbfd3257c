import { DatabaseKey } from "../auth/database_key.ts";
import { Doc } from "../crdt/doc.ts";
import { Database } from "../database/database.ts";
import type { ID } from "../entry/id.ts";
import { SigKey } from "../entry/sig_info.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { Table } from "../store/table.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { optionsOf, requireInstance, requireText, wrongArgument } from "../util/arguments.ts";
import { EideticaError, UserError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import { DatabaseBuilder, requireStoreInit, type StoreInit } from "./database_builder.ts";
import type { UserHost } from "./host.ts";
import type { TrackedDatabase, UserKey } from "./records.ts";
import { SYNC_DISABLED } from "./sync_settings.ts";
import { KeysTable, TrackedTable } from "./system_databases.ts";
import { requireRoot, UserKeyring } from "./user_keyring.ts";

const log = new Logger("user");

/** Settings of a new database: a document, or a plain object with the same members. */
export type DatabaseSettings = Doc | PlainSettings;

/** Settings of a database that is looked for by its name. */
export type NamedDatabaseSettings = Doc | PlainSettings & { readonly name: string };

/** Settings of a new database; members of one's own are kept, too. */
export interface PlainSettings {
  /** Name by which the database is found. */
  readonly name?: string;
  /** Whether entries hold the time at which they were made; they do unless this is false. */
  readonly times?: boolean;
  /** Anything else. */
  readonly [key: string]: unknown;
}

/** How a database is created. */
export interface CreateDatabaseOptions {
  /** Key that owns the database; the default key when absent. */
  readonly key?: PublicKey;
  /** Stores to create, and fill, in the database's first entry. */
  readonly stores?: readonly StoreInit[];
}

/** The databases of a logged-in user: making them, opening them, finding them by name. */
export class UserDatabases extends UserKeyring {
  // --- making --------------------------------------------------------------------------------

  /** Creates a database that this user owns, tracks, and can find by its name. */
  async createDatabase(
    settings: DatabaseSettings,
    options?: CreateDatabaseOptions,
  ): Promise<Database> {
    const doc = settingsDoc(settings);
    const { key = this.defaultKey(), stores } = creation(options);
    const database = await this.#make(doc, key, stores);
    const updated = await this.database.update((tx) => this.#record(tx, key, database.rootId));
    this.session.keys.updateMetadata(updated);
    return database;
  }

  /**
   * The database with the name that `settings` have, among those that this user tracks; it is created as
   * `createDatabase` does when there is none. Of several that ask at the same time, in any process on
   * the same storage, one creates it and all get the same.
   *
   * When it is there already, its other settings and its stores stay as they are.
   */
  async openOrCreateDatabase(
    settings: NamedDatabaseSettings,
    options?: CreateDatabaseOptions,
  ): Promise<Database> {
    const doc = settingsDoc(settings);
    const made = creation(options);
    const name = doc.get("name");
    requireText(name, "open or create a database", "the name");
    const [found] = await this.findDatabase(name);
    return found ?? await this.#createNamed(name, doc, made);
  }

  async #createNamed(name: string, doc: Doc, options: Creation): Promise<Database> {
    const { key = this.defaultKey(), stores } = options;
    let made: Database | undefined;
    const done = await this.database.update(async (transaction) => {
      const tracked = await transaction.getStore(TrackedTable, "databases");
      const [root] = await this.#rootsNamed(name, tracked, (root) => nameOf(this.userHost, root));
      if (root !== undefined) return { root, updated: undefined };
      // The change may run again; what it has made stays.
      made ??= await this.#make(doc, key, stores);
      return { root: made.rootId, updated: await this.#record(transaction, key, made.rootId) };
    });
    if (done.updated === undefined) return await this.openDatabase(done.root);
    this.session.keys.updateMetadata(done.updated);
    return made!;
  }

  async #make(doc: Doc, key: PublicKey, stores: readonly StoreInit[]): Promise<Database> {
    // The database that is returned keeps the key.
    const signingKey = this.signingKey(key);
    return await Database.create(this.userHost, signingKey, doc, async (transaction) => {
      for (const store of stores) {
        const opened = await transaction.getStore(store.type, store.name);
        await store.init?.(opened);
      }
    });
  }

  async #record(transaction: Transaction, key: PublicKey, root: ID): Promise<UserKey> {
    const tracked = await transaction.getStore(TrackedTable, "databases");
    const row = { databaseId: root, keyId: key, syncSettings: SYNC_DISABLED };
    await tracked.set(root.toString(), row);
    const keys = await transaction.getStore(KeysTable, "keys");
    return await this.mapIn(keys, key, root, SigKey.fromPubkey(key));
  }

  /** Collects what a new database needs, step by step. */
  newDatabase(): DatabaseBuilder {
    return new DatabaseBuilder(this);
  }

  // --- opening -------------------------------------------------------------------------------

  /**
   * Opens a database under the identity that is noted for it; rights are checked at commit.
   *
   * Where none is noted, notes of other sessions are read, and the database's own settings: a key of this
   * user that is listed there, or with which the user tracks the database, is noted again.
   */
  async openDatabase(root: ID, options?: { key?: PublicKey }): Promise<Database> {
    requireRoot(root);
    const key = optionsOf(options, "open a database").key ?? await this.#keyFor(root);
    const signingKey = this.signingKey(key);
    const identity = this.keyMapping(key, root) ?? await this.#identityAgain(key, root);
    if (identity === undefined) {
      throw noSigKey("NoSigKeyMapping", key, root, "has no identity noted for");
    }
    if (!await this.userHost.host.backend.hasEntry(root)) throw accessPending(root);
    return (await Database.open(this.userHost, root)).withKey(
      DatabaseKey.withIdentity(signingKey, identity),
    );
  }

  async #keyFor(root: ID): Promise<PublicKey> {
    const known = await this.#notedKey(root);
    if (known !== undefined) return known;
    await this.reloadKeys();
    const key = await this.#notedKey(root) ?? await this.#keyAgain(root);
    if (key !== undefined) return key;
    const message =
      `Cannot open database "${root}" as "${this.username}": none of the user's keys is known to it. ` +
      "An administrator of the database can `grant` one something; what is granted to everyone needs `trackDatabase` first";
    throw new UserError("NoKeyForDatabase", message, { fields: { databaseId: root } });
  }

  /** The key that the database is tracked with, if it has an identity there, else the oldest that has. */
  async #notedKey(root: ID): Promise<PublicKey | undefined> {
    const tracked = await this.trackedOption(root);
    if (tracked !== undefined && this.session.keys.getSigningKey(tracked.keyId) !== undefined) {
      if (this.keyMapping(tracked.keyId, root) !== undefined) return tracked.keyId;
    }
    return this.findKey(root);
  }

  /** A key whose identity got lost, and that the database's settings still know. */
  async #keyAgain(root: ID): Promise<PublicKey | undefined> {
    for (const key of this.listKeys()) {
      if (await this.#identityAgain(key, root) !== undefined) return key;
    }
    return undefined;
  }

  /**
   * The identity of a key out of the database's settings, which is noted again. Of a database that the user
   * does not track with the key only what is granted to the key itself counts.
   */
  async #identityAgain(key: PublicKey, root: ID): Promise<SigKey | undefined> {
    if (!await this.userHost.host.backend.hasEntry(root)) return undefined;
    const isTracked = (await this.trackedOption(root))?.keyId.equals(key) === true;
    const own = SigKey.fromPubkey(key);
    const grants = await Database.findSigkeys(this.userHost, root, key);
    const identity = grants.map(([sigKey]) => sigKey)
      .find((sigKey) => isTracked || sigKey.equals(own));
    if (identity !== undefined) await this.#noteAgain(key, root, identity);
    return identity;
  }

  async #noteAgain(key: PublicKey, root: ID, identity: SigKey): Promise<void> {
    try {
      await this.mapKey(key, root, identity);
    } catch (error) {
      // A storage that cannot be written to does not keep the database from being read.
      log.warn("The identity of {key} on {root} was not noted again", { key, root, error });
    }
  }

  /** The tracked databases with this name, in the order of their IDs; none when there is none. */
  async findDatabase(name: string): Promise<Database[]> {
    requireText(name, "find a database", "the name");
    const tracked = await this.database.getStoreViewer(TrackedTable, "databases");
    const found: Database[] = [];
    const tryName = (root: ID) => nameOf(this.userHost, root).catch(() => undefined);
    for (const root of await this.#rootsNamed(name, tracked, tryName)) {
      const database = await this.openDatabase(root).catch(() => undefined);
      if (database !== undefined) found.push(database);
    }
    return found;
  }

  /** Those of the tracked databases that have a name, in the order of their IDs. */
  async #rootsNamed(
    name: string,
    tracked: Table<TrackedDatabase>,
    nameOf: (root: ID) => Promise<string | undefined>,
  ): Promise<ID[]> {
    const roots: ID[] = [];
    for await (const [, { databaseId }] of tracked.entries()) {
      if (await nameOf(databaseId) === name) roots.push(databaseId);
    }
    return roots;
  }

  /** How a database is tracked, if it is. */
  protected async trackedOption(root: ID): Promise<TrackedDatabase | undefined> {
    requireRoot(root);
    const table = await this.database.getStoreViewer(TrackedTable, "databases");
    return await table.getOption(root.toString());
  }
}

/** The name of a database; undefined when it has none. What the storage cannot tell for now may be any. */
async function nameOf(host: UserHost, root: ID): Promise<string | undefined> {
  try {
    return await (await Database.open(host, root)).getName();
  } catch (error) {
    if (!(error instanceof EideticaError) || error.module === "storage") throw error;
    return undefined;
  }
}

/** How a database is created, checked. */
interface Creation {
  readonly key: PublicKey | undefined;
  readonly stores: readonly StoreInit[];
}

function creation(options: CreateDatabaseOptions | undefined): Creation {
  const action = "create a database";
  const { key, stores = [] } = optionsOf(options, action);
  if (key !== undefined) requireInstance(key, PublicKey, action, "the key");
  if (!Array.isArray(stores)) throw wrongArgument(action, "the stores", "a list", stores);
  for (const store of stores) requireStoreInit(store, action);
  return { key, stores };
}

/**
 * Settings as a document of their own, which says that entries hold their time unless it says otherwise.
 * A name that is no text would make a database that nobody finds.
 */
function settingsDoc(settings: DatabaseSettings): Doc {
  const action = "create a database";
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    throw wrongArgument(action, "the settings", "a Doc or an object", settings);
  }
  const doc = settings instanceof Doc ? settings.clone() : Doc.from(settings);
  if (doc.has("name")) requireText(doc.get("name"), action, "the name");
  const times = doc.has("times") ? doc.get("times") : true;
  if (typeof times !== "boolean") {
    throw wrongArgument(action, "the setting `times`", "true or false", times);
  }
  doc.set("times", times);
  return doc;
}

/** The error for a key that has no identity on a database. */
export function noSigKey(code: string, keyId: PublicKey, databaseId: ID, verb: string): UserError {
  const message = `Cannot act on database "${databaseId}": the key "${keyId}" ${verb} it; ` +
    "let an administrator of the database `grant` it something, or use another key";
  return new UserError(code, message, { fields: { keyId: keyId.toString(), databaseId } });
}

function accessPending(databaseId: ID): UserError {
  const message =
    `Cannot open database "${databaseId}": access was asked for, and its data has not arrived yet`;
  return new UserError("DatabaseAccessPending", message, { fields: { databaseId } });
}
