import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import {
  Database,
  DocStore,
  Entry,
  Instance,
  NewUser,
  type PrivateKey,
  type Snapshot,
  type WriteEvent,
} from "../../mod.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { failing, withFolder } from "./places.ts";
import { cases, timeLimit } from "../helpers/thorough.ts";

const ada = NewUser.passwordless("ada");

async function commit(db: Database, key: string, at?: Snapshot): Promise<void> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await (await tx.getStore(DocStore, "s")).set(key, "v");
  await tx.commit();
}

/** One thing that happens to a database. */
type Step =
  | { readonly kind: "commit"; readonly stale: boolean }
  | { readonly kind: "batch"; readonly from: number; readonly size: number }
  | { readonly kind: "bare"; readonly from: number }
  | { readonly kind: "verify" }
  | { readonly kind: "elsewhere"; readonly times: number }
  | { readonly kind: "wait" }
  | { readonly kind: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("commit"), stale: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("batch"),
      from: fc.nat(200),
      size: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("bare"), from: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("verify") }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("elsewhere"), times: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart") }) },
) as fc.Arbitrary<Step>;

/** A database with branches, made elsewhere, whose entries arrive in batches. */
interface Source {
  readonly instance: Instance;
  readonly root: Database["rootId"];
  readonly key: PrivateKey;
  readonly entries: readonly Entry[];
}

async function makeSource(): Promise<Source> {
  const { instance, user } = await Instance.createBackend(memoryStorage(), ada);
  const db = await user.createDatabase({ name: "law" });
  for (let round = 0; round < 12; round++) {
    const at = await db.snapshot();
    await Promise.all([1, 2, 3].map((writer) => commit(db, `${round} ${writer}`, at)));
  }
  const entries = (await db.getAllEntries()).map((entry) => Entry.decode(entry.bytes));
  return { instance, root: db.rootId, key: user.signingKey(user.defaultKey()), entries };
}

/** A handler that remembers where it stands, over restarts of its instance. */
class Consumer {
  readonly #told: string[] = [];
  #cursor: Snapshot;

  constructor(cursor: Snapshot) {
    this.#cursor = cursor;
  }

