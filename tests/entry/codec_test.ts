import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as dagCbor from "@ipld/dag-cbor";
import fc from "../helpers/fast_check.ts";
import { CID } from "multiformats/cid";
import { ready } from "../../wasm/mod.ts";
import { DagCborReader } from "../../src/codec/dag_cbor_reader.ts";
import { DagCborWriter } from "../../src/codec/dag_cbor_writer.ts";
import type { Entry } from "../../src/entry/entry.ts";
import type { ID } from "../../src/entry/id.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { skip, thirdParty } from "../wasm/third_party.ts";
import { anyEntry, anyId, fullEntry, refuses } from "./helpers.ts";

before(async () => {
  await ready();
});

const LIMIT = 2 ** 31;

/** Reads one value of the profile and writes it again; undefined for a value outside the profile. */
function copy(reader: DagCborReader, writer: DagCborWriter, bytes: Uint8Array): boolean {
  const first = bytes[reader.position]!;
  switch (first >> 5) {
    case 0:
      writer.uint(reader.uint("a number"));
      return true;
    case 2:
      writer.bytes(reader.bytes("bytes"));
      return true;
    case 3:
      writer.text(reader.text("a text", LIMIT), LIMIT, "a text");
      return true;
    case 4: {
      const length = reader.array("an array", LIMIT);
      writer.array(length, LIMIT, "an array");
      return Array.from({ length }).every(() => copy(reader, writer, bytes));
    }
    case 5: {
      const size = reader.map("a map");
      writer.map(size);
      return Array.from({ length: 2 * size }).every(() => copy(reader, writer, bytes));
    }
    default:
      if (first !== 0xd8) return false;
      writer.cid(reader.since(reader.skipCid("a CID")));
      return true;
  }
}

/** Fixtures with an integer that is larger than any height may be. */
const TOO_LARGE = [
  "int-11959030306112471731",
  "int-18446744073709551615",
  "int-9223372036854775807",
];

test(
  "codec-fixtures: every value of the profile is read and written as it stands",
  { skip },
  () => {
    const fixtures = Object.entries<{ hex: string }>(thirdParty("ipld-dag-cbor.json").positive);
    let read = 0;
    for (const [name, { hex }] of fixtures) {
      const bytes = fromHex(hex);
      const reader = new DagCborReader(bytes);
      const writer = new DagCborWriter();
      if (TOO_LARGE.includes(name)) {
        refuses(() => copy(reader, writer, bytes), name);
        continue;
      }
      if (!copy(reader, writer, bytes)) continue;
      reader.end();
      assert.equal(toHex(writer.done()), hex, name);
      read++;
    }
    assert.deepEqual([fixtures.length, read], [125, 72]);
  },
);

test("01#12 integers have the shortest heads, at every border", () => {
  const borders = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  for (const value of borders) {
    const writer = new DagCborWriter();
    writer.uint(value);
    assert.deepEqual(writer.done(), dagCbor.encode(value), `${value}`);
    const reader = new DagCborReader(writer.done());
    assert.equal(reader.uint("a number"), value);
    reader.end();
  }
  refuses(() => new DagCborReader(dagCbor.encode(2n ** 53n)).uint("a number"), "2^53");
});

// deno-lint-ignore no-explicit-any
type Plain = any;

function cid(id: ID): CID | null {
  return id.isEmpty ? null : CID.decode(id.bytes);
}

/** What an entry must be encoded as, by the tables of 01 §5, for an independent encoder. */
function plain({ model }: Entry): Plain {
  const set = (name: string, value: unknown) => value === undefined ? {} : { [name]: value };
  const { hint, path } = model.sig.key;
  const hintMap = {
    ...set("name", hint.name),
    ...set("pubkey", hint.pubkey?.toString()),
    ...set("is_global", hint.isGlobal),
  };
  const steps = path?.map(({ tree, tips }) => ({ tree: cid(tree), tips: tips.map(cid) }));
  const key = steps === undefined
    ? { Direct: { hint: hintMap } }
    : { Delegation: { hint: hintMap, path: steps } };
  return {
    tree: {
      parents: model.parents.map(cid),
      ...set("root", model.root && cid(model.root)),
      ...set("metadata", model.metadata),
      ...set("h", model.height || undefined),
    },
    subtrees: model.nodes.map((node) => ({
      name: node.name,
      parents: node.parents.map(cid),
      ...set("data", node.data),
      ...set("h", node.height),
    })),
    sig: { key, ...set("sig", model.sig.sig) },
  };
}

test("01 §3 law: an independent DAG-CBOR encoder gives the same bytes", () => {
  assert.deepEqual(fullEntry().bytes, dagCbor.encode(plain(fullEntry())));
  fc.assert(fc.property(anyEntry, (entry) => {
    assert.equal(toHex(entry.bytes), toHex(dagCbor.encode(plain(entry))));
  }));
});

test("01 §2.2 law: an independent CID library gives the same text and bytes", () => {
  fc.assert(fc.property(anyId, (id) => {
    const other = CID.parse(id.toString());
    assert.equal(toHex(other.bytes), toHex(id.bytes));
    assert.equal(CID.decode(id.bytes).toString(), id.toString());
    assert.deepEqual([other.code, other.multihash.code], [id.codec, id.hashCode]);
  }));
});
