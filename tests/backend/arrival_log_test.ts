/** The arrival log of a tree: rows, cursors, pages, differences, and what reading them costs. */
import { ArrivalLog } from "../../src/backend/log/arrival_log.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { EideticaError, type Entry, ID, Instance, NewUser } from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import {
  CURSOR_BYTES,
  decodeCursor,
  encodeCursor,
  type LogCursor,
} from "../../src/backend/log/log_cursor.ts";
import { type Arrival, arrivalOf, ROWS_PER_RECORD } from "../../src/backend/records/arrivals.ts";
import * as keys from "../../src/backend/records/keys.ts";
import { loadSnapshot } from "../../src/backend/snapshot_load.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { checkLog, rowsOf } from "../helpers/log_check.ts";
import { forgetLogs } from "../helpers/old_heads.ts";
import { STORAGES } from "../helpers/storages.ts";
import { ids, makeEntry, makeRoot, withBackend } from "./helpers.ts";
import { chain } from "./trail.ts";

/** Stores entries that are valid, in one storage commit. */
async function verify(backend: LocalBackend, ...entries: readonly Entry[]): Promise<void> {
  const first = entries[0]!;
  await backend.update(first.root ?? first.id, async (update) => {
    for (const entry of entries) await update.insert(entry, "Verified");
  });
}

async function settle(backend: LocalBackend, entry: Entry): Promise<void> {
  await backend.update(entry.root!, (update) => update.settle(entry, "Verified"));
}

const texts = (rows: readonly { readonly id: ID }[]) => rows.map(({ id }) => `${id}`);
const isDamaged = (error: unknown) =>
  error instanceof EideticaError && error.code === "TreeIntegrityViolation";

for (const place of STORAGES) {
  describe(`the arrival log on ${place}`, () => {
    it("has the entries in the order in which they became Verified, each with height and size", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const [a, b, c] = ["a", "b", "c"].map((label) =>
          makeEntry(root, { parents: [root], label, stores: { s: [] } })
        ) as [Entry, Entry, Entry];
        await verify(backend, root);
        await backend.put(a);
        await verify(backend, b, c);
        await settle(backend, a);
        const expected = [root, b, c, a].map(arrivalOf);
        assert.deepEqual(texts(await rowsOf(backend, root.id)), texts(expected));
        await checkLog(backend, root.id);
      }));

    it("has what was stored and judged in one commit, also where index rows name other entries", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const stores = { s: [], t: [], u: [] };
        const [a, b, c] = ["a", "b", "c"].map((label) =>
          makeEntry(root, { parents: [root], label, stores })
        ) as [Entry, Entry, Entry];
        await verify(backend, root);
        await backend.update(root.id, async (update) => {
          await update.insert(a, "Unverified");
          await update.insert(b, "Verified");
          await update.insert(c, "Failed");
          await update.settle(a, "Verified");
        });
        assert.deepEqual(texts(await rowsOf(backend, root.id)), texts([root, b, a]));
        await checkLog(backend, root.id);
      }));

    it("has no rows of unknown trees, nor of those in which nothing is Verified", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        assert.equal(await ArrivalLog.of(backend).head(root.id), undefined);
        assert.equal(await ArrivalLog.of(backend).cursor(root.id), undefined);
        assert.equal(await ArrivalLog.of(backend).entriesAfter(root.id, undefined), undefined);
        assert.deepEqual(await ArrivalLog.of(backend).read(root.id, 0, 10), []);
        assert.deepEqual(await ArrivalLog.of(backend).holds(root.id, [root.id]), [false]);
        const { lacking } = await ArrivalLog.of(backend).difference(root.id, []);
        assert.deepEqual(lacking, []);
        await backend.put(root);
        const { length, sum, count, logId } = (await ArrivalLog.of(backend).head(root.id))!;
        assert.deepEqual([length, sum, count, logId.length], [0, 0n, 0, 8]);
        assert.deepEqual(await ArrivalLog.of(backend).read(root.id, 0, 10), []);
      }));

    it("law: every range is that part of the whole, however it was written", () =>
      withBackend(place, async (backend) => {
        const sizes = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 6 });
        const law = fc.asyncProperty(
          sizes,
          fc.nat(400),
          fc.nat(200),
          async (commits, from, count) => {
            const root = makeRoot();
            await verify(backend, root);
            const made = [root];
            for (const [at, size] of commits.entries()) {
              const more = chain(root, [], `${at}-`, size);
              await verify(backend, ...more);
              made.push(...more);
            }
            const found = await ArrivalLog.of(backend).read(root.id, from, count);
            assert.deepEqual(texts(found), texts(made.slice(from, from + count)));
            await checkLog(backend, root.id);
          },
        );
        await fc.assert(law, { numRuns: 12 });
      }));

    it("lists an entry again that is Verified again, and counts what is Verified", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const [a, b, c] = chain(root, [], "x", 3) as [Entry, Entry, Entry];
        await verify(backend, root, a, b, c);
        await backend.demoteToUnverified(root.id, b.id);
        const demoted = (await ArrivalLog.of(backend).head(root.id))!;
        assert.deepEqual([demoted.length, demoted.count], [4, 2]);
        const page = (await ArrivalLog.of(backend).entriesAfter(root.id, undefined))!;
        assert.deepEqual(texts(page.entries), texts([root, a]));
        assert.deepEqual([page.left, page.next.position], [0, 4]);
        await settle(backend, b);
        await backend.updateVerificationStatus(c.id, "Verified");
        const again = (await ArrivalLog.of(backend).head(root.id))!;
        assert.deepEqual([again.length, again.count], [6, 4]);
        assert.deepEqual(texts(await rowsOf(backend, root.id)), texts([root, a, b, c, b, c]));
        const rest = (await ArrivalLog.of(backend).entriesAfter(root.id, page.next))!;
        assert.deepEqual(texts(rest.entries), texts([b, c]));
      }));

    it("does not list what was declared Verified above what is not, until that is", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const [a, b] = chain(root, [], "x", 2) as [Entry, Entry];
        await verify(backend, root);
        await backend.put(a);
        await backend.put(b);
        await backend.updateVerificationStatus(b.id, "Verified");
        assert.deepEqual(texts(await rowsOf(backend, root.id)), texts([root]));
        await backend.updateVerificationStatus(a.id, "Verified");
        await checkLog(backend, root.id);
      }));
  });
}

