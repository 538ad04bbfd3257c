import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { DocStore, Instance } from "../../mod.ts";
import { compare, expected } from "./compare.ts";
import { type Begin, eidetica, fewAtOnce, inFolder, Running } from "./process.ts";
import { CASES } from "./transcripts.ts";

const NODE = fileURLToPath(new URL("../vectors/service-node.json", import.meta.url));
const READY = /listening on (.*)\n[^]*shutdown\n/;
/** Sockets in files are for systems that have them. */
const skip = process.platform === "win32" && "Windows has named pipes instead";

/** Runs `act` in a folder with an instance of a user `ops`. */
async function initialised(act: (cwd: string) => Promise<void>): Promise<void> {
  await inFolder(async (cwd) => {
    const words = ["daemon", "init", "--username", "ops", "--passwordless"];
    assert.equal((await eidetica(words, { cwd })).code, 0);
    await act(cwd);
  });
}

/** A daemon of a recorded run, once it listens. */
async function daemonOf(at: number, cwd: string): Promise<Running> {
  const { argv, env } = CASES[at]!;
  const filled = (text: string) => text.replace("<CWD>", cwd).replace("<USER>", `u${process.pid}`);
  const begin: Begin = {
    cwd,
    env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, filled(text)])),
  };
  const daemon = new Running(argv.map(filled), begin);
  await daemon.until(READY);
  return daemon;
}

/** Compares a daemon that was stopped with a recorded one. */
async function stopped(at: number, daemon: Running, cwd: string): Promise<void> {
  const outcome = await daemon.stop(expected(at).signal!);
  // Our library is spelt otherwise, and tells an absolute path to connect with.
  const stdout = outcome.stdout.replace("Instance.connect", "Instance::connect");
  compare(at, { ...outcome, stdout }, { [cwd]: "<CWD>", [`u${process.pid}`]: "<USER>" });
}

describe("eidetica daemon", { skip }, () => {
  it("12#11, #36: recorded runs; the socket is for this user alone, and goes with the daemon", async () => {
    await initialised(async (cwd) => {
      for (const at of [107, 108]) {
        const daemon = await daemonOf(at, cwd);
        const socket = join(cwd, "run", "d.sock");
        assert.equal(statSync(join(cwd, "run")).mode & 0o777, 0o700);
        assert.equal(statSync(socket).mode & 0o777, 0o600);
        await stopped(at, daemon, cwd);
        assert.equal(existsSync(socket), false);
      }
    });
  });
  it("12#12: where the socket is, unless it is told", async () => {
    await fewAtOnce([118, 119, 120, 121], (at) =>
      initialised(async (cwd) => {
        if (at === 121) {
          const { argv, env } = CASES[at]!;
          return compare(at, await eidetica(argv, { cwd, env }));
        }
        await stopped(at, await daemonOf(at, cwd), cwd);
      }));
  });
  it("12#11: relative paths work, bare names, too", async () => {
    await fewAtOnce(["rel.sock", "sub/rel.sock"], (path) =>
      initialised(async (cwd) => {
        const daemon = new Running(["daemon", "-s", path], { cwd });
        const [, told] = await daemon.until(READY);
        assert.equal(told, path);
        assert.ok(statSync(join(cwd, path)).isSocket());
        assert.ok(daemon.stdout.includes(`connect("unix:///`), daemon.stdout);
        assert.equal((await daemon.stop("SIGTERM")).code, 0);
      }));
  });
  it("a socket that cannot be served ends it with 1; what is there stays", async () => {
    await initialised(async (cwd) => {
      writeFileSync(join(cwd, "plain"), "mine");
      writeFileSync(join(cwd, "d.sock"), "mine");
      const words = (path: string) => ["daemon", "-s", join(cwd, path)];
      compare(115, await eidetica(words("plain/d.sock"), { cwd }));
      compare(113, await eidetica(words("d.sock"), { cwd }));
      assert.equal(readFileSync(join(cwd, "d.sock"), "utf8"), "mine");
      const first = new Running(words("s/d.sock"), { cwd });
      await first.until(READY);
      const { code, stderr } = await eidetica(words("s/d.sock"), { cwd });
      assert.equal(code, 1);
      assert.match(stderr, /process \d+ serves it/);
      // Case 114: the reference's second daemon takes the path over.
      assert.ok(existsSync(join(cwd, "s/d.sock")));
      await first.stop("SIGTERM");
    });
  });
  it("12#11, #36: a client logs in and makes a database; what is in memory is kept when it stops", async () => {
    await inFolder(async (cwd) => {
      copyFileSync(NODE, join(cwd, "eidetica.json"));
      const daemon = await daemonOf(122, cwd);
      const instance = await Instance.connect(`unix://${join(cwd, "run/d.sock")}`);
      const ada = await instance.loginUser("ada");
      const made = await ada.createDatabase({ name: "made over the socket" });
      await made.withTransaction(async (tx) => (await tx.getStore(DocStore, "d")).set("a", 1));
      await instance.close();
      await stopped(122, daemon, cwd);
      const kept = await Instance.connect(`memory://${join(cwd, "eidetica.json")}`);
      assert.equal(await kept.hasDatabase(made.rootId), true);
      await kept.close();
    });
  });
  it("one process serves both: pages and socket, whichever command has begun it", async () => {
    const commands = [["serve", "-p", "0", "-s", "s.sock"], ["daemon", "-p", "0", "-s", "s.sock"]];
    await fewAtOnce(commands, (words) =>
      initialised(async (cwd) => {
        const node = new Running([...words, "--json"], { cwd });
        const [line] = await node.until(/^\{.*"type":"listening"\}$/m);
        const { http, socket } = JSON.parse(line);
        const { status } = await (await fetch(`${http}/health`)).json();
        assert.equal(status, "healthy");
        const instance = await Instance.connect(`unix://${socket}`);
        await instance.loginUser("ops");
        await instance.close();
        const outcome = await node.stop("SIGTERM");
        assert.equal(outcome.code, 0, outcome.stderr);
        // The only line of the result is where it listened.
        assert.equal(outcome.stdout, `${line}\n`);
      }));
  });
});

