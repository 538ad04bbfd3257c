/**
 * The databases that an instance keeps for itself, and the stores in them (08 §2).
 *
 * | database | settings `type` | stores |
 * |---|---|---|
 * | `_users` | `system` | `users`: Table of UserInfo; `last_login`: Table of integers |
 * | `_databases` | `system` | none |
 * | `_user_<name>` | `user` | `keys`: Table of UserKey; `databases`: Table of TrackedDatabase; ours: `password_changes` |
 *
 * @module
 */

import { AuthKey } from "../auth/auth_key.ts";
import { Permission } from "../auth/permission.ts";
import { Doc } from "../crdt/doc.ts";
import { Database, type HasHost } from "../database/database.ts";
import { DATABASES, USERS } from "../entry/constants.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { StoreType } from "../store/context.ts";
import type { RowCodec } from "../store/row_codec.ts";
import { Table } from "../store/table.ts";
import { UserError } from "../util/errors.ts";
import type { UserHost } from "./host.ts";
import {
  lastLoginRow,
  type TrackedDatabase,
  trackedDatabaseRow,
  type UserInfo,
  userInfoRow,
  type UserKey,
  userKeyRow,
} from "./records.ts";
import { type PasswordChange, passwordChangeRow } from "./password_record.ts";

function tableOf<Row>(codec: RowCodec<Row>): StoreType<Table<Row>> {
  return { typeId: Table.typeId, load: (context, name) => new Table(context, name, codec) };
}

/** The directory of users. */
export const UsersTable: StoreType<Table<UserInfo>> = tableOf(userInfoRow);
/** Last login of each user, in Unix seconds. */
export const LastLoginTable: StoreType<Table<number>> = tableOf(lastLoginRow);
/** Keys of one user. */
export const KeysTable: StoreType<Table<UserKey>> = tableOf(userKeyRow);
/** Databases that one user tracks. */
export const TrackedTable: StoreType<Table<TrackedDatabase>> = tableOf(trackedDatabaseRow);

/** Changes of one user's password that were begun, by the new salt. */
export const PasswordChangesTable: StoreType<Table<PasswordChange>> = tableOf(passwordChangeRow);

/** The row of the user with this name; fails when there is none or more than one. */
export async function userNamed(
  users: Table<UserInfo>,
  username: string,
  action: string,
): Promise<[uuid: string, info: UserInfo]> {
  const rows = await users.search((row) => row.username === username);
  const [row] = rows;
  if (row === undefined) {
    const message = `Cannot ${action}: there is no such user`;
    throw new UserError("UserNotFound", message, { fields: { username } });
  }
  if (rows.length === 1) return row;
  throw new UserError(
    "DuplicateUsersDetected",
    `Cannot ${action}: ${rows.length} users have this name`,
    { fields: { username, count: rows.length } },
  );
}

function settings(name: string, type: string, description: string): Doc {
  return Doc.from({ name, type, description });
}

/** Creates `_users`. */
export async function createUsersDb(instance: HasHost, device: PrivateKey): Promise<Database> {
  return await Database.create(
    instance,
    device,
    settings(USERS, "system", "User directory database"),
  );
}

/** Creates `_databases`. */
export async function createDatabasesDb(instance: HasHost, device: PrivateKey): Promise<Database> {
  const doc = settings(DATABASES, "system", "Database tracking and registry");
  return await Database.create(instance, device, doc);
}

/** Creates the private database of a user, owned by the user's root key. */
export async function createUserDb(
  instance: HasHost,
  username: string,
  rootKey: PrivateKey,
): Promise<Database> {
  const doc = settings(`_user_${username}`, "user", `User database for ${username}`);
  return await Database.create(instance, rootKey, doc);
}

/** Makes a key an administrator of the instance: `Admin(0)` on both system databases. */
export async function grantInstanceAdmin(
  users: Database,
  databases: Database,
  publicKey: PublicKey,
): Promise<void> {
  for (const database of [users, databases]) {
    await database.update(async (transaction) => {
      const grant = AuthKey.active("admin", Permission.admin(0));
      await transaction.getSettings().setAuthKey(publicKey, grant);
    });
  }
}

/** `_users`, acting as the device. */
export async function usersDb(host: UserHost): Promise<Database> {
  const key = host.deviceKey();
  host.host.backend.trees.meet(host.usersDbId, ["users", "last_login"]);
  return (await Database.open(host, host.usersDbId)).withKey(key);
}

/** `_databases`, acting as the device. */
export async function databasesDb(host: UserHost): Promise<Database> {
  const key = host.deviceKey();
  return (await Database.open(host, host.databasesDbId)).withKey(key);
}
