import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { DocStore, EideticaError, Entry, ID, Instance, NewUser } from "../../mod.ts";
import { newLog, type TreeLog } from "../../src/backend/records/arrivals.ts";
import { writeOut } from "../../src/backend/records/change_buffer.ts";
import * as keys from "../../src/backend/records/keys.ts";
import {
  BufferedRow,
  type ChangeBuffer,
  decodeHead,
  encodeHead,
} from "../../src/backend/records/tree_records.ts";
import {
  type IndexSource,
  listPlaces,
  listPlacesBackwards,
  listTreePlaces,
  type Place,
} from "../../src/backend/records/store_index.ts";
import { EMPTY_HEAD, TreeCache } from "../../src/backend/tree/tree_cache.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { utf8 } from "../../src/util/bytes.ts";

const TREE = ID.ofRaw(utf8("tree"));
const STORES = ["", "s", "store", "naïve"];

/** A row that tests compare: store height, ID. */
interface Made {
  readonly store: string;
  readonly id: ID;
  readonly storeHeight: number;
  readonly height: number;
}

const made: fc.Arbitrary<Made> = fc.record({
  store: fc.constantFrom(...STORES),
  id: fc.nat(1_000_000).map((seed) => ID.ofDagCbor(utf8(`${seed}`))),
  storeHeight: fc.oneof(fc.nat(40), fc.maxSafeNat()),
  height: fc.nat(40),
});

/** Writes that were flushed one after the other, and what the head carries. */
const histories = fc.record({
  written: fc.array(fc.array(made, { maxLength: 150 }), { maxLength: 5 }),
  carried: fc.array(made, { maxLength: 16 }),
}).map(({ written, carried }) => {
  const seen = new Set<string>();
  const unseen = ({ id }: Made) => !seen.has(`${id}`) && seen.add(`${id}`);
  return { written: written.map((batch) => batch.filter(unseen)), carried: carried.filter(unseen) };
});

function rowsOf(all: readonly Made[]): BufferedRow[] {
  return all.map(({ store, id, storeHeight, height }) => {
    return new BufferedRow(store, keys.placeOf(storeHeight, id), height);
  });
}

function bufferOf(all: readonly Made[]): ChangeBuffer {
  return { stores: new Map(), rows: rowsOf(all), arrivals: [] };
}

async function fill(
  written: readonly (readonly Made[])[],
  carried: readonly Made[],
): Promise<IndexSource> {
  const driver = memoryStorage();
  for (const batch of written) {
    const set: [Uint8Array, Uint8Array][] = [];
    writeOut(TREE, undefined, bufferOf(batch), set);
    await driver.commit({ set });
  }
  const head = encodeHead({ ...EMPTY_HEAD, sequence: 1, buffer: bufferOf(carried) });
  await driver.commit({ set: [[keys.headKey(TREE), head]] });
  return { driver, trees: new TreeCache(driver) };
}

async function all(pages: AsyncIterable<readonly Place[]>): Promise<string[]> {
  const found: string[] = [];
  for await (const page of pages) found.push(...page.map(({ id }) => `${id}`));
  return found;
}

function inFoldOrder(rows: readonly Made[], height: (row: Made) => number): string[] {
  const sorted = [...rows].sort((a, b) => height(a) - height(b) || ID.compareFold(a.id, b.id));
  return sorted.map(({ id }) => `${id}`);
}

describe("the index of stores", () => {
  it("law: a store is listed in fold order, each entry once, however it was written", async () => {
    await fc.assert(fc.asyncProperty(histories, async ({ written, carried }) => {
      const source = await fill(written, carried);
      const rows = [...written.flat(), ...carried];
      for (const store of STORES) {
        const own = rows.filter((row) => row.store === store);
        const expected = inFoldOrder(own, ({ storeHeight }) => storeHeight);
        assert.deepEqual(await all(listPlaces(source, TREE, store, 7)), expected);
      }
    }));
  });

  it("law: a listing backwards holds what is not above a height, each once", async () => {
    await fc.assert(fc.asyncProperty(histories, fc.nat(45), async ({ written, carried }, top) => {
      const source = await fill(written, carried);
      const own = [...written.flat(), ...carried].filter(({ store }) => store === "s");
      const expected = own.filter(({ storeHeight }) => storeHeight <= top).map(({ id }) => `${id}`);
      const found = await all(listPlacesBackwards(source, TREE, "s", top, 64));
      assert.deepEqual(found.sort(), expected.sort());
    }));
  });

  it("law: a tree is listed in fold order of the tree, each entry once", async () => {
    await fc.assert(fc.asyncProperty(histories, async ({ written, carried }) => {
      const source = await fill(written, carried);
      const found = (await listTreePlaces(source, TREE)).map(({ id }) => `${id}`);
      const rows = [...written.flat(), ...carried];
      assert.deepEqual(found, inFoldOrder(rows, ({ height }) => height));
    }));
  });

  it("shows once what is written between the reading of the head and that of the index", async () => {
    const rows = [1, 2, 3].map((at): Made => {
      return { store: "s", id: ID.ofDagCbor(utf8(`${at}`)), storeHeight: at, height: at };
    });
    const { driver, trees } = await fill([rows.slice(0, 1)], rows.slice(1));
    const late: StorageDriver = { ...bound(driver), list: (range) => afterFlush(driver, range) };
    const found = await all(listPlaces({ driver: late, trees }, TREE, "s", 10));
    assert.deepEqual(found, rows.map(({ id }) => `${id}`));

    async function* afterFlush(to: StorageDriver, range: Parameters<StorageDriver["list"]>[0]) {
      const set: [Uint8Array, Uint8Array][] = [];
      writeOut(TREE, undefined, bufferOf(rows.slice(1)), set);
      await to.commit({ set });
      yield* to.list(range);
    }
  });
});

