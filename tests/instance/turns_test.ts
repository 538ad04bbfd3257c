/**
 * Work that goes on takes turns with everything else: whatever is awaited again and again, or takes long,
 * leaves timers, sockets and aborts their time.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import { describe, it } from "node:test";
import {
  Database,
  DocStore,
  Entry,
  type ID,
  Instance,
  NewUser,
  Snapshot,
  Table,
  type User,
} from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { loadSnapshot } from "../../src/backend/snapshot_load.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { SHARED_TURN, TURN_MS } from "../../src/util/turns.ts";
import { withFolder } from "./places.ts";

/** How long a timer may be kept waiting before a test gives up, in milliseconds. */
const PATIENCE_MS = 30_000;
/** How many rows, entries or steps work has that must give turns in between. */
const MANY = 40;

/** Awaits `step` again and again until `isDone`; fails if that never comes. */
async function until(isDone: () => boolean, step: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  while (!isDone()) {
    assert.ok(performance.now() - start < PATIENCE_MS, "nothing else has its turn");
    await step();
  }
}

/** Awaits `step` again and again until a timer has fired. */
async function untilTimer(step: () => Promise<unknown>): Promise<void> {
  let isFired = false;
  setTimeout(() => isFired = true, 20);
  await until(() => isFired, step);
}

/** The clock of the process, which the tests let run ahead. */
const clock = { ahead: 0, isFast: false };
const realNow = performance.now.bind(performance);
Object.defineProperty(performance, "now", {
  value: () => {
    if (clock.isFast) clock.ahead += TURN_MS;
    return realNow() + clock.ahead;
  },
});

/** How many turns others have during `step`, with a clock that moves on by a turn at each look at it. */
async function turnsDuring(step: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const watch = () => {
    turns++;
    if (clock.isFast) setImmediate(watch);
  };
  clock.isFast = true;
  try {
    setImmediate(watch);
    await step();
    return turns;
  } finally {
    clock.isFast = false;
  }
}

/** Asserts that others have their turns between the many things that `step` does. */
async function assertFair(step: () => Promise<unknown>): Promise<void> {
  const turns = await turnsDuring(step);
  assert.ok(turns >= MANY, `others had ${turns} turns, expected ${MANY}`);
}

async function withDatabase(
  url: string,
  test: (database: Database, user: User, instance: Instance) => Promise<void>,
): Promise<void> {
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  try {
    await test(await user!.createDatabase({ name: "x" }), user!, instance);
  } finally {
    await instance.close();
  }
}

/** A database with a store of {@link MANY} commits and a table of as many rows. */
async function withMuch(
  test: (database: Database, user: User, instance: Instance) => Promise<void>,
): Promise<void> {
  await withDatabase("memory://", async (database, user, instance) => {
    for (let n = 0; n < MANY; n++) await commit(database, `k${n}`);
    await database.withTransaction(async (tx) => {
      const rows = await tx.getStore(Table, "rows");
      for (let n = 0; n < MANY; n++) await rows.set(`${n}`, { n });
    });
    await test(database, user, instance);
  });
}

async function commit(database: Database, key = "k"): Promise<void> {
  await database.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "a")).set(key, 1);
  });
}

/** The same entries, of which nothing is known yet. */
async function copies(database: Database): Promise<Entry[]> {
  return (await database.getAllEntries()).map((entry) => Entry.decode(entry.bytes));
}

/** The database in an engine that has read nothing but a snapshot. */
async function cold(instance: Instance, root: ID): Promise<Database> {
  const backend = new LocalBackend(memoryStorage());
  await loadSnapshot(backend, await instance.snapshotText());
  return await Database.open(await Instance.openBackend(backend.driver), root);
}

for (const kind of ["memory", "sqlite", "file"]) {
  it(`a timer fires while one commit after another is awaited (${kind})`, async () => {
    await withFolder(async (folder) => {
      const url = kind === "memory" ? "memory://" : `${kind}://${join(folder, "a")}`;
      await withDatabase(url, (database) => untilTimer(() => commit(database)));
    });
  });
}

