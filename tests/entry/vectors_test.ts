import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { PrivateKey } from "../../src/keys/private_key.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { hasCode, rawId, vectors } from "./helpers.ts";

before(async () => {
  await ready();
});

interface Form {
  readonly json: unknown;
  readonly cbor: string;
  readonly id: string;
}

interface Signed extends Form {
  readonly seed: string;
  readonly signature: string;
}

interface Case extends Form {
  readonly name: string;
  readonly build_error?: string;
  readonly valid: string;
  readonly is_root: boolean;
  readonly signing_cbor: string;
  readonly subtrees: readonly string[];
  readonly tree_height: number;
  readonly signed?: Signed;
}

const cases = vectors("entries.json").cases as Case[];
const built = cases.filter((each) => each.build_error === undefined);
const signed = built.flatMap(({ name, signed, signing_cbor }) =>
  signed === undefined ? [] : [{ name, signing_cbor, ...signed }]
);

function sameForms(form: Form, label: string): void {
  const decoded = Entry.decode(fromHex(form.cbor));
  const parsed = Entry.fromJSON(JSON.stringify(form.json));
  for (const entry of [decoded, parsed]) {
    assert.equal(toHex(entry.bytes), form.cbor, label);
    assert.equal(entry.id.toString(), form.id, label);
    assert.deepEqual(JSON.parse(entry.stringify()), form.json, label);
    assert.deepEqual(JSON.parse(JSON.stringify(entry)), form.json, label);
  }
  assert.ok(decoded.equals(parsed), label);
}

test("vectors: 58 entries, 22 of them signed, and 5 refusals are there", () => {
  assert.deepEqual([built.length, signed.length, cases.length], [58, 22, 63]);
});

test("01#8,#9 vectors: JSON, DAG-CBOR and ID of every entry, each made from the other", () => {
  for (const form of built) sameForms(form, form.name);
});

test("01#8 vectors: JSON, DAG-CBOR and ID of every signed entry", () => {
  for (const form of signed) sameForms(form, form.name);
});

test("01#31 vectors: signing bytes with and without a signature", () => {
  for (const { cbor, signing_cbor, name } of built) {
    assert.equal(toHex(Entry.decode(fromHex(cbor)).signingBytes), signing_cbor, name);
  }
  for (const { cbor, signing_cbor, name } of signed) {
    assert.equal(toHex(Entry.decode(fromHex(cbor)).signingBytes), signing_cbor, name);
  }
});

test("02 §2.3 vectors: signing gives the reference's signature, bytes and ID", () => {
  for (const { name, cbor, signed } of built) {
    if (signed === undefined) continue;
    const key = PrivateKey.fromSeed(fromHex(signed.seed));
    const entry = Entry.decode(fromHex(cbor)).sign(key);
    assert.deepEqual([entry.sig.sig, toHex(entry.bytes)], [signed.signature, signed.cbor], name);
    assert.equal(entry.id.toString(), signed.id, name);
    assert.ok(entry.verifySignature(key.publicKey), name);
    assert.ok(!entry.verifySignature(PrivateKey.fromSeed(new Uint8Array(32)).publicKey), name);
  }
});

test("01 §4 vectors: accessors", () => {
  for (const { name, cbor, is_root, subtrees, tree_height } of built) {
    const entry = Entry.decode(fromHex(cbor));
    assert.deepEqual([entry.isRoot, entry.height], [is_root, tree_height], name);
    assert.deepEqual(entry.subtrees, subtrees, name);
  }
});

test("01 §9 vectors: what is structurally valid can be built again from its parts", () => {
  for (const { name, cbor, valid } of built) {
    assert.equal(valid, "ok", name);
    const entry = Entry.decode(fromHex(cbor));
    const again = Entry.builder(entry.root ?? ID.EMPTY).setParents([...entry.parents].reverse())
      .setHeight(entry.height).setSig(entry.sig);
    if (entry.metadata !== undefined) again.setMetadata(entry.metadata);
    for (const node of [...entry.model.nodes].reverse()) {
      again.setSubtreeParents(node.name, [...node.parents, ...node.parents]);
      again.setSubtreeHeight(node.name, node.height);
      if (node.data !== undefined) again.setSubtreeData(node.name, node.data);
    }
    assert.equal(toHex(again.build().bytes), cbor, name);
  }
});

/** What the refused builders of the vectors were told. */
const REFUSED: Readonly<Record<string, () => Entry>> = {
  "plain entry without parents": () => Entry.builder(rawId("root")).build(),
  "parent that is the empty id": () => Entry.builder(rawId("root")).addParent(ID.EMPTY).build(),
  "store parent that is the empty id": () =>
    Entry.builder(rawId("root")).addParent(rawId("p")).addSubtreeParent("s", ID.EMPTY).build(),
  "empty store name": () =>
    Entry.builder(rawId("root")).addParent(rawId("p")).setSubtreeData("", Uint8Array.of(1)).build(),
  "root entry with parents": () => Entry.rootBuilder().addParent(rawId("p")).build(),
};

test("01#24,#25 vectors: what the reference's builder refuses", () => {
  const refused = cases.filter((each) => each.build_error !== undefined).map(({ name }) => name);
  assert.deepEqual(refused, Object.keys(REFUSED));
  for (const build of Object.values(REFUSED)) {
    assert.throws(build, hasCode("EntryValidationFailed"));
  }
});
