import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Counter, Database, PasswordStore, SerializeError } from "../../mod.ts";
import { hasCode, peerWith, withDb } from "../database/bed.ts";

const NAME = "visits";
const add = (db: Database, amount?: number | bigint) =>
  db.withTransaction(async (tx) => await (await tx.getStore(Counter, NAME)).add(amount));
const valueOf = async (db: Database) => await (await db.getStoreViewer(Counter, NAME)).value();

describe("Counter", () => {
  it("00 §C8 what transactions add side by side is added up", () =>
    withDb(async ({ db }) => {
      assert.equal(await valueOf(db), 0);
      await Promise.all(Array.from({ length: 50 }, () => add(db)));
      assert.equal(await valueOf(db), 50);
      await db.withTransaction(async (tx) => {
        const [one, other] = [await tx.getStore(Counter, NAME), await tx.getStore(Counter, NAME)];
        await Promise.all([one.add(-20), other.add(3n)]);
        assert.deepEqual([await one.value(), await other.value()], [33, 33]);
      });
      const [tip] = await db.getTipEntries();
      assert.match(new TextDecoder().decode(tip!.data(NAME)), /^-17 [0-9a-f]{16}$/);
    }));

  it("00 §C8 branches add up on every copy, in whatever order they arrive", () =>
    withDb(async ({ db }) => {
      await add(db, 1);
      const at = await db.snapshot();
      for (const amount of [10, 100, 1000]) {
        const tx = await db.newTransaction({ at });
        await (await tx.getStore(Counter, NAME)).add(amount);
        await tx.commit();
      }
      const [root, first, ...branches] = await db.getAllEntries();
      const peer = await peerWith([root!, first!, ...branches.toReversed()]);
      try {
        assert.equal(await valueOf(await Database.open(peer, db.rootId)), 1111);
      } finally {
        await peer.close();
      }
    }));

  it("00 §B5 sums are exact beyond 64 bits", () =>
    withDb(async ({ db }) => {
      const most = 2n ** 63n - 1n;
      for (const amount of [most, most, Number.MAX_SAFE_INTEGER]) await add(db, amount);
      assert.equal(await valueOf(db), 2n * most + BigInt(Number.MAX_SAFE_INTEGER));
      await add(db, -most);
      await add(db, -most);
      assert.equal(await valueOf(db), Number.MAX_SAFE_INTEGER);
    }));

  it("what is no integer is refused and adds nothing", () =>
    withDb(async ({ db }) => {
      const wrong = [0.5, NaN, Infinity, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n, "1", null];
      await db.withTransaction(async (tx) => {
        const counter = await tx.getStore(Counter, NAME);
        for (const amount of wrong) {
          await assert.rejects(counter.add(amount as number), hasCode("InvalidArgument"));
        }
        assert.equal(await counter.value(), 0);
      });
    }));

  it("04#49 inside an encrypted store it adds up, too", () =>
    withDb(async ({ db }) => {
      const Secret = PasswordStore.of(Counter);
      await db.withTransaction(async (tx) => {
        const store = await tx.getStore(Secret, "s");
        await store.initialize("pw");
        await (await store.inner()).add(5);
      });
      const viewed = await db.getStoreViewer(Secret, "s");
      await viewed.open("pw");
      assert.equal(await (await viewed.inner()).value(), 5);
    }));

  it("a payload is read back as it was written, and any other one is refused", () =>
    withDb(async ({ db }) => {
      await add(db, 1);
      const tx = await db.newTransaction();
      const { type } = await stagedBy(tx);
      fc.assert(
        fc.property(fc.bigInt(-(2n ** 190n), 2n ** 190n), (value) => {
          for (const sum of [{ value }, { value, salt: "0123456789abcdef" }]) {
            assert.deepEqual({ salt: undefined, ...sum }, type.parse(type.serialize(sum)));
          }
        }),
        { numRuns: 50 },
      );
      const texts = ["", "+1", "01", "-0", "1.0", "1e3", " 1", "1 ", "1 x", "x", "1".repeat(81)];
      const payloads = texts.map((text) => new TextEncoder().encode(text));
      for (const bytes of [...payloads, new Uint8Array([0xff])]) {
        assert.throws(() => type.parse(bytes), SerializeError);
      }
    }));
});

/** The type of what a counter stages. */
async function stagedBy(tx: Awaited<ReturnType<Database["newTransaction"]>>) {
  await (await tx.getStore(Counter, NAME)).add(1);
  const { type } = tx.stores.get(NAME)!;
  return { type: type! };
}
