import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, type Doc, DocStore, type ID, PrivateKey, SyncSettings } from "../../mod.ts";
import type { Relationships } from "../../src/sync/peers/relationships.ts";
import { SyncDatabase } from "../../src/sync/sync_database.ts";
import { EVENTS_PATH } from "../../src/sync/http/event_stream.ts";
import { decodeMessage } from "../../src/sync/native/codec.ts";
import { decodeFrames } from "../../src/sync/native/frames.ts";
import { SESSION_LIMITS } from "../../src/sync/native/limits.ts";
import { GATHER_MS } from "../../src/sync/worker/tips_follower.ts";
import { listenHere } from "../transport/bed.ts";
import { anyId, withRecords } from "./bed.ts";
import { until } from "./cluster_bed.ts";
import { get, live, type Node, type Nodes, put, withNodes } from "./live_bed.ts";

/** An owner who can dial a reader, and the database of both. */
interface Pair {
  readonly owner: Node;
  readonly reader: Node;
  readonly db: Database;
  readonly copy: Database;
}

/** What the owner grants, before the reader has read. */
type Grant = (db: Database, reader: Node) => Promise<void>;

const toKey: Grant = async (db, { user }) => {
  await db.grant(user.defaultKey(), "read", { name: "reader" });
};

const toEveryone: Grant = async (db) => await db.grant("everyone", "read");

/** The reader has read once, is noted for that, and asks for nothing by itself any more: all that comes is brought. */
async function pair(nodes: Nodes, native: boolean, grant: Grant): Promise<Pair> {
  const owner = await nodes.server({ native });
  const reader = await nodes.server({ native });
  const db = await owner.user.createDatabase({ name: "notes" });
  // So that the reader lets it open the database there.
  await db.grant(owner.instance.id, "read", { name: "device" });
  await grant(db, reader);
  const copy = await reader.user.join(await owner.user.share(db));
  const key = reader.user.defaultKey();
  await reader.user.trackDatabase(db.rootId, key, SyncSettings.enabled());
  await owner.sync.connectToPeer({ transportType: "http", address: reader.server.address });
  if (native) {
    const isLive = live(owner.sync, db.rootId);
    await put(db, "begun", "yes");
    await isLive;
  }
  return { owner, reader, db, copy };
}

async function delivered({ owner, db, copy }: Pair, value: string): Promise<boolean> {
  await put(db, "k", value);
  await owner.sync.flush();
  return await get(copy, "k") === value;
}

for (const native of [false, true]) {
  describe(`a peer that was noted because it has read, ${native ? "natively" : "over v0"}`, () => {
    it("is brought nothing after its key was revoked, and again once it may read", () =>
      withNodes(async (nodes) => {
        const it = await pair(nodes, native, toKey);
        assert.ok(await delivered(it, "open"));
        await it.db.revoke(it.reader.user.defaultKey());
        assert.ok(!await delivered(it, "secret"));
        await it.owner.sync.syncNow(it.db).catch(() => {});
        assert.equal(await get(it.copy, "k"), "open");
        await toKey(it.db, it.reader);
        assert.ok(await delivered(it, "open again"));
      }));

    it("is brought nothing after the grant to everybody was removed", () =>
      withNodes(async (nodes) => {
        const it = await pair(nodes, native, toEveryone);
        assert.ok(await delivered(it, "open"));
        await it.db.revoke("everyone");
        assert.ok(!await delivered(it, "secret"));
      }));

    it("is brought everything, whatever its keys may, when a user wishes it", () =>
      withNodes(async (nodes) => {
        const it = await pair(nodes, native, toKey);
        await it.owner.sync.addTreeSync(it.reader.instance.id, it.db.rootId);
        await it.db.revoke(it.reader.user.defaultKey());
        assert.ok(await delivered(it, "wished"));
      }));

    it("is a peer that a user wishes once a user joins the database at it", () =>
      withNodes(async (nodes) => {
        const it = await pair(nodes, native, toKey);
        const { owner, reader, db } = it;
        await owner.sync.syncWithTicket(reader.sync.createTicket(db.rootId));
        await db.revoke(reader.user.defaultKey());
        assert.ok(await delivered(it, "wished"));
      }));

    it("counts by the key that it reads with now", () =>
      withNodes(async (nodes) => {
        const it = await pair(nodes, native, toKey);
        const second = PrivateKey.generate();
        await it.db.revoke(it.reader.user.defaultKey());
        await it.db.grant(second.publicKey, "read", { name: "second" });
        assert.ok(!await delivered(it, "not yet"));
        const { owner, reader, db } = it;
        await reader.sync.syncTreeWithPeerAs(owner.instance.id, db.rootId, second);
        assert.ok(await delivered(it, "by another key"));
        await db.revoke(second.publicKey);
        assert.ok(!await delivered(it, "no more"));
      }));
  });
}

/** The trees of the OPENs in a body. */
function openedBy(body: Uint8Array): string[] {
  const frames = [...decodeFrames(body, SESSION_LIMITS.frameBytes)];
  return frames.flatMap((frame) => {
    const message = decodeMessage(frame, SESSION_LIMITS.frameBytes);
    return message?.type === "open" ? [`${message.tree}`] : [];
  });
}

