import assert from "node:assert/strict";
import { before, test } from "node:test";
import { inspect } from "node:util";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { StoreError } from "../../src/util/errors.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { keyOf, parseCbor, places } from "./cbor_tree.ts";
import { anyEntry, child, exampleKey, fullEntry, hasCode, plainEntry, rawId } from "./helpers.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

const A_JSON =
  '{"tree":{"parents":[],"metadata":[123,34,101,110,116,114,111,112,121,34,58,52,50,125]},' +
  '"subtrees":[{"name":"_root","parents":[],"data":[]}],"sig":{"key":{"Direct":{"hint":{}}}}}';
const A_CBOR =
  "a363736967a1636b6579a166446972656374a16468696e74a06474726565a267706172656e747380686d657461" +
  "646174614e7b22656e74726f7079223a34327d68737562747265657381a3646461746140646e616d65655f726f" +
  "6f7467706172656e747380";
const A_ID = "bafyr4iftarck3leisxjtgttxjp45ijvps7sqlephnu45fjzwhqqraw3cqu";
const B_SIGNING =
  "a363736967a1636b6579a166446972656374a16468696e74a1667075626b65797834656432353531393a413645" +
  "48762f504f454c3464634e3059353076416d57666b316a436270513166486479475a424a564d62673d64747265" +
  "65a361680164726f6f74d82a58250001711e20b30444adac8895d3334e774bf9d426af97e50591e76d39d2a736" +
  "3c21105b628567706172656e747381d82a58250001711e20b30444adac8895d3334e774bf9d426af97e50591e7" +
  "6d39d2a7363c21105b628568737562747265657381a36464617461427b7d646e616d6564646174616770617265" +
  "6e747380";
const B_SIG =
  "ySdk0KKXno0eFCfXNzvzqUcKML79WtB/rjMUPUXkqMu1PHP7+RgXWtfntGRXFIURARknTyEDakOgPZ5Zrd3IDA==";
const B_ID = "bafyr4ih5ogjji526vfppttc7fvbotheku6khfyyft6jh4qpzf2bdsg2inu";

function exampleA(): Entry {
  return Entry.rootBuilder().setMetadata(utf8('{"entropy":42}')).build();
}

function exampleB(): Entry {
  const a = exampleA().id;
  return Entry.builder(a).addParent(a).setHeight(1).setSubtreeData("data", utf8("{}"))
    .setSig(new SigInfo(SigKey.fromPubkey(exampleKey().publicKey))).build();
}

test("01#9 example A: JSON in the written order, bytes, ID", () => {
  const entry = exampleA();
  assert.equal(entry.stringify(), A_JSON);
  assert.equal(toHex(entry.bytes), A_CBOR);
  assert.equal(entry.id.toString(), A_ID);
  assert.equal(toHex(Entry.fromJSON(A_JSON).bytes), A_CBOR);
});

test("01#9 example B: signing bytes, signature, ID", () => {
  const unsigned = exampleB();
  assert.equal(toHex(unsigned.signingBytes), B_SIGNING);
  const entry = unsigned.sign(exampleKey());
  assert.equal(entry.sig.sig, B_SIG);
  assert.equal(entry.bytes.length, 323);
  assert.equal(entry.id.toString(), B_ID);
  assert.equal(toHex(entry.signingBytes), B_SIGNING);
});

test("01 §16 C: fragments", () => {
  const has = (entry: Entry, hex: string) => assert.ok(toHex(entry.bytes).includes(hex), hex);
  has(child().setSubtreeParents("data", []).build(), "81a2646e616d65646461746167706172656e747380");
  has(
    child().setSubtreeData("data", new Uint8Array(0)).setSubtreeHeight("data", 0).build(),
    "81a4616800646461746140646e616d65646461746167706172656e747380",
  );
  const root = Entry.rootBuilder().setHeight(1704067200000).build();
  has(root, "a361681b0000018cc251f40067706172656e747380");
  has(
    child().setSig(new SigInfo(SigKey.fromName("alice"))).build(),
    "a16468696e74a1646e616d6565616c696365",
  );
});

