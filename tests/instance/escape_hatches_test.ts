import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Batch,
  type CommitResult,
  Database,
  DocStore,
  Instance,
  NewUser,
  type Range,
  Snapshot,
  type StorageDriver,
  StorageError,
  type Stored,
  type User,
  type WeakInstance,
} from "../../mod.ts";
import { testStorage } from "../../src/testing/storage.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { compareBytes } from "../../src/util/bytes.ts";
import { toHex } from "../../src/util/hex.ts";
import { failing, hasCode } from "./places.ts";

const ada = NewUser.passwordless("ada");
const commit = (db: Database, key: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, "v"));

/** A driver as a user may write one: a sorted list, nothing else. */
class ListStorage implements StorageDriver {
  readonly name = "list";
  readonly capabilities = {
    durable: false,
    multiWriter: false,
    maxKeyBytes: 4096,
    maxValueBytes: 1 << 24,
    maxBatchChanges: 1000,
  };
  readonly #values = new Map<string, { key: Uint8Array; value: Uint8Array; version: number }>();
  #version = 0;
  #isClosed = false;

  #open(): void {
    if (this.#isClosed) throw new StorageError("Closed", "Cannot use the list: it was closed");
  }

  async get(key: Uint8Array): Promise<Stored | undefined> {
    await undefined;
    this.#open();
    return this.#values.get(toHex(key));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Stored | undefined)[]> {
    return await Promise.all(keys.map((key) => this.get(key)));
  }

