import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  type Database,
  DocStore,
  Instance,
  NewUser,
  Permission,
  type User,
} from "../../mod.ts";
import type { Sync } from "../../src/sync/sync.ts";
import { newStorage } from "../helpers/storages.ts";

interface Node {
  readonly instance: Instance;
  readonly user: User;
  readonly sync: Sync;
}

async function node(name: string): Promise<Node> {
  const storage = await newStorage();
  const { instance, user } = await Instance.createBackend(storage, NewUser.passwordless(name));
  return { instance, user, sync: await instance.enableSync() };
}

/** Two instances, the first of which serves. */
async function withTwo(test: (a: Node, b: Node) => Promise<void>): Promise<void> {
  const [a, b] = [await node("ada"), await node("bob")];
  try {
    await a.sync.serve();
    await test(a, b);
  } finally {
    await b.instance.close();
    await a.instance.close();
  }
}

const put = (db: Database, key: string, value: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "pages")).set(key, value));

async function read(db: Database, key: string): Promise<string> {
  return await (await db.getStoreViewer(DocStore, "pages")).getString(key);
}

/** Grants the next request for access that comes. */
async function grantNext({ user, sync }: Node): Promise<void> {
  for await (const event of sync.events()) {
    if (event.type === "accessRequested") return await user.approveBootstrapRequest(event.request);
  }
}

describe("sharing with a ticket", () => {
  it("options that are wrong are refused before anything is done", () =>
    withTwo(async (a, b) => {
      const notes = await a.user.createDatabase({ name: "notes" });
      const ticket = await a.user.share(notes);
      const before = b.sync.keyFor(notes.rootId);
      for (
        const [name, value] of [
          ["onProgress", 1],
          ["signal", {}],
          ["permission", "write"],
          ["note", 7],
          ["key", "ed25519:x"],
        ] as const
      ) {
        const wrong = { [name]: value } as object;
        await assert.rejects(b.user.join(ticket, wrong), { code: "InvalidArgument" }, name);
        if (name === "onProgress") continue;
        const asking = b.user.requestDatabaseAccess(ticket, wrong);
        await assert.rejects(asking, { code: "InvalidArgument" }, name);
      }
      assert.equal(b.sync.keyFor(notes.rootId), before);
      assert.deepEqual(await b.sync.listPeers(), []);
      assert.deepEqual(await a.user.pendingBootstrapRequests(), []);
    }));

  it("a join that fails leaves the key with which the database is read", () =>
    withTwo(async (a, b) => {
      const notes = await a.user.createDatabase({ name: "notes" });
      await notes.grant(b.user.defaultKey(), "read", { name: "bob" });
      const ticket = await a.user.share(notes);
      await b.user.join(ticket);
      const before = b.sync.keyFor(notes.rootId);
      const stranger = await b.user.addPrivateKey("stranger");
      await assert.rejects(b.user.join(ticket, { key: stranger }), { code: "PermissionDenied" });
      assert.equal(b.sync.keyFor(notes.rootId), before);
    }));

  it("10#12,#14,#26,#27,#39 an owner grants, both write offline, everything arrives at both", () =>
    withTwo(async (a, b) => {
      const notes = await a.user.createDatabase({ name: "notes" });
      await put(notes, "hello", "world");
      const ticket = await a.user.share(notes);
      const granted = grantNext(a);
      const copy = await b.user.join(ticket.toString(), { note: "my laptop" });
      await granted;
      assert.equal(await read(copy, "hello"), "world");
      await put(copy, "from", "bob");
      await b.instance.flushSync();
      assert.equal(await read(notes, "from"), "bob");
      await put(notes, "from", "ada");
      await b.sync.syncNow(copy);
      assert.equal(await read(copy, "from"), "ada");
      assert.deepEqual((await notes.snapshot()).toJSON(), (await copy.snapshot()).toJSON());
    }));

  it("a database that everybody may read is joined at once", () =>
    withTwo(async (a, b) => {
      const wall = await a.user.createDatabase({ name: "wall" });
      await wall.withTransaction(async (tx) => {
        await tx.getSettings().setGlobalAuthKey(AuthKey.active(undefined, Permission.write(10)));
      });
      await put(wall, "k", "v");
      const copy = await b.user.join(await a.user.share(wall));
      assert.equal(await read(copy, "k"), "v");
      await put(copy, "k", "w");
      await b.instance.flushSync();
      assert.equal(await read(wall, "k"), "w");
    }));

  it("joining ends when it is aborted while nobody decides", () =>
    withTwo(async (a, b) => {
      const notes = await a.user.createDatabase({ name: "notes" });
      const ticket = await a.user.share(notes);
      const reason = new Error("enough");
      const abort = new AbortController();
      const joining = b.user.join(ticket, { signal: abort.signal });
      for await (const event of b.sync.events()) {
        if (event.type === "accessPending") break;
      }
      abort.abort(reason);
      await assert.rejects(joining, { code: "Aborted", cause: reason });
      const [[id]] = await a.user.pendingBootstrapRequests() as [[string, unknown]];
      await a.user.rejectBootstrapRequest(id);
      assert.deepEqual(await a.user.pendingBootstrapRequests(), []);
    }));

  it("10#37 without synchronisation, or of a database that is not tracked, nothing changes", () =>
    withTwo(async (a) => {
      const storage = await newStorage();
      const alone = await Instance.createBackend(storage, NewUser.passwordless("eve"));
      const db = await alone.user.createDatabase({ name: "x" });
      await assert.rejects(alone.user.share(db), { code: "SyncNotEnabled" });
      assert.equal(await alone.user.isSyncEnabled(db.rootId), false);
      await alone.instance.close();
      const other = await a.user.createDatabase({ name: "y" });
      await a.user.untrackDatabase(other.rootId);
      await assert.rejects(a.user.share(other), { code: "DatabaseNotTracked" });
    }));
});
