import { AuthKey } from "../auth/auth_key.ts";
import { DatabaseKey } from "../auth/database_key.ts";
import { Permission } from "../auth/permission.ts";
import { Doc } from "../crdt/doc.ts";
import { ROOT } from "../entry/constants.ts";
import { ID } from "../entry/id.ts";
import type { SigKey } from "../entry/sig_info.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { PrivateKey } from "../keys/private_key.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { Alone } from "../transaction/host.ts";
import { Transaction } from "../transaction/transaction.ts";
import { optionsOf, requireFunction, requireInstance, wrongArgument } from "../util/arguments.ts";
import { utf8 } from "../util/bytes.ts";
import { AuthError, InstanceError } from "../util/errors.ts";
import { randomU64 } from "../util/random.ts";
import { canAccess, findSigkeys } from "./access.ts";
import { type AtOptions, DatabaseView } from "./database_view.ts";
import { type Grantable, type Grantee, granting, type GrantOptions, revoking } from "./grants.ts";
import type { DatabaseHost, WriteCallback, WriteEvent } from "./host.ts";
import { commitStaged, updateAlone, type UpdateOptions } from "./update.ts";

/** Something that belongs to a host: an instance, or the host itself. */
export interface HasHost {
  /** The host. */
  readonly host: DatabaseHost;
}

/** What to do inside the transaction that creates a database. */
export type DatabaseInit = (transaction: Transaction) => Promise<void> | void;

/**
 * A handle on one database: a tree of signed entries with its own keys and settings.
 *
 * Handles are cheap; two of them on one root share all data and write handlers. Key and read scope
 * belong to the handle. By default it sees what this node has verified.
 */
export class Database extends DatabaseView {
  // --- creating and opening ------------------------------------------------------------------

  /**
   * Creates a database: one signed entry that holds the settings, grants the key `Admin(0)`, and
   * whatever `init` writes. `settings` must not hold `auth`, and are written as they are: entries hold their
   * time only if `times` is true in them, which `user.createDatabase` adds.
   */
  static async create(
    instance: HasHost,
    key: DatabaseKey | PrivateKey,
    settings: Doc,
    init?: DatabaseInit,
  ): Promise<Database> {
    const action = "create a database";
    const host = hostOf(instance, action);
    requireInstance(settings, Doc, action, "the settings");
    if (init !== undefined) requireFunction(init, action, "what fills it");
    if (settings.get("auth") !== undefined) throw presetAuth();
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
    const action = "open a database";
    const host = hostOf(instance, action);
    requireInstance(rootId, ID, action, "the root");
    host.backend.trees.meet(rootId);
    const root = await host.backend.get(rootId);
    if (root.isRoot) return new Database(host, rootId, undefined, false);
    const message =
      `Cannot open "${rootId}" as a database: the entry is not a root, but one of database "${root.root}"`;
    throw new InstanceError("DatabaseNotFound", message, { fields: { name: rootId.toString() } });
  }

  /** Identities under which a key may act on a database, strongest first. */
  static async findSigkeys(
    instance: HasHost,
    rootId: ID,
    publicKey: PublicKey,
  ): Promise<(readonly [SigKey, Permission])[]> {
    const host = await heldBy(instance, rootId, publicKey);
    return await findSigkeys(host, rootId, publicKey);
  }

  /** Whether a key has at least the wanted permission on a database. */
  static async canAccess(
    instance: HasHost,
    rootId: ID,
    publicKey: PublicKey,
    wanted: Permission,
  ): Promise<boolean> {
    requireInstance(wanted, Permission, ACCESS, "the wanted permission");
    const host = await heldBy(instance, rootId, publicKey);
    return await canAccess(host, rootId, publicKey, wanted);
  }

  /** A handle that acts as `key`. Nothing is checked before a commit. */
  withKey(key: DatabaseKey | PrivateKey): Database {
    return new Database(this.databaseHost, this.rootId, toDatabaseKey(key), this.seesUnverified);
  }

  /** A handle without a key. */
  readOnly(): Database {
    return new Database(this.databaseHost, this.rootId, undefined, this.seesUnverified);
  }

