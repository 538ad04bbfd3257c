/** What the builder makes of its parts, and what it refuses (01 §4, §7–§9). */
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
import { compareBytes, utf8 } from "../../src/util/bytes.ts";
import { anyId, child, exampleKey, hasCode, rawId } from "./helpers.ts";

before(async () => {
  await ready();
});

const ids = fc.array(anyId, { maxLength: 5 });
const name = fc.string({ unit: "binary", minLength: 1, maxLength: 6 });
const node = fc.record({ name, parents: ids, data: fc.uint8Array({ maxLength: 6 }) });
interface Parts {
  readonly root: ID;
  readonly parents: ID[];
  readonly nodes: { name: string; parents: ID[]; data: Uint8Array }[];
  readonly height: number;
}

const parts: fc.Arbitrary<Parts> = fc.record({
  root: anyId,
  parents: fc.array(anyId, { minLength: 1, maxLength: 5 }),
  nodes: fc.uniqueArray(node, { maxLength: 5, selector: (each) => each.name }),
  height: fc.maxSafeNat(),
});

function build({ root, parents, nodes, height }: Parts): Entry {
  const builder = Entry.builder(root).setParents(parents).setHeight(height);
  for (const { name, parents, data } of nodes) {
    builder.setSubtreeData(name, data).setSubtreeParents(name, parents);
  }
  return builder.build();
}

/** The same parts, given backwards, in another way, and everything twice. */
function buildBackwards({ root, parents, nodes, height }: Parts): Entry {
  const builder = Entry.builder(ID.EMPTY);
  for (const { name, parents, data } of nodes.toReversed()) {
    for (const id of parents.toReversed()) builder.addSubtreeParent(name, id);
    for (const id of parents) builder.addSubtreeParent(name, id);
    builder.setSubtreeData(name, utf8("overwritten"));
    builder.setSubtreeData(name, data);
  }
  for (const id of [...parents, ...parents.toReversed()]) builder.addParent(id);
  builder.setHeight(1);
  builder.setHeight(height);
  builder.setRoot(root);
  return builder.build();
}

test("01#14,#15,#18 law: the order, way and repetition of building do not matter", () => {
  fc.assert(fc.property(parts, (all) => {
    const [one, two] = [build(all), buildBackwards(all)];
    assert.equal(one.id.toString(), two.id.toString());
    assert.deepEqual(one.bytes, two.bytes);
  }));
});

test("01#14 law: any one part that differs gives another ID", () => {
  fc.assert(fc.property(parts, anyId, (all, more) => {
    fc.pre(!all.parents.some((id) => id.equals(more)) && !all.root.equals(more));
    const one = build(all).id.toString();
    const others = [
      { ...all, root: more },
      { ...all, parents: [...all.parents, more] },
      { ...all, height: all.height === 0 ? 1 : all.height - 1 },
      { ...all, nodes: [...all.nodes, { name: "another one", parents: [], data: utf8("") }] },
      ...all.nodes.map((node, at) => ({
        ...all,
        nodes: all.nodes.with(at, { ...node, parents: [...node.parents, rawId("one more")] }),
      })),
      ...all.nodes.map((node, at) => ({
        ...all,
        nodes: all.nodes.with(at, { ...node, data: utf8(`${node.data} and more`) }),
      })),
    ];
    const made = new Set([one, ...others.map((other) => build(other).id.toString())]);
    assert.equal(made.size, others.length + 1);
  }));
});

test("01#16,#17 law: what is built has sorted, unique lists and sorted names", () => {
  fc.assert(fc.property(parts, (all) => {
    const entry = build(all);
    const lists = [entry.parents, ...entry.subtrees.map((each) => entry.subtreeParents(each))];
    for (const list of lists) {
      list.forEach((id, at) => assert.ok(at === 0 || ID.compare(list[at - 1]!, id) < 0));
    }
    const names = entry.subtrees.map(utf8);
    names.forEach((each, at) => assert.ok(at === 0 || compareBytes(names[at - 1]!, each) < 0));
    assert.deepEqual(new Set(entry.subtrees), new Set(all.nodes.map((each) => each.name)));
    assert.deepEqual(
      new Set(entry.parents.map(String)),
      new Set(all.parents.map(String)),
    );
  }));
});

