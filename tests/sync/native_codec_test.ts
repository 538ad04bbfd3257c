import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ID, SyncError } from "../../mod.ts";
import { packBlock, unpackBlock } from "../../src/sync/native/block.ts";
import { decodeMessage, encodeMessage } from "../../src/sync/native/codec.ts";
import { decodeFrames, encodeFrame, FrameSplitter } from "../../src/sync/native/frames.ts";
import {
  MAX_ENTRIES,
  MAX_PROOFS,
  MAX_TIPS,
  MAX_WANTED,
  type Message,
} from "../../src/sync/native/messages.ts";
import { MAX_LISTED, MAX_RANGES, type Range } from "../../src/sync/native/range_codec.ts";
import { Reader, Writer } from "../../src/sync/native/varint.ts";
import { concat } from "../../src/util/bytes.ts";

const LIMIT = 1024 * 1024;

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const integer = fc.maxSafeNat();
const channel = fc.nat();
const id: fc.Arbitrary<ID> = fc.oneof(
  bytesOf(9).map((bytes) => ID.ofDagCbor(bytes)),
  bytesOf(9).map((bytes) => ID.ofRaw(bytes, "sha2-256")),
);
const ids = fc.array(id, { maxLength: 5 });
const cursor = fc.record({
  logId: bytesOf(8),
  position: integer,
  sum: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
});
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const text = fc.string({ unit: "grapheme", maxLength: 12 });
const held = fc.array(fc.boolean(), { maxLength: 3 }).map((list) => {
  return [...list, ...new Array<boolean>((8 - list.length % 8) % 8).fill(false)];
});

/** Ranges in order, of which the last has no end. */
const ranges: fc.Arbitrary<Range[]> = fc.array(
  fc.record({
    step: fc.nat(1000),
    prefix: fc.uint8Array({ maxLength: 8 }),
    content: fc.oneof(
      fc.constant({ mode: "same" as const }),
      fc.record({
        mode: fc.constant("fingerprint" as const),
        sum: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        count: integer,
      }),
      fc.record({
        mode: fc.constant("list" as const),
        ids: fc.array(bytesOf(8), { maxLength: 3 }),
      }),
      fc.record({ mode: fc.constant("wanted" as const), bits: fc.uint8Array({ maxLength: 4 }) }),
    ),
  }),
  { maxLength: 6 },
).map((parts) => {
  let height = 0;
  return parts.map(({ step, prefix, content }, at) => {
    height += step;
    return { ...content, upper: at === parts.length - 1 ? undefined : { height, prefix } };
  });
});

const message: fc.Arbitrary<Message> = fc.oneof<fc.Arbitrary<Message>[]>(
  fc.record({
    type: fc.constant("hello"),
    versions: fc.array(integer, { maxLength: 8 }),
    key: bytesOf(32),
    nonce: bytesOf(16),
    time: integer,
    wantedKey: maybe(bytesOf(32).map((bytes) => Uint8Array.from(bytes, (byte) => byte | 1))),
    features: integer,
    frameLimit: integer,
    credit: integer,
  }),
  fc.record({ type: fc.constant("proof"), signature: bytesOf(64) }),
  fc.record({
    type: fc.constant("open"),
    channel,
    tree: id,
    live: fc.boolean(),
    proofs: fc.array(fc.record({ key: bytesOf(32), signature: bytesOf(64) }), { maxLength: 4 }),
    vouchedBy: maybe(channel),
    tips: ids,
    cursor: maybe(cursor),
  }),
  fc.record({
    type: fc.constant("state"),
    channel,
    mayRead: fc.boolean(),
    mayWrite: fc.boolean(),
    sends: fc.boolean(),
    isSame: fc.boolean(),
    tips: ids,
    held,
    count: integer,
    log: maybe(cursor),
    cursor: maybe(cursor),
  }).map((it) => it.isSame ? { ...it, tips: [], held: [], count: 0 } : it),
  fc.record({ type: fc.constant("ranges"), channel, ranges }),
  fc.record({ type: fc.constant("want"), channel, ids }),
  fc.record({
    type: fc.constant("entries"),
    channel,
    deflated: fc.boolean(),
    count: fc.nat(MAX_ENTRIES),
    body: fc.uint8Array({ maxLength: 50 }),
  }),
  fc.record({ type: fc.constant("mark"), channel, cursor, left: integer }),
  fc.record({
    type: fc.constant("stored"),
    channel,
    cursor: maybe(cursor),
    verified: integer,
    waiting: integer,
    failed: integer,
    refused: integer,
    code: text,
  }),
  fc.record({ type: fc.constant("credit"), bytes: integer }),
  fc.record({ type: fc.constant("tips"), channel, tips: ids, log: maybe(cursor) }),
  fc.record({ type: fc.constant("deny"), channel, code: text, message: text, retryMs: integer }),
  fc.record({ type: fc.constant("close"), code: text, message: text, retryMs: integer }),
  fc.record({ type: fc.constant("ping"), isAnswer: fc.boolean(), token: bytesOf(8) }),
  fc.record({
    type: fc.constant("access"),
    channel,
    state: fc.constantFrom("request", "pending", "approved", "rejected"),
    id: text,
    permission: text,
    message: text,
  }),
);

