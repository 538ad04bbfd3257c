import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Database,
  DocStore,
  EideticaError,
  ID,
  Instance,
  NewUser,
  type User,
  type WriteCallback,
  type WriteEvent,
} from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { failing, hasCode, withFolder } from "./places.ts";

async function commit(db: Database, key: string): Promise<ID> {
  const tx = await db.newTransaction();
  await (await tx.getStore(DocStore, "s")).set(key, "v");
  return await tx.commit();
}

const never = (): Promise<void> => new Promise(() => {});

async function withDb(
  test: (bed: { instance: Instance; user: User; db: Database }) => Promise<void>,
): Promise<void> {
  const { instance, user } = await Instance.createBackend(
    memoryStorage(),
    NewUser.passwordless("ada"),
  );
  try {
    await test({ instance, user, db: await user.createDatabase({ name: "x" }) });
  } finally {
    await instance.close();
  }
}

/** Waits until a condition holds; the test's own time limit ends it otherwise. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("handlers that misbehave", () => {
  it("07 §10.4 one that never settles holds up its own commit alone, until the instance closes", () =>
    withDb(async ({ instance, user, db }) => {
      const other = await user.createDatabase({ name: "other" });
      const seen: number[] = [];
      await db.onWrite(() => seen.length === 0 ? never() : undefined);
      await db.onWrite((event) => void seen.push(event.entries.length));
      let settled = false;
      const stuck = commit(db, "stuck").then(() => settled = true);
      await until(() => seen.length === 1);
      assert.equal((await db.getAllEntries()).length, 2, "the entry is durable");
      await commit(db, "next");
      await commit(other, "elsewhere");
      assert.deepEqual([seen, settled], [[1, 1], false]);
      await instance.close();
      assert.equal(await stuck, true, "nobody is waited for any longer");
    }));

  it("07 §10.6 one that closes the instance does so after what was begun", async () => {
    for (const wait of [true, false]) {
      const storage = memoryStorage();
      const made = await Instance.createBackend(failing(storage, -1), NewUser.passwordless("ada"));
      const db = await made.user.createDatabase({ name: "x" });
      const heard: string[] = [];
      await db.onWrite(async () => {
        heard.push("first");
        const closing = made.instance.close();
        if (wait) await closing;
      });
      await db.onWrite((event) => void heard.push(`second ${event.entries.length}`));
      const ids = await Promise.all([commit(db, "a"), commit(db, "b")]);
      await made.instance.close();
      assert.deepEqual(heard.filter((text) => text === "second 1").length, 2);
      const again = await Instance.openBackend(storage);
      for (const id of ids) assert.ok(await again.hasEntry(id), "what was confirmed is there");
      await again.close();
    }
  });

  it("00 §C1 one that is released while an event runs, by itself or another, is called once more at most", () =>
    withDb(async ({ db }) => {
      const calls = [0, 0, 0];
      const handles: WriteCallback[] = [];
      for (let at = 0; at < 3; at++) {
        handles.push(
          await db.onWrite(() => {
            calls[at]!++;
            if (at === 1) { for (const handle of handles) handle[Symbol.dispose](); }
          }),
        );
      }
      await commit(db, "a");
      await commit(db, "b");
      assert.deepEqual(calls.slice(0, 2), [1, 1]);
      assert.ok(calls[2]! <= 1);
    }));

  it("00 §C1 no handler can change the event that the others get", () =>
    withDb(async ({ db }) => {
      const counts: number[] = [];
      await db.onWrite((event) => void (event.entries as unknown[]).pop());
      await db.onWrite((event) => void Object.assign(event, { source: "mine" }));
      await db.onWrite((event) => void counts.push(event.entries.length, event.source.length));
      await commit(db, "a");
      assert.deepEqual(counts, [1, "local".length]);
    }));

  it("06#58 the errors of handlers are reported to the log, and to nobody else", () =>
    withDb(async ({ db }) => {
      const { setLogSink } = await import("../../mod.ts");
      const errors: unknown[] = [];
      setLogSink((level, _category, _template, fields) => {
        if (level === "error") errors.push((fields.error as Error).message);
      });
      try {
        await db.onWrite(() => {
          throw new Error("thrown");
        });
        await db.onWrite(() => Promise.reject(new Error("rejected")));
        await commit(db, "a");
      } finally {
        setLogSink(undefined);
      }
      assert.deepEqual(errors, ["thrown", "rejected"]);
    }));

  it("06#65 a commit whose tips cannot be read fails, fires nothing, and the next one is whole", async () => {
    const storage = memoryStorage();
    const view = failing(storage, -1);
    let broken = false;
    const { instance, user } = await Instance.createBackend(
      {
        ...view,
        capabilities: { ...storage.capabilities, multiWriter: true },
        get: (key) =>
          broken ? Promise.reject(new Error("unreadable, for this test")) : view.get(key),
      },
      NewUser.passwordless("ada"),
    );
    const db = await user.createDatabase({ name: "x" });
    const events: WriteEvent[] = [];
    await db.onWrite((event) => void events.push(event));
    const tx = await db.newTransaction();
    await (await tx.getStore(DocStore, "s")).set("a", 1);
    instance.host.backend.trees.forget(db.rootId);
    broken = true;
    await assert.rejects(tx.commit(), /unreadable/);
    broken = false;
    assert.equal(events.length, 0);
    const id = await commit(db, "b");
    assert.deepEqual(events.map((event) => event.entries.map(String).length), [1]);
    assert.ok(events[0]!.postTips.contains(id) && events[0]!.previousTips.contains(db.rootId));
    await instance.close();
  });
});

describe("many handlers", () => {
  it("10,000 on one tree are called in the order of their registration, and released", () =>
    withDb(async ({ db }) => {
      const order: number[] = [];
      const handles = await Promise.all(
        Array.from({ length: 10_000 }, (_, at) => db.onWrite(() => void order.push(at))),
      );
      await commit(db, "a");
      assert.equal(order.length, 10_000);
      assert.ok(order.every((number, at) => number === at));
      for (const handle of handles.slice(1)) handle[Symbol.dispose]();
      await commit(db, "b");
      assert.deepEqual(order.slice(10_000), [0]);
    }));

  it("00 §C1 asynchronous parts of 10,000 are all awaited by the commit", () =>
    withDb(async ({ db }) => {
      let ended = 0;
      await Promise.all(Array.from({ length: 10_000 }, () =>
        db.onWrite(async () => {
          await undefined;
          ended++;
        })));
      await commit(db, "a");
      assert.equal(ended, 10_000);
    }));

  it(
    "07#43 200 trees with a handler each hear of their own writes alone",
    { timeout: 120_000 },
    () =>
      withDb(async ({ user }) => {
        const heard = new Map<string, string[]>();
        const trees: Database[] = [];
        for (let at = 0; at < 200; at++) trees.push(await user.createDatabase({}));
        for (const db of trees) {
          heard.set(`${db.rootId}`, []);
          await db.onWrite((event, database) => {
            heard.get(`${db.rootId}`)!.push(`${database.rootId} ${event.entries[0]!.id}`);
          });
        }
        const ids = await Promise.all(trees.map((db) => commit(db, "a")));
        for (const [at, db] of trees.entries()) {
          assert.deepEqual(heard.get(`${db.rootId}`), [`${db.rootId} ${ids[at]}`]);
        }
      }),
  );

  it("07#43 a slow handler of one tree does not delay another tree", () =>
    withDb(async ({ user, db }) => {
      const other = await user.createDatabase({ name: "other" });
      let release = (): void => {};
      await db.onWrite(() => new Promise((resolve) => release = resolve));
      const slow = commit(db, "a");
      await commit(other, "b");
      release();
      await slow;
    }));
});

describe("closing", () => {
  it("what was begun is finished, durable and told; what comes later is InstanceDropped", () =>
    withFolder(async (folder) => {
      for (
        const url of [`sqlite://${join(folder, "x.db")}`, `memory://${join(folder, "s.json")}`]
      ) {
        const { instance, user } = await Instance.connectOrCreate(
          url,
          NewUser.passwordless("ada"),
        );
        const db = await user!.createDatabase({ name: "x" });
        let told = 0;
        await db.onWrite((event) => void (told += event.entries.length));
        const transactions = await Promise.all(Array.from({ length: 20 }, async (_, at) => {
          const tx = await db.newTransaction();
          await (await tx.getStore(DocStore, "s")).set(`k${at}`, at);
          return tx;
        }));
        const results = Promise.allSettled(transactions.map((tx) => tx.commit()));
        // Some of them get as far as the queue of writes, the others do not.
        for (let tick = 0; told === 0 && tick < 1000; tick++) await undefined;
        await Promise.all([instance.close(), instance.close()]);
        const settled = await results;
        const ids = settled.flatMap((result) =>
          result.status === "fulfilled" ? [result.value] : []
        );
        for (const result of settled) {
          if (result.status === "rejected") assert.ok(hasCode("InstanceDropped")(result.reason));
        }
        assert.equal(told, ids.length);
        const again = await Instance.connect(url);
        for (const id of ids) assert.ok(await again.hasEntry(id));
        await again.close();
      }
    }));

  it("07 §1, 13 §2 every handle of a closed instance says InstanceDropped", () =>
    withDb(async ({ instance, user, db }) => {
      await commit(db, "k");
      const tx = await db.newTransaction();
      await (await tx.getStore(DocStore, "s")).set("more", 1);
      const viewer = await db.getStoreViewer(DocStore, "s");
      const admin = await user.admin();
      const watch = await db.onWrite(() => {});
      const [entry] = await db.getAllEntries();
      await instance.close();
      await instance.close();
      const put = { verification: "Unverified", source: "remote" } as const;
      const uses: (() => unknown)[] = [
        () => instance.backend,
        () => instance.loginUser("ada"),
        () => instance.hasEntry(db.rootId),
        () => instance.hasDatabase(db.rootId),
        () => instance.putEntry(db.rootId, entry!, put),
        () => instance.putRemoteEntries(db.rootId, [entry!]),
        () => instance.flush(),
        () => instance.snapshotToPath("/nowhere"),
        () => instance.snapshotText(),
        () => user.createDatabase({ name: "y" }),
        () => user.openDatabase(db.rootId),
        () => user.databases(),
        () => user.addPrivateKey(),
        () => user.isAdmin(),
        () => user.backend,
        () => admin.listUsers(),
        () => admin.createUser(NewUser.passwordless("bob")),
        () => db.snapshot(),
        () => db.getAllEntries(),
        () => db.newTransaction(),
        () => db.verify(),
        () => db.onWrite(() => {}),
        () => tx.commit(),
        () => viewer.getAll(),
      ];
      for (const use of uses) {
        await assert.rejects(async () => await use(), hasCode("InstanceDropped"), `${use}`);
      }
      watch[Symbol.dispose]();
      assert.equal(instance.isClosed, true);
      assert.equal(instance.downgrade().upgrade(), undefined);
      assert.ok(instance.id.toString().startsWith("ed25519:"), "what is in memory can be read");
    }));

  it("13 §2 `await using` closes; an instance that is closed twice is closed once", async () => {
    const { instance } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
    await instance[Symbol.asyncDispose]();
    assert.equal(instance.isClosed, true);
    const id = ID.ofDagCbor(new Uint8Array([0]));
    await assert.rejects(instance.hasEntry(id), (error) => {
      return error instanceof EideticaError && error.code === "InstanceDropped";
    });
  });

  it("07 §10.1 a registration says what it is, and survives its instance", () =>
    withDb(async ({ instance, db }) => {
      const { inspect } = await import("node:util");
      const handle = await db.onWrite(() => {});
      assert.equal(inspect(handle), `WriteCallback(${db.rootId}, registered)`);
      handle.detach();
      assert.equal(String(handle), `WriteCallback(${db.rootId}, detached)`);
      handle[Symbol.dispose]();
      assert.equal(String(handle), `WriteCallback(${db.rootId}, detached)`);
      const other = await db.onWrite(() => {});
      await instance.close();
      other[Symbol.dispose]();
    }));
});
