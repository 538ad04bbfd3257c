import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, DocStore, type Entry, ID } from "../../mod.ts";
import { decodeHex, ingest, shuffled, vector, withInstance } from "../database/replay.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Run {
  readonly name: string;
  readonly room: string;
  readonly entries: readonly { readonly cbor: string }[];
  readonly tips: readonly string[];
  readonly documents: Readonly<Record<string, Json>>;
  readonly next_commit: { readonly cbor: string; readonly id: string };
}

const { runs } = vector<{ runs: readonly Run[] }>("sync-converge.json");

/** Members in one order; integers as they were read from JSON, which rounds beyond 2^53. */
function ordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, item]) => [key, ordered(item)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => a < b ? -1 : 1));
}

async function check(run: Run, entries: readonly Entry[], batch: number): Promise<void> {
  const root = ID.parse(run.room);
  await withInstance("memory", async (instance) => {
    await ingest(instance, root, entries, batch);
    const database = await Database.open(instance, root);
    assert.deepEqual((await database.snapshot()).toJSON(), run.tips);
    for (const [store, expected] of Object.entries(run.documents)) {
      const doc = await (await database.getStoreViewer(DocStore, store)).getAll();
      assert.deepEqual(ordered(JSON.parse(doc.stringify())), ordered(expected), store);
    }
    const next = decodeHex(run.next_commit.cbor);
    await instance.putRemoteEntries(root, [next]);
    assert.equal(await instance.backend.getVerificationStatus(next.id), "Verified");
    assert.deepEqual((await database.snapshot()).toJSON(), [`${next.id}`]);
  });
}

describe("three peers of the reference that were recorded", () => {
  for (const run of runs) {
    it(`10#48 ${run.name}: in any order of arrival the tips and documents are theirs`, async () => {
      const entries = run.entries.map(({ cbor }) => decodeHex(cbor));
      await check(run, entries, entries.length);
      for (let seed = 1; seed <= 4; seed++) await check(run, shuffled(entries, seed), 1 + seed * 3);
    });
  }
});