/** A message with views and IDs as plain values, so that two can be compared. */
function plain(value: unknown): unknown {
  if (value instanceof ID) return value.toString();
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function decode(bytes: Uint8Array): Message | undefined {
  const [frame] = decodeFrames(bytes, 32 * LIMIT);
  return decodeMessage(frame!, LIMIT);
}

/** Bytes of a frame of this type, with a payload that `write` writes. */
function frameOf(type: number, write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return encodeFrame(type, writer.done());
}

const isMalformed = { name: "SyncError", code: "Malformed" };

describe("messages of the native protocol", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(message, (sent) => {
        assert.deepEqual(plain(decode(encodeMessage(sent))), plain(sent));
      }),
      { numRuns: 400 },
    );
  });

  it("whatever bytes come, they are a message or malformed", () => {
    const damaged = fc.tuple(message, fc.nat(), fc.nat(255), fc.nat()).map(
      ([sent, at, to, cut]) => {
        const bytes = encodeMessage(sent).slice();
        bytes[at % bytes.length] = to;
        return bytes.slice(0, bytes.length - cut % 3);
      },
    );
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ minLength: 2, maxLength: 80 })), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(error instanceof SyncError, String(error));
          assert.equal(error.code, "Malformed");
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("of a type that is not known are refused below 40 and skipped from there on", () => {
    assert.throws(() => decode(encodeFrame(0x3f, new Uint8Array(3))), isMalformed);
    assert.throws(() => decode(encodeFrame(0, new Uint8Array(3))), isMalformed);
    assert.equal(decode(encodeFrame(0x40, new Uint8Array(3))), undefined);
  });

  it("with a flag that is not known, or bytes behind them, are refused", () => {
    assert.throws(
      () => decode(frameOf(0x0e, (it) => it.integer(2).raw(new Uint8Array(8)))),
      isMalformed,
    );
    assert.throws(() => decode(frameOf(0x0a, (it) => it.integer(2).integer(2))), isMalformed);
  });

  it("HELLO may be longer: later versions may say more", () => {
    const hello: Message = {
      type: "hello",
      versions: [1],
      key: new Uint8Array(32),
      nonce: new Uint8Array(16),
      time: 1,
      wantedKey: undefined,
      features: 0,
      frameLimit: 1,
      credit: 1,
    };
    const payload = encodeMessage(hello).subarray(2);
    const longer = encodeFrame(1, new Uint8Array([...payload, 1, 2, 3]));
    assert.deepEqual(plain(decode(longer)), plain(hello));
  });

  const lists: readonly (readonly [what: string, type: number, write: (it: Writer) => void])[] = [
    ["tips", 0x0b, (it) => it.integer(1).integer(0).integer(MAX_TIPS + 1)],
    ["wanted IDs", 0x06, (it) => it.integer(1).integer(MAX_WANTED + 1)],
    ["entries", 0x07, (it) => it.integer(1).integer(0).integer(MAX_ENTRIES + 1)],
    ["ranges", 0x05, (it) => it.integer(1).integer(MAX_RANGES + 1)],
    [
      "listed IDs",
      0x05,
      (it) => it.integer(1).integer(1).integer(2).integer(1).integer(MAX_LISTED + 1),
    ],
    [
      "wanted bits",
      0x05,
      (it) =>
        it.integer(1).integer(1).integer(3).integer(1).bytes(new Uint8Array(MAX_LISTED / 8 + 1)),
    ],
    [
      "proofs",
      0x03,
      (it) => it.integer(1).id(ID.ofRaw(new Uint8Array(1))).integer(0).integer(MAX_PROOFS + 1),
    ],
    ["versions", 0x01, (it) => it.integer(9)],
    ["letters of a code", 0x0d, (it) => it.text("x".repeat(65))],
    ["letters of a text", 0x0d, (it) => it.text("x").text("x".repeat(1025))],
    [
      "bytes of a CID",
      0x06,
      (it) => it.integer(1).integer(1).integer(1).bytes(new Uint8Array(129)),
    ],
  ];
  for (const [what, type, write] of lists) {
    it(`too many ${what} are refused before they are read`, () => {
      const padded = (it: Writer) => {
        write(it);
        it.raw(new Uint8Array(200_000));
      };
      assert.throws(() => decode(frameOf(type, padded)), isMalformed);
    });
  }

  it("a number of items that cannot stand in what is left is refused at once", () => {
    assert.throws(() => decode(frameOf(0x0b, (it) => it.integer(1).integer(0).integer(1000))), {
      ...isMalformed,
      message: /ends too early/,
    });
  });

  it("over the limit of a frame only a single entry is taken", () => {
    const body = new Uint8Array(LIMIT);
    const block = (count: number): Message => ({
      type: "entries",
      channel: 0,
      deflated: false,
      count,
      body,
    });
    assert.equal(decode(encodeMessage(block(1)))?.type, "entries");
    assert.throws(() => decode(encodeMessage(block(2))), isMalformed);
  });
});

