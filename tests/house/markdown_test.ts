import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadScript } from "./run_script.ts";

interface Block {
  readonly note: string | undefined;
  readonly reason: string;
  readonly language: string;
  readonly code: string;
  readonly line: number;
}

interface Script {
  blocks(text: string): readonly Block[];
  withoutStars(text: string): string;
}

const { blocks, withoutStars } = await loadScript<Script>("markdown.mjs");

const fence = (language: string, code: string): string => `\`\`\`${language}\n${code}\n\`\`\`\n`;

describe("the snippets of Markdown", () => {
  it("are the ts and sh blocks with their lines; others are left alone", () => {
    const text = `# T\n\n${fence("ts", "a();")}\n${fence("json", "{}")}${fence("sh", "ls")}`;
    const found = blocks(text).map(({ language, code, line }) => [language, code, line]);
    assert.deepEqual(found, [["ts", "a();\n", 3], ["sh", "ls\n", 10]]);
  });

  it("carry the note before them", () => {
    const [skipped, run] = blocks(
      `<!-- snippet: skip needs a server -->\n${fence("ts", "a();")}\n` +
        `<!-- snippet: run -->\n\n${fence("sh", "true")}`,
    );
    assert.deepEqual([skipped?.note, skipped?.reason], ["skip", "needs a server"]);
    assert.equal(run?.note, "run");
  });

  it("become one where a block continues the one before it", () => {
    const text = `${fence("ts", "const a = 1;")}<!-- snippet: continue -->\n${fence("ts", "a;")}`;
    assert.deepEqual(blocks(text).map(({ code }) => code), ["const a = 1;\n\na;\n"]);
  });

  it("keep the note of the block that is continued", () => {
    const text = `<!-- snippet: skip why -->\n${fence("ts", "a;")}<!-- snippet: continue -->\n${
      fence("ts", "b;")
    }`;
    assert.deepEqual(blocks(text).map(({ note }) => note), ["skip"]);
  });

  const mistakes: readonly (readonly [title: string, text: string, message: RegExp])[] = [
    ["a language that would not run", fence("typescript", "a;"), /call the block "ts"/],
    ["an unknown note", `<!-- snippet: later -->\n${fence("ts", "a;")}`, /"later" is unknown/],
    ["a skip without a reason", `<!-- snippet: skip -->\n${fence("ts", "a;")}`, /its reason/],
    ["TypeScript that is to run", `<!-- snippet: run -->\n${fence("ts", "a;")}`, /only sh/],
    ["nothing to continue", `<!-- snippet: continue -->\n${fence("ts", "a;")}`, /no "ts" block/],
  ];
  for (const [title, text, message] of mistakes) {
    it(`refuse ${title}, with the line`, () => {
      assert.throws(() => blocks(text), message);
      assert.throws(() => blocks(text), /^Error: Line 1: /);
    });
  }

  it("are found in doc comments, line for line", () => {
    const source =
      `/**\n * Says.\n *\n * ${"```"}ts\n * if (a) {\n *   b();\n * }\n * ${"```"}\n */\n`;
    const [block] = blocks(withoutStars(source));
    assert.deepEqual([block?.code, block?.line], ["if (a) {\n  b();\n}\n", 4]);
  });
});
