import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { eidetica, inFolder } from "./process.ts";

/** A command of a document, and what it prints there. */
interface Example {
  readonly words: readonly string[];
  readonly printed: string;
}

/** The examples of a document, in their order. */
function examplesOf(name: string): Example[] {
  const text = readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
  const blocks = [...text.matchAll(/^```console\n([^]*?)^```$/gm)].map(([, block]) => block!);
  return blocks.flatMap((block) =>
    block.split(/^\$ /m).slice(1).map((example) => {
      const [line, ...printed] = example.split("\n");
      return { words: wordsOf(line!), printed: printed.join("\n") };
    })
  );
}

/** The words of a line as a shell reads them: those in single quotes stay together. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  assert.equal(words[0], "eidetica", line);
  return words.slice(1);
}

/** What a document shows, where `…` stands for what differs each time. */
function pattern(printed: string): RegExp {
  const parts = printed.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^\\n]*")}$`);
}

describe("documents", () => {
  for (const name of ["docs/cli.md", "README.md"]) {
    it(`${name} shows what the command prints`, async () => {
      const examples = examplesOf(name);
      assert.ok(examples.length >= 3, `${examples.length} examples`);
      await inFolder(async (cwd) => {
        for (const { words, printed } of examples) {
          const { stdout, stderr } = await eidetica(words, { cwd });
          const said = stdout + stderr.replaceAll(/^\S+Z +INFO .*\n/gm, "");
          assert.match(said, pattern(printed), words.join(" "));
        }
      });
    });
  }
});
