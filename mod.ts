/**
 * Eidetica: a decentralized, local-first database.
 *
 * Data live in signed, content-addressed entries that form Merkle-CRDT DAGs; every database carries its
 * own keys and permissions, and every node judges every entry for itself.
 *
 * ```ts
 * import { DocStore, Instance, NewUser } from "eidetica";
 *
 * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const notes = await user!.createDatabase({ name: "notes" });
 * await notes.withTransaction(async (tx) => {
 *   await (await tx.getStore(DocStore, "pages")).set("hello", "world");
 * });
 * const pages = await notes.getStoreViewer(DocStore, "pages");
 * if (await pages.getString("hello") !== "world") throw new Error("not stored");
 * await instance.close();
 * ```
 *
 * @module
 */

export * from "./src/core.ts";
export type {
  Backend,
  InstanceMetadata,
  InstanceSecrets,
  Reachability,
  VerificationStatus,
  WriteSource,
} from "./src/backend/backend.ts";
export { type ConnectedInstance, Instance } from "./src/instance/instance.ts";
export type { InstanceOptions } from "./src/instance/opening.ts";
export { WeakInstance } from "./src/instance/weak_instance.ts";
export { NewUser } from "./src/user/new_user.ts";
export {
  type ConnectionTarget,
  parseConnectionUrl,
  type SqliteMode,
} from "./src/instance/connection_url.ts";
export type { RemoteWriteReport } from "./src/instance/tree_judge.ts";
export type { UpdateOptions } from "./src/database/update.ts";
export { Database, type DatabaseInit, type HasHost } from "./src/database/database.ts";
export { type AtOptions, DatabaseView } from "./src/database/database_view.ts";
export type { Grantable, Grantee, GrantOptions } from "./src/database/grants.ts";
export type {
  DatabaseHost,
  VerifyCounts,
  WriteCallback,
  WriteEvent,
  WriteHandler,
} from "./src/database/host.ts";
export type { PutOptions, TransactionHost } from "./src/transaction/host.ts";
export { Transaction } from "./src/transaction/transaction.ts";
export type { TransactionBase } from "./src/transaction/transaction_stores.ts";
export type { StateType } from "./src/backend/state/state_type.ts";
export type { Encryptor, StoreContext, StoreType, ViewOf } from "./src/store/context.ts";
export { Counter, type CounterViewer } from "./src/store/counter.ts";
export { DocStore, type DocViewer } from "./src/store/doc_store.ts";
export { DocView } from "./src/store/doc_view.ts";
export { type HandleWrites, StoreHandle } from "./src/store/store_handle.ts";
export type { ReadAs, ValueKind, ValueKinds } from "./src/store/value_kinds.ts";
export { PasswordStore, type PasswordViewer } from "./src/store/password_store.ts";
export { ValueEditor } from "./src/store/value_editor.ts";
export { type InvalidRow, type JsonRow, Table, type TableViewer } from "./src/store/table.ts";
export { RowSearch } from "./src/store/row_search.ts";
export type { DirectRowCodec, Refuse, RowCodec, RowNotes } from "./src/store/row_codec.ts";
export type { Kept, KeptRow } from "./src/store/row_types.ts";
export type {
  Infer,
  InferInput,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from "./src/store/schema_row.ts";
export { Registry, type StoreInfo } from "./src/store/registry.ts";
export { SettingsStore, type SettingsViewer } from "./src/store/settings_store.ts";
export {
  type CreateDatabaseOptions,
  type DatabaseSettings,
  type NamedDatabaseSettings,
  type PlainSettings,
  UserDatabases,
} from "./src/user/user_databases.ts";
export { User } from "./src/user/user.ts";
export { UserKeyring } from "./src/user/user_keyring.ts";
export { DatabaseBuilder, type StoreInit } from "./src/user/database_builder.ts";
export { InstanceAdmin } from "./src/user/admin.ts";
export type {
  KeyStorage,
  TrackedDatabase,
  UserCredentials,
  UserInfo,
  UserKey,
  UserStatus,
} from "./src/user/records.ts";
export type { DatabaseTracking, UserPreferences, UserProfile } from "./src/user/profile.ts";
export {
  mergeSyncSettings,
  SYNC_DISABLED,
  SYNC_ENABLED,
  SYNC_ON_COMMIT,
  SyncSettings,
} from "./src/user/sync_settings.ts";
export type { Progress, WorkOptions } from "./src/util/work.ts";
export type { Sync, SyncOptions } from "./src/sync/port.ts";
export type { DatabaseTicket } from "./src/sync/port.ts";
export type { AccessOptions, JoinOptions } from "./src/user/sharing.ts";
export { type LogLevel, type LogSink, setLogSink } from "./src/util/log.ts";
export type {
  Batch,
  Capabilities,
  Check,
  CommitResult,
  Pair,
  Range,
  StorageDriver,
  Stored,
  Version,
} from "./src/storage/driver.ts";
