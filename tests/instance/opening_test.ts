import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { type Clock, Instance, NewUser } from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { failing, hasCode, withFolder } from "./places.ts";

const ada = NewUser.passwordless("ada");

describe("opening an instance", () => {
  for (const name of ["my notes", "Übersicht", "50%", "a#b", "who?", "a+b", "%20"]) {
    it(`00 §C4 pathToFileURL of a folder named "${name}" opens that folder`, () =>
      withFolder(async (folder) => {
        const path = join(folder, name);
        const { instance } = await Instance.connectOrCreate(pathToFileURL(path).href, ada);
        await instance.close();
        assert.deepEqual(readdirSync(folder), [name]);
        assert.deepEqual(readdirSync(path), ["journal"]);
      }));
  }

  it("a directory that can never be made is told at once", {
    skip: !existsSync("/proc/self") && "nothing here refuses folders so",
  }, async () => {
    const opening = Instance.connectOrCreate("file:///proc/eidetica-test", ada);
    await assert.rejects(opening, hasCode("CannotOpen", "/proc/eidetica-test"));
  });

  it("00 §C6 an abort is heard amid the making of a user with a password, at any point", async () => {
    const seed = NewUser.withPassword("ada", "a long password");
    for (const at of [1, 2, 3, 5]) {
      const storage = memoryStorage();
      const controller = new AbortController();
      const view = failing(storage, -1);
      const commit = view.commit.bind(view);
      view.commit = (batch) => {
        if (view.commits === at) controller.abort(new Error("enough"));
        return commit(batch);
      };
      const making = Instance.createBackend(view, seed, { signal: controller.signal });
      await assert.rejects(making, hasCode("Aborted", "enough"));
    }
  });

  it("00 §C6 the reason of an abort is the cause of its error", async () => {
    const reason = new Error("enough");
    const opening = Instance.connect("memory://", { signal: AbortSignal.abort(reason) });
    await assert.rejects(opening, { code: "Aborted", cause: reason });
  });

  it("a clock that lacks a method is refused before anything is made", async () => {
    const whole = { nowMillis: () => 0, nowSecs: () => 0, nowRfc3339: () => "1970-01-01" };
    for (const method of Object.keys(whole)) {
      const clock = { ...whole, [method]: undefined } as unknown as Clock;
      const opening = Instance.connectOrCreate("memory://", ada, { clock });
      await assert.rejects(opening, hasCode("InvalidArgument", method));
    }
  });
});
