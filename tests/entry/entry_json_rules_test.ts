/** Which JSON is an entry, value by value and member by member (01 §2.4, §5). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { validateEntry } from "../../src/entry/validate.ts";
import { equalBytes, utf8 } from "../../src/util/bytes.ts";
import { EideticaError, EntryError } from "../../src/util/errors.ts";
import { parseJson64 } from "../../src/util/json64.ts";
import { anyEntry, child, exampleKey, fullEntry, rawId } from "./helpers.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

type Path = readonly (string | number)[];

/** JSON of an entry with a store and an ID of each kind; all members are there. */
function sample(delegated: boolean): unknown {
  const key = exampleKey();
  const hint = { name: "alice", pubkey: key.publicKey, isGlobal: true };
  const path = [{ tree: rawId("team"), tips: [rawId("tip")] }];
  const sigKey = delegated ? SigKey.delegation(path, hint) : SigKey.direct(hint);
  return child().setHeight(3).setMetadata(utf8("m")).setSubtreeData("data", utf8("{"))
    .setSubtreeHeight("data", 2).setSubtreeParents("data", [rawId("up")])
    .setSig(new SigInfo(sigKey)).build().sign(key).toJSON();
}

/** Every place in JSON, the whole first. */
function jsonPlaces(json: unknown, path: Path = []): Path[] {
  if (typeof json !== "object" || json === null) return [path];
  return [
    path,
    ...Object.entries(json).flatMap(([key, value]) => jsonPlaces(value, [...path, key])),
  ];
}

/** JSON text with the text `by` in place of what stands at `path`; without the member for undefined. */
function replaced(json: unknown, path: Path, by: string | undefined): string {
  const copy: Record<string, unknown> = { whole: structuredClone(json) };
  // deno-lint-ignore no-explicit-any
  let at: any = copy;
  const full = ["whole", ...path];
  for (const step of full.slice(0, -1)) at = at[step];
  if (by === undefined) delete at[full.at(-1)!];
  else at[full.at(-1)!] = "\u0001";
  return JSON.stringify(copy.whole).replace('"\\u0001"', by ?? "");
}

/** The entry; undefined if it is refused as it must be. What is read is encodable, or invalid. */
function read(text: string): Entry | undefined {
  let entry: Entry;
  try {
    entry = Entry.fromJSON(text);
  } catch (error) {
    assert.ok(error instanceof EntryError, `${text}: ${error}`);
    return undefined;
  }
  if (entry.root?.isEmpty === true) {
    assert.throws(() => validateEntry(entry), (error) => error instanceof EideticaError);
  } else assert.ok(Entry.decode(entry.bytes).equals(entry), text);
  return entry;
}

const KINDS = [
  ...["null", "true", "false", "0", "1.5", "0.0", "1e0", "-1", "-0", "256", "9007199254740992"],
  ...["18446744073709551616", '"text"', '""', "[]", "{}", "[0]", '["x"]', '[""]', "[[]]", "[null]"],
];
const BYTES = ["null", '"text"', '""', "[]", "[0]"];

/** Which values may stand under a name, besides the one that does; by 01 §5. */
const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
  "root": ["null", '""'],
  "metadata": BYTES,
  "data": BYTES,
  "tree h": ["0", "256"],
  "subtrees h": ["null", "0", "256"],
  "parents": ["[]", '[""]'],
  "tips": ["[]", '[""]'],
  "ID": ['""'],
  "path": ["[]"],
  "subtrees": ["[]"],
  "hint": ["{}"],
  "subtrees name": ['"text"', '""'],
  "hint name": ["null", '"text"', '""'],
  "pubkey": ["null"],
  "is_global": ["true", "false"],
  "sig sig": ["null", '"text"', '""'],
  "byte": ["0"],
};

