import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { CODES } from "../../src/cli/explanations.ts";
import { suggest } from "../../src/cli/frame/suggest.ts";
import { bytes, cell, count, cut, many, shown, widthOf } from "../../src/cli/frame/text.ts";
import { sortedJson } from "../../src/cli/frame/output.ts";
import { redacted } from "../../src/cli/place.ts";
import { directives } from "../../src/cli/log.ts";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));

describe("texts of the command", () => {
  it("every code that the package throws is explained", () => {
    const missing = new Set<string>();
    for (const path of readdirSync(SRC, { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith(".ts")) continue;
      const text = readFileSync(`${SRC}${path}`, "utf8");
      for (const [, code] of text.matchAll(/new \w+Error\(\s*"(\w+)"/g)) {
        if (!Object.hasOwn(CODES, code!)) missing.add(code!);
      }
    }
    assert.deepEqual([...missing], []);
  });
  it("what somebody may have meant", () => {
    const names = ["serve", "daemon", "db", "completion"];
    assert.equal(suggest("sevre", names), "serve");
    assert.equal(suggest("comp", names), "completion");
    assert.equal(suggest("xyzzy", names), undefined);
    assert.equal(suggest("", names), undefined);
  });
  it("widths count what shows; hostile signs are shown as numbers", () => {
    assert.equal(widthOf("né"), 2);
    assert.equal(widthOf("漢字"), 4);
    assert.equal(widthOf("\x1b[36mab\x1b[39m"), 2);
    assert.equal(cell("漢", 4), "漢  ");
    assert.equal(cut("漢字漢字", 5), "漢字…");
    assert.equal(cut("abc", 3), "abc");
    assert.equal(shown("a\x1b[2J\u202eb"), "a\\u{1b}[2J\\u{202e}b");
    assert.equal(many(1, "entry", "entries"), "1 entry");
    assert.equal(many(1234, "row"), "1,234 rows");
    assert.deepEqual([count(10n), bytes(1), bytes(999), bytes(1500)], [
      "10",
      "1 byte",
      "999 bytes",
      "1.5 KB",
    ]);
  });
  it("JSON has sorted keys, whole integers, and nothing that a terminal obeys", () => {
    const value = { b: [{ d: 1, c: undefined }], a: 2n ** 60n, __proto__: null };
    assert.equal(sortedJson(value), '{"a":1152921504606846976,"b":[{"d":1}]}');
    assert.equal(sortedJson("\u202e\x9b\u2028"), '"\\u202e\\u009b\\u2028"');
  });
  it("12#17: a URL shows neither user nor password", () => {
    assert.equal(redacted("postgres://u:p@h/d?x=1"), "postgres://***:***@h/d?x=1");
    assert.equal(redacted("postgres://u@h/d"), "postgres://***@h/d");
    assert.equal(redacted("postgres://h/d"), "postgres://h/d");
    assert.equal(redacted("nonsense"), "postgres://***@<unparsable-url>");
    assert.ok(!redacted("postgres://u:p@ss@h/d").includes("ss"));
    const member = "postgres://h/d?user=u&password=x@y&sslmode=require";
    assert.equal(redacted(member), "postgres://h/d?user=u&password=***&sslmode=require");
  });
  it("12#39: directives of a log", () => {
    assert.deepEqual([...directives("eidetica::sync=debug, warn,bad=x,,other")], [
      ["eidetica::sync", "debug"],
      ["", "warn"],
      ["other", "trace"],
    ]);
  });
});
