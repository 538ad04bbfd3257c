import type { Database } from "../database/database.ts";
import type { Table } from "../store/table.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { UserError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import { derivedKey, makeCredentials, openRootKey } from "./credentials.ts";
import type { UserHost } from "./host.ts";
import type { UserKeyManager } from "./key_manager.ts";
import { isRootOf, rootRecord } from "./key_rows.ts";
import { notedChange, notedKey } from "./password_record.ts";
import type { UserInfo, UserKey } from "./records.ts";
import type { Session } from "./session.ts";
import { KeysTable, PasswordChangesTable, usersDb, UsersTable } from "./system_databases.ts";

const log = new Logger("user");
const ACTION = "change the password";

/**
 * Changes a user's password. Nothing is done before the current one has proved right.
 *
 * Two databases change, so it goes in three steps, after each of which a crash leaves a user that can log in:
 *
 * 1. the user's database notes the change, so that the new password will open what the old one has sealed;
 * 2. the directory of users gets the root key under the new password: from here on the old one is dead;
 * 3. the user's database gets all keys under the new password, and the note goes.
 *
 * A login under the new password that finds the note makes up for the third step.
 */
export async function changePassword(
  host: UserHost,
  session: Session,
  current: string | undefined,
  next: string,
): Promise<void> {
  const { database, keys, uuid } = session;
  const users = await usersDb(host);
  const before = await (await users.getStoreViewer(UsersTable, "users")).get(uuid);
  if (!isSame(before, session.info)) throw changedMeanwhile(before);
  const previous = await derivedKey(before, current, ACTION);
  const rootKey = await openRootKey(before, previous, ACTION);
  await finishPasswordChange(database, before, keys);
  const { credentials, derived } = await makeCredentials(host, rootKey, next);
  const change = await notedChange(previous, derived!, host.host.random);
  await database.update(async (transaction) => {
    const table = await transaction.getStore(PasswordChangesTable, "password_changes");
    await table.set(credentials.passwordSalt!, change);
  });
  session.info = await replaceCredentials(users, uuid, before, credentials);
  rootKey.wipe();
  previous?.fill(0);
  await finishOrLog(session, derived!);
}

/** What the next login makes up for is no failure: a logout meanwhile, for example. The password is changed. */
async function finishOrLog(
  { database, info, keys, uuid }: Session,
  derived: Uint8Array,
): Promise<void> {
  try {
    keys.rekey(derived);
    await finishPasswordChange(database, info, keys);
  } catch (error) {
    log.warn("The keys of {uuid} are not all sealed anew; the next login goes on", { uuid, error });
  }
}

async function replaceCredentials(
  users: Database,
  uuid: string,
  before: UserInfo,
  credentials: UserInfo["credentials"],
): Promise<UserInfo> {
  return await users.update(async (transaction) => {
    const table = await transaction.getStore(UsersTable, "users");
    const now = await table.get(uuid);
    if (!isSame(now, before)) throw changedMeanwhile(now);
    const after = { ...now, credentials };
    await table.set(uuid, after);
    return after;
  });
}

/** The derived key before the last change of the password, while keys may be sealed under it. */
export async function previousKey(
  transaction: Transaction,
  { credentials }: UserInfo,
  derived: Uint8Array | undefined,
): Promise<{ readonly key: Uint8Array | undefined } | undefined> {
  const salt = credentials.passwordSalt;
  if (salt === undefined || derived === undefined) return undefined;
  const table = await transaction.getViewer(PasswordChangesTable, "password_changes");
  const change = await table.getOption(salt);
  return change && { key: await notedKey(change, derived) };
}

/** Seals all keys of a user anew, if a change of the password has left them to be. */
export async function finishPasswordChange(
  database: Database,
  info: UserInfo,
  keys: UserKeyManager,
): Promise<void> {
  const salt = info.credentials.passwordSalt;
  if (salt === undefined) return;
  const changed = await database.update(async (transaction) => {
    const notes = await transaction.getViewer(PasswordChangesTable, "password_changes");
    if (!await notes.has(salt)) return undefined;
    await (await transaction.getStore(PasswordChangesTable, "password_changes")).delete(salt);
    return await sealAnew(await transaction.getStore(KeysTable, "keys"), info, keys);
  });
  // Without a note of this password another change may be under way, which needs the key before it still.
  if (changed === undefined) return;
  for (const record of changed) keys.updateMetadata(record);
  keys.forgetPrevious();
}

async function sealAnew(
  table: Table<UserKey>,
  info: UserInfo,
  keys: UserKeyManager,
): Promise<UserKey[]> {
  const changed: UserKey[] = [];
  const isRoot = isRootOf(info);
  for (const [rowKey, row] of await table.search(() => true)) {
    const storage = isRoot(row)
      ? info.credentials.rootKey
      : await keys.storeKey(await keys.openKey(row.storage));
    changed.push({ ...row, storage });
    await table.set(rowKey, { ...row, storage });
  }
  if (!changed.some(isRoot)) await table.insert(rootRecord(info));
  return changed;
}

/**
 * Fails unless this session still seals keys as the user's other keys are sealed: after a change of the
 * password in another one its keys could never be opened again. To be asked in the update that stores a key.
 */
export async function requireCurrent(
  transaction: Transaction,
  { info, keys }: Session,
): Promise<void> {
  const table = await transaction.getViewer(KeysTable, "keys");
  for (const [, { storage }] of await table.search(isRootOf(info))) {
    const opened = await keys.openKey(storage).catch(() => undefined);
    if (opened === undefined) throw changedMeanwhile(info);
    opened.wipe();
  }
}

/** Whether two rows of one user hold the same root key, sealed in the same way at the same time. */
function isSame(one: UserInfo, other: UserInfo): boolean {
  const text = ({ credentials: { rootKey } }: UserInfo) =>
    rootKey.type === "encrypted" ? `${rootKey.ciphertext} ${rootKey.nonce}` : rootKey.type;
  return text(one) === text(other);
}

function changedMeanwhile({ username }: UserInfo): UserError {
  return new UserError(
    "PasswordChanged",
    `Cannot go on as "${username}": the password was changed in another session, log in again`,
    { fields: { username } },
  );
}
