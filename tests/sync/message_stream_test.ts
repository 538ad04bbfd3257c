/** Messages in pieces: what is kept, what is refused, and that pieces make no difference (09 §2–7). */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { type Entry, type ID, Permission, PrivateKey, ready } from "../../mod.ts";
import {
  CHUNK_BYTES,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type HandshakeRequest,
  MAX_ENTRY_JSON_BYTES,
  MAX_HTTP_REQUEST_BYTES,
  MAX_PART_BYTES,
  type MessageReader,
  type OutgoingEntry,
  PROTOCOL_VERSION,
  requestReader,
  responseReader,
  streamRequest,
  streamResponse,
} from "./parts.ts";
import { concat, fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { EntryError, SerializeError, SyncError } from "../../src/util/errors.ts";
import { anyEntry, child, plainEntry, rawId } from "../entry/helpers.ts";
import { errorOf, hasCode, treeRequest, vector } from "./wire_bed.ts";

const key = PrivateKey.fromSeed(new Uint8Array(32).fill(7));

/** An entry that is unlike all others. */
function numbered(at: number): Entry {
  return child().setHeight(1 + at).setSubtreeData("data", utf8(`{"children":{"n":{"Int":${at}}}}`))
    .build();
}

/** Pushes bytes in pieces of a size. */
function pushAll(reader: MessageReader<unknown>, bytes: Uint8Array, size = 1000): void {
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

function faultOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof SyncError && error.code === "SerializationError", String(error));
    return String(error.fields.fault);
  }
  return "none";
}

function handshake(changes: Partial<HandshakeRequest> = {}): HandshakeRequest {
  return {
    deviceId: key.publicKey,
    publicKey: key.publicKey,
    displayName: "node",
    protocolVersion: PROTOCOL_VERSION,
    challenge: new Uint8Array(32),
    listenAddresses: [{ transportType: "http", address: "127.0.0.1:1" }],
    ...changes,
  };
}

before(async () => {
  await ready();
});

