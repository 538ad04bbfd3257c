import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Database, EideticaError, PrivateKey, SystemClock } from "../../mod.ts";
import { proveAnswer, readPostProof } from "../../src/sync/access/post_proof.ts";
import { packBlock } from "../../src/sync/native/block.ts";
import { encodeMessage } from "../../src/sync/native/codec.ts";
import { SESSION_LIMITS } from "../../src/sync/native/limits.ts";
import type { Entries, Mark, Message, State } from "../../src/sync/native/messages.ts";
import {
  MAX_POST_ANSWER_BYTES,
  MAX_POST_REQUESTS,
  PostRounds,
} from "../../src/sync/worker/post_rounds.ts";
import type { ByteStream, PostedRequest } from "../../src/transport/port.ts";
import { HttpTransport } from "../../src/transport/http_transport.ts";
import { NATIVE_PATH } from "../../src/transport/web_socket_link.ts";
import { concat } from "../../src/util/bytes.ts";
import { madeBy, type Node, withNodes } from "./live_bed.ts";

const ADDRESS = { transportType: "http", address: "server.example" };

/** A server that proves its key and answers whatever it is told to. */
class Liar extends HttpTransport {
  readonly device: PrivateKey = PrivateKey.generate();
  requests = 0;
  readonly #answer: () => ByteStream | readonly Uint8Array[];

  constructor(answer: () => ByteStream | readonly Uint8Array[]) {
    super();
    this.#answer = answer;
  }

  override post(_address: unknown, { authorization }: PostedRequest) {
    this.requests++;
    const proof = proveAnswer(this.device, readPostProof(authorization, new SystemClock()));
    return Promise.resolve({ proof, body: streamed(this.#answer()) });
  }
}

async function* streamed(pieces: ByteStream | readonly Uint8Array[]): ByteStream {
  yield* pieces;
}

/** One round of a node with a liar, who is taken for a peer with a key. */
function round(node: Node, db: Database, liar: Liar, peer: PrivateKey = liar.device) {
  const rounds = roundsOf(node, liar);
  return rounds.round(ADDRESS, peer.publicKey, db.rootId, { key: node.sync.keyFor(db.rootId) });
}

function roundsOf({ sync }: Node, liar: Liar): PostRounds {
  return new PostRounds({ host: () => sync.native, find: () => liar, pathOf: () => NATIVE_PATH });
}

const answers = (...messages: readonly Message[]) => new Liar(() => messages.map(encodeMessage));

function state(db: Database, more: Partial<State> = {}): State {
  const may = { mayRead: true, mayWrite: true, sends: true, isSame: false };
  const told = { tips: [db.rootId], held: [true], count: 1, log: undefined, cursor: undefined };
  return { type: "state", channel: 0, ...may, ...told, ...more };
}

const mark = (position: number, left: number): Mark => {
  return {
    type: "mark",
    channel: 0,
    cursor: { logId: new Uint8Array(8), position, sum: 0n },
    left,
  };
};

const blockOf = (...entries: readonly Uint8Array[]): Entries => {
  return { type: "entries", channel: 0, ...packBlock(entries) };
};

describe("answers of those who prove their key and lie", () => {
  it("end the round, whatever they are", () =>
    withNodes(async (nodes) => {
      const node = await nodes.node();
      const db = await madeBy(node);
      const bad = Array.from({ length: SESSION_LIMITS.invalid + 1 }, () => new Uint8Array([1]));
      const close = { type: "close", code: "X", message: "no", retryMs: 0 } as const;
      const failing = [
        answers(),
        answers(mark(1, 0)),
        answers(blockOf(new Uint8Array([1])), state(db)),
        answers(state(db), close),
        answers(state(db), blockOf(...bad)),
        answers(state(db)),
        // It says that it lacks what is here, and stores nothing.
        answers(state(db, { tips: [db.rootId] }), mark(1, 0)),
        new Liar(() => [encodeMessage(state(db)).subarray(0, 5)]),
      ];
      for (const [at, liar] of failing.entries()) {
        await assert.rejects(round(node, db, liar), (error: EideticaError) => {
          return error.code === "Network" || error.code === "Malformed";
        }, `answer ${at}`);
      }
    }));

  it("cannot go on for ever: neither one answer nor answers that promise more", () =>
    withNodes(async (nodes) => {
      const node = await nodes.node();
      const db = await madeBy(node);
      let bytes = 0;
      const endless = new Liar(async function* () {
        yield encodeMessage(state(db));
        const unknown = concat(
          new Uint8Array([0x7f, 0x80, 0x80, 0x40]),
          new Uint8Array(1024 * 1024),
        );
        for (;;) {
          bytes += unknown.length;
          yield unknown;
        }
      });
      await assert.rejects(round(node, db, endless), { code: "Network" });
      assert.ok(bytes <= MAX_POST_ANSWER_BYTES + 2 * 1024 * 1024);
      let position = 0;
      const promising = new Liar(() => [state(db), mark(++position, 1)].map(encodeMessage));
      await assert.rejects(round(node, db, promising), { code: "Network" });
      // One more tells ranges, which it does not answer.
      assert.equal(promising.requests, MAX_POST_REQUESTS + 1);
      const differing = { mode: "fingerprint", upper: undefined, sum: 1n, count: 1 } as const;
      const other = { type: "ranges", channel: 0, ranges: [differing] } as const;
      const comparing = new Liar(() => [state(db), other].map(encodeMessage));
      await assert.rejects(round(node, db, comparing), { code: "Network" });
      assert.equal(comparing.requests, SESSION_LIMITS.rangeRounds + 1);
    }));

  it("by others than the peer count for nothing; nobody asks there again for a while", () =>
    withNodes(async (nodes) => {
      const node = await nodes.node();
      const db = await madeBy(node);
      const liar = answers(state(db, { isSame: true, tips: [], held: [], count: 0 }));
      const rounds = roundsOf(node, liar);
      const options = { key: node.sync.keyFor(db.rootId) };
      const other = PrivateKey.generate().publicKey;
      assert.equal(await rounds.round(ADDRESS, other, db.rootId, options), undefined);
      assert.equal(
        await rounds.round(ADDRESS, liar.device.publicKey, db.rootId, options),
        undefined,
      );
      assert.equal(liar.requests, 1);
      const denied = answers({ type: "deny", channel: 0, code: "X", message: "", retryMs: 0 });
      assert.equal(await round(node, db, denied), undefined);
      assert.equal(await round(node, db, answers(state(db, { mayRead: false }))), undefined);
    }));

  it("of any bytes are an error of ours or nothing", () =>
    withNodes(async (nodes) => {
      const node = await nodes.node();
      const db = await madeBy(node);
      const start = encodeMessage(state(db));
      const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(fc.boolean(), pieces, async (hasState, pieces) => {
          const liar = new Liar(() => hasState ? [start, ...pieces] : pieces);
          await round(node, db, liar).catch((error) => assert.ok(error instanceof EideticaError));
        }),
        { numRuns: 80 },
      );
    }));
});