function bound(driver: StorageDriver): StorageDriver {
  const { name, capabilities } = driver;
  return {
    name,
    capabilities,
    get: (key) => driver.get(key),
    getMany: (keys) => driver.getMany(keys),
    list: (range) => driver.list(range),
    commit: (batch) => driver.commit(batch),
    close: () => driver.close(),
  };
}

const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
const begun = fc.record({
  id: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  length: fc.maxSafeNat(),
  sum: u64,
}, { noNullPrototype: true }).map((log) => ({ ...newLog(log.id), ...log, count: log.length }));
/** Logs of new trees, of older ones, and such that are being filled in. */
const logs: fc.Arbitrary<TreeLog> = fc.oneof(
  begun,
  fc.record({
    log: begun,
    count: fc.maxSafeNat(),
    older: fc.integer({ min: 1, max: 2 ** 40 }),
    olderSum: u64,
    front: fc.option(fc.uint8Array({ maxLength: 80 }), { nil: undefined }),
  }, { noNullPrototype: true }).map(({ log, ...rest }) => ({ ...log, ...rest })),
);

/** Every byte changed, and every length. */
function* damaged(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) {
    const flipped = bytes.slice();
    flipped[at]! ^= 0xff;
    yield flipped;
    yield bytes.slice(0, at);
  }
}

async function ourErrorOrNone(read: () => unknown): Promise<void> {
  try {
    await read();
  } catch (error) {
    assert.ok(error instanceof EideticaError, String(error));
  }
}

describe("the change buffer", () => {
  it("decode∘encode is the identity for heads that carry one", () => {
    const all = fc.record({
      rows: fc.array(made, { maxLength: 20 }),
      sequence: fc.nat(9),
      log: fc.option(logs, { nil: undefined }),
      others: fc.array(made, { maxLength: 5 }),
    });
    fc.assert(fc.property(all, ({ rows, sequence, log, others }) => {
      const tips = { sequence, verified: [TREE], raw: rows.map(({ id }) => id) };
      const stores = new Map(rows.map(({ store }) => [store, tips]));
      const arrivals = [
        ...rows.map(({ height }, row) => ({ row, id: undefined, height, size: 100 * row })),
        ...others.map(({ id, storeHeight, height }) => {
          return { row: undefined, id, height, size: storeHeight };
        }),
      ];
      const head = {
        ...EMPTY_HEAD,
        sequence,
        log,
        buffer: { ...bufferOf(rows), stores, arrivals },
      };
      const { raw: _, ...decoded } = decodeHead(encodeHead(head));
      const { raw: __, ...expected } = head;
      assert.deepEqual(decoded, expected);
    }));
  });

  it("damaged heads and index records are an error of ours, or read as others", async () => {
    const rows = fc.sample(made, { numRuns: 9, seed: 3 });
    const stores = new Map([["s", { sequence: 3, verified: [TREE], raw: [TREE] }]]);
    const arrivals = [
      { row: 3, id: undefined, height: 1, size: 9 },
      { row: undefined, id: ID.ofDagCbor(utf8("x")), height: 300, size: 70_000 },
    ];
    const log = { ...newLog(new Uint8Array(8), new Uint8Array(9)), length: 5 };
    const head = encodeHead({
      ...EMPTY_HEAD,
      log,
      buffer: { ...bufferOf(rows), stores, arrivals },
    });
    const set: [Uint8Array, Uint8Array][] = [];
    writeOut(TREE, undefined, bufferOf(rows), set);
    const readIndex = async (value: Uint8Array) => {
      const driver = memoryStorage();
      await driver.commit({ set: [[set[0]![0], value]] });
      await listTreePlaces({ driver, trees: new TreeCache(driver) }, TREE);
    };
    for (const flipped of damaged(head)) await ourErrorOrNone(() => decodeHead(flipped));
    for (const flipped of damaged(set[0]![1])) await ourErrorOrNone(() => readIndex(flipped));
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await ourErrorOrNone(() => decodeHead(bytes));
      await ourErrorOrNone(() => readIndex(bytes));
    }));
  });

  it("is carried from head to head until it is full, and is what other processes see", async () => {
    const storage = memoryStorage();
    const { instance, user } = await Instance.createBackend(storage, NewUser.passwordless("ada"));
    const db = await user.createDatabase({ name: "x" });
    const written: number[] = [];
    for (let at = 0; at < 40; at++) {
      await db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set(`${at}`, at));
      let records = 0;
      const range = keys.prefixRange(keys.storeIndexPrefix(db.rootId, "s"));
      for await (const page of storage.list(range)) records += page.length;
      written.push(records);
      const other = await Instance.openBackend({ ...bound(storage), close: async () => {} });
      const listed = await (other.backend as LocalBackend).getStore(db.rootId, "s");
      assert.equal(listed.length, at + 1);
      assert.ok(listed.every((entry) => entry instanceof Entry));
      const tips = await other.backend.storeSnapshot(db.rootId, "s");
      assert.ok(tips.equals(await db.snapshot()), "tips of the store");
      await other.close();
    }
    assert.equal(written[0], 0, "the first commit is in the head alone");
    assert.ok(
      written.at(-1)! >= 2 && written.at(-1)! <= 4,
      `${written.at(-1)} records for 40 commits`,
    );
    await instance.close();
  });
});