describe("the name of a log", () => {
  const same = { bytes: (length: number) => new Uint8Array(length).fill(7) };
  const ada = NewUser.passwordless("ada");

  async function namesIn(backend: LocalBackend): Promise<string[]> {
    const names: string[] = [];
    for (const tree of await backend.allTrees()) {
      names.push(`${(await ArrivalLog.of(backend).head(tree))!.logId}`);
    }
    return names.sort();
  }

  it("comes from the source of randomness, for new trees and for older ones", async () => {
    const storage = memoryStorage();
    const root = makeRoot();
    await verify(new LocalBackend(storage, undefined, same), root);
    const head = await ArrivalLog.of(new LocalBackend(storage)).head(root.id);
    assert.deepEqual(head!.logId, same.bytes(8));
    await forgetLogs(storage);
    const filled = await ArrivalLog.of(new LocalBackend(storage, undefined, same)).head(root.id);
    assert.deepEqual(filled, head);
  });

  it("comes from the source that an instance was given", async () => {
    const namesOf = async () => {
      let calls = 0;
      // Other bytes at every call, and the same from the beginning.
      const random = { bytes: (length: number) => new Uint8Array(length).fill(++calls) };
      const { instance } = await Instance.createBackend(memoryStorage(), ada, { random });
      const names = await namesIn(instance.backend as LocalBackend);
      await instance.close();
      return names;
    };
    assert.deepEqual(await namesOf(), await namesOf());
  });

  it("is another one for every tree and every storage, also where entries come from a snapshot", async () => {
    const { instance } = await Instance.createBackend(memoryStorage(), ada);
    const text = await instance.snapshotText();
    const names = await namesIn(instance.backend as LocalBackend);
    const trees = names.length;
    for (let copies = 0; copies < 2; copies++) {
      const copy = new LocalBackend(memoryStorage());
      await loadSnapshot(copy, text);
      names.push(...await namesIn(copy));
    }
    assert.deepEqual([names.length, new Set(names).size], [3 * trees, 3 * trees]);
    await instance.close();
  });
});

