import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, StoreError, Table, type Transaction } from "../../mod.ts";
import { hasCode, withDb } from "../database/bed.ts";

const Counts = Table.of<{ n: number }>();
const raise = (tx: Transaction) => async () => {
  return await (await tx.getStore(Counts, "t")).update("k", (row) => ({ n: (row?.n ?? 0) + 1 }));
};
const stored = async (db: Database) => (await (await db.getStoreViewer(Counts, "t")).get("k")).n;
const later = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

describe("table.update", () => {
  it("00 §C8 fifty increments side by side all count: in one transaction, and in updates", () =>
    withDb(async ({ db }) => {
      const fifty = Array.from({ length: 50 });
      await db.withTransaction(async (tx) => {
        const seen = await Promise.all(fifty.map(raise(tx)));
        assert.equal(Math.max(...seen.map(({ n }) => n)), 50);
      });
      await Promise.all(fifty.map(() => db.update((tx) => raise(tx)())));
      assert.equal(await stored(db), 100);
    }));

  it("00 §C8 the change may wait, and handles of one transaction see each other's", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        const [one, other] = [await tx.getStore(Counts, "t"), await tx.getStore(Counts, "t")];
        await one.set("k", { n: 1 });
        await Promise.all([one, other].map((table) =>
          table.update("k", async (row) => {
            await later();
            return { n: row!.n * 10 };
          })
        ));
        assert.deepEqual(await one.get("k"), { n: 100 });
      });
    }));

  it("00 §C8 a row that is changed in place is written; without a row there must be one", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        const table = await tx.getStore(Counts, "t");
        await table.set("k", { n: 1 });
        assert.deepEqual(await table.update("k", (row) => void row!.n++), { n: 2 });
        await assert.rejects(table.update("none", () => {}), hasCode("KeyNotFound"));
        await table.delete("k");
        await assert.rejects(table.update("k", () => {}), hasCode("KeyNotFound"));
        assert.deepEqual(await table.update("k", () => ({ n: 7 })), { n: 7 });
      });
      assert.equal(await stored(db), 7);
    }));

  it("00 §C8 a change that fails, or makes what no row can be, writes nothing", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        const table = await tx.getStore(Counts, "t");
        await table.set("k", { n: 1 });
        await assert.rejects(
          table.update("k", () => {
            throw new Error("stop");
          }),
          /stop/,
        );
        await assert.rejects(table.update("k", () => ({ n: NaN })), (error) => {
          return error instanceof StoreError && error.fields.path === "n" &&
            error.fields.kind === "the number NaN" && error.fields.key === "k";
        });
        await assert.rejects(table.update("", () => ({ n: 1 })), hasCode("SerializationFailed"));
      });
      assert.equal(await stored(db), 1);
      const tx = await db.newTransaction();
      const table = await tx.getStore(Counts, "t");
      await tx.commit();
      await assert.rejects(
        table.update("k", () => ({ n: 5 })),
        hasCode("TransactionAlreadyCommitted"),
      );
    }));
});
