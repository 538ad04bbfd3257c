import assert from "node:assert/strict";
import { copyFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { VERSION } from "../../src/cli/version.ts";
import { compare, expected, some } from "./compare.ts";
import { answerHealth } from "./made_up_node.ts";
import { eidetica, fewAtOnce, inFolder, type Outcome } from "./process.ts";
import { CASES, type HelpFacts, listing } from "./transcripts.ts";

const NODE = fileURLToPath(new URL("../vectors/service-node.json", import.meta.url));

function compareUsage(at: number, { stderr }: Outcome): void {
  const { stderr_first_line: first, stderr_mentions_usage: usage, says, argv } = expected(at);
  if (says !== undefined) return;
  assert.equal(stderr.split("\n")[0], first, argv.join(" "));
  if (usage) assert.match(stderr, /Usage: eidetica/, argv.join(" "));
}

/** Looks whether a help text says what the recorded one says; it may say more. */
function compareHelp(
  help: string,
  { usage, options, commands = [], arguments: words = [] }: HelpFacts,
) {
  assert.ok(help.includes(`Usage: ${usage[0]}\n`), help);
  for (const command of commands) assert.match(help, new RegExp(`^  ${command} `, "m"));
  for (const word of words) assert.ok(help.includes(`  ${word.name} `), help);
  for (const { name, value, env, ...more } of options) {
    const line = help.split("\n").find((line) => line.includes(value ? `${name} ${value}` : name));
    assert.ok(line !== undefined, `${name} is not in\n${help}`);
    if (env !== undefined) assert.ok(line.includes(`[env: ${env.replace(/=.*/, "")}]`), line);
    const choices = more["possible values"];
    if (choices) assert.ok(line.includes(`[possible values: ${choices.join(", ")}]`), line);
    if (more.default !== undefined && name !== "--host") {
      assert.ok(line.includes(`[default: ${more.default}]`), line);
    }
  }
}

/** Runs a case that needs nothing that was there before. */
async function runAlone(at: number): Promise<void> {
  const { argv, env, after } = expected(at);
  await inFolder(async (cwd) => {
    if (at === 61) writeFileSync(join(cwd, "eidetica.json"), "{broken");
    if (at === 62) {
      writeFileSync(join(cwd, "eidetica.db"), "this is no database at all\n".repeat(99));
    }
    if (at === 63) writeFileSync(join(cwd, "f"), "");
    const words = argv.map((word) => word.replace("<CWD>", cwd));
    const outcome = await eidetica(words, { cwd, env, input: "correct horse\n" });
    compare(at, outcome, { [cwd]: "<CWD>" });
    if (after !== undefined) assert.deepEqual(listing(cwd), [...after].sort(), `case ${at}`);
  });
}

/** Runs a case on a copy of an initialised folder. */
async function runOn(template: string, at: number): Promise<void> {
  const { argv, env, after = [] } = expected(at);
  await inFolder(async (cwd) => {
    cpSync(template, cwd, { recursive: true });
    const outcome = await eidetica(argv.map((word) => word.replace("<CWD>", cwd)), { cwd, env });
    compare(at, outcome, { [cwd]: "<CWD>" });
    assert.deepEqual(listing(cwd), [...after], `case ${at}`);
  });
}

/** Runs `act` with a node that answers as its paths say. */
async function withNode(act: (port: number, requested: string[]) => Promise<void>): Promise<void> {
  const requested: string[] = [];
  const server: Server = createServer((request, response) => {
    requested.push(request.url!);
    answerHealth(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await act((server.address() as AddressInfo).port, requested);
  server.closeAllConnections();
  server.close();
}

describe("recorded runs of the command", () => {
  it("12#1: version, 14 §12.2: its place", async () => {
    const { version } = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
    );
    assert.equal(version, VERSION);
    await fewAtOnce(some(0, 3), runAlone);
  });
  it("help says the same options, variables and commands", async () => {
    await fewAtOnce(some(4, 17), async (at) => {
      const { argv, env, facts } = CASES[at]!;
      const outcome = await inFolder((cwd) => eidetica(argv, { cwd, env }));
      assert.equal(outcome.code, 0, outcome.stderr);
      compareHelp(outcome.stdout, facts!);
      assert.ok(!/shown|u:p@h/.test(outcome.stdout), "a secret of the environment");
    });
  });
  it("12#1, #4, #10, #18: usage errors", async () => {
    await fewAtOnce(some(18, 53), async (at) => {
      const { argv, env } = CASES[at]!;
      await inFolder(async (cwd) => {
        const outcome = await eidetica(argv, { cwd, env });
        compare(at, outcome);
        compareUsage(at, outcome);
        assert.deepEqual(listing(cwd), []);
      });
    });
  });
  it("12#9, #17: storages that cannot be opened", async () => {
    await fewAtOnce(some(54, 71), runAlone);
  });
  it("12#5, #7: init", async () => {
    const init = [72, ...some(75, 90)];
    await fewAtOnce(init, runAlone);
  });
  it("12#6, #13, #14, #15, #16: info and list of an initialised storage", async () => {
    await inFolder(async (template) => {
      const words = ["daemon", "init", "--username", "ops", "--passwordless"];
      assert.equal((await eidetica(words, { cwd: template })).code, 0);
      await fewAtOnce([73, 74, ...some(94, 102)], (at) => runOn(template, at));
    });
  });
  it("info and list of the recorded node", async () => {
    await inFolder(async (template) => {
      copyFileSync(NODE, join(template, "eidetica.json"));
      await fewAtOnce([103, 105], (at) => runOn(template, at));
      for (const at of [104, 106]) {
        const { argv, stdout } = CASES[at]!;
        const outcome = await eidetica(argv, { cwd: template });
        const rows = (text: string) => text.match(/bafyr4i\w+\W+(?:tips\W+)?\d+/g)!.sort();
        assert.deepEqual(rows(outcome.stdout), rows(stdout!));
      }
    });
  });
  it("12#19, #20: health of a made-up node", async () => {
    await withNode(async (port, all) => {
      const places = [...some(142, 159), ...some(161, 161)];
      // One at a time, since each looks at what was asked for.
      for (const at of places) {
        const { argv, env, requested = [] } = CASES[at]!;
        const before = all.length;
        const words = argv.map((word) => word.replace("<PORT>", String(port)));
        const outcome = await inFolder((cwd) => eidetica(words, { cwd, env }));
        compare(at, outcome, { [`:${port}`]: ":<PORT>" });
        if (at !== 161) assert.deepEqual(all.slice(before), requested, `case ${at}`);
      }
    });
  });
  it("12#20: health of nothing, and of odd addresses", async () => {
    const closed = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
    });
    await fewAtOnce([160, ...some(162, 167)], async (at) => {
      const { argv, env } = CASES[at]!;
      const words = argv.map((word) => word.replace("<CLOSED>", String(closed)));
      const outcome = await inFolder((cwd) => eidetica(words, { cwd, env }));
      compare(at, outcome, { [`:${closed}`]: ":<CLOSED>" });
    });
  });
});