describe("a cursor", () => {
  const cursors: fc.Arbitrary<LogCursor> = fc.record({
    logId: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    position: fc.maxSafeNat(),
    sum: fc.bigInt(0n, 2n ** 64n - 1n),
  }, { noNullPrototype: true });

  it("law: decode∘encode is the identity, in 25 bytes", () => {
    fc.assert(fc.property(cursors, (cursor) => {
      const bytes = encodeCursor(cursor);
      assert.equal(bytes.length, CURSOR_BYTES);
      assert.deepEqual(decodeCursor(bytes), cursor);
    }));
  });

  it("is none where bytes are too few, too many, of another format, or beyond all positions", () => {
    const bytes = encodeCursor({ logId: new Uint8Array(8), position: 1, sum: 1n });
    for (let end = 0; end < bytes.length; end++) {
      assert.equal(decodeCursor(bytes.subarray(0, end)), undefined);
    }
    assert.equal(decodeCursor(Uint8Array.of(...bytes, 0)), undefined);
    assert.equal(decodeCursor(Uint8Array.of(2, ...bytes.subarray(1))), undefined);
    assert.equal(decodeCursor(bytes.map((byte, at) => at === 9 ? 0xff : byte)), undefined);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (any) => {
      const cursor = decodeCursor(any);
      if (cursor !== undefined) assert.deepEqual(encodeCursor(cursor), any);
    }));
  });

  it("is valid only where log, position and sum are those of the log", () =>
    withBackend("memory", async (backend) => {
      const root = makeRoot();
      const entries = [root, ...chain(root, [], "x", 200)];
      await verify(backend, ...entries.slice(0, 150));
      await verify(backend, ...entries.slice(150));
      for (const position of [0, 1, 63, 64, 149, 150, 201]) {
        const cursor = (await ArrivalLog.of(backend).cursor(root.id, position))!;
        assert.ok(await ArrivalLog.of(backend).isValid(root.id, cursor), `at ${position}`);
        const others: LogCursor[] = [
          { ...cursor, sum: cursor.sum ^ 1n },
          { ...cursor, position: position + 1 },
          { ...cursor, position: 202 },
          { ...cursor, logId: cursor.logId.map((byte) => byte ^ 1) },
        ];
        for (const other of others) {
          assert.equal(await ArrivalLog.of(backend).isValid(root.id, other), false);
          assert.equal(await ArrivalLog.of(backend).entriesAfter(root.id, other), undefined);
        }
      }
    }));

  it("shows that another storage was put in place of the one that it was made on", async () => {
    const root = makeRoot();
    const common = chain(root, [], "common", 20);
    const storage = memoryStorage();
    const first = new LocalBackend(storage);
    await verify(first, root, ...common);
    const backup = await copyOf(storage);
    const old = (await ArrivalLog.of(first).cursor(root.id))!;
    await verify(first, ...chain(root, [], "lost", 30));
    const cursor = (await ArrivalLog.of(first).cursor(root.id))!;
    const restored = new LocalBackend(backup);
    assert.equal(
      await ArrivalLog.of(restored).isValid(root.id, cursor),
      false,
      "the end is not there",
    );
    await verify(restored, ...chain(root, [], "other", 40));
    assert.equal(
      await ArrivalLog.of(restored).isValid(root.id, cursor),
      false,
      "the end is another one",
    );
    assert.ok(await ArrivalLog.of(restored).isValid(root.id, old), "what both have");
    const anew = new LocalBackend(memoryStorage());
    await verify(anew, root, ...common, ...chain(root, [], "lost", 30));
    assert.equal(
      await ArrivalLog.of(anew).isValid(root.id, cursor),
      false,
      "the same entries, another log",
    );
  });
});

async function copyOf(storage: StorageDriver): Promise<StorageDriver> {
  const copy = memoryStorage();
  const everything = { start: new Uint8Array(0), end: Uint8Array.of(0xff) };
  for await (const page of storage.list(everything)) {
    await copy.commit({ set: page.map(({ key, value }) => [key, value] as const) });
  }
  return copy;
}

