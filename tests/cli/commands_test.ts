import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Entry, Instance } from "../../mod.ts";
import { atDesk, Desk, members } from "./desk.ts";
import { eidetica, inFolder, Running } from "./process.ts";

describe("commands of a database", () => {
  it("create, write, read and delete; each says what has become of it", () =>
    atDesk(async (desk) => {
      const [made] = await desk.json("db", "create", "orchard");
      assert.equal(members(made), "id key name");
      await desk.fails(
        1,
        /is new.*\n.*--table or --doc/,
        "db",
        "set",
        "orchard",
        "trees",
        "t",
        "1",
      );
      const [row] = await desk.json("db", "set", "orchard", "trees", "t1", '{"n":1}', "--table");
      assert.equal(members(row), "height id status");
      assert.equal(row!.status, "Verified");
      await desk.fails(1, /must be a JSON object/, "db", "set", "orchard", "trees", "t1", "[1]");
      await desk.fails(
        1,
        /Cannot read the value as JSON/,
        "db",
        "set",
        "orchard",
        "trees",
        "t",
        "{",
      );
      await desk.ok("db", "set", "orchard", "notes", "meta.author", '"ada"', "--doc");
      await desk.ok("db", "set", "orchard", "notes", "meta.big", "9007199254740993");
      assert.equal(
        await desk.ok("db", "get", "orchard", "trees"),
        '{"key":"t1","value":{"n":1}}\n',
      );
      assert.equal(await desk.ok("db", "get", "orchard", "trees", "t1"), '{"n":1}\n');
      assert.equal(
        await desk.ok("db", "get", "orchard", "notes"),
        '{"meta":{"author":"ada","big":9007199254740993}}\n',
      );
      assert.equal(await desk.ok("db", "get", "orchard", "notes", "meta.author"), '"ada"\n');
      await desk.fails(1, /did you mean "t1"/, "db", "get", "orchard", "trees", "t2");
      await desk.fails(1, /did you mean "trees"/, "db", "get", "orchard", "tress");
      await desk.fails(1, /did you mean "orchard"/, "db", "get", "orchad", "trees");
      assert.match(await desk.ok("db", "del", "orchard", "trees", "t1"), /^Deleted 1 value as ada/);
      await desk.fails(1, /Cannot find anything/, "db", "del", "orchard", "trees", "t1");
      // As it was before: at the entry that wrote the row.
      const then = await desk.ok("db", "get", "orchard", "trees", "t1", "--at", String(row!.id));
      assert.equal(then, '{"n":1}\n');
      await desk.ok("db", "rename", "orchard", "apples");
      assert.equal((await desk.json("db", "show", "apples"))[0]!.name, "apples");
      await desk.fails(1, /nobody has confirmed/, "db", "drop", "apples");
      assert.match(await desk.ok("db", "drop", "apples", "--confirm", "apples"), /Dropped for ada/);
    }));
  it("log, tree, show and explain tell what an entry is", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      for (const at of ["a", "b"]) {
        await desk.ok("db", "set", "orchard", "d", at, '"\\u001b[2J"', "--doc");
      }
      const log = await desk.json("db", "log", "orchard");
      assert.deepEqual(
        log.map((entry) => entry.height),
        [2, 1, 0],
      );
      assert.equal(
        members(log[0]),
        "claimed_at height id key name parents size status stores tip",
      );
      assert.deepEqual(
        log.map((entry) => entry.tip),
        [true, false, false],
      );
      const [first] = await desk.json("db", "log", "orchard", "--before", String(log[1]!.id));
      assert.equal(first!.id, log[2]!.id);
      assert.equal((await desk.json("db", "log", "orchard", "--status", "Failed")).length, 0);
      assert.equal((await desk.json("db", "log", "orchard", "-n", "1", "--store", "d")).length, 1);
      const tree = await desk.json("db", "tree", "orchard");
      assert.deepEqual(tree.map((entry) => entry.lane), [0, 0, 0]);
      await desk.ok("db", "tree", "orchard", "--svg", "o.svg");
      const svg = readFileSync(join(desk.cwd, "o.svg"), "utf8");
      assert.equal(svg.match(/<circle/g)!.length, 3);
      const part = String(log[0]!.id).slice(7, 15);
      const [shown] = await desk.json("db", "show", "orchard", part);
      assert.deepEqual(shown!.parents, [log[1]!.id]);
      const text = await desk.ok("db", "show", "orchard", String(log[1]!.id));
      assert.ok(text.includes("\\u{1b}[2J") && !text.includes("\x1b[2J"), text);
      const [why] = await desk.json("explain", part);
      assert.equal(why!.status, "Verified");
      const checks = why!.checks as { check: string; ok: boolean }[];
      assert.equal(checks.length, 7);
      assert.ok(checks.every(({ ok }) => ok), JSON.stringify(checks));
      await desk.fails(1, /Cannot find an entry/, "db", "show", "orchard", "zzzz");
      assert.match(
        await desk.ok("explain", "SigningKeyMismatch"),
        /^SigningKeyMismatch: .*\n +Causes/,
      );
      await desk.fails(1, /did you mean "PermissionDenied"/, "explain", "PermissionDenid");
    }));
  it("keys are listed, granted and revoked; a dry run writes nothing", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const key = "ed25519:" + "A".repeat(43) + "=";
      const [own] = (await desk.json("db", "keys", "orchard"))[0] as unknown as [{ key: string }];
      assert.equal(members(own), "key name permission status via");
      const grant = ["db", "keys", "orchard", "grant", own.key, "write:10"];
      await desk.fails(1, /Cannot give up Admin/, ...grant);
      const everyone = ["db", "keys", "orchard", "grant", "everyone", "read"];
      const [plan] = await desk.json(...everyone, "--dry-run");
      assert.equal(members(plan), "dry_run effects entry signs_with unchanged warnings");
      assert.equal(plan!.entry, null);
      assert.equal((await desk.json("db", "log", "orchard")).length, 1);
      const [done] = await desk.json(...everyone);
      assert.match(String(done!.entry), /^bafyr4i/);
      assert.match(await desk.ok("db", "keys", "orchard"), /Read +Active +everyone/);
      await desk.ok("db", "keys", "orchard", "revoke", "everyone");
      assert.match(await desk.ok("db", "keys", "orchard"), /Revoked +everyone/);
      await desk.fails(2, /needs a permission/, "db", "keys", "orchard", "grant", key);
      await desk.fails(2, /did you mean revoke/, "db", "keys", "orchard", "revok", key);
    }));
  it("what was exported comes back, rows and history; what is broken is told by its line", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const rows = Array.from({ length: 600 }, (_, at) => ({ key: `k${at}`, value: { at } }));
      const lines = rows.map((row) => JSON.stringify(row));
      writeFileSync(join(desk.cwd, "in.ndjson"), lines.join("\n"));
      const into = ["db", "import", "in.ndjson", "--db", "orchard", "--rows", "t"];
      assert.deepEqual(await desk.json(...into), [{ rows: 600, written: 600 }]);
      assert.deepEqual(await desk.json(...into), [{ rows: 600, written: 0 }]);
      await desk.ok("db", "export", "orchard", "--rows", "t", "-o", "out.ndjson");
      const out = readFileSync(join(desk.cwd, "out.ndjson"), "utf8").trim().split("\n");
      // A pipe takes less at once than there is, and nothing of it is lost.
      const long = { key: "long", value: { text: "x".repeat(300_000) } };
      writeFileSync(join(desk.cwd, "long.ndjson"), JSON.stringify(long));
      await desk.ok("db", "import", "long.ndjson", "--db", "orchard", "--rows", "u");
      const piped = await desk.ok("db", "get", "orchard", "u");
      assert.deepEqual(JSON.parse(piped), long);
      assert.deepEqual(out.sort(), lines.sort());
      writeFileSync(join(desk.cwd, "bad.ndjson"), `${lines[0]}\n{"key":1}\n`);
      await desk.fails(
        1,
        /line 2: /,
        "db",
        "import",
        "bad.ndjson",
        "--db",
        "orchard",
        "--rows",
        "t",
      );
      await desk.ok("db", "export", "orchard", "-o", "all.ndjson");
      assert.ok(!existsSync(join(desk.cwd, "all.ndjson.part")));
      const history = readFileSync(join(desk.cwd, "all.ndjson"), "utf8").trim().split("\n");
      assert.equal(Entry.fromJSON(history[1]!).isRoot, true);
      await inFolder(async (cwd) => {
        const other = new Desk(cwd);
        await other.ok("daemon", "init", "--username", "bob", "--passwordless");
        const file = join(desk.cwd, "all.ndjson");
        const [report] = await other.json("db", "import", file);
        assert.equal(report!.verified, history.length - 1);
        assert.equal((await other.ok("db", "get", "orchard", "t")).split("\n").length, 601);
        assert.deepEqual(await other.json("db", "verify", "orchard", "--again"), [
          { verified: history.length - 1, unverified: 0, failed: 0, entries: [] },
        ]);
      });
      await desk.fails(1, /not that of an exported history/, "db", "import", "in.ndjson");
      await desk.fails(1, /there is none/, "db", "import", "none.ndjson");
    }));
  it("an import that is interrupted ends with 130 after a part, and a second run goes on", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const lines = Array.from({ length: 700 }, (_, at) => `{"key":"k${at}","value":{"at":${at}}}`);
      const words = ["db", "import", "-", "--db", "orchard", "--rows", "t"];
      const input = `${lines.join("\n")}\n`;
      const first = new Running(words, { cwd: desk.cwd, input, staysOpen: true });
      // Input that never ends: 500 rows are a part, the others wait for more.
      const count = async () =>
        (await desk.ok("db", "log", "orchard", "--json")).split("\n").length;
      while (await count() < 3) assert.equal(first.child.exitCode, null, first.stderr);
      const { code, stderr } = await first.stop("SIGINT");
      assert.equal(code, 130, stderr);
      assert.match(stderr, /What was done stays done/);
      const again = await eidetica([...words, "--json"], { cwd: desk.cwd, input });
      assert.deepEqual(JSON.parse(again.stdout), { rows: 700, written: 200 });
      const [listed] = await desk.json("db", "list", "--long") as unknown as [object[]];
      assert.equal(members(listed[0]), "entries id name tips");
    }));
  it("watch tells what another process writes, as lines of JSON, and ends with 0", () =>
    atDesk(async (desk) => {
      await desk.ok("db", "create", "orchard");
      const watch = new Running(["db", "watch", "orchard", "--json"], { cwd: desk.cwd });
      await watch.errors(/Watching orchard/);
      await desk.ok("db", "set", "orchard", "d", "a", "1", "--doc");
      const [line] = await watch.until(/^\{.*"type":"write".*\}$/m);
      const event = JSON.parse(line);
      assert.equal(members(event), "entries post_tips previous_tips source type");
      const { code, stdout } = await watch.stop("SIGINT");
      assert.equal(code, 0);
      assert.match(stdout, /\{"reason":"SIGINT","type":"end"\}\n$/);
    }));
});

