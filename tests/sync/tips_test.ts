import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  type Database,
  Permission,
  PrivateKey,
  type PublicKey,
  SystemClock,
} from "../../mod.ts";
import {
  isAnswerOf,
  postOpenBytes,
  type PostProof,
  provePost,
  stampPost,
  writePostProof,
} from "../../src/sync/access/post_proof.ts";
import { EVENTS_TYPE, EventSplitter } from "../../src/sync/http/event_stream.ts";
import { NATIVE_EVENTS_PATH } from "../../src/sync/http/tips_route.ts";
import {
  MAX_EVENT_STREAMS,
  MAX_EVENT_STREAMS_PER_PEER,
  MAX_NAMELESS_STREAMS,
} from "../../src/sync/native/host/event_streams.ts";
import { MAX_POST_TREES } from "../../src/sync/native/host/post_answer.ts";
import {
  FEED_SILENCE_MS,
  MAX_LISTED_TIPS,
  MAX_NAMED_TREES,
} from "../../src/sync/native/host/tips_feed.ts";
import { SESSION_LIMITS } from "../../src/sync/native/limits.ts";
import type { Open } from "../../src/sync/native/messages.ts";
import { systemRandom } from "../../src/util/random.ts";
import { HandTimers } from "./cluster_bed.ts";
import { madeBy, type Node, put, withNodes } from "./live_bed.ts";
import { bodyOf, proofFor } from "./post_bed.ts";
import { openOf } from "./raw_peer.ts";

const BASE = `http://node.example${NATIVE_EVENTS_PATH}`;

