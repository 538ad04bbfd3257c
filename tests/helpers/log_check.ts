/**
 * What must hold of the arrival log of a tree.
 *
 * @module
 */

import { ArrivalLog } from "../../src/backend/log/arrival_log.ts";
import assert from "node:assert/strict";
import type { Entry, ID } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { decodeCursor, encodeCursor } from "../../src/backend/log/log_cursor.ts";
import { type Arrival, sumOf } from "../../src/backend/records/arrivals.ts";

/** A length that no record has, so that ranges begin and end anywhere in records. */
const ODD = 23;

/** All rows of a log, read in pieces. */
export async function rowsOf(
  backend: LocalBackend,
  tree: ID,
  size: number = ODD,
): Promise<Arrival[]> {
  const rows: Arrival[] = [];
  for (;;) {
    const page = await ArrivalLog.of(backend).read(tree, rows.length, size);
    rows.push(...page);
    if (page.length < size) return rows;
  }
}

/**
 * The log holds the Verified entries of the tree, each once and with its height and size, parents before
 * children; length, count and sum are right, and so are cursors and what is after them.
 */
export async function checkLog(backend: LocalBackend, tree: ID): Promise<void> {
  const verified = await verifiedOf(backend, tree);
  const rows = await rowsOf(backend, tree);
  const names = rows.map(({ id }) => `${id}`);
  assert.equal(new Set(names).size, names.length, "an entry is in the log more than once");
  assert.deepEqual([...names].sort(), [...verified.keys()].sort(), "the log of the tree");
  const seen = new Set<string>();
  for (const { id, height, size } of rows) {
    const entry = verified.get(`${id}`)!;
    assert.deepEqual([height, size], [entry.height, entry.bytes.length], `row of ${id}`);
    for (const parent of entry.parents) assert.ok(seen.has(`${parent}`), `${parent} comes late`);
    seen.add(`${id}`);
  }
  const head = (await ArrivalLog.of(backend).head(tree))!;
  assert.deepEqual([head.length, head.count], [rows.length, rows.length], "length and count");
  assert.equal(head.sum, sumOf(rows), "the sum of the log");
  await checkPages(backend, tree, rows, verified);
}

async function verifiedOf(backend: LocalBackend, tree: ID): Promise<Map<string, Entry>> {
  const verified = new Map<string, Entry>();
  for (const entry of await backend.getTree(tree)) {
    if (await backend.getVerificationStatus(entry.id) !== "Verified") continue;
    verified.set(`${entry.id}`, entry);
  }
  return verified;
}

/** Goes through all entries by cursors, as a peer does. */
async function checkPages(
  backend: LocalBackend,
  tree: ID,
  rows: readonly Arrival[],
  verified: ReadonlyMap<string, Entry>,
): Promise<void> {
  let cursor = (await ArrivalLog.of(backend).cursor(tree, 0))!;
  for (let left = rows.length; left > 0;) {
    const page = (await ArrivalLog.of(backend).entriesAfter(tree, cursor, { count: ODD }))!;
    for (const [at, { id, bytes }] of page.entries.entries()) {
      assert.ok(id.equals(rows[cursor.position + at]!.id));
      assert.deepEqual(bytes, verified.get(`${id}`)!.bytes);
    }
    cursor = decodeCursor(encodeCursor(page.next))!;
    assert.equal(cursor.sum, sumOf(rows.slice(0, cursor.position)), "the sum of a cursor");
    assert.ok(await ArrivalLog.of(backend).isValid(tree, cursor));
    left -= page.entries.length;
    assert.equal(page.left, left);
  }
}