test("01 §16 C: an entry with nothing in it can be encoded and decoded, but is invalid", () => {
  const hex = "a363736967a1636b6579a166446972656374a16468696e74a06474726565a167706172656e747380" +
    "68737562747265657380";
  const json = '{"tree":{"parents":[]},"subtrees":[],"sig":{"key":{"Direct":{"hint":{}}}}}';
  assert.equal(toHex(Entry.fromJSON(json).bytes), hex);
  assert.equal(Entry.decode(fromHex(hex)).stringify(), json);
});

test("01#10 payloads of any length are byte strings", () => {
  for (const length of [0, 5, 24, 300]) {
    const bytes = new Uint8Array(length).fill(7);
    const entry = child().setMetadata(bytes).setSubtreeData("d", bytes).build();
    const payloads = places(parseCbor(entry.bytes)).flatMap(({ node }) =>
      (node.items ?? []).filter((_, at, all) => ["metadata", "data"].includes(keyOf(all[at - 1])!))
    );
    assert.deepEqual(payloads.map(({ major, value }) => [major, value]), [[2, length], [
      2,
      length,
    ]]);
    assert.deepEqual(Entry.decode(entry.bytes).data("d"), bytes);
  }
});

test("01#12 own height 0 of a store is written, height 0 of the tree is not", () => {
  const entry = child().setSubtreeHeight("a", 0).setSubtreeParents("b", []).build();
  const json = JSON.parse(entry.stringify());
  assert.deepEqual(["h" in json.tree, json.subtrees[0].h, "h" in json.subtrees[1]], [
    false,
    0,
    false,
  ]);
  assert.equal(JSON.parse(child().setHeight(42).build().stringify()).tree.h, 42);
  assert.equal(Entry.decode(entry.bytes).model.nodes[0]!.height, 0);
  assert.equal(Entry.decode(entry.bytes).model.nodes[1]!.height, undefined);
});

test("01#13 every kind of SigKey round-trips, with map keys in canonical order", () => {
  const { publicKey } = exampleKey();
  const hints = [{}, { pubkey: publicKey }, { name: "n" }, {
    name: "n",
    pubkey: publicKey,
    isGlobal: true,
  }];
  const path = [{ tree: rawId("t"), tips: [rawId("b"), rawId("a"), rawId("b")] }, {
    tree: ID.EMPTY,
    tips: [],
  }];
  for (const hint of hints) {
    for (
      const key of [SigKey.direct(hint), SigKey.delegation(path, hint), SigKey.delegation([], hint)]
    ) {
      const entry = child().setSig(new SigInfo(key, "AAAA")).build();
      const back = Entry.decode(entry.bytes).sig;
      assert.ok(back.key.equals(key));
      assert.equal(back.sig, "AAAA");
      assert.deepEqual(back.toJSON(), entry.sig.toJSON());
    }
  }
});

test("01#13 maps have their keys sorted: the shorter first, then bytewise", () => {
  for (const { node } of places(parseCbor(fullEntry().bytes))) {
    if (node.major !== 5) continue;
    const keys = node.items!.filter((_, at) => at % 2 === 0).map((key) => key.bytes!);
    const sorted = [...keys].sort((a, b) => a.length - b.length || (toHex(a) < toHex(b) ? -1 : 1));
    assert.deepEqual(keys.map(toHex), sorted.map(toHex));
  }
});

test("01#4 the empty ID is null in DAG-CBOR", () => {
  const key = SigKey.delegation([{ tree: ID.EMPTY, tips: [ID.EMPTY, rawId("a")] }], {});
  const entry = child().setSig(new SigInfo(key)).build();
  assert.ok(toHex(entry.bytes).includes("647469707382f6d82a5825000155"));
  const step = Entry.decode(entry.bytes).sig.key.path![0]!;
  assert.deepEqual([step.tree.isEmpty, step.tips[0]!.isEmpty, step.tips[1]!.isEmpty], [
    true,
    true,
    false,
  ]);
});

test("01#28 what is not there is KeyNotFound", () => {
  const entry = child().setSubtreeParents("absent", []).setSubtreeData("empty", new Uint8Array(0))
    .build();
  const isMissing = (name: string) => (error: unknown) =>
    error instanceof StoreError && error.code === "KeyNotFound" && error.fields.key === name &&
    error.fields.store === "entry";
  assert.throws(() => entry.data("nope"), isMissing("nope"));
  assert.throws(() => entry.data("absent"), isMissing("absent"));
  assert.throws(() => entry.subtreeParents("nope"), isMissing("nope"));
  assert.throws(() => entry.subtreeHeight("nope"), isMissing("nope"));
  assert.deepEqual([entry.data("empty").length, entry.findData("absent")], [0, undefined]);
  assert.deepEqual([entry.inSubtree("absent"), entry.inSubtree("nope")], [true, false]);
  assert.deepEqual(entry.subtreeParents("absent"), []);
});