describe("commands through a daemon", { skip }, () => {
  it("who watches is told when the daemon has gone", () =>
    initialised(async (cwd) => {
      const daemon = new Running(["daemon", "-s", "d.sock"], { cwd });
      await daemon.until(READY);
      const env = { EIDETICA_CONNECT: join(cwd, "d.sock"), EIDETICA_USER: "ops" };
      assert.equal((await eidetica(["db", "create", "made"], { cwd, env })).code, 0);
      const watch = new Running(["db", "watch", "made"], { cwd, env });
      await watch.errors(/Watching made/);
      assert.equal(
        (await eidetica(["db", "set", "made", "d", "a", "1", "--doc"], { cwd, env })).code,
        0,
      );
      await watch.until(/ {2}d: 1 value set/);
      await daemon.stop("SIGKILL");
      const { code, stderr } = await watch.ended();
      assert.equal(code, 1);
      assert.match(stderr, /Error: .*daemon/);
    }));
  it("find it by themselves where it holds the storage in memory, and by --connect", async () => {
    await inFolder(async (cwd) => {
      copyFileSync(NODE, join(cwd, "eidetica.json"));
      const memory = { EIDETICA_BACKEND: "inmemory", EIDETICA_USER: "ada" };
      const daemon = new Running(["daemon", "-s", "d.sock"], { cwd, env: memory });
      await daemon.until(READY);
      const run = async (code: number, env: Record<string, string>, ...words: string[]) => {
        const outcome = await eidetica(words, { cwd, env });
        assert.equal(outcome.code, code, `${words.join(" ")}\n${outcome.stdout}${outcome.stderr}`);
        return code === 0 ? outcome.stdout : outcome.stderr;
      };
      await run(0, memory, "db", "create", "made");
      await run(0, memory, "db", "set", "made", "t", "k", '{"n":1}', "--table");
      const socket = join(cwd, "d.sock");
      // Somewhere else there is no storage, and the socket is told.
      const elsewhere = {
        EIDETICA_DATA_DIR: join(cwd, "none"),
        EIDETICA_CONNECT: `unix://${socket}`,
      };
      const ada = { ...elsewhere, EIDETICA_USER: "ada" };
      assert.equal(await run(0, ada, "db", "get", "made", "t"), '{"key":"k","value":{"n":1}}\n');
      assert.equal((await run(0, ada, "db", "log", "made", "--json")).split("\n").length, 3);
      assert.match(await run(0, ada, "db", "keys", "made"), /Admin\(0\) +Active/);
      assert.match(await run(0, ada, "db", "show", "made"), /1 store\n +t +table:v0/);
      assert.match(await run(1, ada, "db", "sync", "made"), /Cannot synchronise through a daemon/);
      assert.match(await run(1, ada, "db", "export", "made"), /OperationNotSupported/);
      assert.match(await run(1, elsewhere, "db", "show", "made"), /--user or EIDETICA_USER/);
      const cyn = { ...elsewhere, EIDETICA_USER: "cyn" };
      assert.match(await run(1, cyn, "db", "create", "x"), /no terminal/);
      await run(0, { ...cyn, EIDETICA_PASSWORD: "correct horse" }, "db", "create", "x");
      // Nobody may write the file under its hands.
      assert.match(await run(1, memory, "serve", "-p", "0"), /holds it in memory/);
      assert.equal((await daemon.stop("SIGTERM")).code, 0);
      assert.equal(await run(0, memory, "db", "get", "made", "t", "k"), '{"n":1}\n');
    });
  });
});
