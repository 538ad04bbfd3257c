import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  AuthKey,
  type Database,
  ID,
  Instance,
  NewUser,
  Permission,
  PrivateKey,
  SyncSettings,
  SystemClock,
} from "../../mod.ts";
import { FRESHNESS_MS, MAX_HTTP_REQUEST_BYTES } from "../../src/sync/access/limits.ts";
import {
  isAnswerOf,
  postOpenBytes,
  type PostProof,
  provePost,
  stampPost,
  writePostProof,
} from "../../src/sync/access/post_proof.ts";
import { decodeMessage } from "../../src/sync/native/codec.ts";
import { decodeFrames, encodeFrame } from "../../src/sync/native/frames.ts";
import {
  MAX_POST_COMPARISONS,
  MAX_POST_TREES,
  POST_ANSWER_BYTES,
} from "../../src/sync/native/host/post_answer.ts";
import { packBlock } from "../../src/sync/native/block.ts";
import { LARGEST_ENTRY_FRAME, SESSION_LIMITS } from "../../src/sync/native/limits.ts";
import type { Message, Open } from "../../src/sync/native/messages.ts";
import { DatabaseTicket } from "../../src/sync/ticket.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { PostRounds } from "../../src/sync/worker/post_rounds.ts";
import { HttpTransport } from "../../src/transport/http_transport.ts";
import type { PostedRequest, WebHandler } from "../../src/transport/port.ts";
import { piecesOf } from "../../src/transport/silence.ts";
import { Schedule } from "../../src/testing/schedule.ts";
import { NATIVE_PATH } from "../../src/transport/web_socket_link.ts";
import { concat } from "../../src/util/bytes.ts";
import { systemRandom } from "../../src/util/random.ts";
import { type Asked, bodyOf, proofFor, URL_OF_NODE, withoutUpgrades } from "./post_bed.ts";
import { get, madeBy, type Node, put, withNodes } from "./live_bed.ts";
import { openOf } from "./raw_peer.ts";

/** Sends a request to a node as it is. */
async function post(
  node: Node,
  body: Uint8Array | ReadableStream,
  asked: Asked | PostProof = {},
): Promise<Response> {
  const proof = "signature" in asked ? asked : proofFor(node, body as Uint8Array, asked);
  const header = "signature" in asked ? undefined : asked.authorization;
  const headers = { authorization: header ?? writePostProof(proof) };
  const init = { method: "POST", headers, body: body as BodyInit, duplex: "half" };
  return await node.sync.fetchHandler()(new Request(URL_OF_NODE, init));
}

/** The messages of an answer. */
async function messagesOf(response: Response): Promise<Message[]> {
  assert.equal(response.status, 200);
  const frames = decodeFrames(new Uint8Array(await response.arrayBuffer()), LARGEST_ENTRY_FRAME);
  return Array.from(frames, (frame) => decodeMessage(frame, LARGEST_ENTRY_FRAME)!);
}