describe("pages of entries", () => {
  it("end before what is too much, and have at least one entry", () =>
    withBackend("memory", async (backend) => {
      const root = makeRoot();
      const entries = [root, ...chain(root, [], "x", 9, 1000)];
      await verify(backend, ...entries);
      const sizeOf = (from: number, to: number) =>
        entries.slice(from, to).reduce((sum, { bytes }) => sum + bytes.length, 0);
      const pageOf = async (bytes: number, count?: number) => {
        const limits = count === undefined ? { bytes } : { bytes, count };
        return (await ArrivalLog.of(backend).entriesAfter(root.id, undefined, limits))!;
      };
      for (const [bytes, count] of [[0, 1], [sizeOf(0, 3) - 1, 2], [sizeOf(0, 3), 3]] as const) {
        const { entries: found, left } = await pageOf(bytes);
        assert.deepEqual(texts(found), texts(entries.slice(0, count)));
        assert.equal(left, entries.length - count);
      }
      assert.equal((await pageOf(Infinity, 4)).entries.length, 4);
      assert.equal((await pageOf(Infinity, 0)).entries.length, 1);
      assert.equal((await pageOf(Infinity)).entries.length, entries.length);
    }));

  it("have large entries as they are stored, by whomever they were written", async () => {
    const storage = memoryStorage();
    const root = makeRoot();
    const entries = [root, ...chain(root, [], "x", 3, 5000)];
    await verify(new LocalBackend(storage), ...entries);
    const other = new LocalBackend(storage);
    const { entries: found } = (await ArrivalLog.of(other).entriesAfter(root.id, undefined))!;
    assert.deepEqual(found.map(({ bytes }) => bytes), entries.map(({ bytes }) => bytes));
  });

  it("whose entry's bytes are gone fail and say which", async () => {
    const storage = memoryStorage();
    const root = makeRoot();
    const [large] = chain(root, [], "x", 1, 5000) as [Entry];
    await verify(new LocalBackend(storage), root, large);
    await storage.commit({ delete: [keys.entryKey(large.id)] });
    const page = ArrivalLog.of(new LocalBackend(storage)).entriesAfter(root.id, undefined);
    await assert.rejects(
      page,
      (error: Error) => isDamaged(error) && error.message.includes(`${large.id}`),
    );
  });
});

describe("damaged records of a log", () => {
  async function made(): Promise<{ storage: StorageDriver; root: Entry; records: Uint8Array[] }> {
    const storage = memoryStorage();
    const root = makeRoot();
    await verify(new LocalBackend(storage), root, ...chain(root, [], "x", 3 * ROWS_PER_RECORD));
    const records: Uint8Array[] = [];
    for await (const page of storage.list(keys.prefixRange(keys.allOf("log")))) {
      records.push(...page.map(({ key }) => key));
    }
    return { storage, root, records };
  }

  it("that are missing, at the beginning, in the middle or at the end, are told", async () => {
    for (const gone of [0, 1, 3]) {
      const { storage, root, records } = await made();
      assert.equal(records.length, 4);
      await storage.commit({ delete: [records[gone]!] });
      const backend = new LocalBackend(storage);
      await assert.rejects(ArrivalLog.of(backend).read(root.id, 0, 1000), isDamaged);
      const from = gone * ROWS_PER_RECORD;
      await assert.rejects(ArrivalLog.of(backend).read(root.id, from, 1), isDamaged);
      await assert.rejects(ArrivalLog.of(backend).cursor(root.id, from), isDamaged);
    }
  });

  it("are an error of ours, or other rows", async () => {
    const { storage, root, records } = await made();
    const { value } = (await storage.get(records[1]!))!;
    const flips = fc.tuple(fc.nat(value.length - 1), fc.integer({ min: 1, max: 255 }));
    const law = fc.asyncProperty(flips, fc.boolean(), async ([at, flip], isCut) => {
      const spoilt = isCut
        ? value.slice(0, at)
        : value.map((byte, i) => i === at ? byte ^ flip : byte);
      await storage.commit({ set: [[records[1]!, spoilt]] });
      await ArrivalLog.of(new LocalBackend(storage)).read(root.id, 0, 1000).catch(
        (error: unknown) => {
          assert.ok(error instanceof EideticaError, String(error));
        },
      );
    });
    await fc.assert(law, { numRuns: 300 });
  });
});

