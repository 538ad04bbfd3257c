/**
 * What must hold of a storage, whatever happened to the processes that wrote it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Entry, ID, type Instance } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { checkLog } from "./log_check.ts";

/** Checks all trees of an instance that only its own users have written to. */
export async function checkTrees(instance: Instance): Promise<void> {
  const backend = instance.backend as LocalBackend;
  const verified = new Set((await backend.getEntriesByVerificationStatus("Verified")).map(String));
  const listed = new Set<string>();
  for (const root of await backend.allRoots()) {
    for (const id of await checkTree(backend, root, verified)) listed.add(id);
  }
  for (const id of verified) assert.ok(listed.has(id), `${id} is in no tree`);
}

/**
 * Bytes and IDs agree, nothing is missing, all is Verified and in the arrival log, tips are the entries without
 * children. Returns the entries.
 */
async function checkTree(
  backend: LocalBackend,
  root: ID,
  verified: Set<string>,
): Promise<Set<string>> {
  const entries = await backend.getTree(root);
  const held = new Set(entries.map(({ id }) => `${id}`));
  for (const { id, bytes, parents } of entries) {
    assert.ok(ID.ofDagCbor(bytes).equals(id), `${id} is not the hash of its bytes`);
    assert.ok(verified.has(`${id}`), `${id} is not Verified`);
    for (const parent of parents) assert.ok(held.has(`${parent}`), `${parent} is missing`);
  }
  const tips = childless(entries, ({ parents }) => parents);
  assert.deepEqual(texts((await backend.snapshot(root)).tips), tips, "tips");
  assert.deepEqual(texts((await backend.verifiedSnapshot(root)).tips), tips, "Verified tips");
  await checkLog(backend, root);
  for (const store of new Set(entries.flatMap(({ subtrees }) => subtrees))) {
    await checkStore(backend, root, store, entries.filter((it) => it.subtrees.includes(store)));
  }
  return held;
}

async function checkStore(
  backend: LocalBackend,
  root: ID,
  store: string,
  entries: readonly Entry[],
): Promise<void> {
  const listed = (await backend.getStore(root, store)).map(({ id }) => id);
  assert.deepEqual(texts(listed), texts(entries.map(({ id }) => id)), `entries of ${store}`);
  const tips = childless(entries, (entry) => entry.subtreeParents(store));
  assert.deepEqual(texts((await backend.storeSnapshot(root, store)).tips), tips, store);
}

function childless(entries: readonly Entry[], parentsOf: (entry: Entry) => readonly ID[]) {
  const parents = new Set(entries.flatMap((entry) => parentsOf(entry).map(String)));
  return texts(entries.map(({ id }) => id)).filter((id) => !parents.has(id));
}

function texts(ids: readonly ID[]): string[] {
  return ids.map(String).sort();
}