/** Name of a place in {@link ACCEPTED}. */
function kindOf(path: Path): string {
  const [whole, last, before] = [path.join(" "), String(path.at(-1)), String(path.at(-2))];
  if (/^(tree metadata|subtrees \d data) \d+$/.test(whole)) return "byte";
  if (/(parents|tips) \d$/.test(whole) || /path \d tree$/.test(whole)) return "ID";
  if (last === "h") return `${path[0]} h`;
  if (last === "name") return before === "hint" ? "hint name" : "subtrees name";
  if (whole === "sig sig") return whole;
  return last === "tree" || last === "sig" ? "object" : last;
}

test("01 §5 each value in each place is taken or refused by the tables of the chapter", () => {
  let [taken, refused] = [0, 0];
  for (const json of [sample(false), sample(true)]) {
    for (const path of jsonPlaces(json)) {
      const accepted = ACCEPTED[kindOf(path)] ?? [];
      for (const kind of KINDS) {
        const label = `${path.join(".")} = ${kind}`;
        const entry = read(replaced(json, path, kind));
        assert.equal(entry !== undefined, accepted.includes(kind), label);
        if (entry === undefined) refused++;
        else taken++;
      }
    }
  }
  assert.ok(taken > 80 && refused > 1000, `${taken} taken, ${refused} refused`);
});

test("01 §5 a member that is left out is one that is null, or required", () => {
  const optional = ["root", "metadata", "data", "tree h", "subtrees h", "hint name", "pubkey"];
  optional.push("is_global", "sig sig");
  for (const json of [sample(false), sample(true)]) {
    for (const path of jsonPlaces(json)) {
      if (path.length === 0 || /^\d+$/.test(String(path.at(-1)))) continue;
      const kind = kindOf(path);
      const entry = read(replaced(json, path, undefined));
      assert.equal(entry !== undefined, optional.includes(kind), path.join("."));
      if (entry === undefined || kind === "tree h" || kind === "is_global") continue;
      assert.equal(entry.id.toString(), read(replaced(json, path, "null"))!.id.toString());
    }
  }
});

test("01#7 `_v` is 0 or missing, wherever it stands", () => {
  const text = JSON.stringify(sample(true));
  const id = Entry.fromJSON(text).id.toString();
  const last = (version: string) => `${text.slice(0, -1)},"_v":${version}}`;
  const first = (version: string) => `{"_v":${version},${text.slice(1)}`;
  for (const put of [first, last]) {
    const entry = read(put("0"))!;
    assert.equal(entry.id.toString(), id);
    assert.ok(!entry.stringify().includes("_v"));
    for (const bad of ["1", "99", "255", "256", "300", "-1", "0.0", "0e0", "null", '"0"', "[0]"]) {
      assert.equal(read(put(bad)), undefined, bad);
    }
  }
  assert.equal(read(first("0").replace("{", '{"_v":0,')), undefined, "twice");
});

test("01#12, 00 §B5 heights up to 2^53 - 1 are exact, and nothing is rounded", () => {
  const text = JSON.stringify(sample(true));
  for (const height of [1, 23, 24, 255, 256, 65_536, 2 ** 32, 2 ** 53 - 1]) {
    const entry = read(
      text.replace('"h":3}', `"h":${height}}`).replace('"h":2}', `"h":${height}}`),
    )!;
    assert.deepEqual([entry.height, entry.subtreeHeight("data")], [height, height]);
    assert.ok(entry.stringify().includes(`"h":${height}`));
  }
  for (const height of ["9007199254740993", "9223372036854775807", "18446744073709551615", "1e3"]) {
    assert.equal(read(text.replace('"h":3}', `"h":${height}}`)), undefined, height);
    assert.equal(read(text.replace('"h":2}', `"h":${height}}`)), undefined, height);
  }
});

test("01#11,#12 absent, empty and zero are written as they are, and differ", () => {
  const none = child().setSubtreeParents("s", []).build();
  const empty = child().setSubtreeData("s", new Uint8Array(0)).build();
  const zero = child().setSubtreeHeight("s", 0).build();
  const tail = '"parents":[]';
  assert.ok(none.stringify().includes(`{"name":"s",${tail}}`));
  assert.ok(empty.stringify().includes(`{"name":"s",${tail},"data":[]}`));
  assert.ok(zero.stringify().includes(`{"name":"s",${tail},"h":0}`));
  assert.equal(new Set([none, empty, zero].map((entry) => entry.id.toString())).size, 3);
  const nulls = none.stringify().replace(tail, `${tail},"data":null,"h":null`);
  assert.equal(read(nulls)!.stringify(), none.stringify());
});

