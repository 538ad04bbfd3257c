import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { type Outcome, runCode, runScript } from "./run_script.ts";

/** The verdict on a tree of files. */
function check(files: Readonly<Record<string, string>>): Outcome {
  const root = mkdtempSync(join(tmpdir(), "eidetica-cycles-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return runScript("check_cycles.mjs", root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const CIRCLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "two files": {
    "src/a.ts": `import { b } from "./b.ts";`,
    "src/b.ts": `import { a } from "./a.ts";`,
  },
  "three files over a folder, a star and an effect": {
    "src/a.ts": `export * from "./x/b.ts";`,
    "src/x/b.ts": `import "../../wasm/c.ts";`,
    "wasm/c.ts": `import {\n  a,\n  type A,\n} from "../src/a.ts";`,
  },
  "a default import beside types": {
    "src/a.ts": `import b, { type B } from "./b.ts";`,
    "src/b.ts": `import * as a from "./a.ts";`,
  },
  "a file that imports itself": { "src/a.ts": `import { a } from "./a.ts";` },
};

const TREES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "a diamond": {
    "src/a.ts": `import { b } from "./b.ts";\nimport { c } from "./c.ts";`,
    "src/b.ts": `import { d } from "./d.ts";`,
    "src/c.ts": `import { d } from "./d.ts";`,
    "src/d.ts": `export const d = 1;`,
  },
  "types on the way back": {
    "src/a.ts": `import { b } from "./b.ts";`,
    "src/b.ts": `import type { A } from "./a.ts";\nexport { type A } from "./a.ts";`,
  },
  "a dynamic import on the way back": {
    "src/a.ts": `import { b } from "./b.ts";`,
    "src/b.ts": `export const late = () => import("./a.ts");`,
  },
  "an example in a comment": {
    "src/a.ts": `import { b } from "./b.ts";`,
    "src/b.ts": `/**\n * import { a } from "./a.ts";\n */\nexport const b = 1;`,
  },
};

describe("the circle check", () => {
  for (const [title, files] of Object.entries(CIRCLES)) {
    it(`finds ${title}`, () => {
      const { status, text } = check(files);
      assert.match(
        text,
        /Import circle: \S+\.ts → .*\n[\s\S]*, 1 import circles|, 1 import circles\n[\s\S]*Import circle: /,
      );
      assert.equal(status, 1);
    });
  }

  for (const [title, files] of Object.entries(TREES)) {
    it(`lets ${title} pass`, () => {
      const { status, text } = check(files);
      assert.match(text, new RegExp(`${Object.keys(files).length} files, 0 import circles`));
      assert.equal(status, 0);
    });
  }

  it("lets the files that make documents and lists need each other, and no others", () => {
    const knot = {
      "src/crdt/doc.ts": `import { List } from "./list.ts";`,
      "src/crdt/list.ts": `import { Doc } from "./doc.ts";`,
    };
    assert.equal(check(knot).status, 0);
    const stranger = `import { b } from "./b.ts";\nimport { Doc } from "./doc.ts";`;
    const wider = { ...knot, "src/crdt/list.ts": stranger };
    assert.equal(check({ ...wider, "src/crdt/b.ts": `import { Doc } from "./doc.ts";` }).status, 1);
  });

  for (const name of ["convert", "doc", "doc_parse", "list"]) {
    it(`src/crdt/${name}.ts may be imported first`, () => {
      const { status, text } = runCode(
        `await import("./src/crdt/${name}.ts"); const { Doc } = await import("./src/crdt/doc.ts");
        if (Doc.parse(Doc.from({ a: [1] }).stringify()).getPath("a.0") !== 1) throw new Error("not read back");`,
      );
      assert.equal(status, 0, text);
    });
  }

  it("fails where there is nothing to check", () => {
    assert.equal(check({}).status, 1);
  });
});
