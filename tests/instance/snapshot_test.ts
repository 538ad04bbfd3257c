import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type Database, DocStore, Instance, NewUser } from "../../mod.ts";
import { noDisk, withDisk } from "../helpers/small_disk.ts";
import { hasCode, runProcess, startProcess, withFolder } from "./places.ts";

const isWindows = process.platform === "win32" && "neither links nor pipes here";
const ada = NewUser.passwordless("ada");
const commit = (db: Database, key: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, "v"));

/** The keys in the store of the database "kept" of a snapshot file. */
async function keysIn(path: string): Promise<string[]> {
  const instance = await Instance.connect(`memory://${path}`);
  try {
    const [db] = await (await instance.loginUser("ada")).findDatabase("kept");
    return [...(await (await db!.getStoreViewer(DocStore, "s")).getAll()).keys()];
  } finally {
    await instance.close();
  }
}

describe("snapshot files", () => {
  it("00 §C5 are their owner's alone from the start, also in place of one that was not", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const { instance } = await Instance.connectOrCreate(`memory://${path}`, ada);
      await instance.flush();
      assert.equal(statSync(path).mode & 0o777, 0o600);
      chmodSync(path, 0o644);
      await instance.flush();
      assert.equal(statSync(path).mode & 0o777, 0o600);
      const copy = join(folder, "copy.json");
      writeFileSync(copy, "old", { mode: 0o666 });
      await instance.snapshotToPath(copy);
      assert.equal(statSync(copy).mode & 0o777, 0o600);
      await instance.close();
      assert.deepEqual(readdirSync(folder).sort(), ["copy.json", "s.json"]);
    }));

  it("07#19,#21 what was deleted after a flush is written again by close", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const { instance } = await Instance.connectOrCreate(`memory://${path}`, ada);
      await instance.flush();
      rmSync(path);
      await instance.close();
      assert.equal(existsSync(path), true);
      const again = await Instance.connectOrCreate(`memory://${path}`, NewUser.passwordless("eve"));
      assert.equal(again.user, undefined);
      assert.equal((await again.instance.loginUser("ada")).username, "ada");
      await again.instance.close();
    }));

  for (const how of ["end", "exit", "throw"]) {
    it(`13 §2, 07#20 a process that leaves its instance open saves it when it ends: ${how}`, {
      timeout: 60_000,
    }, () =>
      withFolder(async (folder) => {
        const path = join(folder, "s.json");
        const child = runProcess("snapshot_main.ts", path, how);
        if (how === "throw") await assert.rejects(child, /on purpose/);
        else await child;
        assert.deepEqual(readdirSync(folder), ["s.json"]);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.deepEqual(await keysIn(path), ["a"]);
      }));
  }

  it("07#20 a process that ends amid the closing of its instance has saved it", {
    timeout: 60_000,
  }, () =>
    withFolder(async (folder) => {
      await Promise.all([0, 1, 2, 3, 5, 8].map(async (turns) => {
        const path = join(folder, `${turns}.json`);
        await runProcess("snapshot_main.ts", path, `closing${turns}`);
        assert.deepEqual(await keysIn(path), ["a"], `after ${turns} turns`);
      }));
    }));

  it("07 §6 what was asked for before the closing is written before it", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const { instance } = await Instance.connectOrCreate(`memory://${path}`, ada);
      const copies = ["a.json", "b.json"].map((name) => join(folder, name));
      const writing = copies.map((copy) => instance.snapshotToPath(copy));
      await instance.close();
      await Promise.all(writing);
      for (const copy of [path, ...copies]) assert.ok(existsSync(copy), copy);
    }));

  it(
    "07 §6 a process that is killed while it saves leaves a whole file",
    { timeout: 60_000 },
    () =>
      withFolder(async (folder) => {
        const path = join(folder, "s.json");
        const child = startProcess("snapshot_main.ts", path, "forever");
        let lines = 0;
        await new Promise<void>((resolve) => {
          child.stdout!.on("data", (chunk) => {
            lines += String(chunk).split("\n").length - 1;
            if (lines >= 20) child.kill("SIGKILL");
          });
          child.on("close", () => resolve());
        });
        const keys = await keysIn(path);
        assert.ok(keys.length >= 21, `${keys.length} of ${lines} saved commits are there`);
      }),
  );

  it("07#24 a snapshot is of one moment, while commits go on", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const { instance, user } = await Instance.connectOrCreate(`memory://${path}`, ada);
      const db = await user!.createDatabase({ name: "kept" });
      const writing = Promise.all(Array.from({ length: 5 }, async (_, writer) => {
        for (let at = 0; at < 10; at++) await commit(db, `${writer} ${at}`);
      }));
      for (let at = 0; at < 10; at++) {
        const copy = join(folder, `copy${at}.json`);
        await instance.snapshotToPath(copy);
        const file = JSON.parse(readFileSync(copy, "utf8"));
        const ids = new Set(Object.keys(file.entries));
        assert.deepEqual(new Set(Object.keys(file.verification_status)), ids);
        for (const { tree_tips: tips } of Object.values(file.tips) as { tree_tips: string[] }[]) {
          assert.ok(tips.every((tip) => ids.has(tip)));
        }
        await keysIn(copy);
      }
      await writing;
      await instance.close();
      assert.equal((await keysIn(path)).length, 50, "what was committed before close is there");
    }));

  it("13 §2 readOnly leaves the file alone, and refuses writes", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const url = `memory://${path}`;
      const made = await Instance.connectOrCreate(url, ada);
      await made.user!.createDatabase({ name: "kept" });
      await made.instance.close();
      const before = readFileSync(path, "utf8");
      const instance = await Instance.connect(url, { readOnly: true });
      const user = await instance.loginUser("ada");
      const [db] = await user.findDatabase("kept");
      await assert.rejects(commit(db!, "a"), hasCode("ReadOnly"));
      await assert.rejects(user.createDatabase({}), hasCode("ReadOnly"));
      await instance.flush();
      await instance.close();
      assert.equal(readFileSync(path, "utf8"), before);
    }));

  it("a file that could never be saved is refused before anything depends on it", () =>
    withFolder(async (folder) => {
      const missing = join(folder, "no", "such", "x.json");
      const open = (path: string) => Instance.connectOrCreate(`memory://${path}`, ada);
      await assert.rejects(open(missing), hasCode("InvalidSnapshot", join(folder, "no", "such")));
      await assert.rejects(open(`${folder}/`), hasCode("InvalidSnapshot"));
      await assert.rejects(open(`${folder}/x.json/`), hasCode("InvalidSnapshot"));
      assert.deepEqual(readdirSync(folder), []);
    }));

  it("a file on a disk that is mounted for reading only is refused, and read when readOnly", {
    skip: noDisk(),
  }, () =>
    withDisk(4, async ({ folder, freeze }) => {
      const path = join(folder, "s.json");
      await (await Instance.connectOrCreate(`memory://${path}`, ada)).instance.close();
      freeze();
      await assert.rejects(
        Instance.connect(`memory://${path}`),
        hasCode("InvalidSnapshot", "mounted for reading only"),
      );
      await (await Instance.connect(`memory://${path}`, { readOnly: true })).close();
    }));

  it(
    "what is no file is refused, and not waited at",
    { skip: isWindows },
    () =>
      withFolder(async (folder) => {
        const pipe = join(folder, "pipe");
        execFileSync("mkfifo", [pipe]);
        for (const readOnly of [false, true]) {
          const opening = Instance.connect(`memory://${pipe}`, { readOnly });
          await assert.rejects(opening, hasCode("InvalidSnapshot", "no file"));
        }
      }),
  );

  it("a link stays, and what it leads to is replaced, even when that is missing", {
    skip: isWindows,
  }, () =>
    withFolder(async (folder) => {
      const [link, target] = [join(folder, "link.json"), join(folder, "there", "s.json")];
      mkdirSync(join(folder, "there"));
      symlinkSync("there/s.json", link);
      const { instance } = await Instance.connectOrCreate(`memory://${link}`, ada);
      await instance.flush();
      await instance.snapshotToPath(link);
      await assert.rejects(Instance.connect(`memory://${target}`), hasCode("Busy"));
      await instance.close();
      assert.equal(lstatSync(link).isSymbolicLink(), true);
      assert.deepEqual(readdirSync(join(folder, "there")), ["s.json"]);
      await (await Instance.connect(`memory://${target}`)).close();
    }));

  it("a file has one holder; others are told who, may read it, and get it when it is free", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const url = `memory://${path}`;
      const { instance } = await Instance.connectOrCreate(url, ada);
      await instance.flush();
      const who = `process ${process.pid}`;
      await assert.rejects(Instance.connect(url), hasCode("Busy", who, path));
      await assert.rejects(Instance.connectOrCreate(url, ada), hasCode("Busy", who));
      const other = await Instance.connectOrCreate("memory:", ada);
      await assert.rejects(other.instance.snapshotToPath(path), hasCode("Busy", who));
      await (await Instance.connect(url, { readOnly: true })).close();
      await instance.close();
      await other.instance.snapshotToPath(path);
      await other.instance.close();
      await (await Instance.connect(url)).close();
      // A failed opening holds nothing either.
      writeFileSync(path, "{}");
      await assert.rejects(Instance.connect(url), hasCode("InvalidSnapshot"));
      assert.deepEqual(readdirSync(folder), ["s.json"]);
    }));

  it("two that open one file at the same moment do not both get it", () =>
    withFolder(async (folder) => {
      const url = `memory://${join(folder, "s.json")}`;
      const opening = [1, 2, 3].map(() => Instance.connectOrCreate(url, ada));
      const results = await Promise.allSettled(opening);
      const opened = results.filter((result) => result.status === "fulfilled");
      assert.equal(opened.length, 1);
      for (const { value } of opened) await value.instance.close();
    }));

  it("an opening that is aborted has let go of its file when it fails, wherever it was", () =>
    withFolder(async (folder) => {
      const url = `memory://${join(folder, "s.json")}`;
      const { instance, user } = await Instance.connectOrCreate(url, ada);
      const db = await user!.createDatabase({ name: "x" });
      for (let at = 0; at < 20; at++) await commit(db, `${at}`);
      await instance.close();
      for (let turns = 0; turns < 8; turns++) {
        const controller = new AbortController();
        const opening = Instance.connect(url, { signal: controller.signal });
        const settled = opening.catch((error) => {
          assert.ok(hasCode("Aborted")(error), String(error));
        });
        for (let turn = 0; turn < turns; turn++) await setImmediate();
        controller.abort();
        await (await settled)?.close();
        await (await Instance.connect(url)).close();
      }
    }));

  it("an instance that is made although its opening was aborted leaves nothing to be done at the end", () =>
    withFolder(async (folder) => {
      for (let at = 0, isAborted = true; isAborted; at++) {
        const controller = new AbortController();
        let calls = 0;
        // Whatever is asked of the host is a moment at which somebody may give up.
        const told = <T>(value: T): T => {
          if (calls++ === at) controller.abort();
          return value;
        };
        const options = {
          random: {
            bytes: (length: number) => told(crypto.getRandomValues(new Uint8Array(length))),
          },
          signal: controller.signal,
        };
        const before = process.listenerCount("exit");
        const url = `memory://${join(folder, `${at}.json`)}`;
        const made = await Instance.connectOrCreate(url, ada, options).catch((error) => {
          assert.ok(hasCode("Aborted")(error), String(error));
        });
        isAborted = made === undefined;
        await made?.instance.close();
        for (let turn = 0; turn < 50; turn++) await setImmediate();
        assert.equal(process.listenerCount("exit"), before, `aborted at ${at}`);
      }
    }));

  for (const path of [false, true]) {
    it(`what is being written of an instance ${path ? "with" : "without"} a file is finished by close`, () =>
      withFolder(async (folder) => {
        const url = path ? `memory://${join(folder, "own.json")}` : "memory://";
        const { instance } = await Instance.connectOrCreate(url, ada);
        const other = join(folder, "other.json");
        const results = await Promise.all([
          instance.snapshotToPath(other),
          instance.snapshotText(),
          instance.close(),
        ]);
        assert.equal(readFileSync(other, "utf8"), results[1]);
        await assert.rejects(instance.snapshotToPath(other), hasCode("InstanceDropped"));
        await (await Instance.connect(`memory://${other}`)).close();
      }));
  }

  it("the mark of a holder that has died is in nobody's way", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const token = "00000000-0000-4000-8000-000000000000";
      for (
        const holder of [
          { token, pid: 4_194_300, host: hostname() },
          { token, pid: process.pid, host: "a container that is gone" },
          "torn",
        ]
      ) {
        writeFileSync(`${path}.lock`, JSON.stringify(holder));
        utimesSync(`${path}.lock`, new Date(0), new Date(0));
        await (await Instance.connectOrCreate(`memory://${path}`, ada)).instance.close();
        assert.deepEqual(readdirSync(folder), ["s.json"]);
      }
    }));

  it("what somebody else has put there meanwhile is kept, and one's own is saved beside it", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const { instance, user } = await Instance.connectOrCreate(`memory://${path}`, ada);
      await instance.flush();
      await commit(await user!.createDatabase({ name: "kept" }), "mine");
      writeFileSync(path, "theirs");
      const error = await instance.flush().then(() => undefined, (reason) => reason);
      assert.ok(hasCode("FileChanged", path)(error), String(error));
      assert.equal(readFileSync(path, "utf8"), "theirs");
      assert.deepEqual(await keysIn(error.fields.saved), ["mine"]);
      await instance.snapshotToPath(path);
      await instance.flush();
      await instance.close();
      assert.deepEqual(await keysIn(path), ["mine"]);
    }));

  it("07 §6 a store may have the name of a prototype's member", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const { instance, user } = await Instance.connectOrCreate(`memory://${path}`, ada);
      const db = await user!.createDatabase({ name: "kept" });
      for (const name of ["__proto__", "constructor"]) {
        await db.withTransaction(async (tx) =>
          await (await tx.getStore(DocStore, name)).set("k", name)
        );
      }
      await instance.close();
      const again = await Instance.connect(`memory://${path}`);
      const [found] = await (await again.loginUser("ada")).findDatabase("kept");
      for (const name of ["__proto__", "constructor"]) {
        assert.equal(await (await found!.getStoreViewer(DocStore, name)).getString("k"), name);
      }
      assert.match(readFileSync(path, "utf8"), /"__proto__": \[/);
      await again.close();
    }));
});
