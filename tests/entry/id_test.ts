import assert from "node:assert/strict";
import { before, test } from "node:test";
import { inspect } from "node:util";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { decodeEntry } from "../../src/entry/entry_decoder.ts";
import { ID } from "../../src/entry/id.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import { compareBytes, concat, utf8 } from "../../src/util/bytes.ts";
import { EideticaError, IdError } from "../../src/util/errors.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { parseCbor, places, writeCbor } from "./cbor_tree.ts";
import { anyId, fullEntry, hasCode, rawId, refuses, vectors } from "./helpers.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

const file = vectors("ids.json");
const HELLO = "bafkr4igxjga67jykbseaxdmmdgc5a5o3zp3htom2l6mrjznk7fvyggu6eq";
const HELLO_BYTES = "01551e20d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24";
const V0 = "Qmb2mUfdKWtLKd2TMpRcVEaBUmYcEVYpVpYpVpYpVpYpVp";

function textOrder(a: ID, b: ID): number {
  const [left, right] = [a.toString(), b.toString()];
  return left < right ? -1 : left > right ? 1 : 0;
}

test("01#1 raw IDs are CIDv1, codec 0x55, with the hash asked for", () => {
  const blake = ID.ofRaw(utf8("data"));
  assert.deepEqual([blake.codec, blake.hashCode, blake.bytes[0]], [0x55, 0x1e, 1]);
  assert.equal(ID.ofRaw(utf8("data"), "sha2-256").hashCode, 0x12);
  assert.deepEqual([ID.ofDagCbor(utf8("data")).codec, blake.isEmpty], [0x71, false]);
});

test("01#2 equal input gives equal IDs; the examples of 01 §2.6", () => {
  assert.equal(rawId("hello world").toString(), HELLO);
  assert.equal(toHex(rawId("hello world").bytes), HELLO_BYTES);
  assert.equal(
    ID.ofRaw(utf8("hello world"), "sha2-256").toString(),
    "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
  );
  assert.equal(
    rawId("").toString(),
    "bafkr4ifpcne3t5pzugtkaqcn5i3nzskjtpfslsnnyejlpte2spfoihzsmi",
  );
  assert.ok(rawId("a").equals(rawId("a")));
  assert.ok(!rawId("a").equals(rawId("b")));
  assert.ok(!ID.ofRaw(utf8("a")).equals(ID.ofDagCbor(utf8("a"))));
});

test("01#2 vectors: IDs of DAG-CBOR and of raw bytes", () => {
  const made = file.input.slice(0, 60) as string[];
  const known = new Set(made);
  const own = Array.from({ length: 60 }, (_, i) => {
    return ID.ofDagCbor(Uint8Array.of(file.salt, i)).toString();
  });
  assert.deepEqual(own.filter((id) => !known.has(id)), []);
  assert.equal(ID.ofRaw(fromHex(file.raw.data)).toString(), file.raw.id);
});

test("01#3 text round-trips; the empty text is the empty ID; anything else fails", () => {
  assert.equal(ID.parse(HELLO).toString(), HELLO);
  assert.ok(ID.parse("").isEmpty);
  assert.equal(ID.EMPTY.toString(), "");
  for (const bad of ["x", "not a cid", `${HELLO}!`, HELLO.slice(0, -1), `${HELLO.slice(0, -1)}7`]) {
    assert.throws(() => ID.parse(bad), hasCode("InvalidFormat"), bad);
  }
});

test("01#3 vectors: what the reference reads and refuses", () => {
  for (const { text, result } of file.parse) {
    if ("id" in result) assert.equal(ID.parse(text).toString(), result.id, text);
    else assert.throws(() => ID.parse(text), hasCode("InvalidFormat"), text);
  }
  assert.equal(file.parse.length, 10);
});

test("01 §2.3: an /ipfs/ prefix is stripped and bytes after the digest are ignored", () => {
  assert.equal(ID.parse(`https://host/ipfs/${HELLO}`).toString(), HELLO);
  const longer = concat(fromHex(HELLO_BYTES), Uint8Array.of(1, 2, 3));
  assert.equal(ID.fromBytes(longer).toString(), HELLO);
  assert.equal(ID.parse(`f${toHex(longer)}`).toString(), HELLO);
});

