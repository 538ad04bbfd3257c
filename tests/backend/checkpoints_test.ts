import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkpointPrefix, idKey, prefixRange } from "../../src/backend/records/keys.ts";
import { encodeIdRow } from "../../src/backend/records/tree_records.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import type { StateType } from "../../src/backend/state/state_cache.ts";
import { stringifySnapshot } from "../../src/backend/snapshot_file.ts";
import type { Entry } from "../../src/entry/entry.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import type { Pair, StorageDriver } from "../../src/storage/driver.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { ready } from "../../wasm/mod.ts";
import { ahead, asRequest } from "../helpers/lost_timers.ts";
import { ids, makeRoot, putAll } from "./helpers.ts";
import { chain, labelled, slowTrail, STORE, trail } from "./trail.ts";

/** Padding with which a dozen entries are worth a checkpoint. */
const HEAVY = 100_000;

async function read(
  backend: LocalBackend,
  tips: readonly Entry[],
  type: StateType<readonly string[]> = trail,
): Promise<readonly string[]> {
  const tree = tips[0]!.root!;
  return await backend.stateAt(tree, STORE, Snapshot.of(ids(tips)), type);
}

async function stored(
  driver: StorageDriver,
  root: Entry,
  part: "head" | "body" = "head",
): Promise<Pair[]> {
  const found: Pair[] = [];
  const range = prefixRange(checkpointPrefix(part, root.id, STORE, trail.name));
  for await (const page of driver.list(range)) found.push(...page);
  return found;
}

/** Runs `test` on an engine whose storage outlives it, and removes everything. */
async function withFile(
  test: (backend: LocalBackend, path: string) => Promise<void>,
): Promise<void> {
  await ready();
  const folder = mkdtempSync(join(tmpdir(), "eidetica-checkpoints-"));
  const path = join(folder, "a.db");
  const backend = new LocalBackend(await sqliteStorage(path));
  try {
    await test(backend, path);
  } finally {
    await backend.close();
    rmSync(folder, { recursive: true });
  }
}

/** What the next process would be: the same storage, nothing in memory. */
async function restarted(backend: LocalBackend): Promise<LocalBackend> {
  await backend.states.close();
  return new LocalBackend(backend.driver);
}

/** Takes an entry's bytes away, so that whoever needs them fails. */
async function lose(backend: LocalBackend, entry: Entry): Promise<void> {
  const row = { status: "Verified", height: entry.height, tree: entry.root! } as const;
  await backend.driver.commit({ set: [[idKey(entry.id), encodeIdRow(row, new Uint8Array(0))]] });
}

