import { AuthKey } from "../auth/auth_key.ts";
import type { AuthSettings } from "../auth/settings.ts";
import { Permission } from "../auth/permission.ts";
import { Database } from "../database/database.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import { UserError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import { derivedKey, openRootKey } from "./credentials.ts";
import type { UserHost } from "./host.ts";
import { UserKeyManager } from "./key_manager.ts";
import { isRootOf, mergedMappings, rootRecord } from "./key_rows.ts";
import { finishPasswordChange, previousKey } from "./password_change.ts";
import type { UserInfo } from "./records.ts";
import type { Session } from "./session.ts";
import { KeysTable, LastLoginTable, userNamed, usersDb, UsersTable } from "./system_databases.ts";

const log = new Logger("user");

function logIn(username: string): string {
  return `log in as "${username}"`;
}

/** The user with this name; fails when there is none, more than one, or it is not active. */
export async function findUser(
  users: Database,
  username: string,
): Promise<{ uuid: string; info: UserInfo }> {
  const action = logIn(username);
  const [uuid, info] = await userNamed(
    await users.getStoreViewer(UsersTable, "users"),
    username,
    action,
  );
  if (info.status === "Active") return { uuid, info };
  const why = `the user is ${info.status.toLowerCase()}`;
  throw new UserError("UserDisabled", `Cannot ${action}: ${why}`, { fields: { username } });
}

/** Logs a user in on this machine. The key is derived from the password once. */
export async function login(
  host: UserHost,
  username: string,
  password: string | undefined,
): Promise<Session> {
  const users = await usersDb(host);
  const { uuid, info } = await findUser(users, username);
  const derived = await derivedKey(info, password, logIn(username));
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
    const rootKey = await openRootKey(info, derived, logIn(info.username));
    return await openSession(host, uuid, info, rootKey, derived);
  } catch (error) {
    derived?.fill(0);
    throw error;
  }
}

/** Builds a session from the root key: opens all keys and makes the first-login writes. */
export async function openSession(
  host: UserHost,
  uuid: string,
  info: UserInfo,
  rootKey: PrivateKey,
  derived: Uint8Array | undefined,
): Promise<Session> {
  host.host.backend.trees.meet(info.userDatabaseId, ["keys", "password_changes"]);
  const database = (await Database.open(host, info.userDatabaseId)).withKey(rootKey);
  // In one state: once the note of a change is gone, none of the rows is sealed under the old password.
  const state = await database.newTransaction();
  const previous = await previousKey(state, info, derived);
  const rows = await (await state.getViewer(KeysTable, "keys")).search(() => true);
  const records = rows.map(([, record]) => record);
  const hasRoot = records.some(isRootOf(info));
  if (!hasRoot) records.push(rootRecord(info));
  const { random } = host.host;
  const keys = await UserKeyManager.openDerived(derived, records, random, previous?.key);
  await keys.adopt(mergedMappings(rows));
  try {
    if (previous !== undefined) await finishPasswordChange(database, info, keys);
    const isPrepared = hasRoot && hasDevice(host, await state.getSettings().authSnapshot());
    if (!isPrepared) await firstLogin(host, database, info);
  } catch (error) {
    log.warn("The first-login writes of {uuid} failed; the next login tries again", {
      uuid,
      error,
    });
  }
  return { uuid, info, database, keys };
}

function hasDevice(host: UserHost, auth: AuthSettings): boolean {
  const device = host.deviceId;
  return auth.getAllKeys().some(([key]) => key.equals(device));
}

/** Puts the root key and the device's read grant into the user's database, once. */
async function firstLogin(host: UserHost, database: Database, info: UserInfo): Promise<void> {
  const device = host.deviceId;
  await database.update(async (transaction) => {
    const keys = await (await transaction.getViewer(KeysTable, "keys")).search(isRootOf(info));
    if (keys.length === 0) {
      await (await transaction.getStore(KeysTable, "keys")).insert(rootRecord(info));
    }
    const auth = await transaction.getSettings().authSnapshot();
    if (hasDevice(host, auth)) return;
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
