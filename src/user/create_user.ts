import type { Database } from "../database/database.ts";
import { deriveKey, newSalt } from "../keys/sealed.ts";
import { PrivateKey } from "../keys/private_key.ts";
import { UserError } from "../util/errors.ts";
import type { UserHost } from "./host.ts";
import { storeKey } from "./key_manager.ts";
import type { UserCredentials, UserInfo } from "./records.ts";
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

/** Name and password of a user to be. */
export interface UserSeed {
  /** Login name. */
  readonly username: string;
  /** Password; absent for a passwordless user. */
  readonly password: string | undefined;
}

/** Creations under way, per instance. */
const creations = new WeakMap<object, Promise<unknown>>();

/**
 * Creates a user: its private database, its row in `_users`, and, for the first user of the
 * instance, the administrator's grants (08 §5). `users` must act as a key that may write `_users`.
 *
 * Of several creations of one name at most one succeeds, whichever processes make them; if two
 * processes are at it at the same moment, both may be refused.
 */
export async function createUser(
  host: UserHost,
  users: Database,
  seed: UserSeed,
): Promise<CreatedUser> {
  const before = creations.get(host.host) ?? Promise.resolve();
  const creation = before.then(() => create(host, users, seed));
  creations.set(host.host, creation.catch(() => undefined));
  return await creation;
}

async function create(host: UserHost, users: Database, seed: UserSeed): Promise<CreatedUser> {
  await refuseTaken(users, seed.username);
  const rootKey = PrivateKey.generate(host.host.random);
  const database = await createUserDb(host, seed.username, rootKey);
  const { credentials, derived } = await makeCredentials(host, rootKey, seed.password);
  const info: UserInfo = {
    username: seed.username,
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

/** Inserts a row, and takes it back if another process has inserted the same name meanwhile. */
async function insert(users: Database, info: UserInfo): Promise<string> {
  const uuid = await users.withTransaction(async (transaction) => {
    return await (await transaction.getStore(UsersTable, "users")).insert(info);
  });
  try {
    await refuseTaken(users, info.username, uuid);
    return uuid;
  } catch (error) {
    await users.withTransaction(async (transaction) => {
      await (await transaction.getStore(UsersTable, "users")).delete(uuid);
    });
    throw error;
  }
}

/** Fails if a row other than `own` has the name. */
async function refuseTaken(users: Database, username: string, own?: string): Promise<void> {
  const rows = await (await users.getStoreViewer(UsersTable, "users"))
    .search((row) => row.username === username);
  if (rows.every(([uuid]) => uuid === own)) return;
  throw new UserError(
    "UsernameAlreadyExists",
    `Cannot create user "${username}": the name is taken`,
    {
      fields: { username },
    },
  );
}

async function makeCredentials(
  host: UserHost,
  rootKey: PrivateKey,
  password: string | undefined,
): Promise<{ credentials: UserCredentials; derived: Uint8Array | undefined }> {
  const { random } = host.host;
  const passwordSalt = password === undefined ? undefined : newSalt(random);
  const derived = password === undefined ? undefined : await deriveKey(password, passwordSalt!);
  const storage = await storeKey(rootKey, derived, random);
  return { credentials: { rootKeyId: rootKey.publicKey, rootKey: storage, passwordSalt }, derived };
}

/** Whether nobody but the device is an administrator yet. */
async function isFirstUser(host: UserHost, users: Database): Promise<boolean> {
  const device = host.deviceKey().publicKey.toString();
  const keys = (await (await users.getSettings()).authSnapshot()).getAllKeys();
  for (const [publicKey, key] of keys) {
    if (publicKey.toString() !== device && key.permissions.canAdmin()) return false;
  }
  return true;
}