describe("checkpoints", () => {
  it("05 §6 the next process begins where the last one stopped, and folds only what came later", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const old = chain(root, [], "a", 30, HEAVY);
      await putAll(backend, root, ...old);
      const wanted = await read(backend, [old.at(-1)!]);
      const next = await restarted(backend);
      const more = chain(root, [old.at(-1)!], "b", 5, HEAVY);
      await putAll(next, ...more);
      await lose(next, old[3]!);
      assert.deepEqual(await read(next, [old.at(-1)!]), wanted);
      assert.deepEqual(await read(next, [more.at(-1)!]), slowTrail([...old, ...more]));
      next.states.clear();
      assert.deepEqual(await read(next, [more.at(-1)!]), slowTrail([...old, ...more]));
    }));

  it("06#33 a late branch from far back begins at an older checkpoint", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const main = chain(root, [], "a", 60, HEAVY);
      await putAll(backend, root);
      for (const entry of main) {
        await backend.put(entry);
        await read(backend, [entry]);
        if (entry === main[20]) backend = await restarted(backend);
      }
      backend = await restarted(backend);
      assert.ok((await stored(backend.driver, root)).length >= 2);
      await lose(backend, main[2]!);
      const late = labelled(root, [main[30]!], "late");
      await backend.put(late);
      assert.deepEqual(await read(backend, [main.at(-1)!, late]), slowTrail([...main, late]));
    }));

  it("06#33 one stays a little behind, for the branches that begin there and arrive later", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const main = chain(root, [], "a", 30, HEAVY);
      await putAll(backend, root, ...main);
      for (const entry of main) await read(backend, [entry]);
      const next = await restarted(backend);
      await lose(next, main[2]!);
      const late = labelled(root, [main[28]!], "late");
      await next.put(late);
      assert.deepEqual(await read(next, [main.at(-1)!, late]), slowTrail([...main, late]));
    }));

  it("06#36 a branch that sorts before a checkpoint's entries does not use it", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const [left, right] = [chain(root, [], "l", 20, HEAVY), chain(root, [], "r", 20, HEAVY)];
      await putAll(backend, root, ...left);
      await read(backend, [left.at(-1)!]);
      const next = await restarted(backend);
      await putAll(next, ...right);
      const merged = labelled(root, [left.at(-1)!, right.at(-1)!], "merge");
      await next.put(merged);
      assert.deepEqual(await read(next, [merged]), slowTrail([...left, ...right, merged]));
    }));

  it("05 §6 losing checkpoints is safe, and a damaged one is replaced", async () => {
    const damages: ((driver: StorageDriver, root: Entry) => Promise<void>)[] = [
      async (driver, root) => {
        await driver.commit({ delete: (await stored(driver, root)).map(({ key }) => key) });
      },
      async (driver, root) => {
        await driver.commit({ delete: (await stored(driver, root, "body")).map(({ key }) => key) });
      },
      async (driver, root) => {
        const flip = ({ key, value }: Pair) => [key, changed(value, value.length - 1)] as const;
        await driver.commit({ set: (await stored(driver, root, "body")).map(flip) });
      },
      async (driver, root) => {
        const cut = ({ key, value }: Pair) => [key, value.slice(0, 20)] as const;
        await driver.commit({ set: (await stored(driver, root, "body")).map(cut) });
      },
      ...[0, 4, 12, 40, 60].map((at) => async (driver: StorageDriver, root: Entry) => {
        const flip = ({ key, value }: Pair) => [key, changed(value, at)] as const;
        await driver.commit({ set: (await stored(driver, root)).map(flip) });
      }),
    ];
    for (const [which, damage] of damages.entries()) {
      await withFile(async (backend) => {
        const root = makeRoot();
        const entries = chain(root, [], "a", 25, HEAVY);
        await putAll(backend, root, ...entries);
        await read(backend, [entries.at(-1)!]);
        let next = await restarted(backend);
        const before = await stored(next.driver, root);
        assert.equal(before.length, 1);
        await damage(next.driver, root);
        assert.deepEqual(await read(next, [entries.at(-1)!]), slowTrail(entries), `${which}`);
        next = await restarted(next);
        const after = await stored(next.driver, root);
        for (const part of ["key", "value"] as const) {
          assert.deepEqual(after.map((pair) => pair[part]), before.map((pair) => pair[part]));
        }
        await lose(next, entries[1]!);
        assert.deepEqual(await read(next, [entries.at(-1)!]), slowTrail(entries), `${which}`);
      });
    }
  });

  it("05 §6 a checkpoint put in another one's place is not taken for it", () =>
    withFile(async (backend) => {
      const [root, other] = [makeRoot(), makeRoot()];
      const mine = chain(root, [], "a", 25, HEAVY);
      const foreign = chain(other, [], "b", 25, HEAVY);
      await putAll(backend, root, other, ...mine, ...foreign);
      await read(backend, [mine.at(-1)!]);
      await read(backend, [foreign.at(-1)!]);
      const next = await restarted(backend);
      for (const part of ["head", "body"] as const) {
        const [to] = await stored(next.driver, root, part);
        const [from] = await stored(next.driver, other, part);
        await next.driver.commit({ set: [[to!.key, from!.value]] });
      }
      assert.deepEqual(await read(next, [mine.at(-1)!]), slowTrail(mine));
    }));

  it("05 §6 states of another version of the type are folded anew", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const entries = chain(root, [], "a", 25, HEAVY);
      await putAll(backend, root, ...entries);
      await read(backend, [entries.at(-1)!]);
      const next = await restarted(backend);
      const loud: StateType<readonly string[]> = {
        ...trail,
        merge: (left, right) => [...left, ...right.map((label) => label.toUpperCase())],
        checkpoint: { version: 2 },
      };
      const wanted = slowTrail(entries).map((label) => label.toUpperCase());
      assert.deepEqual(await read(next, [entries.at(-1)!], loud), wanted);
      const last = await restarted(next);
      assert.equal((await stored(last.driver, root)).length, 1, "the old version is gone");
      assert.deepEqual(await read(last, [entries.at(-1)!], loud), wanted);
    }));

  it("05 §6 a type that did not ask for checkpoints has none", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const entries = chain(root, [], "a", 25, HEAVY);
      await putAll(backend, root, ...entries);
      const { checkpoint: _, ...plain } = trail;
      assert.deepEqual(await read(backend, [entries.at(-1)!], plain), slowTrail(entries));
      assert.deepEqual(await stored((await restarted(backend)).driver, root), []);
    }));

  it("05 §6 a state that cannot be written, or is too large, is folded anew", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const entries = chain(root, [], "a", 25, HEAVY);
      await putAll(backend, root, ...entries);
      const types: StateType<readonly string[]>[] = [
        { ...trail, serialize: () => new Uint8Array(65 * 1024 * 1024) },
        {
          ...trail,
          serialize: () => {
            throw new Error("no");
          },
        },
      ];
      let next = backend;
      for (const type of types) {
        assert.deepEqual(await read(next, [entries.at(-1)!], type), slowTrail(entries));
        next = await restarted(next);
        assert.deepEqual(await stored(next.driver, root), []);
      }
    }));

  it("05 §6 what they take stays in proportion to the state, however long history is", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      await putAll(backend, root);
      let next = backend;
      const entries = chain(root, [], "a", 200, HEAVY);
      let writes = 0;
      let last = "";
      for (const [at, entry] of entries.entries()) {
        await next.put(entry);
        await read(next, [entry]);
        if (at % 4 !== 0) continue;
        next = await restarted(next);
        const names = (await stored(next.driver, root)).map(({ key }) => `${key}`).join();
        if (names !== last) writes++;
        last = names;
      }
      const heads = await stored(next.driver, root);
      const sizes = (await stored(next.driver, root, "body")).map(({ value }) => value.length);
      assert.equal(heads.length, sizes.length);
      assert.ok(heads.length >= 2 && heads.length <= 8, `${heads.length} checkpoints`);
      assert.ok(sizes.reduce((sum, size) => sum + size) <= 3 * Math.max(...sizes));
      // 20 MB of deltas at one checkpoint for each megabyte at most.
      assert.ok(writes >= 5 && writes <= 20, `${writes} writes`);
    }));

  it("05 §6 two processes write and read them at the same time", () =>
    withFile(async (one, path) => {
      const two = new LocalBackend(await sqliteStorage(path));
      const root = makeRoot();
      const [left, right] = [chain(root, [], "l", 20, HEAVY), chain(root, [], "r", 15, HEAVY)];
      await putAll(one, root, ...left);
      await putAll(two, ...right);
      const tips = [left.at(-1)!, right.at(-1)!];
      for (const backend of [one, two]) await read(backend, tips);
      await read(two, [right.at(-1)!]);
      await Promise.all([one.states.close(), two.close()]);
      const third = new LocalBackend(one.driver);
      assert.ok((await stored(one.driver, root)).length > 0);
      assert.deepEqual(await read(third, tips), slowTrail([...left, ...right]));
      assert.deepEqual(await read(third, [right.at(-1)!]), slowTrail(right));
    }));

  it("00 §C5 nothing is written on storage that is read only", () =>
    withFile(async (writer, path) => {
      const root = makeRoot();
      const entries = chain(root, [], "a", 25, HEAVY);
      await putAll(writer, root, ...entries);
      for (const [readOnly, count] of [[true, 0], [false, 1]] as const) {
        const reader = new LocalBackend(await sqliteStorage(path, { readOnly }));
        assert.deepEqual(await read(reader, [entries.at(-1)!]), slowTrail(entries));
        await reader.close();
        assert.equal((await stored(writer.driver, root)).length, count);
      }
    }));

  it("05 §8.1 nothing is written where nothing is kept, nor into a snapshot file", async () => {
    await ready();
    const memory = new LocalBackend(memoryStorage());
    const root = makeRoot();
    const entries = chain(root, [], "a", 25, HEAVY);
    await putAll(memory, root, ...entries);
    const before = await stringifySnapshot(memory);
    await read(memory, [entries.at(-1)!]);
    await memory.states.close();
    assert.deepEqual(await stored(memory.driver, root), []);
    assert.equal(await stringifySnapshot(memory), before);
    await memory.close();
  });

  it("07 §10.7 a verdict that is taken back does not make one wrong", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const entries = chain(root, [], "a", 30, HEAVY);
      await putAll(backend, root, ...entries);
      for (const entry of [root, ...entries]) {
        await backend.updateVerificationStatus(entry.id, "Verified");
      }
      await read(backend, [entries.at(-1)!]);
      const next = await restarted(backend);
      await next.demoteToUnverified(root.id, entries[20]!.id);
      const tips = await next.verifiedStoreSnapshot(root.id, STORE);
      assert.deepEqual(tips.tips.map(String), [entries[19]!.id.toString()]);
      const state = await next.stateAt(root.id, STORE, tips, trail);
      assert.deepEqual(state, slowTrail(entries.slice(0, 20)));
      assert.deepEqual(await read(next, [entries.at(-1)!]), slowTrail(entries));
    }));
});

