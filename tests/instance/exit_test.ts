import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { SHARED_STORAGES, urlOf, whyNot } from "../helpers/shared.ts";
import { runProcess, withFolder } from "./places.ts";

/** A process that hangs is killed by the runner of the tests. */
const WANTED = "150 151 149\n";

for (const kind of SHARED_STORAGES) {
  it(`a program with a write handler that closes nothing ends by itself: ${kind}`, {
    skip: whyNot(kind),
  }, async () => {
    assert.equal(await runProcess("exit_main.ts", await urlOf(kind)), WANTED);
  });
}

it("so it does with a snapshot file, and with a password whose key is derived in a thread", async () => {
  await withFolder(async (folder) => {
    const url = `memory://${join(folder, "snapshot.json")}`;
    assert.equal(await runProcess("exit_main.ts", url, "secret"), WANTED);
  });
});
