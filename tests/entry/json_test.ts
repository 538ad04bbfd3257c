import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { EideticaError } from "../../src/util/errors.ts";
import { parseJson64 } from "../../src/util/json64.ts";
import { anyEntry, child, fullEntry, hasCode, plainEntry, rawId, refuses } from "./helpers.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

type Json = Record<string, unknown>;

/** The JSON of an entry, changed. */
function edited(
  change: (json: { tree: Json; subtrees: Json[]; sig: Json } & Json) => void,
): string {
  const json = JSON.parse(fullEntry().stringify());
  change(json);
  return JSON.stringify(json);
}

function isRefused(text: string, label = text): void {
  refuses(() => Entry.fromJSON(text), label);
}

test("01#7 a missing version is 0, 0 is not written again, anything else is refused", () => {
  const text = fullEntry().stringify();
  assert.ok(!text.includes("_v"));
  const zero = Entry.fromJSON(text.replace("{", '{"_v":0,'));
  assert.equal(zero.stringify(), text);
  assert.ok(zero.id.equals(fullEntry().id));
  for (const bad of ["99", "300", "1", "-1", "0.0", "null", '"0"', "false", "[]"]) {
    assert.throws(
      () => Entry.fromJSON(text.replace("{", `{"_v":${bad},`)),
      hasCode("InvalidStructure"),
      bad,
    );
  }
});

test("01#11 a payload that is missing or null is absent; an empty one is written", () => {
  const read = (data: string) =>
    Entry.fromJSON(
      child().setSubtreeParents("s", []).build().stringify().replace('"s",', `"s",${data}`),
    );
  assert.equal(read("").findData("s"), undefined);
  assert.equal(read('"data":null,').findData("s"), undefined);
  assert.ok(!read('"data":null,').stringify().includes("data"));
  assert.deepEqual(read('"data":[],').findData("s"), new Uint8Array(0));
  assert.ok(read('"data":[],').stringify().includes('"data":[]'));
  const ids = ["", '"data":[],'].map((data) => read(data).id.toString());
  assert.equal(new Set(ids).size, 2);
});

test("01 §5 fields are written in the order of the chapter", () => {
  const order = [...fullEntry().stringify().matchAll(/"([a-z_A-Z]+)":/g)].map((match) => match[1]);
  const node = ["name", "parents", "data", "h"];
  assert.deepEqual(order, [
    ...["tree", "root", "parents", "metadata", "h", "subtrees", ...node, ...node],
    ...["sig", "sig", "key", "Delegation", "path", "tree", "tips"],
    ...["hint", "pubkey", "name", "is_global"],
  ]);
});

test("01 §5.3 byte fields are numbers or a text that stands for its UTF-8 bytes", () => {
  const entry = Entry.fromJSON(edited(({ tree, subtrees }) => {
    tree.metadata = "ä";
    subtrees[0]!.data = "{}";
  }));
  assert.deepEqual([entry.metadata, entry.data("data")], [utf8("ä"), utf8("{}")]);
  for (const bad of [[256], [-1], [1.5], ["1"], [null], [[1]], {}, 7, true]) {
    isRefused(edited(({ tree }) => tree.metadata = bad), `metadata ${JSON.stringify(bad)}`);
    isRefused(edited(({ subtrees }) => subtrees[0]!.data = bad), `data ${JSON.stringify(bad)}`);
  }
  const text = plainEntry().stringify();
  isRefused(text.replace('"metadata":[109]', '"metadata":[109.0]'));
});

test("01 §5.2 heights are integers; null is none for a store only", () => {
  const text = child().setHeight(5).setSubtreeHeight("s", 6).build().stringify();
  const store = Entry.fromJSON(text.replace('"h":6', '"h":null'));
  assert.equal(store.subtreeHeight("s"), 5);
  for (
    const bad of [
      "5.0",
      "-1",
      "5e0",
      "-0",
      "9007199254740992",
      "18446744073709551615",
      '"5"',
      "true",
    ]
  ) {
    isRefused(text.replace('"h":5', `"h":${bad}`));
    isRefused(text.replace('"h":6', `"h":${bad}`));
  }
  isRefused(text.replace('"h":5', '"h":null'));
  assert.equal(Entry.fromJSON(text.replace('"h":5', '"h":9007199254740991')).height, 2 ** 53 - 1);
});

test("01 §5 null and missing are the same for optional fields, others are required", () => {
  const same = edited(({ tree, subtrees, sig }) => {
    delete tree.root;
    delete tree.metadata;
    delete subtrees[0]!.h;
    delete sig.sig;
  });
  const nulls = edited(({ tree, subtrees, sig }) => {
    tree.root =
      tree.metadata =
      subtrees[0]!.h =
      sig.sig =
        null;
  });
  assert.ok(Entry.fromJSON(nulls).equals(Entry.fromJSON(same)));
  for (const field of ["tree", "subtrees", "sig"]) {
    isRefused(edited((json) => delete json[field]), `no ${field}`);
    isRefused(edited((json) => json[field] = null), `null ${field}`);
  }
  isRefused(edited(({ tree }) => delete tree.parents));
  isRefused(edited(({ subtrees }) => delete subtrees[0]!.parents));
  isRefused(edited(({ subtrees }) => delete subtrees[0]!.name));
  isRefused(edited(({ sig }) => delete sig.key));
});

