import { setInspection } from "#inspect";
import { Database } from "../database/database.ts";
import type { AuthSettings } from "../auth/settings.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { Table } from "../store/table.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { requireInstance, requireText } from "../util/arguments.ts";
import { UserError } from "../util/errors.ts";
import { createUser } from "./create_user.ts";
import type { UserHost } from "./host.ts";
import { type NewUser, requireNewUser } from "./new_user.ts";
import type { UserInfo } from "./records.ts";
import { grantInstanceAdmin, LastLoginTable, userNamed, UsersTable } from "./system_databases.ts";

/** Whether a key has an active Admin permission on `_users`. */
export async function isInstanceAdmin(host: UserHost, publicKey: PublicKey): Promise<boolean> {
  const users = await Database.open(host, host.usersDbId);
  return administers(await (await users.getSettings()).authSnapshot(), publicKey);
}

function administers(auth: AuthSettings, publicKey: PublicKey): boolean {
  return auth.getAllKeys().some(([id, key]) =>
    id.equals(publicKey) && key.isActive && key.permissions.canAdmin()
  );
}

/** What becomes of a user's row; undefined removes it. */
type UserChange = (before: UserInfo) => UserInfo | undefined;

/** What an administrator of the instance can do. */
export class InstanceAdmin {
  readonly #host: UserHost;
  readonly #key: PrivateKey;

  /** Use `User.admin`. */
  constructor(host: UserHost, key: PrivateKey) {
    this.#host = host;
    this.#key = key;
  }