describe("commands of an instance", () => {
  it("users are made, listed, kept out and let in; passwords come from files alone", () =>
    atDesk(async (desk) => {
      const [added] = await desk.json("user", "add", "ben", "--passwordless");
      assert.equal(members(added), "name passwordless uuid");
      writeFileSync(join(desk.cwd, "p"), "correct horse\n");
      writeFileSync(join(desk.cwd, "q"), "battery staple\n");
      await desk.fails(1, /there are 2 users.*\n.*ada, ben/, "db", "create", "x");
      const cyd = ["user", "add", "cyd", "--new-password-file", "p"];
      await desk.ok(...cyd, "--user", "ada");
      await desk.fails(1, /Error: /, ...cyd, "--user", "ada");
      await desk.fails(1, /no terminal/, "db", "create", "x", "--user", "cyd", "--no-input");
      await desk.fails(1, /Error: /, "db", "create", "x", "--user", "cyd", "--password-file", "q");
      await desk.ok("db", "create", "x", "--user", "cyd", "--password-file", "p");
      const [changed] = await desk.json(
        ...["user", "passwd", "cyd", "--password-file", "p", "--new-password-file", "q"],
      );
      assert.deepEqual(changed, { keys: 1, name: "cyd" });
      await desk.ok("db", "create", "y", "--user", "cyd", "--password-file", "q");
      await desk.fails(1, /Error: /, "user", "disable", "ben", "--user", "ben");
      await desk.ok("user", "disable", "ben", "--user", "ada");
      await desk.fails(1, /UserDisabled/, "db", "create", "z", "--user", "ben");
      const [users] = await desk.json("user", "list") as unknown as [{ disabled: boolean }[]];
      assert.deepEqual(users.map(({ disabled }) => disabled), [false, true, false]);
      assert.equal(members(users[0]), "admin disabled name passwordless uuid");
      await desk.ok("user", "disable", "ben", "--enable", "--user", "ada");
      const instance = await Instance.connect(`sqlite://${join(desk.cwd, "eidetica.db")}`);
      await instance.loginUser("ben");
      await instance.loginUser("cyd", "battery staple");
      await instance.close();
    }));
  it("doctor and completion", () =>
    atDesk(async (desk) => {
      const [findings] = await desk.json("doctor") as unknown as [
        { check: string; state: string }[],
      ];
      assert.ok(findings.every(({ state }) => state !== "fail"), JSON.stringify(findings));
      assert.equal(members(findings[0]), "check detail next state");
      await desk.ok("db", "create", "orchard");
      const words = async (...typed: string[]) =>
        (await desk.ok("complete", "--", ...typed)).split("\n").map((line) => line.split("\t")[0]!)
          .filter((value) => value !== "");
      assert.deepEqual(await words("db", "sh"), ["show", "share"]);
      assert.ok((await words("serve", "--po")).includes("--port"));
      assert.deepEqual(await words("info", "--backend", "s"), ["sqlite"]);
      assert.deepEqual(await words("completion", "z"), ["zsh"]);
      for (const shell of ["bash", "zsh", "fish", "powershell"]) {
        assert.match(await desk.ok("completion", shell), /eidetica complete --/);
      }
      await desk.fails(2, /did you mean 'zsh'/, "completion", "zs");
    }));
});