describe("requests that stand alone", () => {
  it("are answered with what the sender lacks, by a server that proves its key", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      await put(db, "k", "v");
      const body = bodyOf(openOf(db.rootId));
      const proof = proofFor(home, body);
      const response = await post(home, body, proof);
      const header = response.headers.get("eidetica-proof");
      assert.ok(isAnswerOf(home.instance.id, proof, header));
      assert.ok(!isAnswerOf(PrivateKey.generate().publicKey, proof, header));
      assert.ok(!isAnswerOf(home.instance.id, { ...proof, signature: new Uint8Array(64) }, header));
      for (const none of [null, "", "x"]) assert.ok(!isAnswerOf(home.instance.id, proof, none));
      const messages = await messagesOf(response);
      assert.deepEqual(messages.map(({ type }) => type), ["state", "entries", "mark"]);
      const [state, entries, mark] = messages as [
        Extract<Message, { type: "state" }>,
        Extract<Message, { type: "entries" }>,
        Extract<Message, { type: "mark" }>,
      ];
      assert.equal(entries.count, state.count);
      assert.equal(mark.left, 0);
      const { tips } = state;
      const again = await messagesOf(await post(home, bodyOf(openOf(db.rootId, { tips }))));
      assert.deepEqual(again.map(({ type }) => type), ["state"]);
      assert.ok((again[0] as typeof state).isSame);
      await put(db, "k", "w");
      const held = openOf(db.rootId, { tips, cursor: mark.cursor });
      const more = await messagesOf(await post(home, bodyOf(held)));
      assert.equal((more[1] as typeof entries).count, 1);
      const byCursor = openOf(db.rootId, { tips: [db.rootId], cursor: mark.cursor });
      assert.equal((await messagesOf(await post(home, bodyOf(byCursor)))).length > 1, true);
    }));

  it("are refused when they were made before, by others, for others, or elsewhen", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const body = bodyOf(openOf(db.rootId));
      const proof = proofFor(home, body);
      await messagesOf(await post(home, body, proof));
      assert.equal((await post(home, body, proof)).status, 401);
      const now = Date.now();
      const wrong: Asked[] = [
        { timeMs: now - FRESHNESS_MS - 10_000 },
        { timeMs: now + FRESHNESS_MS + 10_000 },
        { path: "/api/native/2" },
        { signedBody: bodyOf(openOf(db.rootId, { live: true })) },
        { authorization: "" },
        { authorization: `Eidetica ${"f".repeat(64)},${now},${"0".repeat(32)},${"0".repeat(128)}` },
        { authorization: `Eidetica ${"0".repeat(64)},${now},${"0".repeat(32)},${"0".repeat(128)}` },
        { authorization: "Bearer x" },
      ];
      for (const asked of wrong) assert.equal((await post(home, body, asked)).status, 401);
      const other = await nodes.node();
      assert.equal((await post(home, body, proofFor(other, body))).status, 401);
      const foreign = { ...proofFor(home, body), key: PrivateKey.generate().publicKey };
      assert.equal((await post(home, body, foreign)).status, 401);
      assert.equal(home.sync.native.admissions.open, 0);
    }));

  it("are refused when their body comes after the time for which nonces are remembered", async () => {
    const clock = new FixedClock();
    const options = [NewUser.passwordless("ada"), { clock }] as const;
    const { instance, user } = await Instance.connectOrCreate("memory://", ...options);
    const home = { instance, user: user!, sync: await instance.enableSync() };
    try {
      const db = await madeBy(home);
      const body = bodyOf(openOf(db.rootId));
      const proof = proofFor(home, body, { timeMs: clock.get() });
      await messagesOf(await post(home, body, proof));
      const late = new ReadableStream({
        pull(controller) {
          clock.advance(FRESHNESS_MS + 10_000);
          controller.enqueue(body);
          controller.close();
        },
      }, { highWaterMark: 0 });
      assert.equal((await post(home, late, proof)).status, 401);
    } finally {
      await instance.close();
    }
  });

  it("are bounded: bytes, databases, requests at once", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const large = new Uint8Array(MAX_HTTP_REQUEST_BYTES + 1);
      assert.equal((await post(home, large)).status, 413);
      const many = Array.from({ length: MAX_POST_TREES + 1 }, (_, n) => {
        return openOf(db.rootId, { channel: 2 * n, tips: [db.rootId] });
      });
      const [last] = (await messagesOf(await post(home, bodyOf(...many)))).slice(-1);
      assert.deepEqual(last!.type === "close" && last!.code, "TooMuch");
      const leaves = Array.from(
        { length: 1024 },
        () => home.sync.native.admissions.enter(undefined),
      );
      assert.equal((await post(home, bodyOf(openOf(db.rootId)))).status, 429);
      for (const leave of leaves) leave();
      // One whose answer nobody reads has ended when that is said.
      const unread = await post(home, bodyOf(openOf(db.rootId)));
      assert.equal(home.sync.native.admissions.open, 1);
      await unread.body!.cancel();
      assert.equal(home.sync.native.admissions.open, 0);
    }));

  it("are answered as a whole: nothing is done of a body that is cut", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const body = concat(bodyOf(openOf(db.rootId)), Uint8Array.of(0x40, 5, 1));
      const [close, ...more] = await messagesOf(await post(home, body));
      assert.equal(close?.type === "close" && close.code, "Malformed");
      assert.equal(more.length, 0);
    }));

  it("an answer has some MiB; whoever asks again gets the rest", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      // What cannot be deflated, so that it takes its room.
      const noise = () =>
        Array.from(systemRandom.bytes(1024 * 1024 / 2), (it) => it.toString(16)).join("");
      for (let n = 0; n < 10; n++) await put(db, `k${n}`, noise());
      let cursor: Open["cursor"];
      let [answers, left] = [0, 1];
      while (left > 0) {
        const messages = await messagesOf(await post(home, bodyOf(openOf(db.rootId, { cursor }))));
        let bytes = 0;
        for (const message of messages) {
          if (message.type === "entries") bytes += message.body.length;
          if (message.type === "mark") [cursor, left] = [message.cursor, message.left];
        }
        assert.ok(bytes <= POST_ANSWER_BYTES + 1024 * 1024, String(bytes));
        answers++;
      }
      assert.ok(answers > 1);
    }));

  it("bring entries, which are verified; who sends too many that are invalid is let in no more", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const entry = await home.instance.backend.get(db.rootId);
      const held = { type: "entries", channel: 0, ...packBlock([entry.bytes]) } as const;
      const stored = (await messagesOf(await post(home, bodyOf(openOf(db.rootId), held)))).at(-1)!;
      assert.ok(stored.type === "stored" && stored.refused === 0);
      const unopened = await messagesOf(await post(home, bodyOf(held)));
      assert.equal(unopened[0]!.type, "close");
      const device = PrivateKey.generate();
      const bad = Array.from({ length: SESSION_LIMITS.invalid + 1 }, () => new Uint8Array([1]));
      const block = { type: "entries", channel: 0, ...packBlock(bad) } as const;
      const end = (await messagesOf(await post(home, bodyOf(openOf(db.rootId), block), { device })))
        .at(-1)!;
      assert.deepEqual(end.type === "close" && end.code, "TooManyInvalid");
      assert.equal((await post(home, bodyOf(openOf(db.rootId)), { device })).status, 403);
    }));

  it("who may not read is told no tips, who is vouched for reads, who was revoked reads no more", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await home.user.createDatabase({ name: "private" });
      const unshared = await messagesOf(await post(home, bodyOf(openOf(db.rootId))));
      assert.deepEqual(unshared.map(({ type }) => type), ["deny"]);
      await home.user.share(db);
      const stranger = await messagesOf(await post(home, bodyOf(openOf(db.rootId))));
      assert.deepEqual(stranger.map(({ type }) => type), ["state"]);
      assert.ok(stranger[0]!.type === "state" && stranger[0]!.tips.length === 0);
      const reader = PrivateKey.generate();
      await db.withTransaction(async (tx) => {
        const key = AuthKey.active("reader", Permission.read);
        await tx.getSettings().setAuthKey(reader.publicKey, key);
      });
      assert.equal((await vouched(home, db, reader, reader)).length, 3);
      const second = await home.user.createDatabase({ name: "second" });
      await home.user.share(second);
      await second.withTransaction(async (tx) => {
        const key = AuthKey.active("reader", Permission.read);
        await tx.getSettings().setAuthKey(reader.publicKey, key);
      });
      const also = openOf(second.rootId, { channel: 2, vouchedBy: 0 });
      const both = await vouched(home, db, reader, reader, also);
      assert.ok(both.some((it) => it.type === "state" && it.channel === 2 && it.mayRead));
      const none = openOf(second.rootId, { channel: 2, vouchedBy: 4 });
      const refused = await vouched(home, db, reader, reader, none);
      assert.ok(refused.some((it) => it.type === "state" && it.channel === 2 && !it.mayRead));
      const forged = await vouched(home, db, reader, PrivateKey.generate());
      assert.deepEqual(forged.map(({ type }) => type), ["deny"]);
      await db.withTransaction(async (tx) =>
        await tx.getSettings().revokeAuthKey(reader.publicKey)
      );
      assert.equal((await vouched(home, db, reader, reader)).length, 1);
    }));

  it("any headers and any frames are answered, and nothing breaks", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const good = writePostProof(proofFor(home, new Uint8Array()));
      const headers = fc.oneof(
        fc.string({ unit: fc.constantFrom(..."Eidetica 0af,,-.".split("")), maxLength: 40 }),
        fc.tuple(fc.nat(good.length - 1), fc.constantFrom("0", "x", ",", " ")).map(([at, it]) =>
          good.slice(0, at) + it + good.slice(at + 1)
        ),
      );
      await fc.assert(
        fc.asyncProperty(headers, async (authorization) => {
          if (authorization === good) return;
          const response = await post(home, bodyOf(openOf(db.rootId)), { authorization });
          assert.equal(response.status, 401);
        }),
        { numRuns: 60 },
      );
      const start = bodyOf(openOf(db.rootId));
      const bodies = fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 40 })).map((
        [isOpen, bytes],
      ) => isOpen ? concat(start, bytes) : bytes);
      await fc.assert(
        fc.asyncProperty(bodies, async (body) => {
          const messages = await messagesOf(await post(home, body));
          const bad = messages.filter(({ type }) => type === "close");
          assert.ok(bad.length <= 1 && (bad.length === 0 || messages.at(-1) === bad[0]));
        }),
        { numRuns: 60 },
      );
      assert.equal(home.sync.native.admissions.open, 0);
    }));

  it("a round takes one when the other side is in step, or ahead", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      // Nothing else brings it anything: it follows nobody.
      const apart = await nodes.node();
      const db = await madeBy(home);
      await withoutUpgrades(home, async (address) => {
        const at = { transportType: "http", address };
        const options = { key: apart.sync.keyFor(db.rootId) };
        const round = () => roundsOf(apart).round(at, home.instance.id, db.rootId, options);
        await round();
        assert.ok(await apart.instance.backend.hasEntry(db.rootId));
        await put(db, "there", "2");
        const ahead = await round();
        assert.deepEqual([ahead?.rounds, ahead?.received, ahead?.verified], [1, 1, 1]);
        const same = await round();
        assert.deepEqual([same?.rounds, same?.received, same?.sent], [1, 0, 0]);
      });
    }));

  it("tell by ranges where histories differ, when neither a cursor nor tips do", () =>
    withNodes(async (nodes) => {
      const [home, between, apart] = [await nodes.node(), await nodes.node(), await nodes.node()];
      const db = await madeBy(home);
      for (let n = 0; n < 150; n++) await put(db, `k${n}`, "common");
      const tree = db.rootId;
      const roundBetween = (from: Node, to: Node) => {
        const options = { key: from.sync.keyFor(tree) };
        return {
          with: (address: string) =>
            roundsOf(from).round({ transportType: "http", address }, to.instance.id, tree, options),
        };
      };
      await withoutUpgrades(home, async (homeAddress) => {
        await roundBetween(between, home).with(homeAddress);
        await between.user.trackDatabase(tree, between.user.defaultKey(), SyncSettings.enabled());
        await withoutUpgrades(between, async (address) => {
          await roundBetween(apart, between).with(address);
        });
        await apart.user.trackDatabase(tree, apart.user.defaultKey(), SyncSettings.disabled());
        const copy = await apart.user.openDatabase(tree);
        for (let n = 0; n < 20; n++) {
          await put(db, `home${n}`, "fork");
          await put(copy, `apart${n}`, "fork");
        }
        const round = () => roundBetween(apart, home).with(homeAddress);
        const fork = await round();
        assert.deepEqual((await copy.snapshot()).toJSON(), (await db.snapshot()).toJSON());
        assert.deepEqual([fork?.received, fork?.verified, fork?.sent], [20, 20, 20]);
        assert.ok(fork!.rounds <= 6, `${fork!.rounds}`);
        // The next one has a cursor.
        const same = await round();
        assert.deepEqual([same?.rounds, same?.received, same?.sent], [1, 0, 0]);
      });
    }));

  it("bring any histories in step, whoever asks whom, and lose nothing", () =>
    withNodes(async (nodes) => {
      const all = [await nodes.node(), await nodes.node(), await nodes.node()];
      for (const seed of [1, 2, 3]) await holds(all, new Schedule(seed));
    }));

  it("compare ranges of some databases, once, and only where nothing else tells", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const unknown = ID.ofDagCbor(Uint8Array.of(7));
      const dbs: Database[] = [];
      for (let n = 0; n <= MAX_POST_COMPARISONS; n++) dbs.push(await madeBy(home, `db ${n}`));
      const open = ({ rootId }: Database, at: number, changes: Partial<Open> = {}) =>
        openOf(rootId, { channel: 2 * at, tips: [unknown], ...changes });
      const told = (channel: number): Message => ({ type: "ranges", channel, ranges: [] });
      const all = dbs.flatMap((db, at) => [open(db, at), told(2 * at)]);
      const many = await messagesOf(await post(home, bodyOf(...all)));
      const states = many.filter(({ type }) => type === "state").length;
      const replies = many.filter(({ type }) => type === "ranges").length;
      assert.deepEqual([states, replies], [dbs.length, MAX_POST_COMPARISONS]);
      const last = many.at(-1)!;
      assert.ok(last.type === "deny" && last.code === "Busy");
      const [db] = dbs as [Database];
      const twice = await messagesOf(await post(home, bodyOf(open(db, 0), told(0), told(0))));
      assert.deepEqual(twice.map((it) => it.type === "close" && it.code), ["TooMuch"]);
      const knows = open(db, 0, { tips: [db.rootId] });
      const sent = await messagesOf(await post(home, bodyOf(knows, told(0), told(4))));
      assert.deepEqual(sent.map(({ type }) => type), ["state", "entries", "mark"]);
      const hidden = await home.user.createDatabase({ name: "hidden" });
      const none = await messagesOf(await post(home, bodyOf(open(hidden, 0), told(0))));
      assert.deepEqual(none.map(({ type }) => type), ["deny"]);
      await home.user.share(hidden);
      const unread = await messagesOf(await post(home, bodyOf(open(hidden, 0), told(0))));
      assert.deepEqual(unread.map(({ type }) => type), ["state"]);
    }));

  it("any ranges are answered", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      for (let n = 0; n < 40; n++) await put(db, "k", `${n}`);
      const tips = [ID.ofDagCbor(Uint8Array.of(7))];
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
          const payload = concat(Uint8Array.of(0), bytes);
          const body = concat(bodyOf(openOf(db.rootId, { tips })), encodeFrame(5, payload));
          const messages = await messagesOf(await post(home, body));
          const first = messages[0]!.type;
          assert.ok(first === "state" || first === "close", first);
        }),
        { numRuns: 60 },
      );
      assert.equal(home.sync.native.admissions.open, 0);
    }));

  it("bring both sides in step where no WebSocket can be made", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const away = await nodes.node();
      const db = await madeBy(home);
      await put(db, "early", "1");
      await withoutUpgrades(home, async (address, counts) => {
        const at = { transportType: "http", address };
        const copy = await away.user.join(new DatabaseTicket(db.rootId, [at]));
        await (await away.sync.follow(copy, { peers: [at] })).synced();
        const posts = () => counts.get(NATIVE_PATH) ?? 0;
        assert.ok(posts() > 0, "no request was made natively");
        const rounds = roundsOf(away);
        const options = { key: away.sync.keyFor(db.rootId) };
        await put(db, "fork", "3");
        await put(copy, "other", "4");
        await away.sync.flush();
        await rounds.round(at, home.instance.id, db.rootId, options);
        assert.equal(await get(copy, "fork"), "3");
        assert.equal(await get(db, "other"), "4");
        await away.sync.close();
      });
    }));
});

