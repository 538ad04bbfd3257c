/**
 * Entries of few bytes are in their rows, those of many apart, and those of no store are listed as well:
 * nobody who reads can tell.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EideticaError } from "../../mod.ts";
import { entryKey, idKey } from "../../src/backend/records/keys.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { decodeHeld, INLINE_BYTES } from "../../src/backend/records/tree_records.ts";
import { stringifySnapshot } from "../../src/backend/snapshot_file.ts";
import { Entry } from "../../src/entry/entry.ts";
import { STORAGES } from "../helpers/storages.ts";
import { makeEntry, makeRoot, names, putAll, withBackend } from "./helpers.ts";

/** An entry of exactly `length` bytes on top of the root. */
function entryOf(root: Entry, length: number): Entry {
  let payload = length;
  for (;;) {
    const builder = Entry.builder(root.id).setParents([root.id]).setHeight(1);
    const entry = builder.setSubtreeData("s", new Uint8Array(payload)).build();
    if (entry.bytes.length === length) return entry;
    payload -= entry.bytes.length - length;
  }
}

const LENGTHS = [400, INLINE_BYTES - 1, INLINE_BYTES, INLINE_BYTES + 1, 100_000];

/** An engine that has read nothing yet, on the same storage. */
function cold(backend: LocalBackend): LocalBackend {
  return new LocalBackend(backend.driver);
}

for (const place of STORAGES) {
  describe(`stored entries on ${place}`, () => {
    it("05#1 are given back byte by byte, however many bytes they have, and settle", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const entries = LENGTHS.map((length) => entryOf(root, length));
        await putAll(backend, root, ...entries);
        for (const { id, bytes } of entries) {
          assert.deepEqual((await cold(backend).get(id)).bytes, bytes);
          const row = decodeHeld((await backend.driver.get(idKey(id)))!.value);
          const isApart = await backend.driver.get(entryKey(id)) !== undefined;
          assert.deepEqual([row.entry === undefined, isApart], Array(2).fill(bytes.length > 2048));
        }
        await backend.update(root.id, async (update) => {
          for (const entry of entries) await update.settle(entry, "Failed");
        });
        for (const { id, bytes } of entries) {
          assert.equal(await cold(backend).getVerificationStatus(id), "Failed");
          assert.deepEqual((await cold(backend).get(id)).bytes, bytes);
        }
        const listed = await cold(backend).getStore(root.id, "s");
        assert.deepEqual(names(listed.map(({ id }) => id)), names(entries.map(({ id }) => id)));
        const file = JSON.parse(await stringifySnapshot(cold(backend)));
        assert.equal(Object.keys(file.entries).length, entries.length + 1);
      }));

    it("05#4 of no store, of one and of many are each listed once in their tree", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const none = makeEntry(root, { parents: [root], label: "none" });
        const many = makeEntry(root, { parents: [none], stores: { a: [], b: [], c: [] } });
        const top = makeEntry(root, { parents: [many], stores: { b: [many] }, label: "top" });
        await putAll(backend, root, top, none, many);
        const wanted = [root, none, many, top].map(({ id }) => `${id}`);
        assert.deepEqual((await cold(backend).getTree(root.id)).map(({ id }) => `${id}`), wanted);
        assert.deepEqual(await cold(backend).getStore(root.id, ""), []);
      }));

    it("05#48 are reported as damaged when their bytes are gone", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const large = entryOf(root, INLINE_BYTES + 1);
        await putAll(backend, root, large);
        await backend.driver.commit({ delete: [entryKey(large.id)] });
        const damaged = (error: unknown) =>
          error instanceof EideticaError && error.code === "TreeIntegrityViolation";
        await assert.rejects(cold(backend).get(large.id), damaged);
        await assert.rejects(cold(backend).getTree(root.id), damaged);
        await assert.rejects(cold(backend).getStore(root.id, "s"), damaged);
      }));
  });
}
