import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../examples/todo/main.ts", import.meta.url));
const BEFORE = "Deno" in globalThis ? ["run", "-A", "--no-lock"] : [];

describe("the todo example", () => {
  it("12#43, #44, #45, #46: tasks, profile and preferences last between runs", () => {
    const cwd = mkdtempSync(join(tmpdir(), "eidetica-todo-"));
    const run = (status: number, ...words: string[]): string => {
      const done = spawnSync(process.execPath, [...BEFORE, MAIN, ...words], {
        cwd,
        encoding: "utf8",
      });
      assert.equal(done.status, status, `${words.join(" ")}\n${done.stdout}${done.stderr}`);
      return status === 0 ? done.stdout : done.stderr;
    };
    try {
      assert.match(
        run(0, "list"),
        /^✓ Initialised new instance.*\n.*new one is made\nNo tasks found\.\n$/,
      );
      const added = run(0, "add", "Buy milk");
      const [, id] = /Added todo with ID: (\S+)\n✓ Task added: Buy milk\n$/.exec(added)!;
      assert.match(added, /^✓ Logged in as passwordless user: todo-user\n/);
      run(0, "add", "Feed the cat");
      assert.match(
        run(0, "list"),
        new RegExp(`Tasks:\n\\[ \\] Buy milk \\(ID: ${id}\\)\n\\[ \\] Feed`),
      );
      assert.match(run(0, "complete", id!), new RegExp(`✓ Task completed: ${id}\n$`));
      assert.match(run(0, "list"), /\[✓\] Buy milk .*\n\[ \] Feed the cat/);
      assert.match(run(1, "complete", "nobody"), /^Error: .*KeyNotFound/m);
      run(0, "set-user", "-n", "Ada", "-e", "ada@example.org");
      run(0, "set-user", "-n", "Ada L.");
      assert.match(
        run(0, "show-user"),
        /User Information:\nName: Ada L\.\nEmail: ada@example\.org\n$/,
      );
      run(0, "set-pref", "theme", "dark");
      run(0, "set-pref", "theme", "light");
      assert.match(run(0, "show-prefs"), /User Preferences:\ntheme: light\n$/);
      assert.match(run(2, "frob"), /^usage: /);
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });
});
