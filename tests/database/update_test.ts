import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, DocStore, Instance, NewUser, type Transaction } from "../../mod.ts";
import { Lanes } from "../../src/instance/lanes.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { SHARED_STORAGES, urlOf, whyNot } from "../helpers/shared.ts";
import { failing } from "../instance/places.ts";
import { hasCode, withDb } from "./bed.ts";

const raise = async (tx: Transaction) => {
  const store = await tx.getStore(DocStore, "s");
  const count = Number(await store.getOption("count") ?? 0) + 1;
  await store.set("count", count);
  return count;
};

const countOf = async (db: Database) =>
  await (await db.getStoreViewer(DocStore, "s")).getInt("count");

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

async function commitLater(transaction: Transaction, moments: number): Promise<void> {
  for (let moment = 0; moment < moments; moment++) await undefined;
  await transaction.commit();
}

describe("update", () => {
  it("00§C8 fifty concurrent increments all count, in order, and make no branch", () =>
    withDb(async ({ db }) => {
      const counts = await Promise.all(times(50, () => db.update(raise)));
      assert.deepEqual(counts, times(50, (at) => at + 1));
      assert.equal(await countOf(db), 50);
      assert.equal((await db.snapshot()).tips.length, 1);
      for (const entry of await db.getAllEntries()) assert.ok(entry.parents.length <= 1);
    }));

  it("00§C8 without it, transactions from one state each write the same number", () =>
    withDb(async ({ db }) => {
      const forks = await Promise.all(times(50, () => db.newTransaction()));
      for (const tx of forks) {
        await raise(tx);
        await tx.commit();
      }
      assert.equal(await countOf(db), 1);
    }));

  it("00§C8 runs again when an ordinary commit was faster", () =>
    withDb(async ({ db }) => {
      let runs = 0;
      const seen: number[] = [];
      await db.update(async (tx) => {
        seen.push(await raise(tx));
        if (++runs === 1) await db.withTransaction(raise);
      });
      assert.deepEqual(seen, [1, 2]);
      assert.equal(await countOf(db), 2);
      assert.equal((await db.snapshot()).tips.length, 1);
    }));

  for (const kind of SHARED_STORAGES) {
    it(
      `00§C8 holds over instances that share one storage: ${kind}`,
      { skip: whyNot(kind) },
      async () => {
        const url = await urlOf(kind);
        const first = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
        const mine = await first.user!.createDatabase({ name: "shared" });
        const second = await Instance.connect(url);
        const theirs = await (await second.loginUser("ada")).openDatabase(mine.rootId);
        const counts = await Promise.all(times(20, (at) => (at % 2 ? mine : theirs).update(raise)));
        assert.deepEqual(counts.sort((a, b) => a - b), times(20, (at) => at + 1));
        assert.equal(await countOf(theirs), 20);
        assert.equal((await mine.snapshot()).tips.length, 1);
        await second.close();
        await first.instance.close();
      },
    );
  }

  it("counts once where a commit seems to fail and is done, alone or with that of somebody else", async () => {
    // The two commits share one of the storage if they are asked for in the same moment.
    for (let moments = 0; moments < 8; moments++) {
      const storage = memoryStorage();
      const view = failing(storage, -1);
      const { commit } = view;
      let seemsToFail = false;
      view.commit = async (batch) => {
        const result = await commit.call(view, batch);
        if (!seemsToFail) return result;
        seemsToFail = false;
        throw new Error("the connection was lost");
      };
      const { user } = await Instance.createBackend(view, NewUser.passwordless("ada"));
      const db = await user.createDatabase({ name: "x" });
      const other = await db.newTransaction();
      await (await other.getStore(DocStore, "s")).set("other", 1);
      let beside: Promise<unknown> | undefined;
      const update = db.update(async (tx) => {
        await raise(tx);
        beside ??= commitLater(other, moments).catch(() => undefined);
      });
      seemsToFail = true;
      await update.catch((error) => assert.match(String(error), /connection/));
      await beside;
      assert.equal(await countOf(db), 1, `${moments}`);
    }
  });

  it("an update that is overtaken every time ends with an error", () =>
    withDb(async ({ db }) => {
      let runs = 0;
      const failing = db.update(async (tx) => {
        runs++;
        await raise(tx);
        await db.withTransaction(raise);
      }, { maxAttempts: 5 });
      await assert.rejects(failing, hasCode("TooManyAttempts"));
      assert.equal(runs, 5);
      assert.equal(await countOf(db), 5);
    }));

  it("a failing change stores nothing, and the next one gets its turn", () =>
    withDb(async ({ db }) => {
      const failing = db.update(async (tx) => {
        await raise(tx);
        throw new Error("no");
      });
      const next = db.update(raise);
      await assert.rejects(failing, /^Error: no$/);
      assert.equal(await next, 1);
    }));

  it("hears an abort while it waits for its turn, and keeps nobody from theirs", () =>
    withDb(async ({ db }) => {
      const abort = new AbortController();
      const gate = Promise.withResolvers<void>();
      const first = db.update(async (tx) => {
        await gate.promise;
        return await raise(tx);
      });
      const second = db.update(raise, { signal: abort.signal });
      const third = db.update(raise);
      abort.abort(new Error("enough"));
      await assert.rejects(second, { code: "Aborted", message: /enough/ });
      gate.resolve();
      assert.deepEqual(await Promise.all([first, third]), [1, 2]);
    }));

  it("a write handler may update the database that it is told of", () =>
    withDb(async ({ db }) => {
      let left = 3;
      await db.onWrite(async () => {
        if (left-- > 0) await db.update(raise);
      });
      await db.update(raise);
      assert.equal(await countOf(db), 4);
    }));

  it("an explicit commit in the change is alone, too, and is not repeated", () =>
    withDb(async ({ db }) => {
      let runs = 0;
      const id = await db.update(async (tx) => {
        await raise(tx);
        if (++runs === 1) await db.withTransaction(raise);
        return await tx.commit();
      });
      assert.equal(runs, 2);
      assert.equal(await countOf(db), 2);
      assert.deepEqual((await db.snapshot()).tips.map(String), [String(id)]);
    }));
});