  async #users(): Promise<Database> {
    return (await Database.open(this.#host, this.#host.usersDbId)).withKey(this.#key);
  }

  async #databases(): Promise<Database> {
    return (await Database.open(this.#host, this.#host.databasesDbId)).withKey(this.#key);
  }

  // --- users ---------------------------------------------------------------------------------

  /** Creates a user and returns its UUID; `UsernameAlreadyExists` when the name is taken. */
  async createUser(user: NewUser): Promise<string> {
    requireNewUser(user);
    const { uuid, rootKey, derived } = await createUser(this.#host, await this.#users(), user);
    rootKey.wipe();
    derived?.fill(0);
    return uuid;
  }

  /** Names of all users, whatever their status. */
  async listUsers(): Promise<string[]> {
    const table = await (await this.#users()).getStoreViewer(UsersTable, "users");
    return (await table.search(() => true)).map(([, row]) => row.username);
  }

  /** The public key by which a user is granted rights on databases; `UserNotFound` when there is none. */
  async publicKeyOf(username: string): Promise<PublicKey> {
    requireText(username, "find a user", "the username");
    const table = await (await this.#users()).getStoreViewer(UsersTable, "users");
    const [, info] = await userNamed(table, username, `find user "${username}"`);
    return info.credentials.rootKeyId;
  }

  /**
   * Keeps a user from logging in, until {@link enableUser}. Sessions that are open go on until they end. An
   * administrator is one no longer, and does not become one by being enabled.
   */
  async disableUser(username: string): Promise<void> {
    await this.#retire("disable", username, (info) => ({ ...info, status: "Disabled" }));
  }

  /** Lets a user log in again that was disabled or locked. */
  async enableUser(username: string): Promise<void> {
    requireText(username, "enable a user", "the username");
    await (await this.#users()).update(async (transaction) => {
      const table = await transaction.getStore(UsersTable, "users");
      const [uuid, info] = await userNamed(table, username, `enable user "${username}"`);
      if (info.status !== "Active") await table.set(uuid, { ...info, status: "Active" });
    });
  }

  /**
   * Removes a user from the directory: nobody can log in as it any more, and its name is free. Its private
   * database and what it has been granted elsewhere stay; `database.revoke` takes that.
   */
  async removeUser(username: string): Promise<void> {
    await this.#retire("remove", username, () => undefined);
  }

  /**
   * Changes the row of a user that does without an administrator's rights from now on. The row goes last: it alone
   * says whose rights they are, if this breaks off and is done again.
   */
  async #retire(verb: string, username: string, change: UserChange): Promise<void> {
    requireText(username, `${verb} a user`, "the username");
    const action = `${verb} user "${username}"`;
    const users = await this.#users();
    // Never committed: it only tells whether the rights may be taken.
    const trial = await users.newTransaction();
    await this.#revokeOnDatabases(await revokeAdminOf(trial, username, action), action);
    await users.update(async (transaction) => {
      await revokeAdminOf(transaction, username, action);
      const table = await transaction.getStore(UsersTable, "users");
      const [uuid, info] = await userNamed(table, username, action);
      const after = change(info);
      if (after === undefined) await forget(transaction, uuid);
      else if (after.status !== info.status) await table.set(uuid, after);
    });
  }

  // --- administrators ------------------------------------------------------------------------

  /** Makes a key an administrator of the instance. It need not belong to a user. */
  async grantInstanceAdmin(publicKey: PublicKey): Promise<void> {
    requireInstance(publicKey, PublicKey, "make an administrator", "the key");
    await grantInstanceAdmin(await this.#users(), await this.#databases(), publicKey);
  }

  /** Takes an administrator's rights from a key, unless it is that of the last one (`LastAdmin`). */
  async revokeInstanceAdmin(publicKey: PublicKey): Promise<void> {
    const action = "revoke an administrator";
    requireInstance(publicKey, PublicKey, action, "the key");
    const users = await this.#users();
    await revokeAdmin(await users.newTransaction(), publicKey, action); // as above, a trial
    await this.#revokeOnDatabases(publicKey, action);
    await users.update((tx) => revokeAdmin(tx, publicKey, action));
  }

  /**
   * Comes first whenever rights are taken, and asks for itself whether another keeps them: of two administrators who
   * go at the same time the second one finds here that it is the last, with all its rights.
   */
  async #revokeOnDatabases(publicKey: PublicKey, action: string): Promise<void> {
    const users = await this.#users();
    await (await this.#databases()).update(async (transaction) => {
      const settings = transaction.getSettings();
      const auth = await settings.authSnapshot();
      if (!administers(auth, publicKey)) return;
      await requireOther(await users.getStoreViewer(UsersTable, "users"), auth, publicKey, action);
      await settings.revokeAuthKey(publicKey);
    });
  }
}

setInspection(InstanceAdmin, "InstanceAdmin");

/** As {@link revokeAdmin}, for the key of a user, which it returns. */
async function revokeAdminOf(
  transaction: Transaction,
  username: string,
  action: string,
): Promise<PublicKey> {
  const table = await transaction.getStore(UsersTable, "users");
  const [, { credentials: { rootKeyId } }] = await userNamed(table, username, action);
  await revokeAdmin(transaction, rootKeyId, action);
  return rootKeyId;
}

/** Takes the rights of a key on `_users`, if it has any and another active user keeps them. */
async function revokeAdmin(
  transaction: Transaction,
  publicKey: PublicKey,
  action: string,
): Promise<void> {
  const settings = transaction.getSettings();
  const auth = await settings.authSnapshot();
  if (!administers(auth, publicKey)) return;
  const table = await transaction.getStore(UsersTable, "users");
  await requireOther(table, auth, publicKey, action);
  await settings.revokeAuthKey(publicKey);
}

/** Returns if another active user than the one of a key administers a database. */
async function requireOther(
  users: Pick<Table<UserInfo>, "search">,
  auth: AuthSettings,
  publicKey: PublicKey,
  action: string,
): Promise<void> {
  const others = await users.search(({ status, credentials: { rootKeyId } }) =>
    status === "Active" && !rootKeyId.equals(publicKey) && administers(auth, rootKeyId)
  );
  if (others.length > 0) return;
  const message =
    `Cannot ${action}: nobody else administers the instance, promote another user first`;
  throw new UserError("LastAdmin", message, { fields: { key: publicKey.toString() } });
}

async function forget(transaction: Transaction, uuid: string): Promise<void> {
  await (await transaction.getStore(UsersTable, "users")).delete(uuid);
  await (await transaction.getStore(LastLoginTable, "last_login")).delete(uuid);
}
