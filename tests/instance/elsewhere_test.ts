import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Database,
  DocStore,
  Instance,
  NewUser,
  type Snapshot,
  type WriteEvent,
} from "../../mod.ts";
import { SHARED_STORAGES, urlOf, whyNot } from "../helpers/shared.ts";
import { runProcess } from "./places.ts";

const commit = (db: Database, key: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, "v"));
const idsOf = (event: WriteEvent): string[] => event.entries.map((entry) => `${entry.id}`);

/** What a handler has heard, and a way to wait for more. */
class Heard {
  readonly events: WriteEvent[] = [];
  #wake = (): void => {};

  async listen(db: Database): Promise<this> {
    (await db.onWrite((event) => {
      this.events.push(event);
      this.#wake();
    })).detach();
    return this;
  }

  /** Waits until this many entries were told; the test's time limit ends it otherwise. */
  async entries(count: number): Promise<void> {
    const keepAlive = setInterval(() => {}, 1000);
    while (this.events.flatMap(idsOf).length < count) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    clearInterval(keepAlive);
  }

  assertLaw(start: Snapshot, end: Snapshot, wanted: readonly string[]): void {
    const last = this.events.reduce((before, event) => {
      assert.ok(event.previousTips.equals(before), "brackets join");
      return event.postTips;
    }, start);
    assert.ok(last.equals(end));
    assert.deepEqual(this.events.flatMap(idsOf).sort(), [...wanted].sort(), "exactly once");
  }
}

/** Two instances on one storage, as two processes would have it, and what the first one hears. */
async function withTwo(
  url: string,
  test: (mine: Database, theirs: Database, heard: Heard) => Promise<void>,
): Promise<void> {
  const first = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const mine = await first.user!.createDatabase({ name: "shared" });
  const second = await Instance.connect(url);
  try {
    const theirs = await (await second.loginUser("ada")).openDatabase(mine.rootId);
    await test(mine, theirs, await new Heard().listen(mine));
  } finally {
    await first.instance.close();
    await second.close();
  }
}

/** Another process's write is an event of its own, also where a local commit is the first to meet it. */
async function checkSources(url: string): Promise<void> {
  await withTwo(url, async (mine, theirs, heard) => {
    const start = await mine.snapshot();
    await commit(theirs, "alone");
    await heard.entries(1);
    for (let round = 0; round < 10; round++) {
      await commit(theirs, `theirs ${round}`);
      if (round % 2 === 0) await commit(theirs, `theirs again ${round}`);
      await commit(mine, `mine ${round}`);
    }
    await heard.entries(26);
    const all = await mine.getAllEntries();
    heard.assertLaw(start, await mine.snapshot(), all.slice(1).map(({ id }) => `${id}`));
    const local = heard.events.filter(({ source }) => source === "local");
    assert.deepEqual(local.map(({ entries }) => entries.length), Array(10).fill(1));
    for (const { source, entries } of heard.events) {
      for (const entry of entries) {
        const key = String([...await keysOf(entry)][0]);
        assert.equal(key.startsWith("mine") ? "local" : "remote", source, key);
      }
    }
  });
}

/** Keys that an entry of this test writes. */
function keysOf(entry: WriteEvent["entries"][number]): string[] {
  const text = new TextDecoder().decode(entry.data("s"));
  return Object.keys((JSON.parse(text) as { children: object }).children);
}

/** Real processes that write at the same time as this one. */
async function checkProcesses(url: string): Promise<void> {
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  try {
    const db = await user!.createDatabase({ name: "shared" });
    const start = await db.snapshot();
    const heard = await new Heard().listen(db);
    const others = ["a", "b"].map((name) => runProcess("writer_main.ts", url, name, "15"));
    const mine = (async () => {
      for (let at = 0; at < 10; at++) await commit(db, `mine ${at}`);
    })();
    await Promise.all([...others, mine]);
    await heard.entries(40);
    const all = (await db.getAllEntries()).slice(1);
    heard.assertLaw(start, await db.snapshot(), all.map(({ id }) => `${id}`));
    const local = heard.events.filter(({ source }) => source === "local");
    assert.equal(local.flatMap(idsOf).length, 10);
    assert.ok(local.every(({ entries }) => keysOf(entries[0]!)[0]!.startsWith("mine")));
  } finally {
    await instance.close();
  }
}

/** Many trees with a handler each, some of which another process writes to. */
async function checkManyTrees(url: string): Promise<void> {
  const first = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const second = await Instance.connect(url);
  const heard: string[] = [];
  let wake = (): void => {};
  const trees: Database[] = [];
  for (let at = 0; at < 100; at++) {
    const db = await first.user!.createDatabase({});
    await db.onWrite((event, { rootId }) => {
      heard.push(`${event.source} ${rootId}`);
      wake();
    });
    trees.push(db);
  }
  const them = await second.loginUser("ada");
  const wanted = [0, 7, 50, 99].map((at) => trees[at]!.rootId);
  for (const root of wanted) await commit(await them.openDatabase(root), "theirs");
  const keepAlive = setInterval(() => {}, 1000);
  while (heard.length < wanted.length) await new Promise<void>((resolve) => wake = resolve);
  clearInterval(keepAlive);
  assert.deepEqual([...heard].sort(), wanted.map((root) => `remote ${root}`).sort());
  await first.instance.close();
  await second.close();
}

/** Runs a test on each storage that several processes can open. */
function onEachStorage(title: string, test: (url: string) => Promise<void>): void {
  for (const kind of SHARED_STORAGES) {
    it(`${title}, on ${kind}`, { skip: whyNot(kind), timeout: 120_000 }, async () => {
      await test(await urlOf(kind));
    });
  }
}

describe("writes of other processes", () => {
  onEachStorage("00 §C2 are remote events, apart from local ones", checkSources);
  onEachStorage("00 §C2 reach the handlers of the right trees among many", checkManyTrees);
  onEachStorage("00 §C2 of real processes are told exactly once, as remote", checkProcesses);
});
