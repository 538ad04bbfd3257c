import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, type ID, Instance, NewUser, Snapshot, Table } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";

const BATCH = 5000;
const Numbers = Table.of<{ n: number }>();
/** How many rows, and where: what a file does differently shows in fewer. */
const PLACES = {
  memory: { rows: 100_000, open: () => memoryStorage() },
  sqlite: { rows: 20_000, open: () => sqliteStorage(":memory:") },
};

const key = (n: number): string => `row-${String(n).padStart(6, "0")}`;
const view = (db: Database) => db.getStoreViewer(Numbers, "numbers");

async function edit(
  db: Database,
  at: Snapshot,
  change: (table: Table<{ n: number }>) => Promise<unknown>,
): Promise<ID> {
  const tx = await db.newTransaction({ at });
  await change(await tx.getStore(Numbers, "numbers"));
  return await tx.commit();
}

async function fill(db: Database, rows: number): Promise<void> {
  for (let from = 0; from < rows; from += BATCH) {
    await db.withTransaction(async (tx) => {
      const table = await tx.getStore(Numbers, "numbers");
      for (let n = from; n < from + BATCH; n++) await table.set(key(n), { n });
    });
  }
}

describe("a table of very many rows", () => {
  for (const [place, { rows, open }] of Object.entries(PLACES)) {
    it(`04#28,#33 is filled, searched, edited on two branches and merged, ${place}`, {
      timeout: 60_000,
    }, async () => {
      const { instance, user } = await Instance.createBackend(
        await open(),
        NewUser.passwordless("ada"),
      );
      try {
        const db = await user.createDatabase({ name: "large" });
        await fill(db, rows);
        const before = await view(db);
        assert.deepEqual(await before.get(key(17_777)), { n: 17_777 });
        const fork = await db.snapshot();
        const left = await edit(db, fork, async (table) => {
          await table.set(key(1), { n: -1 });
          await table.delete(key(2));
          await table.set("left", { n: rows });
        });
        const higher = await edit(db, Snapshot.of([left]), (table) => table.set(key(3), { n: -3 }));
        const right = await edit(db, fork, async (table) => {
          await table.set(key(3), { n: -33 });
          await table.set("right", { n: rows + 1 });
        });
        const both = Snapshot.of([higher, right]);
        assert.ok((await db.snapshot()).equals(both));
        const check = async () => {
          const table = await view(db);
          assert.equal(await table.count(), rows - 1 + 2);
          const odd = await table.search(({ n }) => n < 0 || n >= rows);
          assert.deepEqual(odd, [
            ["left", { n: rows }],
            ["right", { n: rows + 1 }],
            [key(1), { n: -1 }],
            [key(3), { n: -3 }],
          ]);
          assert.equal(await table.getOption(key(2)), undefined);
        };
        await check();
        (instance.backend as LocalBackend).states.clear();
        assert.deepEqual(await (await view(db)).get(key(3)), { n: -3 });
        await edit(db, both, (table) => table.delete("left"));
        assert.equal(await (await view(db)).count(), rows);
        assert.equal(await before.count(), rows, "what was opened before stays as it was");
      } finally {
        await instance.close();
      }
    });
  }
});
