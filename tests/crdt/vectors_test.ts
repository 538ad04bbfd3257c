import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Doc } from "../../src/crdt/doc.ts";
import { type Json64, parseJson64, stringifyJson64 } from "../../src/util/json64.ts";

const url = new URL("../vectors/doc-merge.json", import.meta.url);
const file = parseJson64(readFileSync(url, "utf8")) as Map<string, Json64>;
const cases = file.get("cases") as Map<string, Json64>[];

function read(vector: Map<string, Json64>, name: string): Doc {
  return Doc.parse(stringifyJson64(vector.get(name)));
}

/** Parsed JSON without the order of members. */
function canonical(json: Json64): Json64 {
  if (Array.isArray(json)) return json.map(canonical);
  if (!(json instanceof Map)) return json;
  const members = [...json].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(members.map(([k, v]) => [k, canonical(v)]));
}

function same(doc: Doc, vector: Map<string, Json64>, name: string): void {
  const label = `${vector.get("name")}: ${name}`;
  assert.deepEqual(canonical(parseJson64(doc.stringify())), canonical(vector.get(name)!), label);
  assert.ok(doc.equals(read(vector, name)), label);
  assert.ok(Doc.parseBytes(doc.toBytes()).equals(doc), label);
}

test("vectors: 250 cases are there", () => assert.equal(cases.length, 250));

test("vectors: merges of pairs and triples equal the reference's", () => {
  for (const vector of cases) {
    const [a, b, c] = ["a", "b", "c"].map((name) => read(vector, name)) as [Doc, Doc, Doc];
    same(a, vector, "a");
    same(a.merge(b), vector, "a_merge_b");
    same(b.merge(a), vector, "b_merge_a");
    same(a.merge(b).merge(c), vector, "ab_merge_c");
    same(a.merge(b.merge(c)), vector, "a_merge_bc");
    same(new Doc().applyDelta(a).applyDelta(b).applyDelta(c), vector, "ab_merge_c");
  }
});

test("vectors: lengths and visible keys equal the reference's", () => {
  for (const vector of cases) {
    const a = read(vector, "a");
    assert.equal(a.len(), vector.get("a_len"));
    assert.deepEqual([...a.keys()], [...vector.get("a_keys") as string[]].sort());
  }
});

test("vectors: 03#42 to_json_string equals the reference's, but for proper escaping", () => {
  // The only text of the vectors that needs more than quotes escaped; the reference leaves it raw.
  const raw = 'a\\"b\\\n';
  for (const vector of cases) {
    const text = (vector.get("a_to_json_string") as string).replaceAll(raw, 'a\\"b\\\\\\n');
    const ours = read(vector, "a").toJsonString();
    assert.deepEqual(canonical(parseJson64(ours)), canonical(parseJson64(text)));
  }
});