/** Whatever is committed at three nodes, and asked for in any order, all have everything in the end. */
async function holds(all: readonly Node[], dice: Schedule): Promise<void> {
  const db = await madeBy(all[0]!);
  const tree = db.rootId;
  const copies: Database[] = [db];
  const transport = (to: Node) => new Handled(to.sync.fetchHandler());
  const round = async (from: number, to: number) => {
    const rounds = new PostRounds({
      host: () => all[from]!.sync.native,
      find: () => transport(all[to]!),
      pathOf: () => NATIVE_PATH,
    });
    const options = { key: all[from]!.sync.keyFor(tree) };
    const at = { transportType: "http", address: "node.example" };
    assert.ok(await rounds.round(at, all[to]!.instance.id, tree, options));
  };
  for (const [at, node] of all.entries()) {
    if (at === 0) continue;
    await round(at, at - 1);
    await node.user.trackDatabase(tree, node.user.defaultKey(), SyncSettings.enabled());
    copies.push(await node.user.openDatabase(tree));
  }
  let commits = 0;
  for (let steps = 6 + dice.below(6); steps > 0; steps--) {
    const at = dice.below(all.length);
    for (let n = dice.below(12); n > 0; n--) await put(copies[at]!, `k${commits++}`, "v");
    if (dice.percent(40)) await round(at, (at + 1 + dice.below(2)) % all.length);
  }
  for (const [from, to] of [[0, 1], [1, 2], [2, 0], [0, 1], [1, 2]] as const) await round(from, to);
  const [first, ...others] = await Promise.all(
    copies.map(async (it) => (await it.snapshot()).toJSON()),
  );
  for (const other of others) assert.deepEqual(other, first);
  for (let n = 0; n < commits; n++) assert.equal(await get(copies[2]!, `k${n}`), "v");
}