  /** A handle that also sees what this node cannot judge yet; what has failed stays hidden. */
  allowUnverified(): Database {
    return new Database(this.databaseHost, this.rootId, this.key, true);
  }

  // --- writing -------------------------------------------------------------------------------

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
    options?: AtOptions,
  ): Promise<R> {
    requireFunction(change, "run a transaction", "the change");
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
    options?: UpdateOptions,
  ): Promise<R> {
    const begin = (alone: Alone) => this.begin({}, alone);
    return await updateAlone(this.databaseHost, this.rootId, begin, change, options);
  }

  /**
   * Grants a key, or everyone, what it may do from now on: `"read"`, `"write"`, `"admin"`, a level with a
   * priority such as `"write:5"`, or a `Permission`. It replaces what was granted before. Whoever calls this
   * needs `Admin`. A key that is not listed itself uses the grant to everyone as `DatabaseKey.global(key)`,
   * which is also what `trackDatabase` finds for it. The same can be done, together with other changes, by `transaction.getSettings()`.
   *
   * @example
   * ```ts
   * import { Database, DocStore, Instance, NewUser } from "eidetica";
   *
   * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
   * await (await user!.admin()).createUser(NewUser.passwordless("bob"));
   * const bob = await instance.loginUser("bob");
   * const db = await user!.createDatabase({ name: "shared" });
   * await db.grant(bob.defaultKey(), "write", { name: "bob" });
   * const his = await bob.openDatabase(db.rootId);
   * await his.withTransaction(async (tx) => (await tx.getStore(DocStore, "wall")).set("hi", "there"));
   * await db.revoke(bob.defaultKey());
   * await instance.close();
   * ```
   */
  async grant(grantee: Grantee, granted: Grantable, options?: GrantOptions): Promise<void> {
    const change = granting(grantee, granted, options);
    await this.update((transaction) => change(transaction.getSettings()));
  }

  /**
   * Takes from a key, or from everyone, what was granted to it by name; `KeyNotFound` when nothing was. What
   * it has written before stays valid. A key that is revoked may still do what everyone may.
   */
  async revoke(grantee: Grantee): Promise<void> {
    const change = revoking(grantee);
    await this.update((transaction) => change(transaction.getSettings()));
  }

  // --- events --------------------------------------------------------------------------------

  /**
   * Calls `handler` for every write to this database, whoever makes it, until the returned
   * registration is disposed. The first event begins at `at`, or at the current frontier; each
   * further one where the one before it ended.
   *
   * `event.entries` are the entries that became part of the verified state by the write, parents first: one
   * for a commit here, and for what comes from elsewhere all that was stored or could be judged now, older
   * ones that had waited included. Each entry is told of once.
   */
  async onWrite(
    handler: (event: WriteEvent, database: Database) => void | Promise<void>,
    options?: AtOptions,
  ): Promise<WriteCallback> {
    const action = "listen to a database";
    requireFunction(handler, action, "the handler");
    const { at } = optionsOf(options, action);
    if (at !== undefined) requireInstance(at, Snapshot, action, "`at`");
    const host = this.databaseHost;
    const database = new Database(host, this.rootId, undefined, false);
    return await host.onWrite(this.rootId, (event) => handler(event, database), at);
  }
}

const ACCESS = "tell what a key may do";

/** The host behind what a caller has given as the instance. */
function hostOf(instance: HasHost, action: string): DatabaseHost {
  const host: unknown = instance?.host;
  if (typeof host === "object" && host !== null) return host as DatabaseHost;
  throw wrongArgument(action, "the instance", "an Instance", instance);
}

/** The host that holds a database; fails when it does not. */
async function heldBy(instance: HasHost, rootId: ID, publicKey: PublicKey): Promise<DatabaseHost> {
  const host = hostOf(instance, ACCESS);
  requireInstance(rootId, ID, ACCESS, "the root");
  requireInstance(publicKey, PublicKey, ACCESS, "the key");
  await host.backend.get(rootId);
  return host;
}

function toDatabaseKey(key: DatabaseKey | PrivateKey): DatabaseKey {
  if (key instanceof DatabaseKey) return key;
  if (key instanceof PrivateKey) return new DatabaseKey(key);
  throw wrongArgument("act on a database", "the key", "a PrivateKey or a DatabaseKey", key);
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
