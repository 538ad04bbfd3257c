import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { Doc } from "../../src/crdt/doc.ts";
import type { EntryBuilder } from "../../src/entry/builder.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { validateEntry } from "../../src/entry/validate.ts";
import { compareBytes, fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { EntryError, IdError, InstanceError } from "../../src/util/errors.ts";
import { child, hasCode, rawId } from "./helpers.ts";

before(async () => {
  await ready();
});

const EMPTY = new Uint8Array(0);
const isInvalid = (word: RegExp) => (error: unknown) =>
  error instanceof InstanceError && error.code === "EntryValidationFailed" &&
  word.test(error.message);

/** An `_index` payload that registers `live` and marks `dead` as removed. */
function index(live: readonly string[], dead: readonly string[] = []): Uint8Array {
  const doc = new Doc();
  for (const name of [...live, ...dead]) doc.set([name], "x");
  for (const name of dead) doc.remove([name]);
  return doc.toBytes();
}

test("01#14 the order of building does not matter, content does", () => {
  const ids = ["a", "b", "c"].map(rawId);
  const build = (parents: readonly ID[], names: readonly string[], extra = "s"): ID => {
    const builder = Entry.builder(rawId("root")).setParents(parents);
    for (const name of names) {
      builder.setSubtreeData(name, utf8(name)).setSubtreeParents(name, parents);
    }
    return builder.addSubtreeParent("x", rawId(extra)).build().id;
  };
  const one = build(ids, ["x", "y", "A"]);
  assert.ok(one.equals(build([...ids, ...ids].reverse(), ["A", "y", "x"])));
  assert.ok(!one.equals(build(ids, ["x", "y", "A"], "other")));
});

test("01#15 chaining and statements give one entry", () => {
  const chained = Entry.builder(rawId("r")).setParents([rawId("p")]).addParent(rawId("q"))
    .setHeight(3)
    .setMetadata(utf8("m")).setSubtreeData("s", utf8("d")).setSubtreeParents("s", [rawId("p")])
    .addSubtreeParent("s", rawId("q")).setSubtreeHeight("s", 1)
    .setSig(new SigInfo(SigKey.fromName("n"))).build();
  const builder = Entry.builder(ID.EMPTY);
  builder.setSig(new SigInfo(SigKey.fromName("n")));
  builder.setSubtreeHeight("s", 1);
  builder.addSubtreeParent("s", rawId("q"));
  builder.addSubtreeParent("s", rawId("p"));
  builder.setSubtreeData("s", utf8("d"));
  builder.setMetadata(utf8("m"));
  builder.setHeight(3);
  builder.addParent(rawId("q"));
  builder.addParent(rawId("p"));
  builder.setRoot(rawId("r"));
  assert.ok(builder.build().id.equals(chained.id));
});

test("01#16 parents are sorted and unique, `_root` comes before `a`", () => {
  const [a, b, c] = ["a", "b", "c"].map(rawId) as [ID, ID, ID];
  const entry = child().setParents([c, a, b, a, c]).setSubtreeParents("a", [c, b, c])
    .setSubtreeData("_x", EMPTY).build();
  assert.deepEqual(entry.parents.map(String), [b, a, c].map(String));
  assert.deepEqual(entry.subtreeParents("a").map(String), [b, c].map(String));
  const root = Entry.rootBuilder().setSubtreeData("a", EMPTY).build();
  assert.deepEqual(root.subtrees, ["_root", "a"]);
});

test("01#17 names are sorted by code points: upper case, `_`, lower case, beyond U+FFFF last", () => {
  const builder = child();
  for (const name of ["\u{10000}", "\uffff", "a", "_root2", "B", "\ue000"]) {
    builder.setSubtreeData(name, EMPTY);
  }
  assert.deepEqual(builder.build().subtrees, ["B", "_root2", "a", "\ue000", "\uffff", "\u{10000}"]);
});

test("01#17 law: names are sorted by their UTF-8 bytes", () => {
  const names = fc.uniqueArray(fc.string({ unit: "binary", minLength: 1, maxLength: 4 }), {
    maxLength: 8,
  });
  fc.assert(fc.property(names, (given) => {
    const builder = child();
    for (const name of given) builder.setSubtreeData(name, EMPTY);
    const expected = given.map(utf8).sort(compareBytes).map(fromUtf8);
    assert.deepEqual(builder.build().subtrees, expected);
  }));
});

test("01#18 a second payload for one name replaces the first", () => {
  const entry = child().setSubtreeData("s", utf8("1")).setSubtreeData("s", utf8("2")).build();
  assert.deepEqual(entry.subtrees, ["s"]);
  assert.deepEqual(entry.data("s"), utf8("2"));
});

test("01#19 naming a store by its parents or height makes it, without a payload", () => {
  const entry = child().addSubtreeParent("a", rawId("x")).setSubtreeParents("b", [rawId("y")])
    .setSubtreeHeight("c", 5).build();
  assert.deepEqual(entry.subtrees, ["a", "b", "c"]);
  for (const name of entry.subtrees) assert.equal(entry.findData(name), undefined);
  assert.equal(entry.subtreeHeight("c"), 5);
  const { subtrees } = JSON.parse(entry.stringify());
  assert.ok(subtrees.every((node: object) => !("data" in node)));
});

test("01#20 removeEmptySubtrees keeps payloads and what `_index` registers", () => {
  const builder = child().setSubtreeData("_index", index(["kept", "emptied"], ["dead"]))
    .setSubtreeData("data", utf8("d")).setSubtreeData("emptied", EMPTY)
    .setSubtreeParents("kept", []).setSubtreeParents("dead", []).setSubtreeParents("other", []);
  assert.deepEqual(builder.removeEmptySubtrees().subtrees(), ["_index", "data", "kept"]);
  assert.deepEqual(builder.build().subtrees, ["_index", "data", "kept"]);
  assert.deepEqual(child().setSubtreeParents("s", []).removeEmptySubtrees().subtrees(), []);
  assert.deepEqual(child().setSubtreeParents("s", []).build().subtrees, ["s"]);
});

test("01#21 an `_index` payload that is no document is refused", () => {
  for (const bad of ["", "{", "[]", "7"]) {
    const builder = child().setSubtreeData("_index", utf8(bad)).setSubtreeData("s", utf8("d"));
    assert.throws(() => builder.removeEmptySubtrees(), (error) => {
      return error instanceof EntryError && error.code === "InvalidIndexData";
    }, bad);
    assert.deepEqual(builder.subtrees(), ["_index", "s"]);
  }
});

test("01#22 removeEmptySubtrees on a root builder removes the mark, and it cannot be built", () => {
  const builder = Entry.rootBuilder().removeEmptySubtrees();
  assert.deepEqual(builder.subtrees(), []);
  assert.throws(() => builder.build(), isInvalid(/empty main tree parents/));
});

test("01#23 a root builder gives a root entry, each time another one", () => {
  const [one, two] = [Entry.rootBuilder().build(), Entry.rootBuilder().build()];
  assert.deepEqual([one.isRoot, one.root, one.subtrees, one.height], [
    true,
    undefined,
    ["_root"],
    0,
  ]);
  assert.equal(one.data("_root").length, 0);
  assert.match(fromUtf8(one.metadata!), /^\{"entropy":(0|[1-9][0-9]{0,19})\}$/);
  assert.ok(!one.id.equals(two.id));
});

test("01#23 the entropy of a root builder is a whole unsigned 64-bit number", () => {
  const random = { bytes: (length: number) => new Uint8Array(length).fill(0xff) };
  const entry = Entry.rootBuilder(random).build();
  assert.equal(fromUtf8(entry.metadata!), '{"entropy":18446744073709551615}');
});

test("01#24 a root with a parent and an entry without parents cannot be built", () => {
  assert.throws(() => Entry.rootBuilder().addParent(rawId("p")).build(), isInvalid(/parents/));
  assert.throws(() => Entry.builder(rawId("r")).build(), isInvalid(/empty main tree parents/));
  assert.throws(() => Entry.builder(ID.EMPTY).build(), isInvalid(/empty main tree parents/));
});

test("01#25 empty parent IDs and empty names are refused", () => {
  assert.throws(() => child().addParent(ID.EMPTY).build(), isInvalid(/empty parent ID/));
  assert.throws(
    () => child().addSubtreeParent("s", ID.EMPTY).build(),
    isInvalid(/empty parent ID/),
  );
  assert.throws(() => child().setSubtreeData("", utf8("d")).build(), isInvalid(/empty name/));
});

test("01#26 stores need no parents, whether in a root entry or not", () => {
  const stores = (builder: EntryBuilder) =>
    builder.setSubtreeData("s", utf8("d")).setSubtreeData("_settings", utf8("{}")).build();
  assert.deepEqual(stores(child()).subtreeParents("_settings"), []);
  assert.ok(stores(Entry.rootBuilder()).isRoot);
});

test("01#27 a root mark with a root fails, and so does a decoded empty root", () => {
  assert.throws(() => Entry.rootBuilder().setRoot(rawId("r")).build(), isInvalid(/./));
  const json = JSON.parse(child().build().stringify());
  const entry = Entry.fromJSON(JSON.stringify({ ...json, tree: { ...json.tree, root: "" } }));
  assert.throws(() => validateEntry(entry), (error) => {
    return error instanceof IdError && error.code === "InvalidFormat";
  });
});

test("01 §9 the first failing check wins", () => {
  const json = JSON.parse(child().build().stringify());
  const broken = (tree: object, subtrees: object[]) =>
    Entry.fromJSON(JSON.stringify({ ...json, tree: { ...json.tree, ...tree }, subtrees }));
  const root = { name: "_root", parents: [] };
  const noName = { name: "", parents: [""] };
  assert.throws(() => validateEntry(broken({ root: "" }, [noName, root])), isInvalid(/root entry/));
  assert.throws(() => validateEntry(broken({ root: "" }, [noName])), hasCode("InvalidFormat"));
  assert.throws(() => validateEntry(broken({ parents: [] }, [noName])), isInvalid(/empty name/));
  const badParent = { name: "s", parents: [""] };
  assert.throws(() => validateEntry(broken({ parents: [] }, [badParent])), isInvalid(/"s"/));
  const rootParent = { name: "_root", parents: [""] };
  assert.doesNotThrow(() => validateEntry(broken({ root: null, parents: [] }, [rootParent])));
});

test("01 §9 an entry with parents but without root is no root and passes", () => {
  const entry = Entry.builder(ID.EMPTY).addParent(rawId("p")).build();
  assert.deepEqual([entry.isRoot, entry.root], [false, undefined]);
  assert.ok(entry.inTree(entry.id));
});

test("01 §7.2 readers of a builder give what was set", () => {
  const builder = child().setSubtreeData("z", utf8("1")).setSubtreeParents("a", [rawId("q")]);
  assert.deepEqual(builder.subtrees(), ["z", "a"]);
  assert.deepEqual([builder.data("z"), builder.data("a")], [utf8("1"), undefined]);
  assert.deepEqual(builder.parents().map(String), [rawId("parent").toString()]);
  assert.deepEqual(builder.subtreeParents("a")!.map(String), [rawId("q").toString()]);
  assert.equal(builder.subtreeParents("none"), undefined);
  assert.equal(builder.metadata(), undefined);
});

test("heights that are no integer from 0 to 2^53 - 1 are refused", () => {
  for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => child().setHeight(bad).build(), hasCode("InvalidStructure"), `${bad}`);
    assert.throws(() => child().setSubtreeHeight("s", bad).build(), hasCode("InvalidStructure"));
  }
  assert.equal(child().setHeight(Number.MAX_SAFE_INTEGER).build().height, Number.MAX_SAFE_INTEGER);
});
