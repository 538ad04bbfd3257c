import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Database, DocStore, Instance, NewUser } from "../../mod.ts";
import { hasCode, runProcess, startProcess, withFolder } from "./places.ts";

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