describe("messages in pieces", () => {
  it("a long list goes out in pieces of one size and comes in with one entry kept at most", async () => {
    const count = 3000;
    function* batches(): Generator<OutgoingEntry[]> {
      for (let at = 1; at <= count; at += 100) {
        yield Array.from({ length: 100 }, (_, index) => numbered(at + index));
      }
    }
    async function* stored(): AsyncGenerator<OutgoingEntry[]> {
      for (const batch of batches()) {
        await Promise.resolve();
        yield batch;
      }
    }
    const reader = responseReader();
    const largest = numbered(count).stringify().length;
    const root = numbered(0);
    let [pieces, taken] = [0, 0];
    const response = {
      type: "Bootstrap",
      body: {
        treeId: root.id,
        rootEntry: root,
        allEntries: stored(),
        keyApproved: true,
        grantedPermission: Permission.read,
      },
    } as const;
    for await (const piece of streamResponse(response)) {
      assert.ok(piece.length <= CHUNK_BYTES + largest + 1, String(piece.length));
      pushAll(reader, piece, 4096);
      for (const entry of reader.takeEntries()) {
        assert.equal(entry.id.toString(), numbered(taken++).id.toString());
      }
      assert.ok(reader.held <= largest + 1, `${reader.held} bytes are kept`);
      pieces++;
    }
    assert.ok(pieces > 10);
    const message = reader.end();
    assert.deepEqual([taken, reader.listed, reader.refused], [count + 1, count, 0]);
    assert.ok(message.type === "Bootstrap" && message.body.rootEntry?.equals(root));
    assert.deepEqual(message.body.allEntries, []);
  });

  it("a source of entries is closed when nobody wants more of the message", async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<OutgoingEntry[]> {
      try {
        for (;;) {
          await Promise.resolve();
          yield [numbered(1)];
        }
      } finally {
        isClosed = true;
      }
    }
    for await (const piece of streamRequest({ type: "SendEntries", body: endless() })) {
      assert.ok(piece.length > 0);
      break;
    }
    assert.ok(isClosed);
  });

  it("law: pieces make no difference, and neither does the way out", async () => {
    const message = fc.array(anyEntry, { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(message, fc.integer({ min: 1, max: 400 }), async (entries, size) => {
        const whole = encodeRequest({ type: "SendEntries", body: entries });
        const text = `{"SendEntries":[${entries.map((entry) => entry.stringify())}]}`;
        assert.equal(fromUtf8(whole), text);
        const pieces = await collect(streamRequest({ type: "SendEntries", body: entries }));
        assert.deepEqual(concat(...pieces), whole);
        const reader = requestReader();
        pushAll(reader, whole, size);
        const read = reader.end();
        assert.ok(read.type === "SendEntries");
        assert.deepEqual(read.body.map(String), entries.map(String));
        assert.deepEqual(read.body.map(({ bytes }) => bytes), entries.map(({ bytes }) => bytes));
      }),
      { numRuns: 60 },
    );
  });

  it("fuzz: changed and cut messages get one verdict, whatever pieces they come in", () => {
    const texts =
      vector<{ written: { kind: string; text: string }[] }>("sync-messages.json").written;
    const change = fc.record({
      which: fc.nat(texts.length - 1),
      at: fc.nat(),
      by: fc.constantFrom(...'{}[]",:\\019.-e ntf'),
      isCut: fc.boolean(),
      size: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(change, ({ which, at, by, isCut, size }) => {
        const { kind, text } = texts[which]!;
        const place = at % text.length;
        const changed = utf8(text.slice(0, place) + (isCut ? "" : by + text.slice(place + 1)));
        const read = kind === "request" ? decodeRequest : decodeResponse;
        const reader = kind === "request" ? requestReader() : responseReader();
        const wanted = faultOf(() => read(changed));
        const found = faultOf(() => {
          pushAll(reader, changed, size);
          reader.end();
        });
        assert.equal(found, wanted, fromUtf8(changed));
        if (isCut) assert.notEqual(found, "none");
      }),
      { numRuns: 400 },
    );
  });

  it("a number that goes on in the next piece is judged as a whole", () => {
    for (const text of ['{"Count":9e999}', '{"Count":9e07199254740993}', '{"Count":1e5}']) {
      const bytes = utf8(text);
      const wanted = faultOf(() => decodeResponse(bytes));
      for (let size = 1; size <= bytes.length; size++) {
        const reader = responseReader();
        const found = faultOf(() => {
          pushAll(reader, bytes, size);
          reader.end();
        });
        assert.equal(found, wanted, `${text} in pieces of ${size}`);
      }
    }
  });

  it("bytes may be changed once they were pushed, and nothing follows after the end", () => {
    const whole = encodeRequest({ type: "SendEntries", body: [plainEntry()] });
    const reader = requestReader();
    for (const byte of whole) {
      const piece = Uint8Array.of(byte);
      reader.push(piece);
      piece.fill(0);
    }
    reader.push(utf8(" \n"));
    const message = reader.end();
    assert.ok(message.type === "SendEntries" && message.body[0]!.equals(plainEntry()));
    assert.equal(faultOf(() => reader.push(utf8(" "))), "syntax");
  });

  it("what was refused stays refused, with the same error", async () => {
    const reader = requestReader();
    const first = await errorOf(() => reader.push(utf8('{"Nope":')));
    assert.equal(await errorOf(() => reader.push(utf8("1}"))), first);
    assert.equal(await errorOf(() => reader.end()), first);
    assert.ok(first.cause instanceof SerializeError);
  });
});

describe("lists of entries", () => {
  it("an entry in another form is counted and the others are taken", () => {
    const good = plainEntry();
    const bad = good.stringify().replace('"h":7', '"h":9007199254740993');
    const reader = requestReader();
    reader.push(utf8(`{"SendEntries":[${good.stringify()},${bad},${good.stringify()},${bad}]}`));
    const message = reader.end();
    assert.ok(message.type === "SendEntries" && message.body.length === 2);
    assert.deepEqual([reader.listed, reader.refused], [4, 2]);
    assert.ok(reader.firstRefusal instanceof EntryError);
  });

  it("a root that is refused leaves the rest, and the root is no item of the list", () => {
    const entry = plainEntry();
    const bad = entry.stringify().replace('"h":7', '"h":9007199254740993');
    const text = (root: string) =>
      utf8(
        `{"Bootstrap":{"all_entries":[${entry.stringify()}],"tree_id":"${entry.id}","key_approved":` +
          `false,"root_entry":${root}}}`,
      );
    const refused = decodeResponse(text(bad));
    assert.ok(refused.type === "Bootstrap" && refused.body.rootEntry === undefined);
    assert.equal(refused.body.allEntries.length, 1);
    const reader = responseReader();
    reader.push(text(numbered(1).stringify()));
    assert.deepEqual([reader.listed, reader.refused, reader.takeEntries().length], [1, 0, 2]);
    const message = reader.end();
    assert.ok(message.type === "Bootstrap" && message.body.rootEntry?.equals(numbered(1)));
  });

  it("09#4 an entry of another version, or with a key that is none, spoils the message", () => {
    const text = plainEntry().stringify();
    for (
      const bad of [
        text.replace("{", '{"_v":1,'),
        text.replace("ed25519:", "rsa:"),
        "null",
        "{}",
        "5",
      ]
    ) {
      assert.equal(faultOf(() => decodeRequest(utf8(`{"SendEntries":[${bad}]}`))), "shape", bad);
    }
  });
});

describe("limits of messages", () => {
  it("MAX_HTTP_REQUEST_BYTES and any other size of a whole message", () => {
    const read = (length: number) => () => {
      const reader = requestReader({ maxBytes: MAX_HTTP_REQUEST_BYTES });
      pushAll(reader, utf8('{"SendEntries":[]}'.padEnd(length)), 65536);
      reader.end();
    };
    assert.equal(faultOf(read(MAX_HTTP_REQUEST_BYTES)), "none");
    assert.equal(faultOf(read(MAX_HTTP_REQUEST_BYTES + 1)), "size");
  });

  it("MAX_PART_BYTES: a part without an end is given up, and no more of it is kept", () => {
    const [piece, blanks] = [utf8("x".repeat(1 << 20)), utf8(" ".repeat(1 << 20))];
    for (const start of ['{"Error":"', '{"SyncTree":{"zz":"', '{"Bootstrap":{"zz":["', " "]) {
      const reader = start.includes("Sync") ? requestReader() : responseReader();
      reader.push(utf8(start));
      let pushed = 0;
      const fault = faultOf(() => {
        for (; pushed < 4 * MAX_PART_BYTES; pushed += piece.length) {
          reader.push(start === " " ? blanks : piece);
          assert.ok(reader.held <= MAX_PART_BYTES + 2 * piece.length);
        }
      });
      assert.equal(fault, "size", start);
    }
  });

  it("MAX_ENTRY_JSON_BYTES: an entry without an end as well", () => {
    const reader = requestReader();
    const piece = utf8("x".repeat(1 << 24));
    reader.push(utf8('{"SendEntries":[{"zz":"'));
    let pushed = 0;
    const fault = faultOf(() => {
      for (; pushed < 2 * MAX_ENTRY_JSON_BYTES; pushed += piece.length) reader.push(piece);
    });
    assert.equal(fault, "size");
    assert.ok(pushed >= MAX_ENTRY_JSON_BYTES - piece.length && pushed <= MAX_ENTRY_JSON_BYTES);
  });

  it("limits of one's own", () => {
    const text = plainEntry().stringify();
    const message = utf8(`{"SendEntries":[${text}]}`);
    const read = (maxEntryBytes: number) => () => {
      const reader = requestReader({ maxEntryBytes });
      pushAll(reader, message.subarray(0, -3), 50);
    };
    assert.equal(faultOf(read(text.length)), "none");
    assert.equal(faultOf(read(text.length - 100)), "size");
    const long = utf8(`{"Error":"${"x".repeat(1000)}`);
    assert.equal(faultOf(() => pushAll(responseReader({ maxPartBytes: 2000 }), long, 100)), "none");
    assert.equal(faultOf(() => pushAll(responseReader({ maxPartBytes: 900 }), long, 100)), "size");
  });
});

describe("what is written", () => {
  it("is refused where it has no form, before anything is sent", async () => {
    const bad: [string, () => unknown][] = [
      ["SerializationError", () => encodeResponse({ type: "Count", body: -1 })],
      ["SerializationError", () => encodeResponse({ type: "Count", body: 0.5 })],
      ["SerializationError", () => encodeResponse({ type: "Count", body: 2n ** 64n })],
      ["SerializationError", () => encodeResponse({ type: "Count", body: NaN })],
      [
        "SerializationError",
        () => encodeRequest({ type: "Handshake", body: handshake({ protocolVersion: 2 ** 32 }) }),
      ],
      [
        "SerializationFailed",
        () => encodeRequest({ type: "Handshake", body: handshake({ displayName: "\ud800" }) }),
      ],
      [
        "InvalidStructure",
        () => encodeRequest({ type: "SendEntries", body: [{ bytes: utf8("no entry") }] }),
      ],
    ];
    for (const [code, action] of bad) assert.throws(action, hasCode(code), action.toString());
    const broken = streamRequest({ type: "SendEntries", body: [{ bytes: new Uint8Array(0) }] });
    await assert.rejects(collect(broken), hasCode("InvalidStructure"));
  });

  it("09#3 absent members are null, and exact integers stay exact", () => {
    const count = 2n ** 63n + 1n;
    const response = decodeResponse(encodeResponse({ type: "Count", body: count }));
    assert.ok(response.type === "Count" && response.body === count);
    const tree: ID = rawId("tree");
    const text = fromUtf8(encodeRequest(treeRequest(tree)));
    assert.equal(
      text,
      `{"SyncTree":{"tree_id":"${tree}","our_tips":[],"peer_pubkey":null,"requesting_key":null,` +
        '"requesting_key_name":null,"requested_permission":null,"metadata":null,"auth":null}}',
    );
  });

  it("the offer of the native protocol comes last, only if there is one, and odd ones are none", () => {
    const offer = { versions: [1, 2], path: "/api/native/1" };
    const text = fromUtf8(encodeRequest({ type: "Handshake", body: handshake({ native: offer }) }));
    assert.ok(text.endsWith(',"native":{"versions":[1,2],"path":"/api/native/1"}}}'), text);
    const nativeOf = (json: string) => {
      const message = decodeRequest(utf8(json));
      return message.type === "Handshake" ? message.body.native : undefined;
    };
    assert.deepEqual(nativeOf(text), offer);
    const plain = fromUtf8(encodeRequest({ type: "Handshake", body: handshake() }));
    assert.ok(!plain.includes("native"));
    for (
      const odd of ["5", "null", "{}", '{"versions":1,"path":"/"}', '{"versions":["1"],"path":"/"}']
    ) {
      assert.equal(nativeOf(`${plain.slice(0, -2)},"native":${odd}}}`), undefined, odd);
    }
  });
});
