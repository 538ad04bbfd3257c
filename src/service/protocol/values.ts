/**
 * Values that messages of both directions hold (11 §3.1).
 *
 * @module
 */

import type { InstanceMetadata } from "../../backend/backend.ts";
import { flag, id, ids, key, text } from "../../entry/json_values.ts";
import { type DelegationStep, type KeyHint, SigKey } from "../../entry/sig_info.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { quoteJson } from "../../util/json64.ts";
import type { JsonBytes } from "../../util/json_bytes.ts";
import {
  endVariant,
  listOf,
  Members,
  openVariant,
  optional,
  readStruct,
} from "../../util/json_struct.ts";

const VARIANTS = ["Direct", "Delegation"];
const DIRECT = new Members("a direct key", ["hint"]);
const DELEGATION = new Members("a delegation", ["path", "hint"]);
const STEP = new Members("a delegation step", ["tree", "tips"]);
const HINT = new Members("a hint", ["pubkey??", "name??", "is_global??"]);
const METADATA = new Members("the metadata of an instance", [
  ...["id", "users_db", "databases_db", "sync_db?"],
]);

/** Reads an identity. */
export function identity(reader: JsonBytes): SigKey {
  const variant = openVariant(reader, VARIANTS, "an identity");
  if (variant < 0) reader.unlike("an identity without a hint");
  const read = VARIANTS[variant] === "Direct" ? direct(reader) : delegation(reader);
  endVariant(reader);
  return read;
}

function direct(reader: JsonBytes): SigKey {
  const [found] = readStruct(reader, DIRECT, hint);
  return SigKey.direct(found);
}

function delegation(reader: JsonBytes): SigKey {
  const [path, found] = readStruct(reader, DELEGATION, listOf("a path", step), hint);
  return SigKey.delegation(path, found);
}

function step(reader: JsonBytes): DelegationStep {
  const [tree, tips] = readStruct(reader, STEP, id, ids);
  return { tree, tips };
}

function hint(reader: JsonBytes): KeyHint {
  const reads = [optional(key), optional(text), flag] as const;
  const [pubkey, name, isGlobal] = readStruct<
    [PublicKey | undefined, string | undefined, boolean | undefined]
  >(reader, HINT, ...reads);
  return { pubkey, name, isGlobal };
}

/** Reads tips, which are sorted, each of them once. */
export function snapshot(reader: JsonBytes): Snapshot {
  return Snapshot.of(ids(reader));
}

/** The JSON of IDs, in their order. */
export function idsJson(list: readonly { toString(): string }[]): string {
  return `[${list.map((item) => `"${item}"`).join(",")}]`;
}

/** Reads the public identity of an instance. */
export function metadata(reader: JsonBytes): InstanceMetadata {
  const [device, users, databases, sync] = //
    readStruct(reader, METADATA, key, id, id, optional(id));
  return {
    id: device.toString(),
    users_db: users.toString(),
    databases_db: databases.toString(),
    sync_db: sync?.toString() ?? null,
  };
}

/** The JSON of the public identity of an instance. */
export function metadataJson(value: InstanceMetadata): string {
  const { id: device, users_db, databases_db, sync_db } = value;
  const sync = sync_db === null ? "null" : quoteJson(sync_db);
  return `{"id":${quoteJson(device)},"users_db":${quoteJson(users_db)},"databases_db":${
    quoteJson(databases_db)
  },"sync_db":${sync}}`;
}