/** What a stream tells, one thing after the other. */
class Reader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #splitter = new EventSplitter();
  readonly #events: { event: string; told: Told; id: string | undefined }[] = [];

  constructor(response: Response) {
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), EVENTS_TYPE);
    this.#reader = response.body!.getReader();
  }

  /** The next event; undefined when the stream ends. */
  async next() {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      for (const { event, data, id } of this.#splitter.push(value)) {
        this.#events.push({ event, told: JSON.parse(data) as Told, id });
      }
    }
  }

  /** The next piece as text. */
  async text(): Promise<string | undefined> {
    const { value } = await this.#reader.read();
    return value === undefined ? undefined : new TextDecoder().decode(value);
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

interface Told {
  readonly tree: string;
  readonly tips?: readonly string[];
  readonly count?: number;
  readonly code?: string;
}

const named = (...dbs: readonly Database[]) => {
  return `?${dbs.map(({ rootId }) => `tree=${rootId}`).join("&")}`;
};

async function get(node: Node, query: string, headers: Record<string, string> = {}) {
  return await node.sync.fetchHandler()(new Request(BASE + query, { headers }));
}

async function open(node: Node, body: Uint8Array, proof: PostProof = proofOf(node, body)) {
  const headers = { authorization: writePostProof(proof) };
  const init = { method: "POST", headers, body: body as BodyInit };
  return await node.sync.fetchHandler()(new Request(BASE, init));
}

function proofOf(node: Node, body: Uint8Array, device?: PrivateKey, path = NATIVE_EVENTS_PATH) {
  return proofFor(node, body, { path, ...device === undefined ? {} : { device } });
}

const tipsOf = async (db: Database) => (await db.snapshot()).toJSON();

/** Rules by which one key reads; it alone besides who made the database. */
async function setReader(db: Database, reader: PublicKey) {
  await db.withTransaction(async (tx) => {
    await tx.getSettings().setAuthKey(reader, AuthKey.active("reader", Permission.read));
  });
}

describe("streams of tips", () => {
  it("tell anybody of a database that anybody may read: at once, and when it changes", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const reader = new Reader(await get(home, named(db)));
      const first = (await reader.next())!;
      assert.equal(first.event, "tips");
      assert.deepEqual(first.told.tips, await tipsOf(db));
      assert.equal(first.told.tree, db.rootId.toString());
      await put(db, "k", "v");
      const second = (await reader.next())!;
      assert.deepEqual(second.told.tips, await tipsOf(db));
      assert.equal(second.told.count, first.told.count! + 1);
      await reader.cancel();
      assert.equal(home.sync.native.streams.open, 0);
      assert.equal(home.sync.native.admissions.open, 0);
    }));

  it("go on after the last event that the reader had", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const [one, two] = [await madeBy(home, "one"), await madeBy(home, "two")];
      const reader = new Reader(await get(home, named(one, two)));
      await reader.next();
      const { id } = (await reader.next())!;
      await reader.cancel();
      await put(two, "k", "v");
      const again = new Reader(await get(home, named(one, two), { "last-event-id": id! }));
      const event = (await again.next())!;
      assert.deepEqual([event.told.tree, event.told.tips], [`${two.rootId}`, await tipsOf(two)]);
      await put(one, "k", "v");
      assert.equal((await again.next())!.told.tree, one.rootId.toString());
      await again.cancel();
      // An ID of something else is passed over.
      for (const other of ["", "x", id!.slice(2), "g".repeat(id!.length)]) {
        const anew = new Reader(await get(home, named(one, two), { "last-event-id": other }));
        assert.equal((await anew.next())!.told.tree, one.rootId.toString());
        await anew.cancel();
      }
    }));

  it("tell what a proven key may read, and nobody else", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await home.user.createDatabase({ name: "private" });
      const unshared = await get(home, named(db));
      const unknown = await get(home, `?tree=${(await madeBy(await nodes.node())).rootId}`);
      assert.deepEqual([unshared.status, unknown.status], [404, 404]);
      await home.user.share(db);
      assert.equal((await get(home, named(db))).status, 403);
      const device = PrivateKey.generate();
      await setReader(db, device.publicKey);
      const path = NATIVE_EVENTS_PATH + named(db);
      const asked = async (query: string, proof: PostProof) =>
        await get(home, query, { authorization: writePostProof(proof) });
      const proof = proofOf(home, new Uint8Array(), device, path);
      const response = await asked(named(db), proof);
      assert.ok(isAnswerOf(home.instance.id, proof, response.headers.get("eidetica-proof")));
      const reader = new Reader(response);
      assert.deepEqual((await reader.next())!.told.tips, await tipsOf(db));
      await reader.cancel();
      assert.equal((await asked(named(db), proof)).status, 401, "made before");
      const other = proofOf(home, new Uint8Array(), device, path);
      assert.equal((await asked(`${named(db)}&x=1`, other)).status, 401, "for another question");
      const stranger = proofOf(home, new Uint8Array(), PrivateKey.generate(), path);
      assert.equal((await asked(named(db), stranger)).status, 403);
      assert.equal((await get(home, named(db), { authorization: "" })).status, 401);
      assert.equal(home.sync.native.streams.open, 0);
      assert.equal(home.sync.native.admissions.open, 0);
    }));

  it("are asked for with OPENs: told is what the reader does not say that it has", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const [one, two] = [await madeBy(home, "one"), await madeBy(home, "two")];
      const hidden = await home.user.createDatabase({ name: "hidden" });
      const { tips } = await one.snapshot();
      const body = bodyOf(
        openOf(one.rootId, { tips }),
        openOf(hidden.rootId, { channel: 2 }),
        openOf(two.rootId, { channel: 4 }),
      );
      const reader = new Reader(await open(home, body));
      const [first, second] = [(await reader.next())!, (await reader.next())!];
      assert.deepEqual([first.event, first.told.code], ["deny", "TreeNotFound"]);
      assert.deepEqual([second.event, second.told.tree], ["tips", two.rootId.toString()]);
      await put(one, "k", "v");
      assert.equal((await reader.next())!.told.tree, one.rootId.toString());
      await reader.cancel();
    }));

  it("end for a reader who was revoked, and tell it nothing of what came then", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await home.user.createDatabase({ name: "private" });
      await home.user.share(db);
      const [device, key] = [PrivateKey.generate(), PrivateKey.generate()];
      await setReader(db, key.publicKey);
      const { tips } = await db.snapshot();
      const stamp = proofOf(home, new Uint8Array(), device);
      const signature = key.sign(postOpenBytes(home.instance.id, stamp, db.rootId));
      const proofs = [{ key: key.publicKey.bytes, signature }];
      const body = bodyOf(openOf(db.rootId, { tips, proofs }));
      // A proof of another stamp vouches for nothing.
      assert.equal((await open(home, body, proofOf(home, body, device))).status, 400);
      const second = await home.user.createDatabase({ name: "second" });
      await home.user.share(second);
      await setReader(second, key.publicKey);
      const also = openOf(second.rootId, { channel: 2, vouchedBy: 0 });
      const two = new Reader(await vouched(home, db, device, key, also));
      assert.deepEqual((await two.next())!.told.tips, await tipsOf(second));
      await two.cancel();
      const reader = new Reader(await vouched(home, db, device, key));
      await db.withTransaction(async (tx) => await tx.getSettings().revokeAuthKey(key.publicKey));
      const last = (await reader.next())!;
      assert.deepEqual([last.event, last.told.code], ["deny", "PermissionDenied"]);
      assert.equal(await reader.next(), undefined);
      assert.equal(home.sync.native.streams.open, 0);
    }));

  it("show that they go on, and end for whoever was blocked meanwhile", () =>
    withNodes(async (nodes) => {
      const timers = new HandTimers();
      const home = await nodes.node({ timers });
      const db = await madeBy(home);
      const device = PrivateKey.generate();
      await home.sync.registerPeer(device.publicKey);
      const { tips } = await db.snapshot();
      const body = bodyOf(openOf(db.rootId, { tips }));
      const reader = new Reader(await open(home, body, proofOf(home, body, device)));
      assert.match((await reader.text())!, /^retry: \d+\n\n$/);
      const silence = async () => {
        const text = reader.text();
        while (!timers.pauses.includes(FEED_SILENCE_MS)) await new Promise((it) => setTimeout(it));
        timers.fire(FEED_SILENCE_MS);
        return await text;
      };
      assert.equal(await silence(), ":\n\n");
      assert.equal(await silence(), ":\n\n");
      await home.sync.removePeer(device.publicKey);
      const last = (await reader.next())!;
      assert.deepEqual([last.event, last.told.code], ["deny", "PeerBlocked"]);
      assert.equal(await reader.next(), undefined);
    }));

  it("end with an abort, and with the instance", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const { signal, abort } = abortable();
      const handler = home.sync.fetchHandler();
      const aborted = new Reader(await handler(new Request(BASE + named(db), { signal })));
      const closed = new Reader(await get(home, named(db)));
      await aborted.next();
      await closed.next();
      const [first, second] = [aborted.next(), closed.next()];
      abort();
      assert.equal(await first.catch(() => undefined), undefined);
      assert.equal(home.sync.native.streams.open, 1);
      await home.sync.close();
      assert.equal(await second, undefined);
      assert.equal(home.sync.native.streams.open, 0);
      assert.equal((await get(home, named(db))).status, 503);
    }));

  it("are over at once for who has gone before they began", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const { signal, abort } = abortable();
      abort();
      const request = new Request(BASE + named(db), { signal });
      await home.sync.fetchHandler()(request).catch(() => undefined);
      assert.equal(home.sync.native.streams.open, 0);
      assert.equal(home.sync.native.admissions.open, 0);
    }));

  it("are bounded: of a peer, of those without a name, of an address, in all", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const { streams, admissions } = home.sync.native;
      const body = bodyOf(openOf(db.rootId));
      const device = PrivateKey.generate();
      const mine = Array.from({ length: MAX_EVENT_STREAMS_PER_PEER }, () => {
        return streams.enter(device.publicKey);
      });
      assert.equal((await open(home, body, proofOf(home, body, device))).status, 429);
      assert.equal(admissions.open, 0);
      for (const leave of mine) leave();
      const readers: Reader[] = [];
      for (let n = 0; n < MAX_NAMELESS_STREAMS; n++) {
        readers.push(new Reader(await get(home, named(db))));
      }
      assert.equal((await get(home, named(db))).status, 429);
      await new Reader(await open(home, body)).cancel();
      for (const reader of readers) await reader.cancel();
      assert.equal(streams.open, 0);
      const all = Array.from({ length: MAX_EVENT_STREAMS }, () => {
        return streams.enter(PrivateKey.generate().publicKey);
      });
      assert.equal((await get(home, named(db))).status, 429);
      for (const leave of all) leave();
      const near = Array.from({ length: 16 }, () => admissions.enter("192.0.2.1"));
      const handler = home.sync.fetchHandler();
      const info = { remoteAddress: "192.0.2.1:5" };
      assert.equal((await handler(new Request(BASE + named(db)), info)).status, 429);
      for (const leave of near) leave();
      assert.equal(streams.open, 0);
    }));

  it("are asked for properly, or not at all", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const status = async (query: string) => (await get(home, query)).status;
      const many = Array.from({ length: MAX_NAMED_TREES + 1 }, (_, n) => `tree=x${n}`).join("&");
      for (
        const query of ["", "?", "?tree=", "?tree=x", "?x=1", `?${many}`, `${named(db)}&tree=`]
      ) {
        assert.equal(await status(query), 400, query);
      }
      const put = new Request(BASE + named(db), { method: "PUT" });
      assert.equal((await home.sync.fetchHandler()(put)).status, 405);
      const opens = (count: number) =>
        bodyOf(...Array.from({ length: count }, (_, n) => openOf(db.rootId, { channel: 2 * n })));
      assert.equal((await open(home, opens(0))).status, 400);
      assert.equal((await open(home, opens(MAX_POST_TREES + 1))).status, 400);
      assert.match(await (await open(home, opens(2))).text(), /named twice/);
      const ping = bodyOf({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      assert.equal((await open(home, ping)).status, 400);
      const proof = { key: home.instance.id.bytes, signature: new Uint8Array(64) };
      const proofs = Array.from({ length: 4 }, () => proof);
      const vouched = Array.from({ length: SESSION_LIMITS.proofs / 4 + 1 }, (_, n) => {
        return openOf(db.rootId, { channel: 2 * n, proofs });
      });
      assert.equal((await open(home, bodyOf(...vouched))).status, 400);
      assert.equal(home.sync.native.streams.open, 0);
    }));

  it("list some of many tips", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const at = await db.snapshot();
      for (let n = 0; n <= MAX_LISTED_TIPS; n++) {
        const tx = await db.newTransaction({ at });
        await tx.getSettings().setName(`name ${n}`);
        await tx.commit();
      }
      const reader = new Reader(await get(home, named(db)));
      const { told } = (await reader.next())!;
      assert.equal(told.tips!.length, MAX_LISTED_TIPS);
      assert.equal((await db.snapshot()).length, MAX_LISTED_TIPS + 1);
      await reader.cancel();
    }));
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** A stream for a device for which another key vouches. */
async function vouched(
  home: Node,
  db: Database,
  device: PrivateKey,
  key: PrivateKey,
  ...more: readonly Open[]
) {
  const { tips } = await db.snapshot();
  const server = home.instance.id;
  const stamp = stampPost(device.publicKey, new SystemClock(), systemRandom);
  const signature = key.sign(postOpenBytes(server, stamp, db.rootId));
  const proofs = [{ key: key.publicKey.bytes, signature }];
  const body = bodyOf(openOf(db.rootId, { tips, proofs }), ...more);
  return await open(
    home,
    body,
    provePost(device, stamp, { server, path: NATIVE_EVENTS_PATH }, body),
  );
}
