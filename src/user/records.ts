/**
 * The records of users and their keys, as rows of tables: compact JSON texts (08 §3).
 *
 * Optional members are always written, as `null` when absent; on read a missing one counts as absent
 * and unknown members are ignored. Byte strings are arrays of numbers, times are Unix seconds.
 *
 * @module
 */

import { setPrinter } from "#inspect";
import { ID } from "../entry/id.ts";
import { SigKey } from "../entry/sig_info.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { RowCodec } from "../store/row_codec.ts";
import { UserError } from "../util/errors.ts";
import {
  boolean,
  bytes,
  integer,
  type Json,
  object,
  optionalInteger,
  optionalText,
  optionalUnsigned,
  record,
  Shape,
  text,
} from "./record_json.ts";

/** Whether a user may log in. */
export type UserStatus = "Active" | "Disabled" | "Locked";

/** A private key at rest. */
export type KeyStorage =
  | {
    readonly type: "encrypted";
    readonly algorithm: string;
    readonly ciphertext: Uint8Array;
    readonly nonce: Uint8Array;
  }
  | { readonly type: "unencrypted"; readonly key: string };

/** How a user proves who it is: whoever can open the root key is the user. */
export interface UserCredentials {
  /** Public half of the root key. */
  readonly rootKeyId: PublicKey;
  /** Private half of the root key. */
  readonly rootKey: KeyStorage;
  /** Salt of the key derivation; absent for a passwordless user. */
  readonly passwordSalt: string | undefined;
}

/** A row of the directory of users. */
export interface UserInfo {
  /** Login name. */
  readonly username: string;
  /** Root of the user's private database. */
  readonly userDatabaseId: ID;
  /** How the user proves who it is. */
  readonly credentials: UserCredentials;
  /** When the user was created, in Unix seconds. */
  readonly createdAt: number;
  /** Whether the user may log in. */
  readonly status: UserStatus;
}

/** A key of a user, with the databases it is used for. */
export interface UserKey {
  /** Public half. */
  readonly keyId: PublicKey;
  /** Private half. */
  readonly storage: KeyStorage;
  /** Label that the user has given. */
  readonly displayName: string | undefined;
  /** When the key was made, in Unix seconds. */
  readonly createdAt: number;
  /** When the key was last used, in Unix seconds. Written by nobody today. */
  readonly lastUsed: number | undefined;
  /** Whether it is the key that is used when none is named. */
  readonly isDefault: boolean;
  /** Identity per database, by root ID text; undefined stands for the key's own public key. */
  readonly databaseSigkeys: ReadonlyMap<string, SigKey | undefined>;
}

/** What a user wants of the synchronisation of one database. */
export interface SyncSettings {
  /** Whether it is synchronised at all. */
  readonly syncEnabled: boolean;
  /** Whether every commit is sent at once. */
  readonly syncOnCommit: boolean;
  /** Seconds between two rounds, if there are rounds; a `bigint` beyond 2^53 − 1. */
  readonly intervalSeconds: number | bigint | undefined;
  /** Free settings. */
  readonly properties: ReadonlyMap<string, string>;
}

/** A database that a user keeps an eye on. */
export interface TrackedDatabase {
  /** Root of the database. */
  readonly databaseId: ID;
  /** Key that the user works with there. */
  readonly keyId: PublicKey;
  /** What the user wants of its synchronisation. */
  readonly syncSettings: SyncSettings;
}

/** A private key at rest that neither consoles nor JSON show, also where it is sealed: a password can be guessed. */
export function redacted(storage: KeyStorage): KeyStorage {
  const text = `KeyStorage(${storage.type}, redacted)`;
  setPrinter({ prototype: storage }, "KeyStorage", () => text);
  return Object.defineProperty(storage, "toJSON", { value: () => text });
}

/** A private key that is stored as it is. */
export function inTheOpen(key: string): KeyStorage {
  return redacted({ type: "unencrypted", key });
}

function writeStorage(storage: KeyStorage): Json {
  if (storage.type === "unencrypted") return { type: storage.type, key: storage.key };
  const { type, algorithm, ciphertext, nonce } = storage;
  return { type, algorithm, ciphertext: [...ciphertext], nonce: [...nonce] };
}

function readStorage(value: unknown): KeyStorage {
  const json = object(value, "the key storage");
  if (json.type === "unencrypted") return inTheOpen(text(json.key, "the key"));
  if (json.type !== "encrypted") throw new Shape("the key storage is of an unknown type");
  return redacted({
    type: "encrypted",
    algorithm: text(json.algorithm, "the algorithm"),
    ciphertext: bytes(json.ciphertext, "the ciphertext"),
    nonce: bytes(json.nonce, "the nonce"),
  });
}