/** Asks a handler without a server. */
class Handled extends HttpTransport {
  readonly #handler: WebHandler;

  constructor(handler: WebHandler) {
    super();
    this.#handler = handler;
  }

  override async post(_address: unknown, { path, authorization, body }: PostedRequest) {
    const init = { method: "POST", headers: { authorization }, body: body as BodyInit };
    const response = await this.#handler(new Request(`http://node.example${path}`, init));
    assert.equal(response.status, 200);
    return {
      proof: response.headers.get("eidetica-proof") ?? undefined,
      body: piecesOf(response.body),
    };
  }
}

/** Rounds of a node over requests that stand alone. */
function roundsOf({ sync }: Node): PostRounds {
  const transport = new HttpTransport();
  return new PostRounds({
    host: () => sync.native,
    find: () => transport,
    pathOf: () => NATIVE_PATH,
  });
}

/** What is answered to a request by whoever has a key, which vouches for reading with a signature of `signer`. */
async function vouched(
  home: Node,
  db: Database,
  { publicKey }: PrivateKey,
  signer: PrivateKey,
  ...more: readonly Open[]
): Promise<Message[]> {
  const device = PrivateKey.generate();
  const stamp = stampPost(device.publicKey, new SystemClock(), systemRandom);
  const signature = signer.sign(postOpenBytes(home.instance.id, stamp, db.rootId));
  const proofs = [{ key: publicKey.bytes, signature }];
  const body = bodyOf(openOf(db.rootId, { proofs }), ...more);
  const target = { server: home.instance.id, path: NATIVE_PATH };
  return await messagesOf(await post(home, body, provePost(device, stamp, target, body)));
}