/** What a node of its own asks the storage for in `step`, after `warm` has read the head. */
async function askedFor(
  storage: StorageDriver,
  step: (backend: LocalBackend) => Promise<unknown>,
): Promise<{ readonly calls: number; readonly pairs: number }> {
  const count = { calls: 0, pairs: 0 };
  const counting: StorageDriver = {
    name: storage.name,
    capabilities: { ...storage.capabilities, multiWriter: false },
    get: (key) => (count.calls++, count.pairs++, storage.get(key)),
    getMany: (keys) => (count.calls++, count.pairs += keys.length, storage.getMany(keys)),
    async *list(range) {
      count.calls++;
      for await (const page of storage.list(range)) count.pairs += page.length, yield page;
    },
    commit: (batch) => storage.commit(batch),
    close: () => storage.close(),
  };
  await step(new LocalBackend(counting));
  return count;
}

describe("what reading a log costs", () => {
  const LENGTHS = [1000, 10_000];
  const made = new Map<number, Promise<{ storage: StorageDriver; root: Entry; tip: Entry }>>();

  function logOf(length: number) {
    const known = made.get(length) ?? (async () => {
      const storage = memoryStorage();
      const backend = new LocalBackend(storage);
      const root = makeRoot();
      const entries = chain(root, [], "x", length);
      await verify(backend, root);
      for (let at = 0; at < length; at += 16) await verify(backend, ...entries.slice(at, at + 16));
      return { storage, root, tip: entries.at(-1)! };
    })();
    made.set(length, known);
    return known;
  }

  const STEPS: readonly (readonly [
    name: string,
    calls: number,
    step: (backend: LocalBackend, tree: ID, length: number, tip: Entry) => Promise<unknown>,
  ])[] = [
    ["the head: one read", 1, (backend, tree) => ArrivalLog.of(backend).head(tree)],
    [
      "a hundred rows in the middle: one listing",
      2,
      (backend, tree, length) => ArrivalLog.of(backend).read(tree, length / 2, 100),
    ],
    [
      "the end: what the head carries, or one listing",
      2,
      (backend, tree, length) => ArrivalLog.of(backend).read(tree, length - 20, 100),
    ],
    [
      "a cursor: one listing",
      2,
      (backend, tree, length) => ArrivalLog.of(backend).cursor(tree, length / 2),
    ],
    [
      "a hundred entries: one listing, and their rows",
      3,
      (backend, tree) => ArrivalLog.of(backend).entriesAfter(tree, undefined, { count: 100 }),
    ],
    [
      "which of ten are held: one read",
      1,
      (backend, tree, _, tip) =>
        ArrivalLog.of(backend).holds(tree, Array.from({ length: 10 }, () => tip.id)),
    ],
    [
      "the difference between equal frontiers: tip and head",
      3,
      (backend, tree, _, tip) => ArrivalLog.of(backend).difference(tree, [tip.id]),
    ],
  ];

  for (const [name, most, step] of STEPS) {
    it(`${name}, whatever the length of the log`, async () => {
      const costs = [];
      for (const length of LENGTHS) {
        const { storage, root, tip } = await logOf(length);
        costs.push(await askedFor(storage, (backend) => step(backend, root.id, length, tip)));
      }
      assert.ok(costs[0]!.calls <= most, `${costs[0]!.calls} calls`);
      assert.deepEqual(costs[1], costs[0]);
    });
  }

  it("the difference of ten entries at the end: those, whatever the length of the log", async () => {
    const costs = [];
    for (const length of LENGTHS) {
      const { storage, root } = await logOf(length);
      costs.push(
        await askedFor(storage, async (backend) => {
          const tip = (await ArrivalLog.of(backend).read(root.id, length - 10, 1))[0]!.id;
          const { lacking, unknown } = await ArrivalLog.of(backend).difference(root.id, [tip]);
          assert.deepEqual([lacking!.length, unknown.length], [10, 0]);
        }),
      );
    }
    assert.ok(costs[0]!.pairs < 40, `${costs[0]!.pairs} pairs`);
    assert.deepEqual(costs[1], costs[0]);
  });
});