const STATUSES: readonly string[] = ["Active", "Disabled", "Locked"];

function readStatus(value: unknown): UserStatus {
  if (STATUSES.includes(text(value, "status"))) return value as UserStatus;
  throw new Shape("status is not one of Active, Disabled and Locked");
}

/** Rows of `users` in `_users`. */
export const userInfoRow: RowCodec<UserInfo> = record(
  "user record",
  (user) => ({
    username: user.username,
    user_database_id: user.userDatabaseId.toString(),
    credentials: {
      root_key_id: user.credentials.rootKeyId.toString(),
      root_key: writeStorage(user.credentials.rootKey),
      password_salt: user.credentials.passwordSalt ?? null,
    },
    created_at: user.createdAt,
    status: user.status,
  }),
  (json) => {
    const credentials = object(json.credentials, "credentials");
    return {
      username: text(json.username, "username"),
      userDatabaseId: ID.parse(text(json.user_database_id, "user_database_id")),
      credentials: {
        rootKeyId: PublicKey.parse(text(credentials.root_key_id, "root_key_id")),
        rootKey: readStorage(credentials.root_key),
        passwordSalt: optionalText(credentials.password_salt, "password_salt"),
      },
      createdAt: integer(json.created_at, "created_at"),
      status: readStatus(json.status),
    };
  },
);

/** Rows of `keys` in a user's database. */
export const userKeyRow: RowCodec<UserKey> = record(
  "key record",
  (key) => ({
    key_id: key.keyId.toString(),
    storage: writeStorage(key.storage),
    display_name: key.displayName ?? null,
    created_at: key.createdAt,
    last_used: key.lastUsed ?? null,
    is_default: key.isDefault,
    database_sigkeys: Object.fromEntries(
      [...key.databaseSigkeys].map(([id, sigKey]) => [id, sigKey?.toJSON() ?? null]),
    ),
  }),
  (json) => ({
    keyId: PublicKey.parse(text(json.key_id, "key_id")),
    storage: readStorage(json.storage),
    displayName: optionalText(json.display_name, "display_name"),
    createdAt: integer(json.created_at, "created_at"),
    lastUsed: optionalInteger(json.last_used, "last_used"),
    isDefault: boolean(json.is_default, "is_default"),
    databaseSigkeys: new Map(
      Object.entries(object(json.database_sigkeys, "database_sigkeys")).map(([id, sigKey]) => [
        id,
        sigKey === null ? undefined : SigKey.fromJSON(sigKey),
      ]),
    ),
  }),
);

/** The JSON form of {@link SyncSettings}. */
export function writeSync(sync: SyncSettings): Json {
  return {
    sync_enabled: sync.syncEnabled,
    sync_on_commit: sync.syncOnCommit,
    interval_seconds: sync.intervalSeconds ?? null,
    properties: Object.fromEntries(sync.properties),
  };
}

/** Reads the JSON form of {@link SyncSettings}. */
export function readSync(value: unknown): SyncSettings {
  const json = object(value, "sync_settings");
  const properties = Object.entries(object(json.properties, "properties"));
  return {
    syncEnabled: boolean(json.sync_enabled, "sync_enabled"),
    syncOnCommit: boolean(json.sync_on_commit, "sync_on_commit"),
    intervalSeconds: optionalUnsigned(json.interval_seconds, "interval_seconds"),
    properties: new Map(properties.map(([key, item]) => [key, text(item, "a property")])),
  };
}

/** Rows of `databases` in a user's database. */
export const trackedDatabaseRow: RowCodec<TrackedDatabase> = record(
  "tracked database",
  (tracked) => ({
    database_id: tracked.databaseId.toString(),
    key_id: tracked.keyId.toString(),
    sync_settings: writeSync(tracked.syncSettings),
  }),
  (json) => ({
    databaseId: ID.parse(text(json.database_id, "database_id")),
    keyId: PublicKey.parse(text(json.key_id, "key_id")),
    syncSettings: readSync(json.sync_settings),
  }),
);

/** Rows of `last_login` in `_users`: a Unix time in seconds. */
export const lastLoginRow: RowCodec<number> = {
  write: (seconds) => Promise.resolve(String(seconds)),
  read: (source, refuse) => {
    const seconds = Number(source);
    return Number.isSafeInteger(seconds) && /^\d+$/.test(source)
      ? Promise.resolve(seconds)
      : Promise.reject(refuse("it is not a time in seconds"));
  },
};

/** The error for a key that a session does not hold. */
export function keyNotHeld(keyId: PublicKey | string): UserError {
  return new UserError("KeyNotFound", `Key not found: this user does not hold "${keyId}"`, {
    fields: { keyId: keyId.toString() },
  });
}
