import { AuthKey } from "../auth/auth_key.ts";
import { Permission } from "../auth/permission.ts";
import { Database } from "../database/database.ts";
import { deriveKey } from "../keys/sealed.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import { UserError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import type { UserHost } from "./host.ts";
import { openKey, UserKeyManager } from "./key_manager.ts";
import { mergedMappings } from "./key_rows.ts";
import type { UserInfo, UserKey } from "./records.ts";
import { KeysTable, LastLoginTable, usersDb, UsersTable } from "./system_databases.ts";

const log = new Logger("user");

/** What a login yields, before it becomes a `User`. */
export interface Session {
  /** UUID of the user. */
  readonly uuid: string;
  /** The user's row in `_users`. */
  readonly info: UserInfo;
  /** The user's private database, acting as the root key. */
  readonly database: Database;
  /** The user's keys. */
  readonly keys: UserKeyManager;
}

/** The user with this name; fails when there is none, more than one, or it is not active (08 §6). */
export async function findUser(
  users: Database,
  username: string,
): Promise<{ uuid: string; info: UserInfo }> {
  const rows = await (await users.getStoreViewer(UsersTable, "users"))
    .search((row) => row.username === username);
  const [row] = rows;
  if (row === undefined) throw refused("UserNotFound", username, "there is no such user");
  if (rows.length > 1) {
    throw new UserError(
      "DuplicateUsersDetected",
      `Cannot log in as "${username}": ${rows.length} users have this name`,
      { fields: { username, count: rows.length } },
    );
  }
  const [uuid, info] = row;
  if (info.status !== "Active") {
    throw refused("UserDisabled", username, `the user is ${info.status.toLowerCase()}`);
  }
  return { uuid, info };
}

function refused(code: string, username: string, why: string): UserError {
  return new UserError(code, `Cannot log in as "${username}": ${why}`, { fields: { username } });
}

/** Logs a user in on this machine (08 §6.1). The key is derived from the password once. */
export async function login(
  host: UserHost,
  username: string,
  password: string | undefined,
): Promise<Session> {
  const users = await usersDb(host);
  const { uuid, info } = await findUser(users, username);
  const derived = await derivedKey(info, password);
  const session = await openWith(host, uuid, info, derived);
  await recordLogin(host, users, uuid);
  return session;
}

async function openWith(
  host: UserHost,
  uuid: string,
  info: UserInfo,
  derived: Uint8Array | undefined,
): Promise<Session> {
  try {
    const rootKey = await openKey(info.credentials.rootKey, derived);
    requireOwnKey(rootKey, info);
    return await openSession(host, uuid, info, rootKey, derived);
  } catch (error) {
    derived?.fill(0);
    throw error;
  }
}

/** A row whose private key is not that of its public one would act as somebody else. */
function requireOwnKey(rootKey: PrivateKey, { credentials }: UserInfo): void {
  if (rootKey.publicKey.equals(credentials.rootKeyId)) return;
  rootKey.wipe();
  const reason = "the user's record is inconsistent: its private key has another public key";
  throw new UserError("DecryptionFailed", `Cannot log in: ${reason}`, { fields: { reason } });
}

/** The key that opens the user's keys; undefined for a passwordless user. */
async function derivedKey(
  info: UserInfo,
  password: string | undefined,
): Promise<Uint8Array | undefined> {
  const { passwordSalt, rootKey } = info.credentials;
  if (passwordSalt === undefined) {
    if (password === undefined && rootKey.type === "unencrypted") return undefined;
    throw new UserError(
      "InvalidPassword",
      "Cannot log in: the user has no password, and one was given",
    );
  }
  if (password === undefined) {
    const operation = "log in";
    throw new UserError(
      "PasswordRequired",
      "Cannot log in: the user has a password, and none was given",
      {
        fields: { operation },
      },
    );
  }
  if (rootKey.type !== "encrypted") {
    throw new UserError("InvalidPassword", "Cannot log in: the user's record is inconsistent");
  }
  return await deriveKey(password, passwordSalt);
}

/** Builds a session from the root key: opens all keys and makes the first-login writes (08 §6.2). */
export async function openSession(
  host: UserHost,
  uuid: string,
  info: UserInfo,
  rootKey: PrivateKey,
  derived: Uint8Array | undefined,
): Promise<Session> {
  const database = (await Database.open(host, info.userDatabaseId)).withKey(rootKey);
  const rows = await (await database.getStoreViewer(KeysTable, "keys")).search(() => true);
  const records = rows.map(([, record]) => record);
  if (!records.some(isRootOf(info))) records.push(rootRecord(info));
  const keys = await UserKeyManager.openDerived(derived, records, host.host.random);
  await keys.adopt(mergedMappings(rows));
  try {
    await firstLogin(host, database, info);
  } catch (error) {
    log.warn("The first-login writes of {uuid} failed; the next login tries again", {
      uuid,
      error,
    });
  }
  return { uuid, info, database, keys };
}

function rootRecord(info: UserInfo): UserKey {
  return {
    keyId: info.credentials.rootKeyId,
    storage: info.credentials.rootKey,
    displayName: "Root Key",
    createdAt: info.createdAt,
    lastUsed: undefined,
    isDefault: true,
    databaseSigkeys: new Map(),
  };
}

function isRootOf({ credentials }: UserInfo): (record: UserKey) => boolean {
  return (record) => record.keyId.equals(credentials.rootKeyId);
}

/** Puts the root key and the device's read grant into the user's database, once (08 §6.3). */
async function firstLogin(host: UserHost, database: Database, info: UserInfo): Promise<void> {
  const device = host.deviceKey().publicKey;
  await database.update(async (transaction) => {
    const keys = await (await transaction.getViewer(KeysTable, "keys")).search(isRootOf(info));
    if (keys.length === 0) {
      await (await transaction.getStore(KeysTable, "keys")).insert(rootRecord(info));
    }
    const auth = await transaction.getSettings().authSnapshot();
    if (auth.getAllKeys().some(([key]) => key.equals(device))) return;
    const grant = AuthKey.active("device", Permission.read);
    await transaction.getSettings().setAuthKey(device, grant);
  });
}

/** Notes the time of a login; a failure is only logged. */
async function recordLogin(host: UserHost, users: Database, uuid: string): Promise<void> {
  try {
    await users.withTransaction(async (transaction) => {
      const table = await transaction.getStore(LastLoginTable, "last_login");
      await table.set(uuid, host.host.clock.nowSecs());
    });
  } catch (error) {
    log.warn("The last login of {uuid} was not recorded", { uuid, error });
  }
}
