import assert from "node:assert/strict";
import { it } from "node:test";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { cases, timeLimit } from "../helpers/thorough.ts";
import { killAfterLines, runChild, runTogether, startChild } from "./child.ts";

const PROCESSES = 4;
const INCREMENTS = cases(60);
const TIMEOUT_MS = timeLimit(240_000);

/** Opens a storage of this process at a place. */
export type OpenAt = (place: string) => Promise<StorageDriver>;

/** A race of processes for one key: no increment is lost, whoever wins. */
export function testRace(kind: string, place: () => string | Promise<string>, open: OpenAt): void {
  it(`of ${PROCESSES} processes that race for one key none loses an increment`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const at = await place();
    const start = () => startChild("increment.ts", kind, at, String(INCREMENTS));
    await runTogether(Array.from({ length: PROCESSES }, start));
    const storage = await open(at);
    const counter = await storage.get(utf8("counter"));
    await storage.close();
    assert.equal(fromUtf8(counter!.value), String(PROCESSES * INCREMENTS));
  });
}

/** A process that is killed while it commits: all it acknowledged is there, and no half batch. */
export function testKill(kind: string, place: () => string | Promise<string>, open: OpenAt): void {
  for (const lines of [3, 40, 200]) {
    it(`after kill -9 at commit ${lines} all that was acknowledged is there, in whole batches`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      const at = await place();
      const said = await killAfterLines(startChild("write_forever.ts", kind, at), lines);
      const storage = await open(at);
      const [a, b, c] = await Promise.all(["a", "b", "c"].map((name) => countOf(storage, name)));
      await storage.close();
      assert.ok(a! >= said.length, `${a} of ${said.length} acknowledged batches are there`);
      assert.deepEqual([b, c], [a, a]);
    });
  }
}

/** A process that forgets to close its storage ends all the same. */
export function testExit(kind: string, place: () => string | Promise<string>): void {
  it("a process that leaves a watched storage open ends by itself", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await runChild(60_000, "leave_open.ts", kind, await place());
  });
}

async function countOf(storage: StorageDriver, name: string): Promise<number> {
  let count = 0;
  for await (const page of storage.list({ start: utf8(`${name}/`), end: utf8(`${name}0`) })) {
    for (const { value } of page) {
      assert.equal(Number(fromUtf8(value).replaceAll(".", "")), count++);
    }
  }
  return count;
}