test("01 §2.3: version 0 in the form of version 1, other versions and long digests are refused", () => {
  const rest = fromHex(HELLO_BYTES).slice(1);
  for (const version of [0, 2, 3, 0x12]) {
    refuses(() => ID.fromBytes(concat(Uint8Array.of(version), rest)), `version ${version}`);
  }
  refuses(
    () => ID.fromBytes(concat(fromHex("01551341"), new Uint8Array(65))),
    "65",
  );
  const long = concat(fromHex("01551340"), new Uint8Array(64));
  assert.equal(toHex(ID.fromBytes(long).bytes), toHex(long));
  refuses(() => ID.fromBytes(concat(fromHex("8100551320"), rest)), "long varint");
});

test("01 §2.2: a CIDv0 keeps its form", () => {
  const id = ID.parse(V0);
  assert.equal(id.toString(), V0);
  assert.deepEqual([id.bytes.length, id.codec, id.hashCode], [34, 0x70, 0x12]);
  assert.ok(ID.fromBytes(id.bytes).equals(id));
  assert.ok(ID.parse(`z${V0}`).equals(id));
});

test("01#4 JSON: the text, and the empty text for the empty ID", () => {
  assert.equal(JSON.stringify([ID.parse(HELLO), ID.EMPTY]), JSON.stringify([HELLO, ""]));
  assert.deepEqual(file.empty, { json: ID.EMPTY.toJSON(), text: ID.EMPTY.toString() });
});

test("01#5 the empty ID is first, raw is before dag-cbor, digests decide", () => {
  const sorted = ["a", "b", "c"].map(rawId).sort(ID.compare);
  assert.deepEqual(sorted.map(String), ["b", "a", "c"].map((label) => rawId(label).toString()));
  const [x0, x71] = [rawId("x0"), rawId("x71")];
  assert.ok(ID.compare(x0, x71) < 0 && x0.toString() > x71.toString());
  assert.ok(ID.compareFold(x0, x71) > 0);
  assert.ok(ID.compare(ID.EMPTY, x0) < 0 && ID.compare(x0, ID.EMPTY) > 0);
  assert.equal(ID.compare(ID.EMPTY, ID.EMPTY), 0);
  assert.ok(ID.compare(rawId("c"), ID.ofDagCbor(utf8("b"))) < 0);
  assert.ok(ID.compare(ID.parse(V0), x0) < 0);
  assert.ok(ID.compare(ID.ofRaw(utf8("c"), "sha2-256"), x0) < 0);
});

test("01#5 vectors: order, snapshot and text order", () => {
  const ids = (file.input as string[]).map((text) => ID.parse(text));
  assert.deepEqual([...ids].sort(ID.compare).map(String), file.sorted);
  assert.deepEqual([...ids].sort(ID.compareFold).map(String), file.text_sorted);
  assert.deepEqual(Snapshot.of(ids).toJSON(), file.snapshot);
});

test("01#6 an ID in CBOR without tag, without zero prefix, truncated or with more bytes fails", () => {
  const tree = parseCbor(fullEntry().bytes);
  const cids = places(tree).filter(({ node }) => node.major === 6);
  assert.equal(cids.length, 8);
  for (const { node, replace, path } of cids) {
    const cid = node.items![0]!.bytes!;
    const spell = (bytes: Uint8Array, tag = 42) =>
      writeCbor(
        replace({ ...node, value: tag, items: [{ major: 2, value: bytes.length, bytes }] }),
      );
    assert.doesNotThrow(() => decodeEntry(spell(cid)));
    refuses(() => decodeEntry(writeCbor(replace(node.items![0]!))), `no tag at ${path}`);
    refuses(() => decodeEntry(spell(cid, 41)), `tag 41 at ${path}`);
    for (
      const bad of [cid.slice(1), cid.slice(0, -1), concat(cid, Uint8Array.of(0)), cid.slice(0, 1)]
    ) {
      refuses(() => decodeEntry(spell(bad)), `${bad.length} bytes at ${path}`);
    }
    refuses(() => decodeEntry(spell(cid.with(0, 1))), `prefix at ${path}`);
  }
});