  async listen(db: Database): Promise<void> {
    let last = this.#cursor;
    (await db.onWrite((event: WriteEvent) => {
      assert.ok(event.previousTips.equals(last), "the bracket joins the one before");
      assert.ok(event.entries.length > 0, "no event is empty");
      last = this.#cursor = event.postTips;
      this.#told.push(...event.entries.map(({ id }) => `${id}`));
    }, { at: this.#cursor })).detach();
  }

  assertComplete(end: Snapshot, wanted: readonly string[]): void {
    assert.ok(this.#cursor.equals(end), "the last bracket ends at the frontier");
    assert.deepEqual([...this.#told].sort(), [...wanted].sort(), "each entry exactly once");
  }
}

/** Everything that a run of steps works on. */
class World {
  readonly #source: Source;
  readonly #open: () => Promise<StorageDriver>;
  readonly #consumers: Consumer[] = [];
  #instance!: Instance;
  #other: Instance | undefined;
  #pending: Promise<unknown>[] = [];
  #count = 0;

  constructor(source: Source, open: () => Promise<StorageDriver>) {
    this.#source = source;
    this.#open = open;
  }

  get #db(): Promise<Database> {
    return this.#handleOn(this.#instance);
  }

  async #handleOn(instance: Instance): Promise<Database> {
    return (await Database.open(instance, this.#source.root)).withKey(this.#source.key);
  }

  async run(steps: readonly Step[], shared: boolean): Promise<void> {
    this.#instance = (await Instance.createBackend(await this.#open(), ada)).instance;
    if (shared) this.#other = await Instance.openBackend(await this.#open());
    await this.#instance.putRemoteEntries(this.#source.root, [this.#source.entries[0]!]);
    await this.#addConsumer();
    for (const each of steps) {
      await this.#begin(each);
      if (each.kind === "wait") await this.#settle();
    }
    await this.#finish();
  }

  async #addConsumer(): Promise<void> {
    const db = await this.#db;
    const consumer = new Consumer(await db.snapshot());
    await consumer.listen(db);
    this.#consumers.push(consumer);
  }

  async #begin(each: Step): Promise<void> {
    const db = await this.#db;
    const { entries, root } = this.#source;
    switch (each.kind) {
      case "commit": {
        const at = each.stale ? await db.snapshot() : undefined;
        this.#pending.push(commit(db, `local ${this.#count++}`, at));
        break;
      }
      case "batch": {
        const from = each.from % entries.length;
        const batch = entries.slice(from, from + each.size).reverse();
        this.#pending.push(this.#instance.putRemoteEntries(root, batch));
        break;
      }
      case "bare":
        await this.#instance.backend.put(entries[each.from % entries.length]!);
        break;
      case "verify":
        this.#pending.push(db.verify());
        break;
      case "elsewhere":
        this.#pending.push(this.#commitElsewhere(each.times));
        break;
      case "restart":
        await this.#restart();
        break;
    }
  }

  /** Several commits of the other process, with time for anything else in between. */
  async #commitElsewhere(times: number): Promise<void> {
    if (this.#other === undefined) return;
    const db = await this.#handleOn(this.#other);
    for (let time = 0; time < times; time++) {
      await commit(db, `there ${this.#count++}`);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
  }

  async #restart(): Promise<void> {
    await this.#settle();
    await this.#instance.close();
    if (this.#other !== undefined) await commit(await this.#handleOn(this.#other), "meanwhile");
    this.#instance = await Instance.openBackend(await this.#open());
    const db = await this.#db;
    for (const consumer of this.#consumers) await consumer.listen(db);
  }

  async #finish(): Promise<void> {
    await this.#settle();
    const db = await this.#db;
    await this.#instance.putRemoteEntries(this.#source.root, this.#source.entries);
    await commit(db, "last");
    const end = await db.snapshot();
    const all = (await db.getAllEntries()).slice(1).map(({ id }) => `${id}`);
    for (const consumer of this.#consumers) consumer.assertComplete(end, all);
    await this.#instance.close();
    await this.#other?.close();
  }
}

/** A view of a storage that takes few entries per commit, so that batches need several. */
function narrow(storage: StorageDriver): StorageDriver {
  const capabilities = { ...storage.capabilities, maxBatchChanges: 5 * 16 };
  const view: StorageDriver = {
    name: storage.name,
    capabilities,
    get: (key) => storage.get(key),
    getMany: (keys) => storage.getMany(keys),
    list: (range) => storage.list(range),
    commit: (batch) => storage.commit(batch),
    close: () => storage.close(),
  };
  if (storage.changeToken !== undefined) view.changeToken = () => storage.changeToken!();
  if (storage.watch !== undefined) view.watch = (keys, changed) => storage.watch!(keys, changed);
  return view;
}

describe("the bracket law", () => {
  it("00 §C1 holds under concurrent writers, batches in any order, and restarts", {
    timeout: timeLimit(240_000),
  }, async () => {
    const source = await makeSource();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const storage = memoryStorage();
        const lasting = () => Promise.resolve(narrow(failing(storage, -1)));
        await new World(source, lasting).run(steps, false);
      }),
      { numRuns: cases(60) },
    );
    await source.instance.close();
  });

  it(
    "00 §C2 holds while another process writes to the same file",
    { timeout: timeLimit(240_000) },
    async () => {
      const source = await makeSource();
      await withFolder(async (folder) => {
        let file = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
            const path = join(folder, `${file++}.db`);
            await new World(source, async () => narrow(await sqliteStorage(path))).run(steps, true);
          }),
          { numRuns: cases(25) },
        );
      });
      await source.instance.close();
    },
  );
});
