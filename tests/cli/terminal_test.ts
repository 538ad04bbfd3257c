import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Instance } from "../../mod.ts";
import { atDesk } from "./desk.ts";
import { inFolder } from "./process.ts";
import { NO_TERMINAL as skip, onTerminal } from "./terminal.ts";
import { CASES, listing, normalised, withoutLog } from "./transcripts.ts";

/** Types the recorded answers, each after its question. */
async function prompted(at: number, cwd: string) {
  const { argv, terminal_answers: typed = [] } = CASES[at]!;
  const questions = [/new admin user 'ops': /, /Re-enter password: /];
  const answers = typed.map((text, place) => [questions[place]!, `${text}\n`] as const);
  const { code, text } = await onTerminal(argv, { cwd, answers, env: { NO_COLOR: "1" } });
  return { code, text: normalised(text.replaceAll(/^\S+Z +INFO .*\n/gm, "")) };
}

describe("the command on a terminal", () => {
  it("12#7, #8: the recorded prompts; nothing that is typed shows", { skip }, async () => {
    await inFolder(async (cwd) => {
      const { code, text } = await prompted(91, cwd);
      assert.equal(code, 0, text);
      assert.equal(text, normalised(withoutLog(CASES[91]!.terminal!)));
      const instance = await Instance.connect(`sqlite://${cwd}/eidetica.db`);
      await assert.rejects(instance.loginUser("ops"), { code: "PasswordRequired" });
      await instance.loginUser("ops", "correct horse");
      await instance.close();
    });
    for (const at of [92, 93]) {
      await inFolder(async (cwd) => {
        const { code, text } = await prompted(at, cwd);
        assert.equal(code, 1, text);
        // The reference shows the debug form of the message.
        const wanted = CASES[at]!.terminal!.replace(/Error: "(.*)"/, "Error: $1");
        assert.equal(text, wanted);
        assert.deepEqual(listing(cwd), []);
      });
    }
  });
  it(
    "lists have columns from 72 on, and two lines an item below; nothing is wider",
    { skip },
    () =>
      atDesk(async (desk) => {
        await desk.ok("db", "create", "orchard");
        await desk.ok("db", "set", "orchard", "a store with a rather long name", "k", "1", "--doc");
        for (const columns of [80, 40]) {
          for (const words of [["db", "log"], ["db", "tree"], ["db", "keys"]]) {
            const { code, text } = await onTerminal([...words, "orchard"], {
              cwd: desk.cwd,
              columns,
            });
            assert.equal(code, 0, text);
            // deno-lint-ignore no-control-regex
            const plain = text.replaceAll(/\x1b\[\d+m/g, "");
            const tooWide = plain.split("\n").filter((line) => [...line].length > columns);
            // Keys are never cut.
            assert.deepEqual(tooWide.filter((line) => !line.includes("ed25519:")), [], plain);
          }
        }
        const { text } = await onTerminal(["db", "log", "orchard", "--color", "never"], desk);
        assert.match(text, /^✓ +1 +[a-z2-7]{8} +\S+… +just now +a store/m);
        const plain = await onTerminal(["db", "log", "orchard"], {
          cwd: desk.cwd,
          env: { TERM: "dumb" },
        });
        assert.match(plain.text, /^ok +1 /m);
      }),
  );
  it(
    "a ticket shows as a code that cameras read, and as one line",
    { skip },
    () =>
      atDesk(async (desk) => {
        await desk.ok("db", "create", "orchard");
        const { text } = await onTerminal(["db", "share", "orchard"], { cwd: desk.cwd });
        assert.match(text, /^eidetica:\?db=bafyr4i\w+$/m);
        assert.ok(text.split("\n").filter((line) => line.includes("█")).length > 15, text);
        const none = await onTerminal(["db", "share", "orchard"], { cwd: desk.cwd, columns: 40 });
        assert.ok(!none.text.includes("█"));
      }),
  );
  it(
    "Ctrl+C at a prompt ends it with 130, and nothing was made",
    { skip },
    () =>
      inFolder(async (cwd) => {
        const { code, text } = await onTerminal(["daemon", "init", "--username", "a"], {
          cwd,
          answers: [[/user 'a': /, "\u0003"]],
        });
        assert.equal(code, 130, text);
        assert.deepEqual(listing(cwd), []);
      }),
  );
});