test("01#39 IdError belongs to the module `id` and is no EntryError", () => {
  try {
    ID.parse("!!");
    assert.fail("was read");
  } catch (error) {
    assert.ok(error instanceof IdError && error instanceof EideticaError);
    assert.deepEqual([error.module, error.code, error.fields.text], ["id", "InvalidFormat", "!!"]);
  }
});

test("law: text and bytes round-trip", () => {
  fc.assert(fc.property(anyId, (id) => {
    assert.ok(ID.parse(id.toString()).equals(id));
    assert.ok(ID.fromBytes(id.bytes).equals(id));
    assert.match(id.toString(), /^baf(yr4i|kr4i|yrei|krei)[a-z2-7]{52}$/);
  }));
});

test("law: compareFold is the order of the texts, and fold keys have it as bytes", () => {
  const pair = fc.tuple(anyId, anyId, fc.nat(36)).map(([a, b, shared]): [ID, ID] => {
    // Most random pairs differ in their first bits: let them share a beginning of any length.
    return [
      a,
      ID.fromBytes(
        concat(a.bytes.slice(0, Math.max(4, shared)), b.bytes.slice(Math.max(4, shared))),
      ),
    ];
  });
  fc.assert(
    fc.property(pair, ([a, b]) => {
      assert.equal(Math.sign(ID.compareFold(a, b)), textOrder(a, b));
      assert.equal(Math.sign(compareBytes(a.foldKey(), b.foldKey())), textOrder(a, b));
      assert.ok(ID.fromFoldKey(a.foldKey()).equals(a));
    }),
    { numRuns: cases(2000) },
  );
});

test("law: compareFold is the order of the texts for IDs of all kinds", () => {
  const kinds = [
    ID.EMPTY,
    ID.parse(V0),
    rawId("a"),
    ID.ofDagCbor(utf8("a")),
    ID.ofRaw(utf8("a"), "sha2-256"),
  ];
  kinds.push(ID.fromBytes(concat(fromHex("01551340"), new Uint8Array(64))));
  for (const a of kinds) {
    for (const b of kinds) {
      assert.equal(Math.sign(ID.compareFold(a, b)), textOrder(a, b), `${a} ${b}`);
      assert.equal(Math.sign(ID.compare(a, b)), -Math.sign(ID.compare(b, a)) + 0, `${a} ${b}`);
      assert.equal(ID.compare(a, b) === 0, a.equals(b));
    }
  }
});

test("law: compare is the order of the binary CIDs for those of one kind", () => {
  fc.assert(fc.property(anyId, anyId, (a, b) => {
    const expected = a.codec! - b.codec! || a.hashCode! - b.hashCode! ||
      compareBytes(a.bytes, b.bytes);
    assert.equal(Math.sign(ID.compare(a, b)), Math.sign(expected));
  }));
});

test("fuzz: no text and no bytes throw anything but an IdError", () => {
  const only = (action: () => unknown) => {
    try {
      action();
    } catch (error) {
      assert.ok(error instanceof IdError, String(error));
    }
  };
  const prefix = fc.constantFrom(..."079fFvVtTbBcChkKRzZmMuU🚀Q", "Qm", "ba");
  fc.assert(
    fc.property(
      prefix,
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.uint8Array({ maxLength: 80 }),
      (p, s, b) => {
        only(() => ID.parse(p + s));
        only(() => ID.parse(s));
        only(() => ID.fromBytes(b));
        only(() => ID.fromBytes(concat(Uint8Array.of(1), b)));
      },
    ),
    { numRuns: cases(1000) },
  );
});

test("consoles print the text of an ID", () => {
  assert.equal(inspect(rawId("hello world")), `ID(${HELLO})`);
});