/** Waits until a checkpoint is there, which is written in the background. */
async function checkpointOf(driver: StorageDriver, root: Entry): Promise<void> {
  while ((await stored(driver, root)).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("checkpoints where tasks end with the request that they belong to", () => {
  it("a timer that is lost with its request holds no later checkpoint up", () =>
    withFile(async (backend) => {
      const root = makeRoot();
      const entries = chain(root, [], "a", 60, HEAVY);
      await putAll(backend, root, ...entries);
      await asRequest(() => read(backend, [entries[30]!]));
      await ahead(60_000, async () => {
        await read(backend, [entries.at(-1)!]);
        await checkpointOf(backend.driver, root);
      });
    }));

  it("a write that is lost with its request holds up no later one, and no closing", () =>
    withFile(async ({ driver }) => {
      let isLost = false;
      const backend = new LocalBackend({
        name: driver.name,
        capabilities: driver.capabilities,
        get: (key) => driver.get(key),
        getMany: (keys) => driver.getMany(keys),
        list: (range) => driver.list(range),
        commit: (batch) => isLost ? new Promise(() => {}) : driver.commit(batch),
        close: () => Promise.resolve(),
      });
      const root = makeRoot();
      const entries = chain(root, [], "a", 60, HEAVY);
      await putAll(backend, root, ...entries);
      isLost = true;
      await read(backend, [entries[30]!]);
      await new Promise((resolve) => setTimeout(resolve, 600));
      isLost = false;
      await ahead(60_000, async () => {
        await read(backend, [entries.at(-1)!]);
        await checkpointOf(driver, root);
        await backend.close();
      });
    }));
});

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}
