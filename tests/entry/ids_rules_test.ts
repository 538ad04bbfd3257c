/** Rules of IDs: vectors in every direction, order, fold order, spellings (01 §2; 00 §B1, B2). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { ID } from "../../src/entry/id.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import { compareBytes, concat, utf8 } from "../../src/util/bytes.ts";
import { IdError } from "../../src/util/errors.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { anyId, rawId, vectors } from "./helpers.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

interface Ids {
  readonly input: string[];
  readonly sorted: string[];
  readonly text_sorted: string[];
  readonly snapshot: string[];
  readonly salt: number;
}

const file: Ids = vectors("ids.json");

/** The ID of an entry with this digest, filled up with zeros. */
function withDigest(...digest: number[]): ID {
  const bytes = new Uint8Array(36);
  bytes.set([1, 0x71, 0x1e, 32, ...digest]);
  return ID.fromBytes(bytes);
}

/** Order of two texts by their ASCII codes, said independently of the code under test. */
function compareTexts(a: string, b: string): number {
  return Math.sign(compareBytes(utf8(a), utf8(b)));
}

/** `items` in a few other orders. */
function shuffles<T>(items: readonly T[]): T[][] {
  const stride = (by: number) => items.map((_, at) => items[(at * by) % items.length]!);
  return [[...items], items.toReversed(), stride(2), stride(5)].filter((all) =>
    new Set(all).size === new Set(items).size
  );
}

function isIdError(error: unknown): boolean {
  return error instanceof IdError && error.code === "InvalidFormat";
}

test("01#2,#3 vectors: text, bytes and JSON of every ID are made from each other", () => {
  assert.equal(file.input.length, 63);
  for (const text of file.input) {
    const id = ID.parse(text);
    assert.equal(id.toString(), text);
    assert.equal(JSON.stringify(id), JSON.stringify(text));
    const again = ID.fromBytes(id.bytes);
    assert.ok(again.equals(id) && again.toString() === text);
    assert.ok(ID.parseCanonical(text).equals(id));
    assert.deepEqual([id.codec, id.hashCode, id.bytes.length], [
      text.startsWith("bafkr4i") ? 0x55 : 0x71,
      0x1e,
      36,
    ]);
  }
});

test("01#2 vectors: each DAG-CBOR ID is the one of its salt and number", () => {
  const made = Array.from({ length: 64 }, (_, at) => {
    return ID.ofDagCbor(Uint8Array.of(file.salt, at)).toString();
  });
  const known = file.input.filter((text) => text.startsWith("bafyr4i"));
  assert.ok(known.length >= 60);
  for (const text of known) assert.ok(made.includes(text), text);
});

test("01#5 vectors: whatever order the IDs come in, both orders come out", () => {
  const ids = file.input.map((text) => ID.parse(text));
  for (const order of shuffles(ids)) {
    assert.deepEqual(order.toSorted(ID.compare).map(String), file.sorted);
    assert.deepEqual(order.toSorted(ID.compareFold).map(String), file.text_sorted);
    assert.deepEqual(Snapshot.of(order).toJSON(), file.snapshot);
    const byKey = order.toSorted((a, b) => compareBytes(a.foldKey(), b.foldKey()));
    assert.deepEqual(byKey.map(String), file.text_sorted);
  }
  assert.notDeepEqual(file.sorted, file.text_sorted);
});

test("05 §1.2, 00 §B2 the pair 19 00… and 1a 00…: bytes one way, texts the other", () => {
  const [low, high] = [withDigest(0x19), withDigest(0x1a)];
  assert.equal(low.toString().slice(0, 9), "bafyr4iaz");
  assert.equal(high.toString().slice(0, 9), "bafyr4ia2");
  assert.ok(ID.compare(low, high) < 0 && ID.compare(high, low) > 0);
  assert.ok(ID.compareFold(low, high) > 0 && ID.compareFold(high, low) < 0);
  assert.ok(compareBytes(low.foldKey(), high.foldKey()) > 0);
});

