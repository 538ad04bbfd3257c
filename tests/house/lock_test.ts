import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { loadScript } from "./run_script.ts";

interface Script {
  withLock<T>(lock: string, work: () => T, waitMs?: number): T;
}

const { withLock } = await loadScript<Script>("lock.mjs");

/** No process has this number. */
const NOBODY = 4_194_300;

function inFolder(test: (lock: string, folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-lock-"));
  try {
    test(join(folder, "lock"), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the lock of the scripts", () => {
  it("is held while the work goes on, and gone afterwards, also when the work fails", () =>
    inFolder((lock, folder) => {
      const { pid } = withLock(lock, () => JSON.parse(readFileSync(lock, "utf8")));
      assert.equal(pid, process.pid);
      assert.throws(() =>
        withLock(lock, () => {
          throw new Error("no");
        }), /no/);
      assert.deepEqual(readdirSync(folder), []);
    }));

  const skip = !existsSync("/proc/self/stat") && "nothing here tells when a process began";
  it(
    "of a process that is gone is taken over, also when its number is in use again",
    { skip },
    () =>
      inFolder((lock, folder) => {
        const host = hostname();
        const gone = [
          NOBODY,
          { pid: NOBODY, host, since: "a boot 1" },
          { pid: process.pid, host, since: "an earlier boot 1" },
          { pid: process.ppid, host, since: "an earlier boot 1" },
          "no lock of ours",
        ];
        for (const holder of gone) {
          writeFileSync(lock, JSON.stringify(holder));
          assert.equal(withLock(lock, () => 1, 5000), 1);
          assert.deepEqual(readdirSync(folder), []);
        }
      }),
  );

  it("of a living process, or of another machine, is waited for, and stays", () =>
    inFolder((lock, folder) => {
      for (const holder of [{ pid: process.pid }, { pid: NOBODY, host: "elsewhere" }]) {
        writeFileSync(lock, JSON.stringify(holder));
        assert.throws(() => withLock(lock, () => 1, 0), /Cannot go on while/);
        assert.deepEqual(readdirSync(folder), ["lock"]);
      }
    }));
});
