/** What a storage takes in one commit bounds passes and batches by their keys, not by their entries (06 §7). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { DelegatedTreeRef, type Entry, type ID, Permission, ready, SigKey } from "../../mod.ts";
import { BACKLOG_LIMITS } from "../../src/backend/backlog/limits.ts";
import type { ChangeSize } from "../../src/backend/records/commit_room.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { WriteCoordinator } from "../../src/instance/write_coordinator.ts";
import { type Batch, KEY_OVERHEAD_BYTES, type StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { StorageError } from "../../src/util/errors.ts";
import { newStorage, STORAGE } from "../helpers/storages.ts";
import { craft, delegating, granting, keyOf, PAYLOAD, rootOf } from "../hostile/craft.ts";
import { Dice, entriesOf, newAuthor, randomHistory } from "../hostile/history.ts";
import { statuses } from "./backlog_bed.ts";
import { cases } from "../helpers/thorough.ts";

/** What Deno KV takes. */
const LIKE_DENO_KV = { maxBatchChanges: 1000, maxBatchKeyBytes: 80_000 };
/** More entries than that takes, even if each of them needs but one key. */
const WAITING = 1100;

function sizeOf({ set = [], delete: remove = [] }: Batch): ChangeSize {
  const keys = [...set.map(([key]) => key), ...remove];
  return { keys: keys.length, bytes: keys.reduce((sum, key) => sum + key.length, 0) };
}

/** A storage that takes so much in one commit. */
function limited(storage: StorageDriver, limits = LIKE_DENO_KV): StorageDriver {
  return {
    name: storage.name,
    capabilities: { ...storage.capabilities, ...limits },
    get: (key) => storage.get(key),
    getMany: (keys) => storage.getMany(keys),
    list: (range) => storage.list(range),
    commit: async (batch) => {
      const { keys, bytes } = sizeOf(batch);
      const isTooLarge = keys > limits.maxBatchChanges ||
        bytes + KEY_OVERHEAD_BYTES * keys > limits.maxBatchKeyBytes;
      if (isTooLarge) throw new StorageError("TooLarge", `${keys} keys of ${bytes} bytes`);
      return await storage.commit(batch);
    },
    close: () => storage.close(),
  };
}

interface Bed {
  readonly backend: LocalBackend;
  readonly writes: WriteCoordinator;
  /** How many commits the storage has refused. */
  readonly refused: () => number;
  readonly close: () => Promise<void>;
}

/** A node on a storage with small commits: the real one, where the suite runs on it. */
async function smallNode(limits = LIKE_DENO_KV): Promise<Bed> {
  await ready();
  const isReal = STORAGE === "deno-kv" && limits === LIKE_DENO_KV;
  return nodeOn(isReal ? await newStorage() : limited(memoryStorage(), limits));
}

function nodeOn(driver: StorageDriver): Bed {
  let refused = 0;
  const commit = async (batch: Batch) => {
    try {
      return await driver.commit(batch);
    } catch (error) {
      if (error instanceof StorageError && error.code === "TooLarge") refused++;
      throw error;
    }
  };
  const counted: StorageDriver = {
    name: driver.name,
    capabilities: driver.capabilities,
    get: (key) => driver.get(key),
    getMany: (keys) => driver.getMany(keys),
    list: (range) => driver.list(range),
    commit,
    close: () => driver.close(),
  };
  const backend = new LocalBackend(counted, BACKLOG_LIMITS);
  const writes = new WriteCoordinator(backend);
  const close = async () => {
    await writes.close();
    await backend.close();
  };
  return { backend, writes, refused: () => refused, close };
}

const KEY = 1;

function newRoot(settings?: string, entropy = 1n): Entry {
  const key = keyOf(KEY);
  const listed = granting({ [`${key.publicKey}`]: Permission.admin(0) });
  return rootOf(key, settings ?? listed, entropy);
}

/** A valid entry on some others, in stores of these names, where nothing is below it. */
function on(root: Entry, parents: readonly Entry[], stores: readonly string[] = []): Entry {
  const payloads = Object.fromEntries(stores.map((name) => [name, { data: PAYLOAD }]));
  return craft({ root: root.id, parents, pin: [root.id], key: keyOf(KEY), stores: payloads });
}

