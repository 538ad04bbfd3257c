import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSilent, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { Doc, ID, Instance } from "../../mod.ts";
import { connectTo } from "../../src/cli/connected.ts";
import { Values } from "../../src/cli/frame/command.ts";
import { Output } from "../../src/cli/frame/output.ts";
import { linesOf } from "../../src/cli/candidates.ts";
import { readRunFile, writeRunFile } from "../../src/cli/run_file.ts";
import { requireOfUsers } from "../../src/cli/stores.ts";
import { storedNames } from "../../src/cli/stored_names.ts";
import { millisecondsOf } from "../../src/cli/options.ts";
import { atDesk, Desk, lines } from "./desk.ts";
import { eidetica, inFolder, Running } from "./process.ts";
import { NO_TERMINAL, onTerminal } from "./terminal.ts";

/** Signs that move the cursor, or would end a line. */
// deno-lint-ignore no-control-regex
const HOSTILE = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;
const skip = process.platform === "win32" && "Windows has neither links nor pipes in files for all";

describe("files that the command writes and reads", () => {
  it("texts with every sign that ends lines somewhere come back", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const row = { key: "a\u2028b", value: { text: "c\u2029d\u0085e\r\nf" } };
      // As other programs write it: JSON has these signs as they are.
      writeFileSync(join(desk.cwd, "in.ndjson"), `${JSON.stringify(row)}\r\n`);
      const into = ["--db", "orchard", "--rows"];
      await desk.ok("db", "import", "in.ndjson", ...into, "t");
      const text = await desk.ok("db", "export", "orchard", "--rows", "t", "-o", "-");
      assert.ok(!/[\u2028\u2029\u0085]/.test(text), text);
      assert.deepEqual(JSON.parse(text), row);
      writeFileSync(join(desk.cwd, "out.ndjson"), text);
      assert.deepEqual(await desk.json("db", "import", "out.ndjson", ...into, "t"), [
        { rows: 1, written: 0 },
      ]);
    }));
  it("where a line is broken, those before it are stored; a history that was cut off is told", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const into = ["--db", "orchard", "--rows", "t"];
      writeFileSync(join(desk.cwd, "bad.ndjson"), '{"key":"a","value":{"n":1}}\n{"key":1}\n');
      await desk.fails(
        1,
        /line 2: [^]*the lines before are stored/,
        "db",
        "import",
        "bad.ndjson",
        ...into,
      );
      assert.equal(await desk.ok("db", "get", "orchard", "t", "a"), '{"n":1}\n');
      await desk.fails(2, /--rows is given without --db/, "db", "import", "x", "--rows", "t");
      await desk.fails(2, /--db is given without --rows/, "db", "import", "x", "--db", "orchard");
      const [head, root] = (await desk.ok("db", "export", "orchard")).split("\n");
      await inFolder(async (cwd) => {
        const other = new Desk(cwd);
        await other.ok("daemon", "init", "--username", "bob", "--passwordless");
        writeFileSync(join(cwd, "part.ndjson"), `${head}\n${root}\n`);
        await other.fails(1, /the file has 1 of 2 entries/, "db", "import", "part.ndjson");
        assert.equal((await other.json("db", "log", "orchard")).length, 1);
      });
    }));
  it(
    "an export replaces files alone: links stay links, and pipes are written to",
    { skip },
    () =>
      atDesk(async (desk) => {
        await desk.ok("db", "create", "orchard");
        const [link, file, pipe] = ["link", "file", "pipe"].map((name) => join(desk.cwd, name));
        writeFileSync(file!, "");
        symlinkSync(file!, link!);
        await desk.ok("db", "export", "orchard", "-o", "link");
        assert.ok(lstatSync(link!).isSymbolicLink());
        assert.equal(lines(readFileSync(file!, "utf8")).length, 2);
        assert.equal(spawnSync("mkfifo", [pipe!]).status, 0);
        const reader = spawn("cat", [pipe!], { stdio: ["ignore", "pipe", "ignore"] });
        try {
          const read = reader.stdout.setEncoding("utf8").toArray();
          await desk.ok("db", "export", "orchard", "-o", "pipe");
          assert.ok(lstatSync(pipe!).isFIFO());
          assert.equal(lines((await read).join("")).length, 2);
        } finally {
          reader.kill();
        }
      }),
  );
  it("a file of a process that is gone keeps nobody out, whoever has its number now", () =>
    inFolder(async (cwd) => {
      const path = join(cwd, "eidetica.run.json");
      const forget = await writeRunFile(cwd, { http: "127.0.0.1:1", socket: null });
      const mine = JSON.parse(readFileSync(path, "utf8"));
      assert.equal((await readRunFile(cwd))?.http, "127.0.0.1:1");
      const { http, pid, socket, started } = mine;
      const token = crypto.randomUUID();
      const foreign = [
        null,
        { http, pid, socket, started },
        { ...mine, token, host: "elsewhere" },
        { ...mine, token, since: undefined },
        { ...mine, socket: 1 },
        { ...mine, http: undefined },
      ];
      for (const content of foreign) {
        writeFileSync(path, JSON.stringify(content));
        assert.equal(await readRunFile(cwd), undefined, JSON.stringify(content));
      }
      writeFileSync(path, JSON.stringify(mine));
      await forget();
      assert.deepEqual(readdirSync(cwd), []);
    }));
});

