import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { before, test } from "node:test";
import { ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { EntryError } from "../../src/util/errors.ts";
import { toHex } from "../../src/util/hex.ts";
import { keyOf, NULL, parseCbor, places, withItems, writeCbor } from "./cbor_tree.ts";
import { child, fullEntry, hasCode, rawId, refuses } from "./helpers.ts";

before(async () => {
  await ready();
});

test("entries and IDs own their bytes, also when they are made of a Buffer", () => {
  const entry = fullEntry();
  const source = Buffer.from(entry.bytes);
  const decoded = Entry.decode(source);
  const cid = Buffer.from(rawId("a").bytes);
  const id = ID.fromBytes(cid);
  source.fill(0);
  cid.fill(0);
  assert.equal(toHex(decoded.bytes), toHex(entry.bytes));
  assert.ok(decoded.equals(entry) && id.equals(rawId("a")));
});

test("00 §B4 a root that is null is refused in DAG-CBOR", () => {
  const place = places(parseCbor(child().build().bytes)).find(({ node }) =>
    node.items?.some((item) => keyOf(item) === "root")
  )!;
  const { node } = place;
  const at = node.items!.findIndex((item) => keyOf(item) === "root");
  const bytes = writeCbor(place.replace(withItems(node, node.items!.with(at + 1, NULL))));
  refuses(() => Entry.decode(bytes), toHex(bytes));
});

test("an entry that cannot be decoded again cannot be built", () => {
  const parents = Array.from({ length: 4097 }, (_, at) => rawId(`p${at}`));
  const sig = (info: SigInfo) => child().setSig(info);
  const steps = (count: number, tips: number) =>
    Array.from({ length: count }, () => ({ tree: rawId("t"), tips: parents.slice(0, tips) }));
  const many = child();
  for (let at = 0; at <= 1024; at++) many.setSubtreeParents(`s${at}`, []);
  const builders = [
    child().setParents(parents),
    child().setSubtreeParents("s", parents),
    child().setSubtreeParents("n".repeat(1025), []),
    child().setSubtreeParents("ä".repeat(513), []),
    child().setMetadata(new Uint8Array(16 * 1024 * 1024)),
    sig(new SigInfo(SigKey.NONE, "A".repeat(1025))),
    sig(new SigInfo(SigKey.fromName("n".repeat(1025)))),
    sig(new SigInfo(SigKey.delegation(steps(65, 0), {}))),
    sig(new SigInfo(SigKey.delegation(steps(1, 4097), {}))),
    many,
  ];
  for (const builder of builders) assert.throws(() => builder.build(), hasCode("InvalidStructure"));
});

test("JSON has the limits of DAG-CBOR", () => {
  const json = JSON.parse(child().build().stringify());
  const key = { Direct: { hint: { name: "n".repeat(1025) } } };
  for (const sig of [{ key }, { ...json.sig, sig: "A".repeat(1025) }]) {
    refuses(() => Entry.fromJSON(JSON.stringify({ ...json, sig })), Object.keys(sig).join());
  }
});

test("a name that is no Unicode text is refused, not changed", () => {
  for (const name of ["\ud800", "a\udc00"]) {
    assert.throws(
      () => child().setSubtreeData(name, utf8("d")).build(),
      hasCode("InvalidStructure"),
    );
    const sig = new SigInfo(SigKey.fromName(name));
    assert.throws(() => child().setSig(sig).build(), hasCode("InvalidStructure"));
  }
});

test("an entry does not change with the arrays that it was built of", () => {
  const [data, metadata] = [Uint8Array.of(1), Uint8Array.of(2)];
  const entry = child().setSubtreeData("s", data).setMetadata(metadata).build();
  data[0] = metadata[0] = 9;
  assert.deepEqual([entry.data("s"), entry.metadata], [Uint8Array.of(1), Uint8Array.of(2)]);
});

test("01 §10 a member of the metadata that stands twice is refused, an unknown one is ignored", () => {
  const parse = (text: string) => EntryMetadata.parse(utf8(text));
  refuses(() => parse('{"settings_tips":[],"settings_tips":[]}'), "tips");
  refuses(() => parse('{"settings_tips":[],"entropy":1,"entropy":2}'), "entropy");
  assert.equal(parse('{"settings_tips":[],"x":1,"x":2}').entropy, undefined);
});

test("a text far longer than any CID is refused before it is decoded", () => {
  const started = performance.now();
  for (const prefix of ["z", "Z", "k", "9"]) {
    assert.throws(() => ID.parse(prefix + "2".repeat(100_000)), hasCode("InvalidFormat"));
  }
  assert.ok(performance.now() - started < 1000);
});

test("01 on the wire an ID has one spelling", () => {
  const text = child().build().stringify();
  const root = rawId("root").toString();
  for (const other of [`/ipfs/${root}`, `${root}aaaaaaaa`, root.toUpperCase()]) {
    refuses(() => Entry.fromJSON(text.replace(root, other)), other);
  }
});

test("decoding refuses with an EntryError, whatever the fault", () => {
  const key = JSON.parse(fullEntry().stringify());
  key.sig.key.Delegation.hint.pubkey = "ed25519:AA==";
  const parent = JSON.parse(fullEntry().stringify());
  parent.tree.parents = ["x"];
  const cid = fullEntry().bytes.slice();
  cid[cid.findIndex((byte, at) => byte === 0x1e && cid[at - 1] === 0x55)] = 0x7e;
  cid[cid.findIndex((byte, at) => byte === 0x55 && cid[at + 1] === 0x7e) - 1] = 3;
  for (
    const read of [
      () => Entry.fromJSON(JSON.stringify(key)),
      () => Entry.fromJSON(JSON.stringify(parent)),
      () => Entry.decode(cid),
    ]
  ) assert.throws(read, (error) => error instanceof EntryError);
});
