import assert from "node:assert/strict";
import { test } from "node:test";
import { Doc } from "../../src/crdt/doc.ts";
import { checkComponent, normalizePath, Path } from "../../src/crdt/path.ts";

test("03#10 normalization: the seven cases", () => {
  const table: [string, string][] = [
    ["", ""],
    ["user", "user"],
    [".user", "user"],
    ["user.", "user"],
    ["user..profile", "user.profile"],
    ["...user...profile...", "user.profile"],
    ["...", ""],
  ];
  for (const [text, normal] of table) {
    assert.equal(normalizePath(text), normal);
    assert.equal(Path.parse(text).text, normal);
  }
  assert.equal(normalizePath(" A . b "), " A . b ");
});

test("03#11 a component may be empty or internal, but has no dot", () => {
  assert.equal(checkComponent(""), "");
  assert.equal(checkComponent("_internal"), "_internal");
  assert.throws(() => checkComponent("user.name"), { code: "InvalidPath", component: "user.name" });
  assert.throws(() => new Object(Path.fromComponent("a.b")), {
    code: "InvalidPath",
    module: "crdt",
  });
});

test("03#12 parent, file name and display", () => {
  assert.equal(Path.parse("user.profile.name").parent()!.text, "user.profile");
  assert.equal(Path.parse("user").parent(), undefined);
  assert.equal(Path.parse("user.profile").fileName(), "profile");
  assert.equal(Path.parse("").fileName(), undefined);
  assert.equal(Path.parse("").display(), "(empty path)");
  assert.equal(Path.parse("a").display(), "a");
  assert.equal(`${Path.parse("")}`, "");
});

test("paths are built from parts", () => {
  assert.equal(Path.of().text, "");
  assert.equal(Path.of(" user ", "", 3, Path.parse("a.b")).text, "user.3.a.b");
  assert.equal(Path.of(Path.parse("")).text, "");
  assert.equal(Path.parse("a").push(".b..c.").text, "a.b.c");
  assert.equal(Path.parse("a").push("...").text, "a");
  assert.equal(Path.parse("").push("a").text, "a");
  assert.equal(Path.parse("a").pushComponent("b").text, "a.b");
  assert.throws(() => Path.parse("a").pushComponent("b.c"), { code: "InvalidPath" });
  assert.equal(Path.parse("a").join(Path.raw("b..c")).text, "a.b..c");
});

test("len counts raw parts, components only those that are not empty", () => {
  assert.equal(Path.raw("a..b").len(), 3);
  assert.deepEqual(Path.raw("a..b").components(), ["a", "b"]);
  assert.equal(Path.parse("a..b").len(), 2);
  assert.equal(Path.parse("").len(), 0);
  assert.ok(Path.parse("..").isEmpty());
  assert.ok(Path.parse("a..b").equals(Path.raw("a.b")));
});

test("03 §5 a Path addresses what its text addresses; the empty one the key ''", () => {
  const doc = new Doc();
  doc.set(Path.of("a", "b"), 1);
  doc.set(Path.parse(""), 2);
  assert.deepEqual(doc.toObject(), { "": 2, a: { b: 1 } });
});

test("the array form addresses keys with dots", () => {
  const doc = new Doc();
  doc.set(["user", "mail.work"], "x");
  assert.equal(doc.get(["user", "mail.work"]), "x");
  assert.equal(doc.get("user.mail.work"), undefined);
  assert.equal(doc.get([]), undefined);
  assert.equal(doc.set([], 1), undefined);
  assert.deepEqual(doc.toObject(), { user: { "mail.work": "x" } });
  doc.set(["", ""], 1);
  assert.equal(doc.get(["", ""]), 1);
});
