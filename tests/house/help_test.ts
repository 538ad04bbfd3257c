import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { loadScript, runScript } from "./run_script.ts";

interface Script {
  openingOf(source: string): string;
}

const { openingOf } = await loadScript<Script>("help.mjs");

const readRoot = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const { scripts } = JSON.parse(readRoot("package.json")) as { scripts: Record<string, string> };

describe("--help of a script of package.json", () => {
  // npm itself calls those two; nobody asks them for help.
  const called = Object.entries(scripts).filter(([name]) => !/^(pre|post)pack$/.test(name));
  for (const [name, command] of called) {
    it(`tells what "${name}" does and how it is called, and does nothing else`, () => {
      const file = /^node (scripts\/\w+\.mjs)$/.exec(command)?.[1];
      assert.ok(file, `"${command}" is not one of scripts/`);
      const { status, text } = runScript(file.slice("scripts/".length), "--help");
      assert.equal(status, 0, text);
      // Anything that it does besides would say something, or come later than this.
      assert.equal(text.trim(), openingOf(readRoot(file)));
      const call = name === "start" || name === "test" ? `npm ${name}` : `npm run ${name}`;
      assert.ok(text.startsWith(`\`${call}\`: `), text);
      assert.ok(text.includes(`\n  ${call}`), "it shows how it is called");
    });
  }
});

describe("the opening comment of a script", () => {
  it("is told without its stars and fences, indents kept", () => {
    const source = "/**\n * What.\n *\n * ```text\n *   how --much\n * ```\n */\nimport it;\n";
    assert.equal(openingOf(source), "What.\n\n  how --much");
    assert.equal(openingOf("/** One line. */\n"), "One line.");
  });

  it("must be there", () => {
    assert.throws(() => openingOf("import it; /** late */"), /opens with no comment/);
  });
});
