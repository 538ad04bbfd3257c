import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { decodeClientFrame } from "../../src/service/protocol/client_in.ts";
import { encodeClientFrame } from "../../src/service/protocol/client_out.ts";
import { FEATURES, type Features, NO_FEATURES } from "../../src/service/protocol/features.ts";
import { decodeHandshake, encodeHandshake } from "../../src/service/protocol/handshake.ts";
import type { ClientFrame, ServerFrame } from "../../src/service/protocol/messages.ts";
import { decodeServerFrame } from "../../src/service/protocol/server_in.ts";
import { encodeServerFrame } from "../../src/service/protocol/server_out.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { EideticaError } from "../../src/util/errors.ts";
import { fromHex } from "../../src/util/hex.ts";
import { ready } from "../../wasm/mod.ts";
import { clientCases, scenarios, sentBy } from "./vector_frames.ts";

const ALL: Features = new Set(FEATURES);

const undecodable = (error: unknown) =>
  error instanceof EideticaError && error.code === "Undecodable";

function requestAgain(text: string, features = NO_FEATURES): string {
  const frame = decodeClientFrame(utf8(text), features);
  return fromUtf8(encodeClientFrame(frame as ClientFrame, features));
}

function answerAgain(text: string, features = NO_FEATURES): string {
  return fromUtf8(encodeServerFrame(decodeServerFrame(utf8(text), features), features));
}

const isHandshake = (text: string) => text.includes("protocol_version");

/** All texts of one direction. */
function recorded(direction: ">" | "<"): string[] {
  const steps = scenarios.filter(({ name }) => !["lenient", "handshake-variants"].includes(name))
    .flatMap(({ steps }) => steps);
  const raw = steps.flatMap((step) => direction === ">" ? sentBy(step) : step.recv ?? []);
  const client = clientCases.flatMap(({ frames }) => frames)
    .filter(([way]) => way === direction).map(([, text]) => text);
  return [...new Set([...raw, ...client])].filter((text) => !isHandshake(text));
}

describe("messages of the service socket", () => {
  before(() => ready());

  it("11#6: every recorded request is written as it was read", () => {
    const texts = recorded(">");
    assert.ok(texts.length > 700, String(texts.length));
    // What raw clients made up: maps in another order, tips unsorted. Those must at least be stable.
    const others = texts.filter((text) => requestAgain(text) !== text);
    for (const text of others) assert.equal(requestAgain(requestAgain(text)), requestAgain(text));
    assert.ok(others.length < 100, String(others.length));
  });

  it("11#6: every recorded answer and notification is written as it was read", () => {
    const texts = recorded("<");
    assert.ok(texts.length > 400, String(texts.length));
    for (const text of texts) assert.equal(answerAgain(text), text);
  });

  it("11#7: tips that were sent unsorted and twice are sorted, each of them once", () => {
    const [a, b] = [ID.ofDagCbor(utf8("a")), ID.ofDagCbor(utf8("b"))].sort(ID.compare);
    const request = (tips: string) =>
      `{"AuthenticatedDb":{"root_id":"${a}","identity":{"Direct":{"hint":{}}},` +
      `"op":{"SubscribeWrites":{"tips":[${tips}]}}}}`;
    assert.equal(requestAgain(request(`"${b}","${a}","${b}"`)), request(`"${a}","${b}"`));
    assert.equal(requestAgain(request("")), request(""));
  });

  it("what the reference refuses is refused (14, daemon 11)", () => {
    const { steps } = scenarios.find(({ name }) => name === "frame-errors")!;
    const refused = steps.filter(({ send_hex, eof, then }) => {
      return send_hex?.length === 1 && eof && then === undefined && send_hex[0]!.length > 8;
    });
    assert.ok(refused.length > 20, String(refused.length));
    for (const { send_hex, note } of refused) {
      const payload = fromHex(send_hex![0]!.slice(8));
      assert.throws(() => decodeClientFrame(payload, NO_FEATURES), undecodable, note);
    }
    assert.throws(() => decodeClientFrame(new Uint8Array(0), NO_FEATURES), undecodable);
  });

  it("what the reference takes in another spelling is taken (14, daemon 11)", () => {
    const { steps } = scenarios.find(({ name }) => name === "lenient")!;
    const sent = steps.flatMap(sentBy).filter((text) => !isHandshake(text));
    assert.ok(sent.length > 10);
    for (const text of sent) assert.equal(requestAgain(requestAgain(text)), requestAgain(text));
  });

  it("a handshake is read as the reference reads it (14, daemon 12)", () => {
    const { steps } = scenarios.find(({ name }) => name === "handshake-variants")!;
    for (const { send, recv } of steps.filter((step) => step.send !== undefined)) {
      const read = () => decodeHandshake(utf8(send as string));
      if (recv!.length === 0) assert.throws(read, undecodable, send as string);
      else assert.equal(fromUtf8(encodeHandshake(read().features)), recv![0]);
    }
  });

  it("a handshake agrees on the features that both know", () => {
    const offered = utf8('{"protocol_version":0,"features":["verdicts","later",7,"errors"]}');
    assert.deepEqual([...decodeHandshake(offered).features], ["errors", "verdicts"]);
    for (const list of ['"errors"', '{"errors":1}', "[[]]", "null", '["\\ud800"]']) {
      const text = `{"protocol_version":0,"features":${list}}`;
      assert.equal(decodeHandshake(utf8(text)).features.size, 0, list);
    }
    const ours = encodeHandshake(ALL);
    assert.deepEqual([...decodeHandshake(ours).features], FEATURES);
    assert.equal(decodeHandshake(encodeHandshake(NO_FEATURES, 2 ** 32 - 1)).version, 2 ** 32 - 1);
  });
});