test("01#5 x0 is before x71 in ID order and after it in fold order", () => {
  const [x0, x71] = [rawId("x0"), rawId("x71")];
  assert.ok(ID.compare(x0, x71) < 0);
  assert.ok(ID.compareFold(x0, x71) > 0);
  const sorted = ["a", "b", "c"].map(rawId).sort(ID.compare);
  assert.deepEqual(sorted.map(String), ["b", "a", "c"].map((label) => rawId(label).toString()));
});

test("00 §B2 fold order is text order for every pair of digests that differ in one bit", () => {
  for (let bit = 0; bit < 256; bit++) {
    for (const fill of [0x00, 0xff, 0xa5]) {
      const digest = new Uint8Array(32).fill(fill);
      const one = withDigest(...digest);
      digest[bit >> 3]! ^= 0x80 >> (bit & 7);
      const two = withDigest(...digest);
      const wanted = compareTexts(`${one}`, `${two}`);
      assert.notEqual(wanted, 0);
      assert.equal(Math.sign(ID.compareFold(one, two)), wanted, `bit ${bit}`);
      assert.equal(Math.sign(ID.compareFold(two, one)), -wanted, `bit ${bit}`);
      assert.equal(Math.sign(compareBytes(one.foldKey(), two.foldKey())), wanted, `bit ${bit}`);
    }
  }
});

test("00 §B2 all 32 characters have the order of ASCII, in every place of a group", () => {
  // Eight characters stand for five bytes: value v in place p of the second full group.
  const ids = (place: number) =>
    Array.from({ length: 32 }, (_, value) => {
      let group = BigInt(value) << BigInt(5 * (7 - place));
      const bytes = new Uint8Array(36);
      bytes.set([1, 0x71, 0x1e, 32]);
      for (let at = 14; at >= 10; at--, group >>= 8n) bytes[at] = Number(group & 0xffn);
      return ID.fromBytes(bytes);
    });
  for (let place = 0; place < 8; place++) {
    const all = ids(place);
    const wanted = all.map(String).sort((a, b) => compareTexts(a, b));
    assert.equal(new Set(wanted).size, 32);
    assert.deepEqual(all.toSorted(ID.compareFold).map(String), wanted);
    const byKey = all.toSorted((a, b) => compareBytes(a.foldKey(), b.foldKey()));
    assert.deepEqual(byKey.map(String), wanted);
  }
});

test("00 §B2 law: a fold key gives back its ID and has the order of the text", () => {
  fc.assert(
    fc.property(anyId, anyId, (a, b) => {
      assert.ok(ID.fromFoldKey(a.foldKey()).equals(a));
      const wanted = compareTexts(a.toString(), b.toString());
      assert.equal(Math.sign(compareBytes(a.foldKey(), b.foldKey())), wanted);
      assert.equal(Math.sign(ID.compareFold(a, b)), wanted);
    }),
    { numRuns: cases(500) },
  );
});

test("01#5 law: both orders are total, and equal only for equal IDs", () => {
  const some = fc.oneof(anyId, fc.constant(ID.EMPTY), fc.constantFrom(..."abc").map(rawId));
  fc.assert(
    fc.property(some, some, some, (a, b, c) => {
      for (const compare of [ID.compare, ID.compareFold]) {
        assert.equal(Math.sign(compare(a, b)), 0 - Math.sign(compare(b, a)));
        assert.equal(compare(a, b) === 0, a.equals(b));
        if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0);
      }
    }),
    { numRuns: cases(500) },
  );
});

test("01#5 order: empty, version, codec, hash, length of the digest, digest", () => {
  const cid = (codec: number, hash: number, length: number, digest: number) =>
    ID.fromBytes(concat(
      Uint8Array.of(1, codec, hash, length),
      new Uint8Array(length).fill(digest),
    ));
  const sorted = [
    ID.EMPTY,
    ID.fromBytes(concat(fromHex("1220"), new Uint8Array(32).fill(0xff))),
    cid(0x55, 0x12, 32, 0xff),
    cid(0x55, 0x13, 64, 0xff),
    cid(0x55, 0x1e, 16, 0xff),
    cid(0x55, 0x1e, 32, 0x00),
    cid(0x55, 0x1e, 32, 0xff),
    cid(0x55, 0x1e, 64, 0x00),
    cid(0x71, 0x12, 32, 0x00),
    cid(0x71, 0x1e, 32, 0x00),
  ];
  for (const order of shuffles(sorted)) {
    assert.deepEqual(order.toSorted(ID.compare).map(String), sorted.map(String));
  }
});