test("01 §5.4 a key has exactly one known variant with an object in it", () => {
  const json = sample(false);
  const hint = '{"hint":{}}';
  const steps = '{"path":[],"hint":{}}';
  for (
    const bad of [
      `{"Direct":${hint},"Delegation":${steps}}`,
      `{"Direct":${hint},"Direct":${hint}}`,
      `{"direct":${hint}}`,
      '{"Direct":{}}',
      '{"Delegation":{"hint":{}}}',
      '{"Delegation":{"path":[]}}',
      '{"Delegation":{"path":[{"tree":""}],"hint":{}}}',
      '{"Delegation":{"path":[{"tips":[]}],"hint":{}}}',
      '{"Delegation":{"path":{},"hint":{}}}',
      '{"pubkey":"ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="}',
      '"Direct"',
    ]
  ) assert.equal(read(replaced(json, ["sig", "key"], bad)), undefined, bad);
  const more = '{"Delegation":{"new":1,"path":[{"tree":"","tips":[],"x":2}],"hint":{"y":[3]}}}';
  const entry = read(replaced(json, ["sig", "key"], more))!;
  assert.ok(entry.sig.key.equals(SigKey.delegation([{ tree: ID.EMPTY, tips: [] }], {})));
});

test("01 §5.4 a malformed public key makes the entry unreadable", () => {
  const json = sample(true);
  const path = ["sig", "key", "Delegation", "hint", "pubkey"];
  for (
    const bad of [
      "",
      "ed25519:",
      "ed25519:AAAA",
      "rsa:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
      "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
      "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
      "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
      "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbh=",
      " ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
    ]
  ) assert.equal(read(replaced(json, path, JSON.stringify(bad))), undefined, bad);
});

test("what is not one JSON value is refused, and so is every beginning of a JSON entry", () => {
  const text = fullEntry().stringify();
  for (let length = 0; length < text.length; length++) {
    assert.equal(read(text.slice(0, length)), undefined, `${length} characters`);
  }
  for (
    const bad of [`${text}${text}`, `${text},`, `[${text}]`, `\ufeff${text}`, "", "null", "NaN"]
  ) {
    assert.equal(read(bad), undefined, bad.slice(0, 20));
  }
  assert.equal(read("[".repeat(100_000)), undefined);
  assert.equal(read(`{"tree":${'{"a":'.repeat(100_000)}`), undefined);
});

test("01#8,#13 law: JSON and DAG-CBOR say the same, also out of JSON that was parsed before", () => {
  fc.assert(fc.property(anyEntry, (entry) => {
    const text = entry.stringify();
    for (const again of [read(text)!, Entry.fromJson64(parseJson64(text))]) {
      assert.ok(equalBytes(again.bytes, entry.bytes));
      assert.equal(again.stringify(), text);
      assert.deepEqual(again.toJSON(), entry.toJSON());
    }
    assert.equal(Entry.decode(entry.bytes).stringify(), text);
  }));
});

test("fuzz: text with some characters exchanged is refused or is canonical once read", () => {
  const letter = fc.constantFrom(...'{}[]",:0159-.eE\\nutlfa \u0000é');
  fc.assert(
    fc.property(
      anyEntry,
      fc.array(fc.tuple(fc.nat(), letter), { maxLength: 3 }),
      (entry, edits) => {
        let text = entry.stringify();
        for (const [seed, by] of edits) {
          const at = seed % text.length;
          text = text.slice(0, at) + by + text.slice(at + 1);
        }
        const again = read(text);
        if (again !== undefined) {
          assert.equal(
            read(again.stringify())!.id.toString(),
            `${again.id}`,
          );
        }
      },
    ),
    { numRuns: cases(400) },
  );
});