describe("a timer fires while one call after another is awaited", () => {
  type Make = (database: Database, user: User, instance: Instance) => () => Promise<unknown>;
  const calls: Record<string, Make> = {
    "getStoreViewer": (database) => () => database.getStoreViewer(DocStore, "a"),
    "snapshot": (database) => () => database.snapshot(),
    "newTransaction": (database) => () => database.newTransaction(),
    "an empty transaction": (database) => () => database.withTransaction(() => {}),
    "getRoot": (database) => () => database.getRoot(),
    "getName": (database) => () => database.getName(),
    "idsAdded": (database) => () => database.idsAdded(Snapshot.EMPTY, Snapshot.EMPTY),
    "verify": (database) => () => database.verify(),
    "onWrite": (database) => async () => (await database.onWrite(() => {}))[Symbol.dispose](),
    "currentPermission": (database) => () => database.currentPermission(),
    "openDatabase": ({ rootId }, user) => () => user.openDatabase(rootId),
    "databases": (_database, user) => () => user.databases(),
    "hasEntry": ({ rootId }, _user, instance) => () => instance.hasEntry(rootId),
    "hasDatabase": ({ rootId }, _user, instance) => () => instance.hasDatabase(rootId),
    "the status of an entry": ({ rootId }, _user, { backend }) => () =>
      backend.getVerificationStatus(rootId),
    "allRoots": (_database, _user, { backend }) => () => backend.allRoots(),
    "the records of the instance": (_database, _user, { backend }) => () =>
      backend.getInstanceMetadata(),
  };
  for (const [name, make] of Object.entries(calls)) {
    it(name, () => withDatabase("memory://", async (...bed) => await untilTimer(make(...bed))));
  }

  it("reads", async () => {
    await withDatabase("memory://", async (database) => {
      await commit(database);
      const viewer = await database.getStoreViewer(DocStore, "a");
      await untilTimer(() => viewer.get("k"));
    });
  });

  it("changes of one transaction", async () => {
    await withDatabase("memory://", async (database) => {
      const tx = await database.newTransaction();
      const [doc, rows] = [await tx.getStore(DocStore, "a"), await tx.getStore(Table, "rows")];
      await untilTimer(() => tx.getStore(DocStore, "a"));
      await untilTimer(() => doc.set("k", 1));
      await untilTimer(() => rows.set("k", { n: 1 }));
      await untilTimer(() => rows.has("k"));
      await untilTimer(() => doc.getHeightStrategy());
    });
  });

  it("batches, and an abort is heard", async () => {
    await withDatabase("memory://", async (database, _user, instance) => {
      const entries = await database.getAllEntries();
      const signal = AbortSignal.timeout(20);
      const put = (options = {}) => instance.putRemoteEntries(database.rootId, entries, options);
      await until(() => signal.aborted, () => put());
      await assert.rejects(put({ signal }), { code: "Aborted", cause: signal.reason });
    });
  });
});

describe("others have their turns while one call takes long", () => {
  it("rows are searched, listed and counted", async () => {
    await withMuch(async (database) => {
      const rows = await database.getStoreViewer(Table, "rows");
      await assertFair(async () => await rows.search(() => true));
      await assertFair(async () => {
        for await (const _ of rows.entries());
      });
      await assertFair(() => rows.count());
      await assertFair(() => rows.invalidRows());
      const doc = await database.getStoreViewer(DocStore, "a");
      await assertFair(async () => {
        for await (const _ of doc.entries());
        for await (const _ of doc.keys());
      });
    });
  });

  it("a batch of entries is judged, and a tree is verified", async () => {
    await withMuch(async (database) => {
      const entries = await copies(database);
      const { instance } = await Instance.connectOrCreate("memory://", NewUser.passwordless("b"));
      const { rootId } = database;
      await assertFair(() => instance.putRemoteEntries(rootId, entries));
      await (instance.backend as LocalBackend).demoteToUnverified(rootId, rootId);
      await assertFair(async () => (await Database.open(instance, rootId)).verify());
      await instance.close();
    });
  });

  it("a history is folded, walked and listed", async () => {
    await withMuch(async (database, _user, instance) => {
      const works: ((database: Database) => Promise<unknown>)[] = [
        async (cold) => await (await cold.getStoreViewer(DocStore, "a")).get("k1"),
        async (cold) => await cold.idsAdded(Snapshot.of([cold.rootId]), await cold.snapshot()),
        (cold) => cold.getAllEntries(),
      ];
      for (const work of works) {
        const other = await cold(instance, database.rootId);
        await assertFair(() => work(other));
      }
    });
  });

  it("a snapshot is written and read", async () => {
    await withMuch(async (_database, _user, instance) => {
      let text = "";
      await assertFair(async () => text = await instance.snapshotText());
      await assertFair(() => loadSnapshot(new LocalBackend(memoryStorage()), text));
    });
  });

  it("many commit at once", async () => {
    await withDatabase("memory://", async (database) => {
      const turns = await turnsDuring(async () => {
        await Promise.all(Array.from({ length: MANY }, (_, n) => commit(database, `k${n}`)));
      });
      assert.ok(turns >= MANY / SHARED_TURN, `${turns} turns`);
    });
  });
});