describe("the difference to a peer", () => {
  interface Graph {
    readonly root: Entry;
    readonly entries: readonly Entry[];
  }

  /** Entries on one or two random earlier ones. */
  function graphOf(picks: readonly (readonly [number, number])[]): Graph {
    const root = makeRoot();
    const entries = [root];
    for (const [at, [one, two]] of picks.entries()) {
      const parents = new Set([one, two].map((pick) => entries[pick % entries.length]!));
      entries.push(makeEntry(root, { parents: [...parents], label: `${at}` }));
    }
    return { root, entries };
  }

  function reachedFrom({ entries }: Graph, tips: readonly ID[]): Set<string> {
    const reached = new Set(tips.map(String));
    for (const { id, parents } of [...entries].reverse()) {
      if (reached.has(`${id}`)) { for (const parent of parents) reached.add(`${parent}`); }
    }
    return reached;
  }

  it("law: is what its tips do not reach, parents first", () =>
    withBackend("memory", async (backend) => {
      const picks = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(picks, fc.array(fc.nat(), { maxLength: 3 }), async (all, at) => {
          const graph = graphOf(all);
          await verify(backend, ...graph.entries);
          const tips = at.map((pick) => graph.entries[pick % graph.entries.length]!.id);
          const { lacking, unknown } = await ArrivalLog.of(backend).difference(graph.root.id, tips);
          const reached = reachedFrom(graph, tips);
          const expected = graph.entries.filter(({ id }) => !reached.has(`${id}`)).map(arrivalOf);
          assert.deepEqual(texts(lacking!).sort(), texts(expected).sort());
          assert.deepEqual(unknown, []);
          requireOrder(graph, lacking!);
        }),
        { numRuns: 60 },
      );
    }));

  function requireOrder({ entries }: Graph, rows: readonly Arrival[]): void {
    const parents = new Map(entries.map((entry) => [`${entry.id}`, entry.parents.map(String)]));
    for (const [at, { id }] of rows.entries()) {
      for (const later of rows.slice(at)) assert.ok(!parents.get(`${id}`)!.includes(`${later.id}`));
    }
  }

  it("names tips that are not Verified here, of this tree, and goes by the others", () =>
    withBackend("memory", async (backend) => {
      const [root, other] = [makeRoot(), makeRoot()];
      const [a, b] = chain(root, [], "x", 2) as [Entry, Entry];
      const [waiting] = chain(root, [b], "w", 1) as [Entry];
      await verify(backend, root, a, b);
      await verify(backend, other);
      await backend.put(waiting);
      const stranger = ID.ofDagCbor(utf8("nobody has this"));
      const tips = [a.id, stranger, waiting.id, other.id];
      const { lacking, unknown } = await ArrivalLog.of(backend).difference(root.id, tips);
      assert.deepEqual(texts(lacking!), texts([b]));
      assert.deepEqual(unknown.map(String), tips.slice(1).map(String));
      assert.deepEqual(await ArrivalLog.of(backend).holds(root.id, tips), [
        true,
        false,
        false,
        false,
      ]);
      assert.deepEqual(await ArrivalLog.of(backend).holds(root.id, []), []);
    }));

  it("is not told where more entries than may be are met", () =>
    withBackend("memory", async (backend) => {
      const root = makeRoot();
      const entries = [root, ...chain(root, [], "x", 30)];
      await verify(backend, ...entries);
      const tip = entries[10]!.id;
      assert.equal(
        (await ArrivalLog.of(backend).difference(root.id, [tip], 20)).lacking,
        undefined,
      );
      assert.equal(
        (await ArrivalLog.of(backend).difference(root.id, [tip], 21)).lacking?.length,
        20,
      );
      assert.equal(
        (await ArrivalLog.of(backend).difference(root.id, ids(entries.slice(-1)), 1)).lacking
          ?.length,
        0,
      );
    }));

  it("tells which of more IDs than one read takes are held, in their order", () =>
    withBackend("memory", async (backend) => {
      const root = makeRoot();
      const entries = chain(root, [], "x", 700);
      await verify(backend, root, ...entries);
      const asked = entries.flatMap(({ id }, at) => [id, ID.ofDagCbor(utf8(`${at}`))]);
      const fresh = new LocalBackend(backend.driver);
      const found = await ArrivalLog.of(fresh).holds(root.id, asked);
      assert.deepEqual(found, asked.map((_, at) => at % 2 === 0));
    }));
});