test("01 §2.3 other spellings of one ID are read, but are not canonical", () => {
  const id = rawId("spelling");
  const hex = toHex(id.bytes);
  const base64 = btoa(String.fromCharCode(...id.bytes)).replace(/=+$/, "");
  const spellings = [
    `f${hex}`,
    `F${hex.toUpperCase()}`,
    `m${base64}`,
    `u${base64.replaceAll("+", "-").replaceAll("/", "_")}`,
    `B${id.toString().slice(1).toUpperCase()}`,
    `/ipfs/${id}`,
    `https://gateway.example/ipfs/${id}`,
    `${id}aaaaaaaa`,
  ];
  for (const text of spellings) {
    const read = ID.parse(text);
    assert.ok(read.equals(id), text);
    assert.equal(read.toString(), id.toString());
    assert.throws(() => ID.parseCanonical(text), isIdError, text);
  }
});

test("01#3 every shortened text and every shortened CID is refused", () => {
  for (const id of [rawId("short"), ID.ofDagCbor(utf8("short")), ID.ofRaw(utf8("s"), "sha2-256")]) {
    const text = id.toString();
    for (let length = 1; length < text.length; length++) {
      assert.throws(() => ID.parse(text.slice(0, length)), isIdError, `${length} characters`);
      assert.throws(() => ID.parseCanonical(text.slice(0, length)), isIdError);
    }
    for (let length = 1; length < id.bytes.length; length++) {
      assert.throws(() => ID.fromBytes(id.bytes.subarray(0, length)), isIdError, `${length} bytes`);
    }
  }
});

/** The ID that a reader gives; undefined if it refuses as it must. */
function attempt(read: () => ID): ID | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(isIdError(error), `${error}`);
    return undefined;
  }
}

test("01#3 any one wrong character is refused or names another ID, never this one", () => {
  const text = rawId("typo").toString();
  let [refused, read] = [0, 0];
  for (let at = 1; at < text.length; at++) {
    for (const letter of ["0", "1", "8", "9", "=", " ", "é", "\u0000", "a", "q", "7"]) {
      if (text[at] === letter) continue;
      const changed = text.slice(0, at) + letter + text.slice(at + 1);
      const id = attempt(() => ID.parse(changed));
      assert.notEqual(id?.toString(), text, changed);
      const strict = attempt(() => ID.parseCanonical(changed));
      if (strict !== undefined) assert.equal(strict.toString(), changed);
      if (strict === undefined) refused++;
      else read++;
    }
  }
  assert.ok(refused > 400 && read > 100, `${refused} refused, ${read} read`);
});

test("01 §2.1 heads with needless or missing bytes, and digests beyond 64 bytes, are refused", () => {
  const digest = new Uint8Array(80);
  const cid = (hex: string, length: number) => concat(fromHex(hex), digest.subarray(0, length));
  for (
    const [hex, length] of [
      ["8100711e20", 32],
      ["01f1001e20", 32],
      ["01719e0020", 32],
      ["01711ea000", 32],
      ["00711e20", 32],
      ["02711e20", 32],
      ["7f711e20", 32],
      ["01711e41", 65],
      ["01711e20", 31],
      ["01ffffffffffffffff7f1e20", 32],
      ["1220", 31],
    ] as const
  ) assert.throws(() => ID.fromBytes(cid(hex, length)), isIdError, hex);
  for (const [hex, length] of [["01711e40", 64], ["01550000", 0], ["01800a1e20", 32]] as const) {
    const id = ID.fromBytes(cid(hex, length));
    assert.equal(toHex(id.bytes), toHex(cid(hex, length)), hex);
    assert.ok(ID.parseCanonical(id.toString()).equals(id), hex);
  }
});
