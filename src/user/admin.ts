import { Database } from "../database/database.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { createUser } from "./create_user.ts";
import type { UserHost } from "./host.ts";
import { type NewUser, requireNewUser } from "./new_user.ts";
import { grantInstanceAdmin, UsersTable } from "./system_databases.ts";

/** Whether a key has an active Admin permission on `_users` (08 §10). */
export async function isInstanceAdmin(host: UserHost, publicKey: PublicKey): Promise<boolean> {
  const users = await Database.open(host, host.usersDbId);
  const keys = (await (await users.getSettings()).authSnapshot()).getAllKeys();
  return keys.some(([id, key]) =>
    id.equals(publicKey) && key.isActive && key.permissions.canAdmin()
  );
}

/** What an administrator of the instance can do (08 §10). */
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

  /** Makes a key an administrator of the instance. It need not belong to a user. */
  async grantInstanceAdmin(publicKey: PublicKey): Promise<void> {
    const databases = await Database.open(this.#host, this.#host.databasesDbId);
    await grantInstanceAdmin(await this.#users(), databases.withKey(this.#key), publicKey);
  }
}
