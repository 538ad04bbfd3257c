/** Entries of the vectors and of 01 §16: JSON → entry → CBOR → ID and back, in many spellings. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { core, ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { PrivateKey } from "../../src/keys/private_key.ts";
import { compareBytes, concat, utf8 } from "../../src/util/bytes.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { keyOf, leastWidth, parseCbor, places } from "./cbor_tree.ts";
import { exampleKey, hasCode, vectors } from "./helpers.ts";

before(async () => {
  await ready();
});

interface JsonNode {
  readonly name: string;
  readonly parents: string[];
  readonly data?: number[];
  readonly h?: number;
}

interface JsonEntry {
  readonly tree: { root?: string; parents: string[]; metadata?: number[]; h?: number };
  readonly subtrees: JsonNode[];
  readonly sig: { sig?: string; key: unknown };
}

interface Form {
  readonly name: string;
  readonly json: JsonEntry;
  readonly cbor: string;
  readonly id: string;
}

interface Case extends Form {
  readonly build_error?: string;
  readonly signing_cbor: string;
  readonly signed?: Form & { readonly seed: string; readonly signature: string };
}

const cases = vectors("entries.json").cases as Case[];
const built = cases.filter((each) => each.build_error === undefined);
const forms: Form[] = built.flatMap((each) =>
  each.signed === undefined ? [each] : [each, { ...each.signed, name: `${each.name}, signed` }]
);

/** JSON with the members of every object in reverse order. */
function reversed(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(reversed);
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).reverse().map(([key, value]) => [key, reversed(value)]),
  );
}

/** JSON with every optional member of entry, tree and subtrees that is absent given as null. */
function withNulls({ tree, subtrees, sig }: JsonEntry): unknown {
  return {
    _v: 0,
    tree: { root: null, metadata: null, ...tree },
    subtrees: subtrees.map((node) => ({ data: null, h: null, ...node })),
    sig: { sig: null, ...sig },
  };
}

/** JSON with a member more in every object but the externally tagged one. */
function withUnknown({ tree, subtrees, sig }: JsonEntry): unknown {
  const more = { zz: [{ deep: null }], "": 1e300 };
  return {
    ...more,
    tree: { ...more, ...tree },
    subtrees: subtrees.map((node) => ({ ...more, ...node })),
    sig: { ...more, ...sig },
  };
}

test("01#8 vectors: every spelling of the JSON gives the same bytes and ID", () => {
  assert.equal(forms.length, 80);
  for (const { name, json, cbor, id } of forms) {
    for (const spelled of [json, reversed(json), withNulls(json), withUnknown(json)]) {
      const entry = Entry.fromJSON(JSON.stringify(spelled));
      assert.equal(toHex(entry.bytes), cbor, name);
      assert.equal(entry.id.toString(), id, name);
    }
    const spaced = Entry.fromJSON(`\n ${JSON.stringify(json, null, 2)}\t`);
    assert.equal(toHex(spaced.bytes), cbor, name);
  }
});

test("01#8 vectors: bytes → entry → JSON → entry → bytes changes nothing", () => {
  for (const { name, cbor, id } of forms) {
    const entry = Entry.decode(fromHex(cbor));
    const again = Entry.fromJSON(entry.stringify());
    assert.equal(toHex(again.bytes), cbor, name);
    assert.equal(again.id.toString(), id, name);
    assert.equal(again.stringify(), entry.stringify(), name);
    assert.ok(again.equals(entry), name);
  }
});

test("01 §6 vectors: the ID is BLAKE3 over the bytes, behind the head of a CID", () => {
  for (const { name, cbor, id } of forms) {
    const cid = concat(fromHex("01711e20"), core().blake3(fromHex(cbor)));
    assert.equal(ID.fromBytes(cid).toString(), id, name);
    assert.equal(Entry.decode(fromHex(cbor)).id.toString(), id, name);
  }
});

test("01 §3 vectors: heads are the shortest, keys are sorted: the shorter first, then bytewise", () => {
  for (const { name, cbor } of forms) {
    for (const { node, path } of places(parseCbor(fromHex(cbor)))) {
      assert.equal(node.width ?? leastWidth(node.value), leastWidth(node.value));
      if (node.major !== 5) continue;
      const keys = node.items!.filter((_, at) => at % 2 === 0).map((key) => utf8(keyOf(key)!));
      for (let at = 1; at < keys.length; at++) {
        const [a, b] = [keys[at - 1]!, keys[at]!];
        assert.ok((a.length - b.length || compareBytes(a, b)) < 0, `${name}: [${path}]`);
      }
    }
  }
});

test("01#28,#30 vectors: accessors give what the JSON says", () => {
  for (const { name, json, cbor } of forms) {
    const entry = Entry.decode(fromHex(cbor));
    assert.equal(entry.root?.toString(), json.tree.root, name);
    assert.deepEqual(entry.parents.map(String), json.tree.parents, name);
    assert.deepEqual(entry.metadata && [...entry.metadata], json.tree.metadata, name);
    assert.equal(entry.height, json.tree.h ?? 0, name);
    assert.deepEqual([...entry.subtrees], json.subtrees.map((node) => node.name), name);
    assert.equal(entry.sig.sig, json.sig.sig, name);
    for (const node of json.subtrees) {
      assert.ok(entry.inSubtree(node.name), name);
      assert.deepEqual(entry.subtreeParents(node.name).map(String), node.parents, name);
      assert.equal(entry.subtreeHeight(node.name), node.h ?? json.tree.h ?? 0, name);
      if (node.data === undefined) {
        assert.throws(() => entry.data(node.name), hasCode("KeyNotFound"), name);
      } else assert.deepEqual([...entry.data(node.name)], node.data, name);
    }
    assert.throws(() => entry.data("not there"), hasCode("KeyNotFound"));
  }
});

