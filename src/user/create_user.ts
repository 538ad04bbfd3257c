import type { Database } from "../database/database.ts";
import { PrivateKey } from "../keys/private_key.ts";
import type { Table } from "../store/table.ts";
import { UserError } from "../util/errors.ts";
import { makeCredentials } from "./credentials.ts";
import type { UserHost } from "./host.ts";
import type { NewUser } from "./new_user.ts";
import type { UserInfo } from "./records.ts";
import { createUserDb, databasesDb, grantInstanceAdmin, UsersTable } from "./system_databases.ts";

/** A user that was just created. */
export interface CreatedUser {
  /** The user's UUID: the primary key of its row. */
  readonly uuid: string;
  /** The row. */
  readonly info: UserInfo;
  /** The root key, in the open. */
  readonly rootKey: PrivateKey;
  /** The key derived from the password, if there is one. */
  readonly derived: Uint8Array | undefined;
}

/**
 * Creates a user: its private database, its row in `_users`, and, for the first user of the
 * instance, the administrator's grants. `users` must act as a key that may write `_users`.
 *
 * Of several creations of one name exactly one succeeds, whichever processes make them.
 */
export async function createUser(
  host: UserHost,
  users: Database,
  { username, password }: NewUser,
): Promise<CreatedUser> {
  const table = await users.getStoreViewer(UsersTable, "users");
  await refuseTaken(table, username);
  const rootKey = PrivateKey.generate(host.host.random);
  const database = await createUserDb(host, username, rootKey);
  const { credentials, derived } = await makeCredentials(host, rootKey, password);
  const info: UserInfo = {
    username,
    userDatabaseId: database.rootId,
    credentials,
    createdAt: host.host.clock.nowSecs(),
    status: "Active",
  };
  const uuid = await insert(users, info);
  if (await isFirstUser(host, users)) {
    await grantInstanceAdmin(users, await databasesDb(host), rootKey.publicKey);
  }
  return { uuid, info, rootKey, derived };
}

async function insert(users: Database, info: UserInfo): Promise<string> {
  return await users.update(async (transaction) => {
    const table = await transaction.getStore(UsersTable, "users");
    await refuseTaken(table, info.username);
    return await table.insert(info);
  });
}

async function refuseTaken(users: Table<UserInfo>, username: string): Promise<void> {
  const rows = await users.search((row) => row.username === username);
  if (rows.length === 0) return;
  throw new UserError(
    "UsernameAlreadyExists",
    `Cannot create user "${username}": the name is taken, choose another`,
    { fields: { username } },
  );
}

/** Whether nobody but the device is an administrator yet. */
async function isFirstUser(host: UserHost, users: Database): Promise<boolean> {
  const device = host.deviceId.toString();
  const keys = (await (await users.getSettings()).authSnapshot()).getAllKeys();
  for (const [publicKey, key] of keys) {
    if (publicKey.toString() !== device && key.permissions.canAdmin()) return false;
  }
  return true;
}
