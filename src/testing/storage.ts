/**
 * The conformance suite of storage drivers: run it on a driver of your own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Capabilities, Pair, Range, StorageDriver } from "../storage/driver.ts";
import { KEY_OVERHEAD_BYTES } from "../storage/driver.ts";
import { compareBytes, utf8 } from "../util/bytes.ts";
import { StorageError } from "../util/errors.ts";

/** Opens a new, empty storage; called once per test. */
export type OpenStorage = () => Promise<StorageDriver> | StorageDriver;

/** Registers the tests that every driver must pass, with `node:test`. */
export function testStorage(name: string, open: OpenStorage): void {
  describe(`storage conformance: ${name}`, () => {
    for (const [title, test] of CASES) {
      it(title, async () => {
        const storage = await open();
        try {
          await test(storage);
        } finally {
          await storage.close();
        }
      });
    }
  });
}

/** What is tried of a storage that says to take more, in bytes of keys and in changes. */
const ENOUGH = 4000;

type Case = readonly [title: string, test: (storage: StorageDriver) => Promise<void>];

const key = (text: string): Uint8Array => utf8(text);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function set(storage: StorageDriver, ...pairs: [Uint8Array, Uint8Array][]): Promise<void> {
  assert.equal((await storage.commit({ set: pairs })).ok, true);
}

async function all(storage: StorageDriver, range: Partial<Range> = {}): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const whole = { start: bytes(), end: new Uint8Array(64).fill(0xff), ...range };
  for await (const page of storage.list(whole)) pairs.push(...page);
  return pairs;
}

/** As many keys of a hundred bytes as one batch takes by what they weigh. */
function longKeys(
  { maxBatchChanges, maxBatchKeyBytes = 0 }: Capabilities,
): [Uint8Array, Uint8Array][] {
  const most = Math.floor(maxBatchKeyBytes / (100 + KEY_OVERHEAD_BYTES));
  return Array.from({ length: Math.min(most, maxBatchChanges) }, (_, at) => {
    const long = new Uint8Array(100).fill(1);
    long.set([3, at >> 8, at & 255]);
    return [long, bytes(1)];
  });
}

function plain(value: Uint8Array | undefined): number[] | undefined {
  return value === undefined ? undefined : [...value];
}