describe("features of the service socket", () => {
  before(() => ready());

  it("binary payloads hold the stored bytes, and come back the same", () => {
    const texts = recorded(">").filter((text) => /SubmitSigned|CacheCrdtState/.test(text));
    for (const text of texts) {
      const plain = requestAgain(text);
      const frame = decodeClientFrame(utf8(plain), ALL) as ClientFrame;
      const binary = encodeClientFrame(frame, ALL);
      assert.equal(binary[0], 0);
      const again = decodeClientFrame(binary, ALL) as ClientFrame;
      assert.equal(fromUtf8(encodeClientFrame(again, NO_FEATURES)), plain);
      assert.throws(() => decodeClientFrame(binary, NO_FEATURES), undecodable);
    }
    for (const text of recorded("<")) {
      const binary = encodeServerFrame(decodeServerFrame(utf8(text), NO_FEATURES), ALL);
      const again = decodeServerFrame(binary, ALL);
      assert.equal(fromUtf8(encodeServerFrame(again, NO_FEATURES)), text);
    }
  });

  it("an answer of more than a frame is refused before it is made to its end", () => {
    const builder = Entry.rootBuilder();
    builder.setSubtreeData("s", new Uint8Array(4_000_000).fill(255));
    const entry = builder.build();
    let asked = 0;
    const entries = {
      *[Symbol.iterator]() {
        for (; asked < 1000; asked++) yield entry;
      },
    } as unknown as Entry[];
    const frame = { type: "Response", response: { type: "Entries", entries } } as const;
    const tooLarge = (error: unknown) =>
      error instanceof EideticaError && error.code === "FrameTooLarge";
    assert.throws(() => encodeServerFrame(frame, NO_FEATURES), tooLarge);
    assert.ok(asked < 6, String(asked));
    assert.throws(() => encodeServerFrame(frame, ALL), tooLarge);
    assert.ok(asked < 24, String(asked));
  });

  it("an answer may hold more entries than a function takes arguments", () => {
    const entries = new Array<Entry>(150_000).fill(Entry.rootBuilder().build());
    const frame = { type: "Response", response: { type: "Entries", entries } } as const;
    const binary = encodeServerFrame(frame, ALL);
    const again = decodeServerFrame(binary, ALL);
    assert.ok(again.type === "Response" && again.response.type === "Entries");
    assert.equal(again.response.entries.length, entries.length);
  });

  it("what a binary payload names must be there, and nothing else", () => {
    const text = recorded("<").find((one) => one.startsWith('{"Response":{"Entry":'))!;
    const binary = encodeServerFrame(decodeServerFrame(utf8(text), NO_FEATURES), ALL);
    for (
      const bad of [binary.subarray(0, -1), binary.subarray(0, 9), Uint8Array.of(...binary, 0)]
    ) {
      assert.throws(() => decodeServerFrame(bad, ALL), undecodable);
    }
    const unnamed = Uint8Array.of(0, 0, 0, 0, 17, ...utf8('{"Response":"Ok"}'), 1);
    assert.throws(() => decodeServerFrame(unnamed, ALL), undecodable);
  });

  it("requests with IDs, cancellations, batches and replies are for those who agreed on them", () => {
    const id = ID.ofDagCbor(utf8("a"));
    const db = `"AuthenticatedDb":{"root_id":"${id}","identity":{"Direct":{"hint":{}}},"op":`;
    const requests = [
      `{"Request":{"id":7,"deadline_ms":30000,"request":{${db}"GetVerifiedTips"}}}}`,
      '{"Request":{"id":9007199254740991,"request":"GetInstanceMetadata"}}',
      '{"Cancel":{"id":7}}',
      `{${db}{"GetEntries":{"ids":["${id}"]}}}}`,
    ];
    for (const text of requests) {
      assert.equal(requestAgain(text, ALL), text);
      assert.throws(() => requestAgain(text), undecodable);
    }
    const answers = [
      '{"Reply":{"id":7,"response":"Ok"}}',
      '{"Closing":{"module":"io","kind":"Io","message":"I/O error: x","error":{}}}',
      `{"Response":{"Submitted":{"status":"Failed","reason":"why","verified_tips":["${id}"]}}}`,
      `{"Notification":{"DatabaseWrite":{"root_id":"${id}","previous_tips":[],` +
      `"post_tips":["${id}"],"source":"Local","verified_tips":["${id}"],"entries":[]}}}`,
    ];
    for (const text of answers) assert.equal(answerAgain(text, ALL), text);
  });

  it("sources that come later are remote ones", () => {
    const write = (source: string) =>
      `{"Notification":{"DatabaseWrite":{"root_id":"","previous_tips":[],"post_tips":[],"source":${source}}}}`;
    for (const source of ['"Relayed"', '{"Peer":{"x":1}}']) {
      assert.equal(answerAgain(write(source)), write('"Remote"'));
    }
  });
});

describe("readers of the service socket", () => {
  before(() => ready());
  const samples = [...recorded(">").slice(0, 60), ...recorded("<").slice(0, 60)];
  const read = (payload: Uint8Array, features: Features): ServerFrame | unknown => {
    try {
      return [decodeServerFrame(payload, features)];
    } catch (error) {
      assert.ok(undecodable(error), String(error));
    }
    try {
      return [decodeClientFrame(payload, features)];
    } catch (error) {
      assert.ok(undecodable(error), String(error));
    }
  };

  it("refuse damaged messages with an error of their own", () => {
    const features = fc.constantFrom(ALL, NO_FEATURES);
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        damage,
        fc.nat(),
        features,
        (text, hits, cut, of) => {
          const payload = utf8(text);
          for (const [at, byte] of hits) payload[at % payload.length] = byte;
          read(payload, of);
          read(payload.subarray(0, cut % payload.length), of);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("refuse any bytes with an error of their own", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      read(bytes, ALL);
      read(Uint8Array.of(0, ...bytes), ALL);
    }));
  });
});
