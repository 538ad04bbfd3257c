/** The JSON of entries straight from bytes and to bytes, held against the readers and writers by way of values. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { ready } from "../../wasm/mod.ts";
import {
  MAX_ENTRY_BYTES,
  MAX_NAME_BYTES,
  MAX_PARENTS,
  MAX_PATH_STEPS,
  MAX_SUBTREES,
} from "../../src/entry/constants.ts";
import { Entry } from "../../src/entry/entry.ts";
import { readEntryJson } from "../../src/entry/entry_json_reader.ts";
import { writeEntryJson } from "../../src/entry/entry_json_writer.ts";
import { SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { ID } from "../../src/entry/id.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { EntryError, SerializeError } from "../../src/util/errors.ts";
import { fromHex } from "../../src/util/hex.ts";
import { JsonBytes } from "../../src/util/json_bytes.ts";
import { JsonBytesWriter } from "../../src/util/json_bytes_writer.ts";
import { anyEntry, child, fullEntry, plainEntry, rawId, vectors } from "./helpers.ts";

before(async () => {
  await ready();
});

const out = new JsonBytesWriter();

function written(bytes: Uint8Array): string {
  out.clear();
  writeEntryJson(bytes, out);
  return fromUtf8(out.take());
}

function read(text: string): Entry {
  const reader = new JsonBytes(utf8(text));
  const entry = readEntryJson(reader);
  reader.end();
  return entry;
}

/** The entry, or the kind of error that it is refused with. */
function verdictOn(text: string): Entry | "no entry" | "refused" {
  const reader = new JsonBytes(utf8(text));
  try {
    return readEntryJson(reader);
  } catch (error) {
    if (error instanceof SerializeError) return "no entry";
    assert.ok(error instanceof EntryError, `${text}: ${error}`);
    reader.end(); // all of it was read
    return "refused";
  }
}

/** Every object's members, and every blank between tokens, as `random` has it. */
function respelled(json: unknown, random: () => number): string {
  const blank = () => [" ", "", "\n", "\t\r "][Math.floor(random() * 4)]!;
  if (Array.isArray(json)) {
    return `[${
      json.map((item) => blank() + respelled(item, random) + blank()).join(",")
    }${blank()}]`;
  }
  if (typeof json !== "object" || json === null) return JSON.stringify(json);
  const members = Object.entries(json).map(([name, value]) => {
    return [random(), `${blank()}"${name}"${blank()}:${respelled(value, random)}`] as const;
  });
  const isVariant = "Direct" in json || "Delegation" in json;
  if (!isVariant) members.push([random(), `"x${random()}":[{"root":[]}]`]);
  members.sort(([a], [b]) => a - b);
  return `{${members.map(([, text]) => text + blank()).join(",")}}`;
}

test("law: the bytes of an entry are written as its JSON, and read from it again", () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const text = entry.stringify();
      assert.equal(written(entry.bytes), text);
      assert.deepEqual(read(text).bytes, entry.bytes);
    }),
    { numRuns: 150 },
  );
});

test("vectors: JSON from the reference's bytes, and bytes from its JSON", () => {
  const cases = vectors("entries.json").cases as {
    json: unknown;
    cbor: string;
    build_error?: string;
  }[];
  for (const { json, cbor, build_error } of cases) {
    if (build_error !== undefined) continue;
    assert.deepEqual(JSON.parse(written(fromHex(cbor))), json);
    assert.deepEqual(read(JSON.stringify(json)).bytes, fromHex(cbor));
  }
});

test("law: members in any order, blanks and unknown members change nothing", () => {
  fc.assert(
    fc.property(
      anyEntry,
      fc.infiniteStream(fc.double({ min: 0, max: 0.99, noNaN: true })),
      (entry, stream) => {
        const random = () => stream.next().value as number;
        const text = respelled(JSON.parse(entry.stringify()), random);
        assert.deepEqual(read(text).bytes, entry.bytes, text);
      },
    ),
    { numRuns: 100 },
  );
});