test("01#17 names in the order of their UTF-8 bytes", () => {
  const sorted = ["Z", "_index", "_root", "a", "a\u0000", "aa", "é", "\ud7ff", "\ue000", "\uffff"];
  sorted.push("\u{10000}", "\u{10ffff}", "\u{10ffff}a");
  const builder = child();
  for (const each of sorted.toReversed()) builder.setSubtreeData(each, utf8("x"));
  builder.setParents([]).setRoot(ID.EMPTY); // a root, since `_root` is among them
  assert.deepEqual([...builder.build().subtrees], sorted);
});

test("01#11,#19 naming a store by parents, height or a cleared height takes part without payload", () => {
  const entry = child().addSubtreeParent("a", rawId("x")).setSubtreeParents("b", [])
    .setSubtreeHeight("c", 5).setSubtreeHeight("d", undefined).build();
  assert.deepEqual([...entry.subtrees], ["a", "b", "c", "d"]);
  for (const store of entry.subtrees) {
    assert.equal(entry.findData(store), undefined);
    assert.throws(() => entry.data(store), hasCode("KeyNotFound"), store);
  }
  assert.deepEqual(entry.subtrees.map((store) => entry.subtreeHeight(store)), [0, 0, 5, 0]);
  const empty = child().addSubtreeParent("a", rawId("x")).setSubtreeParents("b", [])
    .setSubtreeHeight("c", 5).setSubtreeData("d", new Uint8Array(0)).build();
  assert.notEqual(empty.id.toString(), entry.id.toString());
  assert.equal(empty.data("d").length, 0);
});

test("01#20 what removeEmptySubtrees keeps: payloads, and registered stores without one", () => {
  const index = new Doc();
  for (const store of ["kept", "gone", "empty", "not named"]) index.set(store, { type: "x:v0" });
  index.remove("gone");
  const builder = child().setSubtreeData("full", utf8("x")).setSubtreeData("empty", utf8(""))
    .setSubtreeParents("kept", []).setSubtreeParents("gone", []).setSubtreeParents("loose", [])
    .setSubtreeData("_index", utf8(index.stringify()));
  builder.removeEmptySubtrees();
  assert.deepEqual(builder.subtrees(), ["full", "kept", "_index"]);
  assert.deepEqual([...builder.build().subtrees], ["_index", "full", "kept"]);
  const none = child().setSubtreeParents("loose", []).removeEmptySubtrees();
  assert.deepEqual(none.subtrees(), []);
});

test("01#21 `_index` payloads that are no document are refused, and nothing is dropped", () => {
  for (const data of ["", "{", "[]", "7", "null", '"text"', "{} {}"]) {
    const builder = child().setSubtreeData("_index", utf8(data)).setSubtreeParents("x", []);
    assert.throws(() => builder.removeEmptySubtrees(), hasCode("InvalidIndexData"), data);
    assert.deepEqual(builder.subtrees(), ["_index", "x"]);
  }
  const binary = child().setSubtreeData("_index", Uint8Array.of(0xff));
  assert.throws(() => binary.removeEmptySubtrees(), hasCode("InvalidIndexData"));
});

test("01#22,#23 root builders: valid, each another, and nothing without their mark", () => {
  const roots = Array.from({ length: 20 }, () => Entry.rootBuilder().build());
  assert.equal(new Set(roots.map((entry) => entry.id.toString())).size, 20);
  for (const entry of roots) {
    assert.ok(entry.isRoot && entry.inSubtree("_root"));
    assert.deepEqual([entry.root, entry.parents.length, entry.height], [undefined, 0, 0]);
    assert.equal(entry.data("_root").length, 0);
    assert.match(new TextDecoder().decode(entry.metadata), /^\{"entropy":(0|[1-9]\d{0,19})\}$/);
  }
  const unmarked = Entry.rootBuilder().removeEmptySubtrees();
  assert.throws(() => unmarked.build(), hasCode("EntryValidationFailed"));
});

