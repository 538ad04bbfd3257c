/** What a backend keeps in memory of entries, and that a history that arrives takes a small part of it alone. */

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { EntryCache, type Held } from "../../src/backend/records/entry_cache.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import type { Entry } from "../../src/entry/entry.ts";
import { ready } from "../../wasm/mod.ts";
import { makeEntry, makeRoot, withBackend } from "./helpers.ts";

/** A log of `count` entries on a root. */
function chain(root: Entry, count: number): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < count; at++) {
    entries.push(makeEntry(root, { parents: [entries.at(-1) ?? root], stores: { s: [] } }));
  }
  return entries;
}

function held(entry: Entry): Held {
  return { entry, row: { status: "Verified", height: entry.height, tree: entry.root ?? entry.id } };
}

function has(cache: EntryCache, entries: readonly Entry[]): boolean[] {
  return entries.map(({ id }) => cache.get(id) !== undefined);
}

/** Replaces the cache of an engine by one with room for so many entries like `sample` on each side. */
function shrink(backend: LocalBackend, sample: Entry, used: number, passing: number): EntryCache {
  const one = weigh(sample);
  const cache = new EntryCache(used * one, passing * one);
  (backend as { entries: EntryCache }).entries = cache;
  return cache;
}

function weigh(entry: Entry): number {
  const cache = new EntryCache();
  cache.set(held(entry));
  return cache.bytes;
}

async function put(backend: LocalBackend, root: Entry, entries: readonly Entry[]): Promise<void> {
  await backend.update(root.id, async (update) => {
    for (const entry of entries) await update.insert(entry, "Verified");
  });
}

describe("the cache of entries", () => {
  before(() => ready());

  it("forgets the least recently used ones, and counts the bytes of those that it has", () => {
    const [a, b, c] = chain(makeRoot(), 3) as [Entry, Entry, Entry];
    const cache = new EntryCache(2 * weigh(c), 0);
    cache.set(held(a));
    cache.set(held(b));
    cache.get(a.id);
    cache.set(held(c));
    assert.deepEqual(has(cache, [a, b, c]), [true, false, true]);
    for (const { id } of [a, b, c]) cache.delete(id);
    assert.equal(cache.bytes, 0);
  });

  it("forgets what passes through in the order in which it came, by halves, however often it is asked for", () => {
    const entries = chain(makeRoot(), 8);
    const cache = new EntryCache(0, 4 * weigh(entries.at(-1)!));
    for (const entry of entries) {
      cache.pass(held(entry));
      cache.get(entries[0]!.id);
      assert.ok(cache.bytes <= 4 * weigh(entries.at(-1)!));
      assert.deepEqual(has(cache, [entry]), [true]);
    }
    assert.deepEqual(has(cache, entries), [...Array(4).fill(false), ...Array(4).fill(true)]);
  });

  it("holds an entry in one of its parts only, where it was put last", () => {
    const [a] = chain(makeRoot(), 1) as [Entry];
    const cache = new EntryCache();
    for (const put of ["set", "pass", "set", "pass"] as const) {
      cache[put](held(a));
      assert.equal(cache.bytes, weigh(a));
    }
    cache.delete(a.id);
    assert.deepEqual(has(cache, [a]), [false]);
  });

  it("keeps the one that came last also where it exceeds the room by itself", () => {
    const [a, b] = chain(makeRoot(), 2) as [Entry, Entry];
    const cache = new EntryCache(1, 1);
    for (const entry of [a, b]) cache.set(held(entry));
    assert.deepEqual(has(cache, [a, b]), [false, true]);
    cache.pass(held(a));
    assert.deepEqual(has(cache, [a, b]), [true, true]);
  });

  it("takes no more room of a history that arrives than there is for what passes through", () =>
    withBackend("memory", async (backend) => {
      const root = makeRoot();
      const entries = chain(root, 160);
      const cache = shrink(backend, entries.at(-1)!, 1000, 40);
      await put(backend, root, [root]);
      const before = cache.bytes;
      for (let at = 0; at < entries.length; at += 32) {
        await put(backend, root, entries.slice(at, at + 32));
      }
      assert.ok(cache.bytes - before <= 40 * weigh(entries.at(-1)!));
      const kept = has(cache, entries);
      assert.deepEqual([kept[0], kept.at(-1)], [false, true]);
      // What was let pass is in storage, and stays in memory once it is read.
      assert.deepEqual((await backend.get(entries[0]!.id)).bytes, entries[0]!.bytes);
      assert.deepEqual(has(cache, [entries[0]!]), [true]);
    }));

  it("keeps what is committed one by one, or by the few, as what is in use", () =>
    withBackend("memory", async (backend) => {
      const root = makeRoot();
      const entries = chain(root, 24);
      const cache = shrink(backend, entries.at(-1)!, 1000, 0);
      await put(backend, root, [root]);
      for (let at = 0; at < entries.length; at += 8) {
        await put(backend, root, entries.slice(at, at + 8));
      }
      assert.deepEqual(has(cache, entries), entries.map(() => true));
    }));
});
