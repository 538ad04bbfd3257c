/** The golden vectors of the native protocol, as our code makes them. `native_vectors_main.ts` writes them down. */

import { ID, PrivateKey, ready } from "../../mod.ts";
import type { LogCursor } from "../../src/backend/log/log_cursor.ts";
import { packBlock } from "../../src/sync/native/block.ts";
import { encodeMessage } from "../../src/sync/native/codec.ts";
import { encodeFrame } from "../../src/sync/native/frames.ts";
import { openTranscript, sessionTranscript } from "../../src/sync/native/hello.ts";
import type { Hello, Message } from "../../src/sync/native/messages.ts";
import { answer, firstWindows } from "../../src/sync/native/reconcile.ts";
import { Writer } from "../../src/sync/native/varint.ts";
import { toHex } from "../../src/util/hex.ts";
import { type RangedEntry, tableOf } from "./native_bed.ts";

/** Where the vectors lie. */
export const VECTORS: URL = new URL("../vectors/sync_v1.json", import.meta.url);

const bytes = (length: number, first: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (first + 7 * at) & 255);
const id = (n: number): ID => ID.ofDagCbor(bytes(9, n));
const cursor = (n: number): LogCursor => ({
  logId: bytes(8, n),
  position: 1000 * n,
  sum: BigInt(n) * 0x0123456789abcdn,
});

/** Keys by their seeds. */
export const KEYS: {
  readonly client: PrivateKey;
  readonly server: PrivateKey;
  readonly user: PrivateKey;
} = {
  client: PrivateKey.fromSeed(bytes(32, 1)),
  server: PrivateKey.fromSeed(bytes(32, 2)),
  user: PrivateKey.fromSeed(bytes(32, 3)),
};