describe("integers of the native protocol", () => {
  it("are at most 2^53 - 1, in their minimal form", () => {
    const read = (...bytes: number[]) => new Reader(Uint8Array.from(bytes)).integer();
    assert.equal(
      new Reader(new Writer().integer(Number.MAX_SAFE_INTEGER).done()).integer(),
      2 ** 53 - 1,
    );
    assert.throws(() => read(0x80, 0x00), isMalformed);
    assert.throws(() => read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), isMalformed);
    assert.throws(() => read(...new Array<number>(9).fill(0x80), 1), isMalformed);
    assert.throws(() => new Writer().integer(-1), RangeError);
    assert.throws(() => new Writer().integer(2 ** 53), RangeError);
  });
});

describe("frames", () => {
  it("are found in bytes that are cut anywhere", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(60)), (sent, cuts) => {
        const bytes = sent.map(encodeMessage).reduce(
          (all, next) => new Uint8Array([...all, ...next]),
          new Uint8Array(0),
        );
        const splitter = new FrameSplitter(() => LIMIT);
        const found: Message[] = [];
        let at = 0;
        for (const cut of [...cuts, Infinity]) {
          const piece = bytes.subarray(at, Math.min(bytes.length, at + cut));
          at += piece.length;
          for (const frame of splitter.push(piece)) found.push(decodeMessage(frame, LIMIT)!);
        }
        splitter.end();
        assert.deepEqual(found.map(plain), sent.map(plain));
      }),
      { numRuns: 100 },
    );
  });

  it("that are longer than is taken are refused before they have come", () => {
    const head = new Writer().raw(Uint8Array.of(0x07)).integer(LIMIT + 1).done();
    assert.throws(() => new FrameSplitter(() => LIMIT).push(head), isMalformed);
    const long = Uint8Array.of(0x07, ...new Array<number>(8).fill(0xff));
    assert.throws(() => new FrameSplitter(() => LIMIT).push(long), isMalformed);
  });

  it("of one message are read one by one, and none is kept", () => {
    const bytes = concat(encodeFrame(1, new Uint8Array(5)), Uint8Array.of(0x40, 5, 1));
    const frames = decodeFrames(bytes, LIMIT);
    assert.equal(frames[Symbol.iterator]().next().value?.type, 1);
    assert.throws(() => frames[Symbol.iterator]().next(), isMalformed);
  });

  it("that are cut at their end are told", () => {
    const splitter = new FrameSplitter(() => LIMIT);
    splitter.push(encodeFrame(1, new Uint8Array(5)).subarray(0, 4));
    assert.throws(() => splitter.end(), isMalformed);
  });

  it("that come byte by byte cost no more than their length", () => {
    const splitter = new FrameSplitter(() => LIMIT);
    const bytes = encodeFrame(0x40, new Uint8Array(200_000));
    let found = 0;
    for (let at = 0; at < bytes.length; at++) {
      found += splitter.push(bytes.subarray(at, at + 1)).length;
    }
    assert.equal(found, 1);
  });
});

describe("blocks of entries", () => {
  it("hold them as they are", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (entries) => {
        const block = packBlock(entries);
        assert.deepEqual(unpackBlock(block).map((it) => [...it]), entries.map((it) => [...it]));
      }),
      { numRuns: 100 },
    );
  });

  it("with another number of entries than they say are malformed", () => {
    const { body } = packBlock([new Uint8Array(3), new Uint8Array(2)]);
    assert.throws(() => unpackBlock({ count: 1, body }), isMalformed);
    assert.throws(() => unpackBlock({ count: 3, body }), isMalformed);
    assert.throws(() => unpackBlock({ count: 4000, body }), isMalformed);
  });
});