describe("what others have written, or answer", () => {
  it("is no word that a shell completes, and moves no cursor", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const instance = await Instance.connect(`sqlite://${join(desk.cwd, "eidetica.db")}`);
      const user = await instance.loginUser("ada");
      const [{ id }] = await desk.json("db", "show", "orchard") as [{ id: string }];
      const database = await user.openDatabase(ID.parse(id));
      await database.withTransaction(async (tx) => {
        await tx.getIndex().setEntry("trees", "x\nrm\tall\x1b[2J", new Doc());
        await tx.getIndex().setEntry("--connect=evil", "doc:v0", new Doc());
      });
      await instance.close();
      const env = { EIDETICA_DATA_DIR: desk.cwd };
      const found = await storedNames("store", new Map([["DB", "orchard"]]), env);
      assert.equal(linesOf(found), "trees\tx\\u{a}rm\\u{9}all\\u{1b}[2J\n");
    }));
  it("shows as numbers where a node says how it is", async () => {
    const server = createServer((_, response) => response.end('{"status":"\\u001b[2J"}'));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const words = ["health", `http://127.0.0.1:${port}`];
      const { code, stderr } = await eidetica(words, { cwd: process.cwd() });
      assert.equal(code, 1);
      assert.equal(stderr, "unhealthy: server returned status \\u{1b}[2J\n");
    } finally {
      server.close();
    }
  });
  it("a socket that never answers is given up", { skip }, () =>
    inFolder(async (cwd) => {
      const sockets: Socket[] = [];
      const server = createSilent((socket) => void sockets.push(socket));
      const path = join(cwd, "s.sock");
      await new Promise<void>((resolve) => server.listen(path, resolve));
      const out = new Output({ json: true, color: "never", quiet: true });
      const run = { values: new Values(new Map()), out, signal: new AbortController().signal };
      await assert.rejects(connectTo(run, path, 1), { code: "NoAnswer" });
      for (const socket of sockets) socket.destroy();
      server.close();
    }));
  it("words and names that the command was given show as numbers, too", () =>
    inFolder(async (cwd) => {
      const usage = await eidetica(["db\x1b[2J"], { cwd });
      assert.equal(usage.code, 2);
      const made = await eidetica(
        ["daemon", "init", "--username", "a\x1b[2J\x9b", "--passwordless"],
        { cwd },
      );
      assert.equal(made.code, 0, made.stderr);
      for (const text of [usage.stderr, made.stdout]) assert.ok(!HOSTILE.test(text), text);
    }));
});

describe("commands that change less than they seem to, or more", () => {
  it("what a database keeps for itself is written by no other command; a new label is a change", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const own = ["db", "set", "orchard", "_settings", "auth", "{}", "--doc"];
      await desk.fails(1, /keeps its own/, ...own);
      for (const store of ["_index", "_root"]) {
        assert.throws(() => requireOfUsers(store), { code: "ReservedStore" });
      }
      requireOfUsers("settings");
      writeFileSync(join(desk.cwd, "in"), '{"key":"a","value":{}}\n');
      const rows = ["db", "import", "in", "--db", "orchard", "--rows", "_settings"];
      await desk.fails(1, /keeps its own/, ...rows);
      const grant = ["db", "keys", "orchard", "grant", "everyone", "read"];
      await desk.ok(...grant);
      const [same] = await desk.json(...grant) as [{ effects: unknown[] }];
      assert.deepEqual(same.effects, []);
      for (const more of [["--dry-run"], []]) {
        const [named] = await desk.json(...grant, "--name", "all", ...more) as [
          { effects: unknown[]; entry: string | null },
        ];
        const effect = { after: "read", before: "read", key: "*", name: "all", via: "everyone" };
        assert.deepEqual(named.effects, [effect]);
        assert.equal(named.entry === null, more.length > 0);
      }
    }));
  it("a dry run of a decision begins no synchronisation", () =>
    atDesk(async (desk) => {
      await desk.fails(1, /Cannot find a request/, "requests", "approve", "none", "--dry-run");
      const instance = await Instance.connect(`sqlite://${join(desk.cwd, "eidetica.db")}`);
      assert.equal((await instance.backend.getInstanceMetadata())?.sync_db ?? null, null);
      await instance.close();
    }));
  it("notes that nobody reads do not make it fail", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const second = new Running(["db", "create", "orchard"], { cwd: desk.cwd });
      second.child.stderr!.destroy();
      const { code, stdout } = await second.ended();
      assert.equal(code, 0);
      assert.match(stdout, /^Created orchard/);
    }));
  it("a wait is never longer than timers know, which would be none", () => {
    assert.equal(millisecondsOf("5"), 5000);
    assert.equal(millisecondsOf("99999999999"), 2 ** 31 - 1);
  });
  it("Ctrl+C where a name is asked for ends it with 130, and Ctrl+D is no name", {
    skip: NO_TERMINAL,
  }, () =>
    atDesk(async (desk) => {
      const { cwd } = desk;
      await desk.ok("db", "create", "orchard");
      const dropped = (typed: string) =>
        onTerminal(["db", "drop", "orchard"], { cwd, answers: [[/to drop it: /, typed]] });
      const stopped = await dropped("\x03");
      assert.equal(stopped.code, 130, stopped.text);
      const ended = await dropped("\x04");
      assert.equal(ended.code, 1, ended.text);
      assert.match(ended.text, /Cannot drop orchard: "" is not its name/);
    }));
});