test("01 §5 each value in each place is taken as by way of values", () => {
  const kinds = [
    ...["null", "true", "0", "1.5", "0.0", "-1", "256", "9007199254740992", "18446744073709551616"],
    ...['"text"', '""', "[]", "{}", "[0]", '["x"]', "[[]]", "[null]", '"\\ud800"', "01", "nul", ""],
  ];
  let taken = 0;
  for (const entry of [fullEntry(), plainEntry()]) {
    const text = entry.stringify();
    for (const { index, 0: value } of text.matchAll(/(?<=[:[,])("[^"]*"(?!:)|\d+|true)/g)) {
      for (const kind of kinds) {
        const changed = text.slice(0, index) + kind + text.slice(index + value.length);
        if (sameAsByValues(changed)) taken++;
      }
    }
  }
  assert.ok(taken > 60, String(taken));
});

/** Whether a text is taken, here and by way of values. An empty root is refused here at once (01 §9). */
function sameAsByValues(text: string): boolean {
  const verdict = verdictOn(text);
  let other: Entry | undefined;
  try {
    other = Entry.fromJSON(text);
  } catch (error) {
    assert.ok(error instanceof EntryError);
  }
  if (other?.root?.isEmpty === true) assert.equal(verdict, "refused");
  else assert.equal(verdict instanceof Entry, other !== undefined, text);
  if (!(verdict instanceof Entry)) return false;
  assert.deepEqual(verdict.bytes, other!.bytes, text);
  return true;
}

test("09 §2 a struct may be an array of its members' values", () => {
  const entry = plainEntry();
  const { tree, subtrees, sig } = JSON.parse(entry.stringify());
  const { root, parents, metadata, h } = tree;
  const hint = sig.key.Direct.hint;
  const nodes = subtrees.map((
    node: Record<string, unknown>,
  ) => [node.name, node.parents, node.data]);
  const arrays = [0, [root, parents, metadata, h], nodes, [sig.sig, { Direct: [[hint.pubkey]] }]];
  assert.deepEqual(read(JSON.stringify(arrays)).bytes, entry.bytes);
  assert.equal(verdictOn(JSON.stringify([...arrays, 1])), "no entry");
  assert.equal(verdictOn(JSON.stringify(arrays.slice(0, 3))), "no entry");
});

test("00 §B4, §B5 an entry in another form is refused, and the reader stands behind it", () => {
  const text = fullEntry().stringify();
  const id = rawId("root").toString();
  const upper = "B" + id.slice(1).toUpperCase();
  for (
    const other of [
      text.replace('"h":300', '"h":9007199254740993'),
      text.replace(id, upper),
      text.replace(id, "z" + "1".repeat(10)).replace("z1111111111", `/ipfs/${id}`),
      text.replace(/("name":"data","parents":)\["(\w+)","(\w+)"\]/, '$1["$3","$2"]'),
      text.replace('"name":"data"', '"name":"äö"'),
      text.replace('"root":"' + id, '"root":"'),
    ]
  ) {
    assert.notEqual(other, text);
    assert.equal(verdictOn(other), "refused", other);
    assert.equal(verdictOn(other.slice(0, -1) + ",}"), "no entry", "broken behind it");
  }
});

test("09 §2 a key or an ID that is none spoils the JSON, not just the entry", () => {
  const text = plainEntry().stringify();
  for (
    const other of [
      text.replace(rawId("root").toString(), "nope"),
      text.replace(rawId("root").toString(), rawId("root").toString().slice(0, -1) + "b"),
      text.replace(rawId("root").toString(), "b" + "a".repeat(58)),
      text.replace(/"ed25519:[^"]*"/, '"ed25519:AA=="'),
      text.replace(/"ed25519:[^"]*"/, '"rsa"'),
    ]
  ) {
    assert.notEqual(other, text);
    assert.equal(verdictOn(other), "no entry", other);
  }
});

test("every limit of an entry is reached, and passed by one", () => {
  const ids = Array.from({ length: MAX_PARENTS + 1 }, (_, at) => rawId(`id ${at}`)).sort(
    ID.compare,
  );
  const names = Array.from(
    { length: MAX_SUBTREES + 1 },
    (_, at) => `s${String(at).padStart(4, "0")}`,
  );
  const step = { tree: rawId("a"), tips: [rawId("b")] };
  const limits: [number, (count: number) => string][] = [
    [MAX_PARENTS, (count) => withTree({ parents: ids.slice(0, count) })],
    [MAX_SUBTREES, (count) => withNodes(names.slice(0, count))],
    [MAX_NAME_BYTES, (count) => withNodes(["n".repeat(count)])],
    [MAX_NAME_BYTES, (count) => withKey(SigKey.fromName("k".repeat(count)))],
    [MAX_PATH_STEPS, (count) => withKey(SigKey.delegation(new Array(count).fill(step), {}))],
  ];
  for (const [limit, make] of limits) {
    assert.ok(verdictOn(make(limit)) instanceof Entry, make.toString());
    assert.equal(verdictOn(make(limit + 1)), "refused", make.toString());
  }
  const { tree, sig } = JSON.parse(child().build().stringify());
  const data = "x".repeat(MAX_ENTRY_BYTES);
  const large = { tree, subtrees: [{ name: "s", parents: [], data }], sig };
  assert.equal(verdictOn(JSON.stringify(large)), "refused");
});

function withTree(members: object): string {
  const { tree, ...rest } = JSON.parse(child().build().stringify());
  return JSON.stringify({ tree: { ...tree, ...members }, ...rest });
}

function withNodes(names: readonly string[]): string {
  const { tree, sig } = JSON.parse(child().build().stringify());
  return JSON.stringify({ tree, subtrees: names.map((name) => ({ name, parents: [] })), sig });
}

function withKey(key: SigKey): string {
  const { tree, subtrees } = JSON.parse(child().build().stringify());
  return JSON.stringify({ tree, subtrees, sig: new SigInfo(key, "AA==") });
}

test("fuzz: bytes that are no entry are refused or written, never anything else", () => {
  const base = [fullEntry().bytes, plainEntry().bytes];
  const change = fc.tuple(fc.constantFrom(0, 1), fc.nat(), fc.nat(255), fc.boolean());
  fc.assert(
    fc.property(change, ([which, at, value, isCut]) => {
      const bytes = base[which]!.slice();
      bytes[at % bytes.length] = value;
      const input = isCut ? bytes.subarray(0, at % bytes.length) : bytes;
      try {
        out.clear();
        writeEntryJson(input, out);
      } catch (error) {
        assert.ok(error instanceof EntryError, String(error));
      }
    }),
    { numRuns: 400 },
  );
});

test("fuzz: text that is changed is refused as one of two kinds, never anything else", () => {
  const base = [fullEntry().stringify(), plainEntry().stringify()];
  const change = fc.tuple(fc.constantFrom(0, 1), fc.nat(), fc.constantFrom(...'{}[]",:\\01-ent'));
  fc.assert(
    fc.property(change, ([which, at, value]) => {
      const text = base[which]!;
      const place = at % text.length;
      verdictOn(text.slice(0, place) + value + text.slice(place + 1));
    }),
    { numRuns: 400 },
  );
});