/** As many store names, which nobody else uses. */
function names(label: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${label} ${at}`);
}

async function expectAll(bed: Bed, entries: readonly Entry[], status: string): Promise<void> {
  const found = await statuses(bed.backend, entries);
  assert.deepEqual([...new Set(found)], [status]);
}

describe("a storage with small commits", () => {
  for (const shape of ["on one entry", "on each other"]) {
    it(`06#41 settles 60 entries of 40 stores each, ${shape}, that come children first`, async () => {
      const bed = await smallNode();
      const root = newRoot();
      const last = on(root, [root]);
      const made: Entry[] = [last];
      for (let at = 0; at < 60; at++) {
        const parent = shape === "on one entry" ? last : made.at(-1)!;
        made.push(on(root, [parent], names(`${at}`, 40)));
      }
      await bed.writes.putRemoteEntries(root.id, [root]);
      for (const entry of made.slice(1).reverse()) {
        await bed.writes.putRemoteEntries(root.id, [entry]);
      }
      const report = await bed.writes.putRemoteEntries(root.id, [last]);
      assert.deepEqual([report.verified, report.rejected, report.unverified], [61, [], 0]);
      await expectAll(bed, made, "Verified");
      assert.equal(bed.refused(), 0);
      await bed.close();
    });
  }

  it("06#41 takes a batch of entries with many stores in parts that fit", async () => {
    const bed = await smallNode();
    const root = newRoot();
    const made = [root];
    for (let at = 0; at < 30; at++) made.push(on(root, [made.at(-1)!], names(`${at}`, 40)));
    const report = await bed.writes.putRemoteEntries(root.id, made);
    assert.deepEqual([report.verified, report.rejected], [31, []]);
    assert.equal(bed.refused(), 0);
    await bed.close();
  });

  for (const isValid of [true, false]) {
    const status = isValid ? "Verified" : "Failed";
    it(`06#41 one entry that ${WAITING} wait for wakes them all: they are ${status}`, async () => {
      const bed = await smallNode();
      const root = newRoot();
      const awaited = on(root, [root]);
      const made: Entry[] = [];
      for (let at = 0; at < WAITING; at++) {
        const parents = [awaited, ...made.slice(-1)];
        const lie = { root: root.id, parents, pin: [root.id], stores: {} };
        made.push(craft(isValid ? { ...lie, key: keyOf(KEY) } : lie));
      }
      await bed.writes.putRemoteEntries(root.id, [root]);
      await bed.writes.putRemoteEntries(root.id, made);
      await expectAll(bed, made, "Unverified");
      const refused = bed.refused();
      await bed.writes.putRemoteEntries(root.id, [awaited]);
      await expectAll(bed, made, status);
      assert.equal(bed.refused(), refused, "no pass is more than a commit takes");
      await bed.close();
    });
  }

  it("06#41 many entries that each wake many are settled in parts", async () => {
    const bed = await smallNode();
    const root = newRoot();
    const last = on(root, [root]);
    const middle: Entry[] = [];
    const ends: Entry[] = [];
    for (let at = 0; at < 60; at++) {
      const entry = on(root, [last, ...middle.slice(-1)]);
      middle.push(entry);
      for (let index = 0; index < 25; index++) {
        ends.push(on(root, [entry, ...ends.slice(-1)]));
      }
    }
    await bed.writes.putRemoteEntries(root.id, [root]);
    await bed.writes.putRemoteEntries(root.id, ends);
    await bed.writes.putRemoteEntries(root.id, middle);
    const refused = bed.refused();
    await bed.writes.putRemoteEntries(root.id, [last]);
    await expectAll(bed, [last, ...middle, ...ends], "Verified");
    assert.equal(bed.refused(), refused);
    await bed.close();
  });

  it("02#46 many entries of another database that come at once wake in parts who waits for them", async () => {
    const storage = limited(memoryStorage());
    await ready();
    const [here, there] = [nodeOn(storage), nodeOn(storage)];
    const key = keyOf(KEY);
    const team = newRoot();
    const theirs: Entry[] = [team];
    for (let at = 0; at < 600; at++) theirs.push(on(team, [theirs.at(-1)!]));
    const root = newRoot(undefined, 2n);
    const bounds = { max: Permission.write(0), min: undefined };
    const reference = new DelegatedTreeRef(bounds, { root: team.id, tips: [] });
    const stores = { _settings: { data: delegating(reference), parents: [root.id] } };
    const lent = craft({ root: root.id, parents: [root], pin: [root.id], key, stores });
    const claims: Entry[] = [];
    const through = (tip: ID) =>
      SigKey.delegation([{ tree: team.id, tips: [tip] }], { pubkey: key.publicKey });
    for (const { id } of theirs.slice(1)) {
      const parents = [lent];
      claims.push(craft({
        root: root.id,
        parents,
        pin: [lent.id],
        key,
        identity: through(id),
        height: 2 + claims.length,
      }));
    }
    await here.writes.putRemoteEntries(team.id, [team]);
    await here.writes.putRemoteEntries(root.id, [root, lent, ...claims]);
    await expectAll(here, claims, "Unverified");
    // As if that process had died before it told of it.
    for (const entry of theirs) await there.backend.put(entry);
    await there.writes.verify(team.id);
    const refused = here.refused();
    here.backend.trees.forget(team.id);
    await here.writes.verify(root.id);
    await expectAll(here, claims, "Verified");
    assert.equal(here.refused(), refused);
    await here.writes.close();
    await there.close();
  });

  for (const isTold of [true, false]) {
    const when = isTold ? "as they arrive" : "by the first pass of a later process";
    it(`00 §B6 many that name entries of another tree as of their own fail in parts, ${when}`, async () => {
      await ready();
      const storage = limited(memoryStorage());
      const [here, root, other] = [nodeOn(storage), newRoot(), newRoot(undefined, 2n)];
      const theirs = [other];
      for (let at = 0; at < 400; at++) theirs.push(on(other, theirs.slice(-1)));
      const wrong: Entry[] = [];
      for (const entry of theirs.slice(1)) {
        wrong.push(on(root, [root, entry, ...wrong.slice(-1)]));
      }
      await here.writes.putRemoteEntries(root.id, [root]);
      await here.writes.putRemoteEntries(root.id, wrong);
      await expectAll(here, wrong, "Unverified");
      if (isTold) await here.writes.putRemoteEntries(other.id, theirs);
      else for (const entry of theirs) await here.backend.put(entry);
      const later = nodeOn(storage);
      await later.writes.verify(root.id);
      await expectAll(later, wrong, "Failed");
      assert.equal(later.refused(), 0);
      await here.writes.close();
      await later.close();
    });
  }

  it("06#41 judges any history as a storage without limits does", () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (seed) => {
        const small = await smallNode({ maxBatchChanges: 100, maxBatchKeyBytes: 12_000 });
        const large = nodeOn(memoryStorage());
        const [dice, author] = [new Dice(seed), await newAuthor(seed)];
        const history = await randomHistory(author, dice, 14);
        for (const bed of [small, large]) {
          for (const tree of [history.team, history.main, history.team]) {
            const entries = dice.shuffled(entriesOf(tree));
            const most = bed === small ? 1 + dice.below(20) : entries.length;
            while (entries.length > 0) {
              await bed.writes.putRemoteEntries(tree.root.id, entries.splice(0, most));
            }
          }
        }
        const all = [...entriesOf(history.team), ...entriesOf(history.main)];
        const found = await statuses(small.backend, all);
        assert.deepEqual(found, await statuses(large.backend, all));
        for (const bed of [small, large, author]) await bed.close();
      }),
      { numRuns: cases(12) },
    ));
});

describe("the size of a change", () => {
  it("06#41 is never less than what is written", async () => {
    let commits = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (seed) => {
        const storage = limited(memoryStorage());
        let told: ChangeSize = { keys: 0, bytes: 0 };
        const commit = (batch: Batch) => {
          const { keys, bytes } = sizeOf(batch);
          assert.ok(keys <= told.keys && bytes <= told.bytes, `${keys} of ${told.keys}`);
          commits++;
          return storage.commit(batch);
        };
        const bed = nodeOn({ ...storage, commit });
        const { backend } = bed;
        const update = backend.update.bind(backend);
        backend.update = (tree, change) =>
          update(tree, async (next) => {
            const value = await change(next);
            told = next.changes;
            return value;
          });
        const [dice, author] = [new Dice(seed), await newAuthor(seed)];
        const history = await randomHistory(author, dice, 14);
        for (const tree of [history.main, history.team]) {
          for (const entry of dice.shuffled(entriesOf(tree))) {
            await bed.writes.putRemoteEntries(tree.root.id, [entry]);
          }
        }
        await bed.close();
        await author.close();
      }),
      { numRuns: cases(20) },
    );
    assert.ok(commits > 100);
  });
});
