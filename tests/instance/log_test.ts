import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { setLogSink } from "../../mod.ts";
import { hasCode } from "./places.ts";

interface Said {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs `log_main.ts` with a level in the environment, and says what it has printed where. */
function run(
  level: string | undefined,
  mode = "",
  allow: readonly string[] = ["-A"],
): Promise<Said> {
  const file = fileURLToPath(new URL("log_main.ts", import.meta.url));
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const deno = ["run", ...allow, "--no-check", "--no-lock", "--no-prompt", "--config", config];
  const args = [...("Deno" in globalThis ? deno : []), file, mode];
  const env = { ...process.env, EIDETICA_LOG: level ?? "" };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk) => output += chunk);
  child.stderr.on("data", (chunk) => errors += chunk);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output, errors }));
  });
}

/** How often a text says something. */
function count(text: string, what: string): number {
  return text.split(what).length - 1;
}

/** What the program prints however its handlers fail. */
function assertUnharmed({ status, output, errors }: Said, heard = 0): void {
  assert.deepEqual([status, output], [0, `2 ${heard}\n`], errors);
}

describe("00 §C9 an error that reaches no caller", () => {
  it("of a write handler is told once for each handler where there is no sink", async () => {
    const said = await run(undefined);
    assertUnharmed(said);
    assert.equal(count(said.errors, ": of the first"), 1);
    assert.equal(count(said.errors, ": of the second"), 1);
    assert.match(said.errors, /eidetica instance: A write handler of tree \S+ failed \(told once/);
  });

  it("goes to the sink and nowhere else where there is one, every time", async () => {
    const said = await run("debug", "sink");
    assertUnharmed(said, 4);
    assert.equal(count(said.errors, "of the"), 0);
  });

  it("harms nobody where the sink fails, too, and that is told once", async () => {
    const said = await run(undefined, "broken");
    assertUnharmed(said);
    assert.equal(count(said.errors, ": of the sink"), 1);
    assert.match(said.errors, /the log sink has failed/);
  });
});

describe("EIDETICA_LOG", () => {
  it("prints what is at least as severe, every time", async () => {
    const error = await run("error");
    assertUnharmed(error);
    assert.equal(count(error.errors, ": of the first"), 3);
    assert.equal(count(error.errors, "eidetica error instance:"), 4);
    assert.equal(count(error.errors, "eidetica debug"), 0);
    const debug = await run("DEBUG");
    assertUnharmed(debug);
    assert.equal(count(debug.errors, "eidetica error instance:"), 4);
    assert.match(debug.errors, /eidetica debug instance: The instance exists/);
  });

  it("off prints nothing at all; a word that is no level is told, once", async () => {
    const off = await run("off");
    assertUnharmed(off);
    assert.equal(count(off.errors, "of the"), 0);
    const wrong = await run("loud");
    assertUnharmed(wrong);
    assert.equal(count(wrong.errors, 'EIDETICA_LOG is "loud"'), 1);
    assert.equal(count(wrong.errors, ": of the first"), 1);
  });

  const skip = "Deno" in globalThis ? false : "only Deno asks for permissions";
  it(
    "is not looked at where the process may not read it, and nobody is asked",
    { skip },
    async () => {
      const said = await run("off", "", ["--allow-read"]);
      assertUnharmed(said);
      assert.equal(count(said.errors, ": of the first"), 1);
    },
  );
});

it("a sink that is no function is refused", () => {
  assert.throws(() => setLogSink("stderr" as never), hasCode("InvalidArgument", "a function"));
});
