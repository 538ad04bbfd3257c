/**
 * The core without storage and I/O: entries, IDs, snapshots, documents, keys and access rules.
 *
 * Everything here runs in browsers and edge isolates. `await ready()` once loads the fast engines for
 * hashes and signatures; before that plain JavaScript computes the same.
 *
 * ```ts
 * import { Entry, PrivateKey, ready } from "eidetica/core";
 *
 * await ready();
 * const root = Entry.rootBuilder().build().sign(PrivateKey.generate());
 * if (!Entry.decode(root.bytes).id.equals(root.id)) throw new Error("not the same entry");
 * ```
 *
 * @module
 */

export { type CryptoCore, ready, type ReadyOptions, type WasmSource } from "../wasm/mod.ts";
export { type HashName, ID } from "./entry/id.ts";
export { Entry } from "./entry/entry.ts";
export { EntryBuilder } from "./entry/builder.ts";
export type { EntryModel, SubtreeNode } from "./entry/entry_codec.ts";
export { EntryMetadata } from "./entry/metadata.ts";
export { Snapshot } from "./entry/snapshot.ts";
export {
  type DelegationStep,
  type HintType,
  type KeyHint,
  SigInfo,
  SigKey,
} from "./entry/sig_info.ts";
export { type HeightStrategy } from "./entry/height.ts";
export * from "./entry/constants.ts";
export { Doc, type KeyRange } from "./crdt/doc.ts";
export { List, Position, type PositionOptions } from "./crdt/list.ts";
export { Path, type PathLike } from "./crdt/path.ts";
export { type Crdt, docCrdt } from "./crdt/crdt.ts";
export {
  DELETED,
  type Deleted,
  type Int,
  type Scalar,
  type Value,
  type ValueInput,
  type VisibleValue,
} from "./crdt/value.ts";
export { PublicKey } from "./keys/public_key.ts";
export { PrivateKey } from "./keys/private_key.ts";
export { Permission, type PermissionLevel } from "./auth/permission.ts";
export { AuthKey, type KeyStatus } from "./auth/auth_key.ts";
export { AuthSettings } from "./auth/settings.ts";
export { DelegatedTreeRef, type PermissionBounds, type TreeReference } from "./auth/delegation.ts";
export { DatabaseKey } from "./auth/database_key.ts";
export type { Outcome, SettingsReader } from "./auth/port.ts";
export { type ResolvedAuth } from "./auth/resolve.ts";
export { type Operation, validateEntry, type Verdict } from "./auth/validate.ts";
export { type Clock, SystemClock } from "./util/clock.ts";
export { type RandomSource, systemRandom } from "./util/random.ts";
export * from "./util/errors.ts";