/** A message as JSON: bytes as hexadecimal text, IDs as text, sums as decimal text. */
export function plain(value: unknown): unknown {
  if (value instanceof ID) return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function hello(key: PrivateKey, nonce: number, wanted?: PrivateKey): Hello {
  return {
    type: "hello",
    versions: [1],
    key: key.publicKey.bytes,
    nonce: bytes(16, nonce),
    time: 1_790_000_000_000 + nonce,
    wantedKey: wanted?.publicKey.bytes,
    features: 3,
    frameLimit: 1_048_576,
    credit: 786_432,
  };
}

const told = { mayRead: true, mayWrite: true };
const nothing = { tips: [], held: [], count: 0 };

/** Messages that show every member and flag. */
export function someMessages(): [name: string, message: Message][] {
  const proof = { key: KEYS.user.publicKey.bytes, signature: bytes(64, 4) };
  const entry = packBlock([bytes(5, 1), bytes(3, 2)]);
  const counts = { verified: 5, waiting: 1, failed: 0, refused: 2 };
  const held = [true, false, true, false, false, false, false, false];
  return [
    ["HELLO of a client", hello(KEYS.client, 5, KEYS.server)],
    ["HELLO of a server", hello(KEYS.server, 6)],
    ["PROOF", { type: "proof", signature: bytes(64, 7) }],
    ["OPEN of a new peer", {
      type: "open",
      channel: 0,
      tree: id(1),
      live: true,
      proofs: [],
      vouchedBy: undefined,
      tips: [],
      cursor: undefined,
    }],
    ["OPEN with everything", {
      type: "open",
      channel: 300,
      tree: ID.ofRaw(bytes(4, 1), "sha2-256"),
      live: false,
      proofs: [proof],
      vouchedBy: undefined,
      tips: [id(2), id(3)],
      cursor: cursor(1),
    }],
    ["OPEN that is vouched for by the proofs of another", {
      type: "open",
      channel: 302,
      tree: id(4),
      live: true,
      proofs: [],
      vouchedBy: 300,
      tips: [id(2)],
      cursor: undefined,
    }],
    ["STATE in sync", {
      type: "state",
      channel: 0,
      ...told,
      sends: true,
      isSame: true,
      log: undefined,
      cursor: undefined,
      ...nothing,
    }],
    ["STATE with everything", {
      type: "state",
      channel: 300,
      ...told,
      sends: false,
      isSame: false,
      log: cursor(2),
      cursor: cursor(3),
      tips: [id(4)],
      held,
      count: 12_345,
    }],
    ["STATE of who may not read", {
      type: "state",
      channel: 2,
      mayRead: false,
      mayWrite: true,
      sends: false,
      isSame: false,
      log: undefined,
      cursor: undefined,
      ...nothing,
    }],
    ["RANGES of every mode", {
      type: "ranges",
      channel: 2,
      ranges: [
        { mode: "same", upper: { height: 3, prefix: new Uint8Array(0) } },
        { mode: "fingerprint", upper: { height: 3, prefix: bytes(2, 9) }, sum: 77n, count: 40 },
        { mode: "wanted", upper: { height: 200, prefix: bytes(1, 1) }, bits: bytes(2, 1) },
        { mode: "list", upper: undefined, ids: [bytes(8, 3), bytes(8, 4)] },
      ],
    }],
    ["WANT", { type: "want", channel: 2, ids: [id(5), id(6)] }],
    ["ENTRIES", { type: "entries", channel: 2, ...entry }],
    ["MARK", { type: "mark", channel: 2, cursor: cursor(4), left: 500 }],
    ["STORED", { type: "stored", channel: 2, cursor: cursor(5), ...counts, code: "EntryInvalid" }],
    ["CREDIT", { type: "credit", bytes: 196_672 }],
    ["TIPS", { type: "tips", channel: 2, tips: [id(7)], log: cursor(6) }],
    ["DENY", {
      type: "deny",
      channel: 2,
      code: "TreeNotFound",
      message: "Tree not found",
      retryMs: 0,
    }],
    ["CLOSE", { type: "close", code: "TooManyInvalid", message: "späť", retryMs: 3_600_000 }],
    ["PING", { type: "ping", isAnswer: false, token: bytes(8, 1) }],
    ["PING that answers", { type: "ping", isAnswer: true, token: bytes(8, 1) }],
    ["ACCESS that asks", {
      type: "access",
      channel: 2,
      state: "request",
      id: "Ada's phone",
      permission: "write:10",
      message: "",
    }],
    ["ACCESS that grants", {
      type: "access",
      channel: 2,
      state: "approved",
      id: "5f3c",
      permission: "write:10",
      message: "",
    }],
  ];
}

/** Frames that are to be refused. */
function malformed(): { readonly why: string; readonly frame: string }[] {
  const frame = (type: number, write: (writer: Writer) => void): string => {
    const writer = new Writer();
    write(writer);
    return toHex(encodeFrame(type, writer.done()));
  };
  const marker = (n: number) => Uint8Array.of(n);
  return [
    ["an unknown type below 40", frame(0x3f, (it) => it.integer(1))],
    [
      "an integer that is longer than it need be",
      frame(0x0a, (it) => it.raw(Uint8Array.of(0x80, 0))),
    ],
    ["an integer beyond 2^53 - 1", frame(0x0a, (it) => it.raw(new Uint8Array(8).fill(255)))],
    ["bytes behind a message", frame(0x0a, (it) => it.integer(1).integer(1))],
    ["a message that ends too early", frame(0x08, (it) => it.integer(1).raw(bytes(8, 1)))],
    ["a flag that is not known", frame(0x0e, (it) => it.integer(2).raw(bytes(8, 1)))],
    [
      "a text that is not UTF-8",
      frame(0x0d, (it) => it.integer(1).raw(marker(255)).integer(0).integer(0)),
    ],
    [
      "an ID of an unknown kind",
      frame(0x06, (it) => it.integer(0).integer(1).integer(2).raw(bytes(40, 1))),
    ],
    [
      "more tips than there may be",
      frame(0x0b, (it) => it.integer(0).integer(0).integer(1025).raw(bytes(40, 1))),
    ],
    [
      "a range behind the last one",
      frame(0x05, (it) => {
        it.integer(0).integer(2).integer(0).integer(1).integer(0).integer(1);
      }),
    ],
  ].map(([why, hex]) => ({ why: why!, frame: hex! }));
}

/** Entries of one side: a common past, and what only this side has. */
export function side(own: number): RangedEntry[] {
  const entry = (height: number, seed: number): RangedEntry => ({
    height,
    short: new DataView(bytes(8, seed).buffer).getBigUint64(0) ^ BigInt(height * 0x9e3779b1),
  });
  const past = Array.from({ length: 90 }, (_, at) => entry(at, 11));
  return [...past, ...Array.from({ length: 45 }, (_, at) => entry(60 + 2 * at, own))];
}

/** Two sides compare ranges until nothing is open. */
function comparison(): object {
  const sides = [side(31), side(57)].map((entries) => ({ entries, table: tableOf(entries) }));
  let ranges = firstWindows(sides[0]!.table);
  const messages = [ranges];
  const lacking: [from: number, to: number][][] = [[], []];
  for (let turn = 1;; turn++) {
    const found = answer(sides[turn % 2]!.table, ranges);
    lacking[1 - turn % 2]!.push(
      ...found.lacking.map(([from, to]) => [from, to] as [number, number]),
    );
    ranges = [...found.ranges];
    messages.push(ranges);
    if (ranges.length === 0) break;
  }
  const told = sides.map(({ entries }) => entries.map(({ height, short }) => [height, `${short}`]));
  return {
    sides: told,
    messages: messages.map((it) =>
      toHex(encodeMessage({ type: "ranges", channel: 0, ranges: it }))
    ),
    lacking,
  };
}

function transcripts(): object {
  const payload = (message: Message) => encodeMessage(message).subarray(2);
  const client = payload(hello(KEYS.client, 5, KEYS.server));
  const server = payload(hello(KEYS.server, 6));
  const binding = "example.org/api/native/1";
  const tree = id(1);
  const signed = (key: PrivateKey, text: Uint8Array) => ({
    bytes: toHex(text),
    signature: toHex(key.sign(text)),
  });
  return {
    seeds: { client: toHex(bytes(32, 1)), server: toHex(bytes(32, 2)), user: toHex(bytes(32, 3)) },
    clientHello: toHex(client),
    serverHello: toHex(server),
    binding,
    tree: tree.toString(),
    client: signed(KEYS.client, sessionTranscript("client", client, server, binding)),
    server: signed(KEYS.server, sessionTranscript("server", client, server, binding)),
    open: signed(KEYS.user, openTranscript(client, server, binding, tree.bytes)),
  };
}

/** All vectors. */
export async function nativeVectors(): Promise<object> {
  await ready();
  return {
    transcripts: transcripts(),
    messages: someMessages().map(([name, message]) => ({
      name,
      message: plain(message),
      frame: toHex(encodeMessage(message)),
    })),
    malformed: malformed(),
    comparison: comparison(),
  };
}