describe("transactions that stage nothing", () => {
  it("00§C9 commit nothing through withTransaction and update", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(raise);
      const before = (await db.getAllEntries()).length;
      let inside: Transaction | undefined;
      const result = await db.withTransaction(async (tx) => {
        inside = tx;
        return await (await tx.getStore(DocStore, "s")).getInt("count");
      });
      assert.equal(result, 1);
      assert.equal(inside!.id, undefined);
      assert.equal(await db.update(() => "nothing"), "nothing");
      assert.equal((await db.getAllEntries()).length, before);
    }));

  it("06#21 an explicit commit makes an entry that joins branches", () =>
    withDb(async ({ db }) => {
      const branches = [await db.newTransaction(), await db.newTransaction()];
      for (const [at, branch] of branches.entries()) {
        await (await branch.getStore(DocStore, "s")).set("branch", at);
        await branch.commit();
      }
      assert.equal((await db.snapshot()).tips.length, 2);
      const tx = await db.newTransaction();
      const id = await tx.commit();
      assert.ok(tx.id!.equals(id));
      assert.deepEqual((await db.snapshot()).tips.map(String), [String(id)]);
    }));

  it("the ID of what was committed is the transaction's, afterwards", () =>
    withDb(async ({ db }) => {
      const tx = await db.withTransaction(async (tx) => {
        await raise(tx);
        assert.equal(tx.id, undefined);
        return tx;
      });
      assert.deepEqual((await db.snapshot()).tips.map(String), [String(tx.id)]);
    }));
});

describe("lanes", () => {
  it("pass over work that keeps its turn for too long", async () => {
    const lanes = new Lanes(5);
    let end = () => {};
    const stuck = lanes.run("a", () => new Promise<void>((resolve) => end = resolve));
    const ran: string[] = [];
    const note = (name: string) => () => Promise.resolve(void ran.push(name));
    await Promise.all([lanes.run("a", note("next")), lanes.run("a", note("last"))]);
    assert.deepEqual(ran, ["next", "last"]);
    end();
    await stuck;
    await lanes.run("a", note("later"));
    assert.equal(ran.length, 3);
  });

  it("let others begin when work leaves before its end", async () => {
    const lanes = new Lanes();
    const ran: string[] = [];
    let end = () => {};
    const first = lanes.run("a", async (leave) => {
      leave();
      await new Promise<void>((resolve) => end = resolve);
      ran.push("first");
    });
    await lanes.run("a", () => Promise.resolve(void ran.push("second")));
    end();
    await first;
    assert.deepEqual(ran, ["second", "first"]);
  });
});
