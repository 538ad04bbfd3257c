/**
 * What must hold of what entries wait for.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ID } from "../../mod.ts";
import * as keys from "../../src/backend/records/keys.ts";
import { decodeRole, decodeWaitCount } from "../../src/backend/records/wait_records.ts";
import { decodeIdRow } from "../../src/backend/records/tree_records.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";

/** What the markers of one entry say. */
interface Marked {
  all: number;
  parents: number;
}

/** All records of a kind. */
async function allOf(
  storage: StorageDriver,
  kind: Parameters<typeof keys.allOf>[0],
): Promise<{ key: Uint8Array; value: Uint8Array }[]> {
  const found: { key: Uint8Array; value: Uint8Array }[] = [];
  for await (const page of storage.list(keys.prefixRange(keys.allOf(kind)))) found.push(...page);
  return found;
}

/** Where the tree in a key ends. */
const endOfTree = (key: Uint8Array) => 2 + key[1]!;

/**
 * No entry is counted for more than its markers say, so that the last of them finds the count at zero; only entries
 * without verdict are counted, and none of these is forgotten: each waits for something, or is to be looked at.
 * Returns how many are counted.
 */
export async function checkWaits(storage: StorageDriver): Promise<number> {
  const marked = new Map<string, Marked>();
  const found = new Set<string>();
  for (const { key, value } of await allOf(storage, "parked")) {
    const at = endOfTree(key);
    const { id } = keys.readPosition(key, at + 1 + key[at]!);
    found.add(`${id}`);
    const role = decodeRole(value);
    if (role === undefined) continue;
    const { all, parents } = marked.get(`${id}`) ?? { all: 0, parents: 0 };
    marked.set(`${id}`, { all: all + 1, parents: parents + (role.isParent ? 1 : 0) });
  }
  for (const { key } of await allOf(storage, "unverified")) {
    found.add(`${keys.readPosition(key, endOfTree(key)).id}`);
  }
  const open = new Set<string>();
  for (const { key, value } of await allOf(storage, "id")) {
    if (decodeIdRow(value).status === "Unverified") open.add(`${keys.readId(key)}`);
  }
  for (const id of open) assert.ok(found.has(id), `${id} is forgotten`);
  const counts = await allOf(storage, "waitCount");
  for (const { key, value } of counts) {
    const id = `${ID.fromBytes(key.subarray(endOfTree(key)))}`;
    const count = decodeWaitCount(value);
    const { all, parents } = marked.get(id) ?? { all: 0, parents: 0 };
    assert.ok(open.has(id), `${id} has its verdict and is counted`);
    assert.ok(count.all > 0 && count.all <= all, `${id} is counted for ${count.all} of ${all}`);
    assert.ok(count.parents <= parents, `${id} is counted for ${count.parents} of ${parents}`);
  }
  return counts.length;
}