test("01#31 vectors: signing bytes have no signature, and are those before signing", () => {
  for (const { name, cbor, signing_cbor, signed, json } of built) {
    assert.equal(toHex(Entry.decode(fromHex(cbor)).signingBytes), signing_cbor, name);
    if (json.sig.sig === undefined) assert.equal(signing_cbor, cbor, name);
    if (signed === undefined) continue;
    const entry = Entry.decode(fromHex(signed.cbor));
    assert.equal(toHex(entry.signingBytes), signing_cbor, name);
    const key = PrivateKey.fromSeed(fromHex(signed.seed));
    assert.ok(entry.verifySignature(key.publicKey), name);
    assert.equal(Entry.fromJSON(JSON.stringify(json)).sign(key).sig.sig, signed.signature, name);
  }
});

test("01#9, 02#6 vectors: any changed byte of a signed entry breaks it or its signature", () => {
  const { signed } = built.find((each) => each.name === "sig pubkey hint")!;
  const bytes = fromHex(signed!.cbor);
  const key = PrivateKey.fromSeed(fromHex(signed!.seed)).publicKey;
  assert.ok(Entry.decode(bytes).verifySignature(key));
  let decoded = 0;
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 0x01;
    let entry;
    try {
      entry = Entry.decode(changed);
    } catch {
      continue;
    }
    decoded++;
    assert.equal(entry.verifySignature(key), false, `byte ${at}`);
    assert.notEqual(entry.id.toString(), signed!.id);
  }
  assert.ok(decoded > 100, `${decoded} were decoded`);
});

const HINTLESS = "a1636b6579a166446972656374a16468696e74a0";

test("01#9 example A: JSON → entry → CBOR → ID, and back", () => {
  const json =
    '{"tree":{"parents":[],"metadata":[123,34,101,110,116,114,111,112,121,34,58,52,50,125]},' +
    '"subtrees":[{"name":"_root","parents":[],"data":[]}],"sig":{"key":{"Direct":{"hint":{}}}}}';
  const cbor = `a363736967${HINTLESS}6474726565a267706172656e747380686d65746164617461` +
    "4e7b22656e74726f7079223a34327d68737562747265657381a3646461746140646e616d65655f726f6f74" +
    "67706172656e747380";
  assert.equal(cbor.length, 202);
  const id = "bafyr4iftarck3leisxjtgttxjp45ijvps7sqlephnu45fjzwhqqraw3cqu";
  const read = Entry.fromJSON(json);
  assert.deepEqual([toHex(read.bytes), read.id.toString()], [cbor, id]);
  const decoded = Entry.decode(fromHex(cbor));
  assert.deepEqual([decoded.stringify(), decoded.id.toString(), decoded.isRoot], [json, id, true]);
});

test("01#9 example B: built, signed and read again", () => {
  const parent = ID.parse("bafyr4iftarck3leisxjtgttxjp45ijvps7sqlephnu45fjzwhqqraw3cqu");
  const key = exampleKey();
  assert.equal(`${key.publicKey}`, "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=");
  const unsigned = Entry.builder(parent).addParent(parent).setHeight(1)
    .setSubtreeData("data", utf8("{}")).setSig(new SigInfo(SigKey.fromPubkey(key.publicKey)))
    .build();
  const entry = unsigned.sign(key);
  assert.deepEqual([unsigned.bytes.length, entry.bytes.length], [229, 323]);
  assert.equal(
    entry.sig.sig,
    "ySdk0KKXno0eFCfXNzvzqUcKML79WtB/rjMUPUXkqMu1PHP7+RgXWtfntGRXFIURARknTyEDakOgPZ5Zrd3IDA==",
  );
  assert.equal(
    entry.id.toString(),
    "bafyr4ih5ogjji526vfppttc7fvbotheku6khfyyft6jh4qpzf2bdsg2inu",
  );
  assert.notEqual(unsigned.id.toString(), entry.id.toString());
  for (const again of [Entry.decode(entry.bytes), Entry.fromJSON(entry.stringify())]) {
    assert.ok(again.equals(entry) && again.verifySignature(key.publicKey));
    assert.deepEqual(again.signingBytes, unsigned.bytes);
  }
});

test("01 §16 C fragments stand in the bytes of entries as written there", () => {
  const parent = ID.ofRaw(utf8("p"));
  const base = () => Entry.builder(parent).addParent(parent);
  const holds = (entry: Entry, fragment: string) =>
    assert.ok(toHex(entry.bytes).includes(fragment), fragment);
  holds(base().setSubtreeParents("data", []).build(), "a2646e616d65646461746167706172656e747380");
  holds(
    base().setSubtreeData("data", new Uint8Array(0)).setSubtreeHeight("data", 0).build(),
    "a4616800646461746140646e616d65646461746167706172656e747380",
  );
  holds(base().setHeight(1_704_067_200_000).build(), "61681b0000018cc251f400");
  holds(base().setSig(new SigInfo(SigKey.fromName("alice"))).build(), "a1646e616d6565616c696365");
});
