import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EideticaError, Entry, Instance, NewUser, Snapshot } from "../../mod.ts";
import { idKey } from "../../src/backend/records/keys.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { encodeIdRow } from "../../src/backend/records/tree_records.ts";
import { stringifySnapshot } from "../../src/backend/snapshot_file.ts";
import { loadSnapshot } from "../../src/backend/snapshot_load.ts";
import { ID } from "../../src/entry/id.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { checkLog } from "../helpers/log_check.ts";
import { makeEntry, makeRoot, names, putAll, withBackend } from "./helpers.ts";

const refused = (error: unknown) =>
  error instanceof EideticaError && error.code === "DeserializationFailed";

describe("snapshot file", () => {
  it("05#35,#38 saves and loads roots, entries, statuses, tips and records", async () => {
    const { instance, user } = await Instance.createBackend(
      memoryStorage(),
      NewUser.passwordless("ada"),
    );
    await user.createDatabase({ name: "x" });
    const before = instance.backend as LocalBackend;
    const text = await stringifySnapshot(before);
    assert.equal(text, JSON.stringify(JSON.parse(text), null, 2));
    const after = new LocalBackend(memoryStorage());
    await loadSnapshot(after, text);
    assert.equal(await stringifySnapshot(after), text);
    assert.deepEqual(names(await after.allRoots()), names(await before.allRoots()));
    for (const tree of await before.allTrees()) {
      await checkLog(after, tree);
      assert.ok((await after.snapshot(tree)).equals(await before.snapshot(tree)));
      for (const entry of await before.getTree(tree)) {
        const status = await before.getVerificationStatus(entry.id);
        assert.equal(await after.getVerificationStatus(entry.id), status);
      }
    }
    assert.deepEqual(await after.getInstanceMetadata(), await before.getInstanceMetadata());
    assert.equal((await before.getInstanceMetadata())!.sync_db, null, "05#45 null before sync");
    assert.ok(!text.endsWith("\n") && text.startsWith('{\n  "entries": {'));
    await instance.close();
    await after.close();
  });

  it("05#36,#37 what is not a snapshot is refused, and unknown members are not", () =>
    withBackend("memory", async (backend) => {
      for (
        const text of [
          "",
          "1",
          "[]",
          "{}",
          '{"entries":[]}',
          '{"_v":1,"entries":{}}',
          '{"entries":{"x":1}}',
        ]
      ) {
        await assert.rejects(loadSnapshot(backend, text), refused, text);
      }
      await loadSnapshot(backend, '{"entries":{},"cache":{"any":[1]},"more":true}');
      assert.deepEqual(await backend.allRoots(), []);
    }));

  it("05#39 bytes are arrays of numbers; a text stands for its UTF-8 bytes", () =>
    withBackend("memory", async (backend) => {
      const root = makeRoot();
      const json = root.toJSON() as { tree: { metadata: unknown } };
      assert.ok(Array.isArray(json.tree.metadata));
      json.tree.metadata = new TextDecoder().decode(root.metadata);
      const file = JSON.stringify({ entries: { [`${root.id}`]: json } });
      await loadSnapshot(backend, file);
      assert.deepEqual((await backend.get(root.id)).bytes, root.bytes);
      assert.equal(
        await backend.getVerificationStatus(root.id),
        "Unverified",
        "no record: not decided",
      );
    }));

  it("05 better: tips follow from the entries, whatever the file says", () =>
    withBackend("memory", async (backend) => {
      const root = makeRoot();
      const child = makeEntry(root, { parents: [root], stores: { s: [] } });
      const entries = Object.fromEntries(
        [root, child].map((entry) => [`${entry.id}`, entry.toJSON()]),
      );
      const tips = { [`${root.id}`]: { tree_tips: [`${root.id}`], subtree_tips: {} } };
      await loadSnapshot(backend, JSON.stringify({ entries, tips }));
      assert.deepEqual(names(await backend.snapshot(root.id)), [`${child.id}`]);
      assert.deepEqual(names(await backend.storeSnapshot(root.id, "s")), [`${child.id}`]);
    }));
});

describe("stored entries", () => {
  it("05#48,#50 what is stored hashes to its ID, also by another engine on the same storage", async () => {
    const storage = memoryStorage();
    const root = makeRoot();
    const child = makeEntry(root, { parents: [root] });
    await putAll(new LocalBackend(storage), root, child);
    const fresh = new LocalBackend(storage);
    for (const { id } of [root, child]) {
      const read = await fresh.get(id);
      assert.ok(ID.ofDagCbor(read.bytes).equals(id));
      assert.ok(Entry.decode(read.bytes).equals(read));
    }
    await fresh.close();
  });

  it("05#48 bytes that do not belong to their ID are reported, not returned", async () => {
    const storage = memoryStorage();
    const [root, other] = [makeRoot(), makeRoot()];
    await putAll(new LocalBackend(storage), root);
    const row = { status: "Verified", height: 0, tree: root.id } as const;
    await storage.commit({ set: [[idKey(root.id), encodeIdRow(row, other.bytes)]] });
    const fresh = new LocalBackend(storage);
    const damaged = (error: unknown) =>
      error instanceof EideticaError && error.code === "TreeIntegrityViolation";
    await assert.rejects(fresh.get(root.id), damaged);
    await assert.rejects(fresh.getTree(root.id), damaged);
    await fresh.close();
  });

  it("05#52 snapshots are sorted and unique, equal as sets, and bare arrays in JSON", () => {
    const ids = [3, 1, 2, 1].map((at) => ID.ofRaw(utf8(`${at}`)));
    const snapshot = Snapshot.of(ids);
    assert.equal(snapshot.length, 3);
    assert.ok(snapshot.equals(Snapshot.fromJSON(ids.map(String).reverse())));
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), [...snapshot.tips].map(String));
    assert.ok(Snapshot.of([]).equals(Snapshot.EMPTY));
  });
});