const CASES: readonly Case[] = [
  ["a key that was never set is absent", async (storage) => {
    assert.equal(await storage.get(key("a")), undefined);
    assert.deepEqual(await storage.getMany([key("a"), key("b")]), [undefined, undefined]);
  }],
  ["values come back byte for byte, empty ones and zeros included", async (storage) => {
    const values = [bytes(), bytes(0), bytes(0, 0, 255), new Uint8Array(5000).fill(7)];
    await set(storage, ...values.map((value, at): [Uint8Array, Uint8Array] => [bytes(at), value]));
    const read = await storage.getMany(values.map((_, at) => bytes(at)));
    assert.deepEqual(read.map((item) => plain(item?.value)), values.map((value) => [...value]));
  }],
  ["a batch sets and deletes together", async (storage) => {
    await set(storage, [key("a"), bytes(1)], [key("b"), bytes(2)]);
    await storage.commit({ set: [[key("c"), bytes(3)]], delete: [key("a"), key("missing")] });
    assert.deepEqual((await all(storage)).map((pair) => plain(pair.value)), [[2], [3]]);
  }],
  ["a check of a version holds until the key is written", async (storage) => {
    await set(storage, [key("a"), bytes(1)]);
    const { version } = (await storage.get(key("a")))!;
    const change = { checks: [{ key: key("a"), version }], set: [[key("a"), bytes(2)]] as const };
    assert.equal((await storage.commit(change)).ok, true);
    assert.deepEqual(await storage.commit(change), { ok: false });
    assert.deepEqual(plain((await storage.get(key("a")))?.value), [2]);
  }],
  ["a check of absence fails for a key that is there", async (storage) => {
    const insert = {
      checks: [{ key: key("a"), version: undefined }],
      set: [[key("a"), bytes(1)]] as const,
    };
    assert.equal((await storage.commit(insert)).ok, true);
    assert.deepEqual(await storage.commit(insert), { ok: false });
  }],
  ["a batch with one failing check changes nothing", async (storage) => {
    await set(storage, [key("a"), bytes(1)]);
    const { version } = (await storage.get(key("a")))!;
    const result = await storage.commit({
      checks: [{ key: key("a"), version }, { key: key("b"), version }],
      set: [[key("c"), bytes(3)]],
      delete: [key("a")],
    });
    assert.deepEqual(result, { ok: false });
    assert.equal((await all(storage)).length, 1);
  }],
  ["a commit tells the version of the keys that it has set", async (storage) => {
    const result = await storage.commit({ set: [[key("a"), bytes(1)], [key("b"), bytes(2)]] });
    assert.ok(result.ok);
    const read = await storage.getMany([key("a"), key("b")]);
    assert.deepEqual(read.map((item) => item?.version), [result.version, result.version]);
  }],
  ["a version never comes back, not even after a deletion", async (storage) => {
    await set(storage, [key("a"), bytes(1)]);
    const { version } = (await storage.get(key("a")))!;
    await storage.commit({ delete: [key("a")] });
    await set(storage, [key("a"), bytes(1)]);
    assert.notEqual((await storage.get(key("a")))!.version, version);
  }],
  ["ranges are in bytewise order, start included, end excluded", async (storage) => {
    const keys = [bytes(1), bytes(1, 0), bytes(1, 255), bytes(2), bytes(128), bytes(255, 1)];
    await set(
      storage,
      ...[...keys].reverse().map((item): [Uint8Array, Uint8Array] => [item, item]),
    );
    assert.deepEqual(
      (await all(storage)).map((pair) => [...pair.key]),
      keys.map((item) => [...item]),
    );
    const some = await all(storage, { start: bytes(1, 0), end: bytes(128) });
    assert.deepEqual(some.map((pair) => [...pair.key]), [[1, 0], [1, 255], [2]]);
  }],
  ["ranges can be reversed and limited", async (storage) => {
    await set(
      storage,
      ...[1, 2, 3, 4].map((at): [Uint8Array, Uint8Array] => [bytes(at), bytes(at)]),
    );
    const last = await all(storage, { start: bytes(1), end: bytes(4), reverse: true, limit: 2 });
    assert.deepEqual(last.map((pair) => [...pair.key]), [[3], [2]]);
    assert.equal((await all(storage, { limit: 0 })).length, 0);
    assert.equal((await all(storage, { start: bytes(4), end: bytes(1) })).length, 0);
  }],
  ["long ranges come in pages and lose nothing", async (storage) => {
    const pairs = Array.from({ length: 1000 }, (_, at): [Uint8Array, Uint8Array] => {
      return [bytes(at >> 8, at & 255), bytes(at & 255)];
    });
    await set(storage, ...pairs);
    const read = await all(storage);
    assert.equal(read.length, 1000);
    assert.ok(read.every((pair, at) => at === 0 || compareBytes(read[at - 1]!.key, pair.key) < 0));
    assert.equal((await all(storage, { reverse: true })).length, 1000);
  }],
  ["what a caller does to its arrays afterwards changes nothing", async (storage) => {
    const mine = bytes(1, 2);
    const name = bytes(9);
    await set(storage, [name, mine]);
    mine[0] = 7;
    name[0] = 8;
    assert.deepEqual(plain((await storage.get(bytes(9)))?.value), [1, 2]);
  }],
  ["of many that race for one version exactly one wins", async (storage) => {
    await set(storage, [key("n"), bytes(0)]);
    const increment = async (): Promise<void> => {
      for (;;) {
        const stored = (await storage.get(key("n")))!;
        const next = bytes(stored.value[0]! + 1);
        const checks = [{ key: key("n"), version: stored.version }];
        if ((await storage.commit({ checks, set: [[key("n"), next]] })).ok) return;
      }
    };
    await Promise.all(Array.from({ length: 40 }, increment));
    assert.deepEqual(plain((await storage.get(key("n")))?.value), [40]);
  }],
  [
    "a key that one batch deletes and sets is set, and of two values the last one counts",
    async (storage) => {
      await set(storage, [key("a"), bytes(1)]);
      await storage.commit({
        delete: [key("a")],
        set: [[key("a"), bytes(2)], [key("b"), bytes(3)], [key("b"), bytes(4)]],
      });
      assert.deepEqual((await all(storage)).map((pair) => plain(pair.value)), [[2], [4]]);
    },
  ],
  [
    "the same holds for a key that the batch checks as well",
    async (storage) => {
      await set(storage, [key("a"), bytes(1)]);
      const check = async () => ({
        key: key("a"),
        version: (await storage.get(key("a")))!.version,
      });
      await storage.commit({
        checks: [await check()],
        set: [[key("a"), bytes(2)]],
        delete: [key("a")],
      });
      assert.deepEqual(plain((await storage.get(key("a")))?.value), [2]);
      const twice = [[key("a"), bytes(3)], [key("a"), bytes(4)]] as const;
      await storage.commit({ checks: [await check()], set: twice });
      assert.deepEqual(plain((await storage.get(key("a")))?.value), [4]);
    },
  ],
  ["batches that are committed at once are applied in their order", async (storage) => {
    const insert = (value: number) =>
      storage.commit({
        checks: [{ key: key("a"), version: undefined }],
        set: [[key("a"), bytes(value)], [bytes(value), bytes(value)]],
      });
    const remove = storage.commit.bind(storage, { delete: [key("a")] });
    const results = await Promise.all([insert(1), insert(2), remove(), insert(3)]);
    assert.deepEqual(results.map(({ ok }) => ok), [true, false, true, true]);
    assert.deepEqual(plain((await storage.get(key("a")))?.value), [3]);
    assert.equal(await storage.get(bytes(2)), undefined);
  }],
  ["keys, values and batches are taken up to what it says, and refused beyond", async (storage) => {
    const { maxKeyBytes, maxValueBytes, maxBatchChanges } = storage.capabilities;
    const longest = new Uint8Array(Math.min(maxKeyBytes, ENOUGH)).fill(1);
    const largest = new Uint8Array(Math.min(maxValueBytes, 20 * ENOUGH)).fill(1);
    await set(storage, [longest, largest]);
    assert.deepEqual((await storage.get(longest))?.value, largest);
    const many = Array.from({ length: Math.min(maxBatchChanges, ENOUGH) }, (_, at) => {
      return [bytes(2, at >> 8, at & 255), bytes(1)] as [Uint8Array, Uint8Array];
    });
    await set(storage, ...many);
    assert.equal((await all(storage)).length, 1 + many.length);
    const long = longKeys(storage.capabilities);
    if (long.length > 0) await set(storage, ...long);
    if (maxKeyBytes > ENOUGH) return;
    const tooLong = new Uint8Array(maxKeyBytes + 1).fill(1);
    const isTooLarge = (error: unknown) =>
      error instanceof StorageError && error.code === "TooLarge";
    await assert.rejects(storage.commit({ set: [[tooLong, bytes(1)]] }), isTooLarge);
  }],
  ["a listing goes on while others write", async (storage) => {
    const pairs = Array.from({ length: 600 }, (_, at): [Uint8Array, Uint8Array] => {
      return [bytes(1, at >> 8, at & 255), bytes(at & 255)];
    });
    await set(storage, ...pairs);
    const seen: Uint8Array[] = [];
    for await (const page of storage.list({ start: bytes(1), end: bytes(2) })) {
      seen.push(...page.map((pair) => pair.key));
      await set(storage, [bytes(0, seen.length & 255), bytes(0)], [bytes(3), bytes(0)]);
    }
    assert.deepEqual(seen.map((item) => [...item]), pairs.map(([item]) => [...item]));
  }],
  ["after close every call fails with the code `Closed`", async (storage) => {
    await storage.close();
    const isClosed = (error: unknown) => error instanceof StorageError && error.code === "Closed";
    await assert.rejects(storage.get(key("a")), isClosed);
    await assert.rejects(storage.getMany([key("a")]), isClosed);
    await assert.rejects(storage.commit({ set: [[key("a"), bytes(1)]] }), isClosed);
    await assert.rejects(all(storage), isClosed);
  }],
];