  async *list({ start, end, reverse, limit = Infinity }: Range) {
    await undefined;
    this.#open();
    const found = [...this.#values.values()]
      .filter(({ key }) => compareBytes(key, start) >= 0 && compareBytes(key, end) < 0)
      .sort((a, b) => compareBytes(a.key, b.key));
    if (reverse) found.reverse();
    if (found.length > 0 && limit > 0) yield found.slice(0, limit);
  }

  async commit({ checks = [], set = [], delete: remove = [] }: Batch): Promise<CommitResult> {
    await undefined;
    this.#open();
    const holds = checks.every(({ key, version }) =>
      this.#values.get(toHex(key))?.version === version
    );
    if (!holds) return { ok: false };
    const version = ++this.#version;
    for (const key of remove) this.#values.delete(toHex(key));
    for (const [key, value] of set) {
      this.#values.set(toHex(key), { key: key.slice(), value: value.slice(), version });
    }
    return { ok: true, version };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }
}

testStorage("a driver of a user's own", () => new ListStorage());

describe("escape hatches", () => {
  it("07 §4, §7 an instance on a driver of one's own", async () => {
    const { instance, user } = await Instance.createBackend(new ListStorage(), ada);
    const db = await user.createDatabase({ name: "own" });
    let events = 0;
    await db.onWrite(() => void events++);
    for (const key of ["a", "b"]) await commit(db, key);
    assert.equal(events, 2);
    const all = await db.getAllEntries();
    const copy = await Instance.createBackend(new ListStorage(), ada);
    assert.equal((await copy.instance.putRemoteEntries(db.rootId, all)).verified, 3);
    await assert.rejects(instance.snapshotToPath("/nowhere"), hasCode("SnapshotNotSupported"));
    await copy.instance.close();
    await instance.close();
  });

  it("07 §7 the engine's own operations, past verification, events and sessions", async () => {
    const { instance, user } = await Instance.createBackend(memoryStorage(), ada);
    const peer = await Instance.createBackend(memoryStorage(), ada);
    const db = await user.createDatabase({ name: "x" });
    await commit(db, "a");
    const [root, child] = await db.getAllEntries();
    const { backend } = peer.instance;
    let heard = 0;
    peer.instance.host.onAnyWrite(() => void heard++);
    await backend.put(child!);
    await backend.put(root!);
    assert.equal(heard, 0, "what the engine stores is no event");
    assert.ok((await backend.get(child!.id)).id.equals(child!.id));
    assert.deepEqual(
      [await backend.hasEntry(root!.id), await backend.getVerificationStatus(child!.id)],
      [true, "Unverified"],
    );
    assert.ok((await backend.snapshot(db.rootId)).equals(Snapshot.of([child!.id])));
    assert.ok((await backend.verifiedSnapshot(db.rootId)).equals(Snapshot.EMPTY));
    assert.ok((await backend.allRoots()).some((id) => id.equals(db.rootId)));
    assert.deepEqual((await backend.getTree(db.rootId)).map(({ id }) => `${id}`), [
      `${root!.id}`,
      `${child!.id}`,
    ]);
    const copy = await Database.open(peer.instance, db.rootId);
    assert.equal((await copy.verify()).verified, 2);
    assert.equal(heard, 1);
    await backend.updateVerificationStatus(child!.id, "Failed");
    assert.ok((await copy.snapshot()).equals(Snapshot.of([root!.id])));
    assert.equal(user.backend, instance.backend, "a session leads to the same engine");
    await peer.instance.close();
    await instance.close();
  });

  it("07 §10.7 what is taken back and promoted again is told again, in joined brackets", async () => {
    const { instance, user } = await Instance.createBackend(memoryStorage(), ada);
    const db = await user.createDatabase({ name: "x" });
    const at = await db.snapshot();
    const tx = await db.newTransaction({ at });
    await (await tx.getStore(DocStore, "s")).set("side", 1);
    const events: string[] = [];
    let last = at;
    await db.onWrite((event) => {
      assert.ok(event.previousTips.equals(last));
      last = event.postTips;
      events.push(`${event.source} ${event.entries.length}`);
    });
    const side = await tx.commit();
    await instance.host.backend.demoteToUnverified(db.rootId, side);
    assert.deepEqual(events, ["local 1"], "taking back is no event");
    assert.equal((await db.verify()).verified, 1);
    assert.deepEqual(events, ["local 1"], "it was told of before");
    await commit(db, "next");
    assert.deepEqual(events, ["local 1", "local 1"]);
    assert.ok(last.equals(await db.snapshot()));
    await instance.close();
  });

  it("07#2 a strict open of an empty storage writes nothing", async () => {
    const storage = memoryStorage();
    await assert.rejects(Instance.openBackend(failing(storage, -1)), hasCode("NotInitialized"));
    assert.deepEqual([...storage.pairs()], []);
  });

  it("07#44 creating a database fires no callback of another tree, and one of all trees", async () => {
    const { instance, user } = await Instance.createBackend(memoryStorage(), ada);
    const db = await user.createDatabase({ name: "x" });
    let heard = 0;
    await db.onWrite(() => void heard++);
    const roots: string[] = [];
    instance.host.onAnyWrite((tree) => {
      roots.push(`${tree}`);
      throw new Error("a failing callback is no reason to fail");
    });
    const other = await user.createDatabase({ name: "y" });
    assert.equal(heard, 0);
    assert.deepEqual(roots, [`${other.rootId}`, `${user.database.rootId}`]);
    await instance.close();
  });
});

/** Runs the garbage collector; false where the runtime does not let us. */
async function collectGarbage(): Promise<boolean> {
  const { Bun: bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (bun !== undefined) return bun.gc(true), true;
  try {
    const { setFlagsFromString } = await import("node:v8");
    const { runInNewContext } = await import("node:vm");
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    for (let at = 0; at < 5; at++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return true;
  } catch {
    return false;
  }
}

describe("weak handles", () => {
  it("07#22,#29, 13 §2 live as long as a session does, whatever is collected", async (t) => {
    const make = async (): Promise<{ user: User; weak: WeakInstance }> => {
      const { instance, user } = await Instance.createBackend(memoryStorage(), ada);
      return { user, weak: instance.downgrade() };
    };
    const { user, weak } = await make();
    if (!await collectGarbage()) t.diagnostic("the collector cannot be run here");
    const instance = weak.upgrade();
    assert.ok(instance !== undefined && !instance.isClosed);
    await user.createDatabase({ name: "still open" });
    await instance.close();
    assert.equal(weak.upgrade(), undefined);
  });
});