it("a peer that was noted because it has read is not asked for news either: that tells what is here", () =>
  withNodes(async (nodes) => {
    const [owner, reader] = [await nodes.server(), await nodes.node()];
    const asked: string[][] = [];
    let cuts = new AbortController();
    const inner = reader.sync.fetchHandler();
    const handler = async (request: Request) => {
      if (request.headers.get("upgrade") !== null) return new Response(null, { status: 426 });
      if (!request.url.endsWith(EVENTS_PATH)) return await inner(request);
      const body = new Uint8Array(await request.arrayBuffer());
      asked.push(openedBy(body));
      return await inner(
        new Request(request.url, {
          ...{ method: "POST", headers: request.headers, body, signal: cuts.signal },
        }),
      );
    };
    const server = await (await listenHere())({ hostname: "127.0.0.1", port: 0, handler });
    try {
      const [wished, secret] = [await read(owner, reader), await read(owner, reader)];
      const at = { transportType: "http", address: `127.0.0.1:${server.port}` };
      const peer = await owner.sync.connectToPeer(at);
      await owner.sync.addTreeSync(peer, wished.rootId);
      // The first rounds may be made by other means.
      for (let round = 0; asked.at(-1)?.length !== 2; round++) {
        for (const db of [wished, secret]) await put(db, "k", `${round}`);
        await owner.sync.flush();
        await new Promise((resolve) => setTimeout(resolve, 2 * GATHER_MS));
      }
      await secret.revoke(reader.user.defaultKey());
      const before = asked.length;
      cuts.abort();
      cuts = new AbortController();
      await until(() => asked.length > before);
      assert.deepEqual(asked.slice(before), [[`${wished.rootId}`]]);
    } finally {
      // Its streams end with it: they are open at the server until then.
      await owner.sync.close();
      cuts.abort();
      await server.close(0);
    }
  }));

/** A database that one shares, and another has read and does not ask for by itself. */
async function read(owner: Node, reader: Node): Promise<Database> {
  const db = await owner.user.createDatabase({ name: "notes" });
  await db.grant(owner.instance.id, "read", { name: "device" });
  await toKey(db, reader);
  await reader.user.requestDatabaseAccess(await owner.user.share(db));
  const key = reader.user.defaultKey();
  await reader.user.trackDatabase(db.rootId, key, SyncSettings.enabled());
  return db;
}

describe("readers in `_sync`", () => {
  it("are peers as any others, and marked in a member of their own", () =>
    withRecords(async ({ records, host }) => {
      const database = await SyncDatabase.of(host);
      const tree = anyId("tree");
      const [wished, reader, vouched] = [0, 1, 2].map(() => PrivateKey.generate().publicKey);
      await records.registerPeer(wished!);
      await records.addTreeSync(wished!, tree);
      await change(database, (it) => it.addReader(tree, reader!, [vouched!]));
      await change(database, (it) => it.addReader(tree, wished!, [vouched!]));
      assert.deepEqual(
        (await records.getTreePeers(tree)).map(String),
        [wished, reader].map(String),
      );
      assert.deepEqual(await stored(database, tree), {
        peer_pubkeys: JSON.stringify([wished, reader].map(String)),
        readers: { [`${reader}`]: JSON.stringify([`${vouched}`]) },
        tree_id: `${tree}`,
      });
    }));

  it("are so no more once a user wishes them, or they are removed", () =>
    withRecords(async ({ records, host }) => {
      const database = await SyncDatabase.of(host);
      const tree = anyId("tree");
      const [one, two] = [0, 1].map(() => PrivateKey.generate().publicKey);
      await records.registerPeer(one!);
      for (const peer of [one!, two!]) await change(database, (it) => it.addReader(tree, peer, []));
      assert.deepEqual((await readersOf(database, tree)).sort(), [one, two].map(String).sort());
      await records.addTreeSync(one!, tree);
      assert.deepEqual(await readersOf(database, tree), [`${two}`]);
      await records.removeTreeSync(two!, tree);
      assert.deepEqual(await readersOf(database, tree), []);
      assert.deepEqual((await records.getTreePeers(tree)).map(String), [`${one}`]);
    }));

  it("are none that another implementation has taken out of the list of peers", () =>
    withRecords(async ({ host }) => {
      const database = await SyncDatabase.of(host);
      const tree = anyId("tree");
      const [one, two] = [0, 1].map(() => PrivateKey.generate().publicKey);
      for (const peer of [one!, two!]) await change(database, (it) => it.addReader(tree, peer, []));
      await database.database.withTransaction(async (tx) => {
        const trees = await tx.getStore(DocStore, "trees");
        await trees.set([`${tree}`, "peer_pubkeys"], JSON.stringify([`${two}`]));
      });
      assert.deepEqual(await readersOf(database, tree), [`${two}`]);
    }));
});

async function change(
  database: SyncDatabase,
  work: (relationships: Relationships) => Promise<unknown>,
): Promise<void> {
  await database.change(async (stores) => void await work(await stores.relationships()));
}

async function readersOf(database: SyncDatabase, tree: ID): Promise<string[]> {
  const all = await (await database.view().relationships()).all();
  return [...all.get(`${tree}`)?.readers.keys() ?? []];
}

async function stored(database: SyncDatabase, tree: ID): Promise<unknown> {
  const trees = await database.database.getStoreViewer(DocStore, "trees");
  return (await trees.get([`${tree}`]) as Doc).toObject();
}
