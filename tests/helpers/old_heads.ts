/**
 * Storages as versions without arrival logs, or without counts of what entries wait for, have left them.
 *
 * @module
 */

import * as keys from "../../src/backend/records/keys.ts";
import { RecordWriter, SAME } from "../../src/backend/records/record_bytes.ts";
import {
  decodeHead,
  type Frontiers,
  type TreeHead,
} from "../../src/backend/records/tree_records.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";

/** Writes all heads in format 5, and removes the rows of all logs. Nobody may write meanwhile. */
export async function forgetLogs(storage: StorageDriver): Promise<void> {
  const set: [Uint8Array, Uint8Array][] = [];
  for await (const page of storage.list(keys.prefixRange(keys.allOf("head")))) {
    for (const { key, value } of page) set.push([key, encodeHead5(decodeHead(value))]);
  }
  for (const [key, value] of set) await storage.commit({ set: [[key, value]] });
  const rows: Uint8Array[] = [];
  for await (const page of storage.list(keys.prefixRange(keys.allOf("log")))) {
    for (const { key } of page) rows.push(key);
  }
  for (const key of rows) await storage.commit({ delete: [key] });
}

/** Writes all heads in format 6, and takes the counts, and what goes with them, away. Nobody may write meanwhile. */
export async function forgetCounts(storage: StorageDriver): Promise<void> {
  const set: [Uint8Array, Uint8Array][] = [];
  const remove: Uint8Array[] = [];
  for await (const page of storage.list(keys.prefixRange(keys.allOf("head")))) {
    for (const { key, value } of page) set.push([key, Uint8Array.from(value).fill(6, 0, 1)]);
  }
  for await (const page of storage.list(keys.prefixRange(keys.allOf("parked")))) {
    for (const { key } of page) set.push([key, new Uint8Array(0)]);
  }
  for await (const page of storage.list(keys.prefixRange(keys.allOf("waitCount")))) {
    for (const { key } of page) remove.push(key);
  }
  await storage.commit({ set, delete: remove });
}

function encodeHead5(head: TreeHead): Uint8Array {
  const writer = new RecordWriter().integer(5, 1).integer(head.sequence, 8)
    .integer(head.unverified, 4).integer(head.unverifiedBytes, 8)
    .integer(head.failed, 4).integer(head.failedBytes, 8).integer(head.waiting, 4)
    .integer(head.awaitedAbroad, 4).ids(head.abroad);
  writeTips(writer, head).integer(head.buffer.stores.size, 2);
  for (const [store, tips] of head.buffer.stores) {
    writeTips(writer.text(store).integer(tips.sequence, 8), tips);
  }
  for (const { bytes } of head.buffer.rows) writer.bytes(bytes);
  return writer.done();
}

function writeTips(writer: RecordWriter, { verified, raw }: Frontiers): RecordWriter {
  writer.ids(verified);
  return raw === verified ? writer.integer(SAME, 4) : writer.ids(raw);
}