test("01#29 inTree knows the root and the entry itself", () => {
  const entry = plainEntry();
  assert.ok(entry.inTree(rawId("root")) && entry.inTree(entry.id));
  assert.ok(!entry.inTree(rawId("parent")) && !entry.inTree(ID.EMPTY));
  assert.ok(exampleA().inTree(ID.parse(A_ID)));
});

test("01#30 a store inherits the height of the tree unless it has its own", () => {
  const entry = child().setHeight(9).setSubtreeParents("in", []).setSubtreeHeight("zero", 0)
    .setSubtreeHeight("own", 3).build();
  assert.deepEqual(["in", "zero", "own"].map((name) => entry.subtreeHeight(name)), [9, 0, 3]);
});

test("01#31 signing bytes depend on the key but not on the signature, the ID on both", () => {
  const make = (key: SigKey, sig?: string) => child().setSig(new SigInfo(key, sig)).build();
  const [plain, signed, other] = [
    make(SigKey.fromName("a")),
    make(SigKey.fromName("a"), "AAAA"),
    make(SigKey.fromName("b"), "AAAA"),
  ];
  assert.deepEqual(signed.signingBytes, plain.bytes);
  assert.notDeepEqual(other.signingBytes, plain.signingBytes);
  assert.equal(new Set([plain, signed, other].map(({ id }) => id.toString())).size, 3);
});

test("signing again replaces the signature, and no byte else", () => {
  const unsigned = exampleB();
  const twice = unsigned.sign(exampleKey()).sign(exampleKey());
  assert.equal(twice.id.toString(), B_ID);
  assert.deepEqual(twice.data("data"), unsigned.data("data"));
  assert.equal(unsigned.sig.sig, undefined);
});

test("a signature that is no base64 is no signature", () => {
  const entry = child().setSig(new SigInfo(SigKey.fromName("a"), "?")).build();
  assert.equal(entry.signature, undefined);
  assert.ok(!entry.verifySignature(exampleKey().publicKey));
});

test("an entry keeps its bytes when those that it was decoded from change", () => {
  const entry = fullEntry();
  const source = entry.bytes.slice();
  const decoded = Entry.decode(source);
  source.fill(0);
  assert.ok(decoded.equals(entry));
  assert.deepEqual(decoded.data("data"), utf8("{}"));
  assert.equal(decoded.parents[0]!.toString(), entry.parents[0]!.toString());
});

test("bytes and ID are made once", () => {
  const entry = plainEntry();
  assert.equal(entry.bytes, entry.bytes);
  assert.equal(entry.id, entry.id);
});

test("01#8 law: any built entry round-trips through JSON and DAG-CBOR", () => {
  fc.assert(fc.property(anyEntry, (entry) => {
    for (const again of [Entry.decode(entry.bytes), Entry.fromJSON(entry.stringify())]) {
      assert.deepEqual(again.bytes, entry.bytes);
      assert.ok(again.equals(entry) && again.id.equals(entry.id));
      assert.equal(again.stringify(), entry.stringify());
      assert.deepEqual(again.signingBytes, entry.signingBytes);
    }
  }));
});

test("law: the signature spliced in gives the bytes that encoding would give", () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const signed = entry.sign(exampleKey());
      assert.deepEqual(signed.bytes, Entry.fromJSON(signed.stringify()).bytes);
      assert.deepEqual(signed.signingBytes, entry.signingBytes);
      assert.deepEqual(Entry.decode(signed.bytes).signingBytes, entry.signingBytes);
    }),
    { numRuns: cases(50) },
  );
});

test("consoles print an entry in one line", () => {
  assert.equal(inspect(plainEntry()), `Entry(${plainEntry().id}, height 7, stores data)`);
});

test("01 §4 an unknown version is refused, whatever else is in the entry", () => {
  assert.throws(() => Entry.fromJSON(A_JSON.replace("{", '{"_v":1,')), hasCode("InvalidStructure"));
});