test("01 §3 unknown fields are ignored, whatever they hold", () => {
  const entry = Entry.fromJSON(edited((json) => {
    for (const part of [json, json.tree, json.subtrees[0]!, json.sig]) {
      part.future = { deep: [1, null, "x"] };
      Object.defineProperty(part, "__proto__", { value: { h: 9 }, enumerable: true });
    }
  }));
  assert.ok(entry.equals(fullEntry()));
});

test("01 §3 a known field that stands twice is refused", () => {
  const text = fullEntry().stringify();
  const fields = [
    "tree",
    "root",
    "parents",
    "metadata",
    "h",
    "subtrees",
    "name",
    "data",
    "sig",
    "key",
  ];
  for (const field of [...fields, "path", "tips", "hint", "pubkey", "is_global", "Delegation"]) {
    isRefused(text.replace(`"${field}":`, `"${field}":null,"${field}":`), field);
  }
});

test("01 §5.4 keys have one known variant with all its members", () => {
  const bad: unknown[] = [
    {},
    { Other: {} },
    "Direct",
    { Direct: {} },
    { Direct: { hint: null } },
    { Direct: { hint: {} }, Delegation: { path: [], hint: {} } },
    { Delegation: { hint: {} } },
    { Delegation: { path: [] } },
    { Delegation: { path: [{ tree: rawId("a").toString() }], hint: {} } },
    { Delegation: { path: [{ tips: [] }], hint: {} } },
    { Delegation: { path: [{ tree: "?", tips: [] }], hint: {} } },
    { Direct: { hint: { pubkey: "ed25519:AA==" } } },
    { Direct: { hint: { pubkey: 7 } } },
    { Direct: { hint: { name: 7 } } },
    { Direct: { hint: { is_global: null } } },
    { Direct: { hint: { is_global: 1 } } },
    null,
    [],
  ];
  for (const key of bad) isRefused(edited(({ sig }) => sig.key = key), JSON.stringify(key));
  const lenient = { Direct: { hint: { name: null, pubkey: null, is_global: false, x: 1 }, y: 2 } };
  const entry = Entry.fromJSON(edited(({ sig }) => sig.key = lenient));
  assert.deepEqual(JSON.parse(entry.stringify()).sig.key, { Direct: { hint: {} } });
});

test("00 §B4 lists must be sorted and unique", () => {
  isRefused(edited(({ tree }) => (tree.parents as unknown[]).reverse()), "parents reversed");
  isRefused(edited(({ tree }) => tree.parents = [rawId("a"), rawId("a")]), "parent twice");
  isRefused(edited(({ subtrees }) => subtrees.reverse()), "subtrees reversed");
  isRefused(edited(({ subtrees }) => subtrees[1] = { ...subtrees[0] }), "subtree twice");
  isRefused(
    edited(({ subtrees }) => (subtrees[0]!.parents as unknown[]).reverse()),
    "store parents",
  );
});

test("01 §2.4 IDs are texts", () => {
  for (const bad of [7, null, {}, ["x"], "x"]) {
    isRefused(edited(({ tree }) => tree.parents = [bad]), `parent ${JSON.stringify(bad)}`);
  }
  isRefused(edited(({ tree }) => tree.root = 7), "root 7");
});

test("what is no JSON object is refused", () => {
  for (
    const text of ["", "{", "null", "[]", "7", '"x"', "{}", '{"tree":{}}', "[".repeat(100_000)]
  ) {
    assert.throws(() => Entry.fromJSON(text), hasCode("InvalidStructure"), text.slice(0, 20));
  }
});

test("parsed JSON is read like its text", () => {
  const entry = fullEntry();
  assert.ok(Entry.fromJson64(parseJson64(entry.stringify())).equals(entry));
});

test("fuzz: changed JSON throws nothing but our errors, and what is read is canonical", () => {
  const value = fc.constantFrom(
    "null",
    "[]",
    "{}",
    "-1",
    "1e400",
    '""',
    '"x"',
    "true",
    "[[]]",
    "5.0",
  );
  fc.assert(
    fc.property(anyEntry, fc.nat(), value, (entry, pick, by) => {
      const text = entry.stringify();
      const tokens = [...text.matchAll(/"[^"\\]*"|\d+|\[|\{/g)];
      const token = tokens[pick % tokens.length]!;
      const changed = text.slice(0, token.index) + by + text.slice(token.index + token[0].length);
      try {
        const read = Entry.fromJSON(changed);
        assert.deepEqual(Entry.fromJSON(read.stringify()).bytes, read.bytes);
      } catch (error) {
        assert.ok(error instanceof EideticaError, `${changed}: ${error}`);
      }
    }),
    { numRuns: cases(1000) },
  );
});