/** Builders of every shape of main tree: mark, root, parents, the empty ID among the parents. */
function shape(mark: boolean, root: boolean, parents: boolean, empty: boolean): EntryBuilder {
  const builder = Entry.builder(root ? rawId("root") : ID.EMPTY);
  if (mark) builder.setSubtreeData("_root", utf8('""'));
  if (parents) builder.addParent(rawId("parent"));
  if (empty) builder.addParent(ID.EMPTY);
  return builder;
}

test("01#24,#25,#27 every shape of the main tree by 01 §9", () => {
  const both = [false, true];
  for (const mark of both) {
    for (const root of both) {
      for (const parents of both) {
        for (const empty of both) {
          const label = JSON.stringify({ mark, root, parents, empty });
          // A root has nothing but its mark; anything else needs parents, none of them empty.
          const isValid = mark ? !root && !parents && !empty : parents && !empty;
          const builder = shape(mark, root, parents, empty);
          if (!isValid) {
            assert.throws(() => builder.build(), hasCode("EntryValidationFailed"), label);
            continue;
          }
          const entry = builder.build();
          validateEntry(entry);
          assert.equal(entry.isRoot, mark, label);
          assert.equal(entry.inTree(rawId("root")), root, label);
        }
      }
    }
  }
});

test("01#25,#26 parents of stores may be missing but not empty; names may not be empty", () => {
  for (const store of ["data", "_settings", "_index"]) {
    const open = child().setSubtreeParents(store, []).build();
    assert.deepEqual(open.subtreeParents(store), []);
    const root = Entry.rootBuilder().setSubtreeData(store, utf8("{}")).build();
    assert.ok(root.isRoot);
    const broken = child().setSubtreeParents(store, [rawId("p"), ID.EMPTY]);
    assert.throws(() => broken.build(), hasCode("EntryValidationFailed"), store);
  }
  for (const builder of [child().setSubtreeParents("", []), Entry.rootBuilder()]) {
    builder.setSubtreeData("", utf8("x"));
    assert.throws(() => builder.build(), hasCode("EntryValidationFailed"));
  }
});

test("01#24,#25 a refusal names what is wrong", () => {
  const refusal = (builder: EntryBuilder, word: RegExp) =>
    assert.throws(() => builder.build(), (error: Error) => word.test(error.message));
  refusal(Entry.builder(rawId("root")), /empty main tree parents/);
  refusal(child().addParent(ID.EMPTY), /empty parent ID/);
  refusal(child().addSubtreeParent("s", ID.EMPTY), /empty parent ID/);
  refusal(child().setSubtreeData("", utf8("x")), /empty name/);
});

test("01#29 inTree knows root and own ID only", () => {
  const entry = child().setSubtreeParents("s", [rawId("store parent")]).build();
  assert.ok(entry.inTree(rawId("root")) && entry.inTree(entry.id));
  for (const id of [rawId("parent"), rawId("store parent"), ID.EMPTY]) assert.ok(!entry.inTree(id));
  const root = Entry.rootBuilder().build();
  assert.ok(root.inTree(root.id) && !root.inTree(entry.id) && !root.inTree(ID.EMPTY));
});

test("01#31 law: the ID depends on key and signature, the signing bytes on the key alone", () => {
  const key = exampleKey();
  const keys = [
    SigKey.NONE,
    SigKey.fromName("n"),
    SigKey.fromName("m"),
    SigKey.fromPubkey(key.publicKey),
    SigKey.global(key.publicKey),
    SigKey.direct({ isGlobal: true }),
    SigKey.delegation([], {}),
    SigKey.delegation([{ tree: rawId("t"), tips: [] }], {}),
    SigKey.delegation([{ tree: rawId("t"), tips: [rawId("x"), rawId("y")] }], {}),
    SigKey.delegation([{ tree: rawId("t"), tips: [rawId("y"), rawId("x")] }], {}),
  ];
  const sigs = [undefined, "", "c2ln", "not base64"];
  const all = keys.flatMap((each) =>
    sigs.map((sig) => child().setSig(new SigInfo(each, sig)).build())
  );
  const unique = (of: (entry: Entry) => string) => new Set(all.map(of)).size;
  assert.equal(unique((entry) => entry.id.toString()), keys.length * sigs.length);
  assert.equal(unique((entry) => entry.signingBytes.toString()), keys.length);
});
