import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Instance, NewUser, Table } from "../../mod.ts";
import { hasCode, withFolder } from "./places.ts";

const ROWS = 600;

/** The text of a snapshot with a database of so many rows, each in an entry of its own. */
async function snapshotOf(rows: number): Promise<string> {
  const { instance, user } = await Instance.connectOrCreate("memory:", NewUser.passwordless("ada"));
  const database = await user!.createDatabase({ name: "kept" });
  for (let at = 0; at < rows; at++) {
    await database.withTransaction(async (tx) => {
      await (await tx.getStore(Table, "rows")).set(String(at), { at });
    });
  }
  const text = await instance.snapshotText();
  await instance.close();
  return text;
}

let large: Promise<string> | undefined;
const largeSnapshot = () => large ??= snapshotOf(ROWS);

describe("the text of a snapshot", () => {
  it("13 §2 opens as the instance that it was, which goes on in memory", async () => {
    const text = await snapshotOf(3);
    const instance = await Instance.fromSnapshotText(text);
    assert.deepEqual(JSON.parse(await instance.snapshotText()), JSON.parse(text));
    const user = await instance.loginUser("ada");
    const [database] = await user.findDatabase("kept");
    const rows = await database!.getStoreViewer(Table, "rows");
    assert.equal(await rows.count(), 3);
    await user.createDatabase({ name: "more" });
    await instance.flush();
    const again = await Instance.fromSnapshotText(await instance.snapshotText());
    assert.equal((await (await again.loginUser("ada")).findDatabase("more")).length, 1);
    await again.close();
    await instance.close();
  });

  it("readOnly refuses writes", async () => {
    const instance = await Instance.fromSnapshotText(await snapshotOf(1), { readOnly: true });
    const user = await instance.loginUser("ada");
    await assert.rejects(user.createDatabase({}), hasCode("ReadOnly"));
    await instance.close();
  });

  it("what is none is InvalidSnapshot, what holds no instance NotInitialized", async () => {
    for (const text of ["", "no", "[]", '{"entries":{"x":{}}}', '{"entries":{},"_v":1}']) {
      await assert.rejects(Instance.fromSnapshotText(text), hasCode("InvalidSnapshot"), text);
    }
    const empty = Instance.fromSnapshotText('{"entries":{}}');
    await assert.rejects(empty, hasCode("NotInitialized"));
    for (const value of [undefined, null, 5, {}]) {
      const opening = Instance.fromSnapshotText(value as unknown as string);
      await assert.rejects(opening, hasCode("InvalidArgument"));
    }
  });

  it("progress is told in entries, up to the last, from a file as well", () =>
    withFolder(async (folder) => {
      const text = await largeSnapshot();
      const total = Object.keys(JSON.parse(text).entries).length;
      const path = join(folder, "s.json");
      writeFileSync(path, text);
      for (
        const open of [
          (onProgress: (progress: { done: number }) => void) =>
            Instance.fromSnapshotText(text, { onProgress }),
          (onProgress: (progress: { done: number }) => void) =>
            Instance.connect(`memory://${path}`, { onProgress }),
        ]
      ) {
        const told: number[] = [];
        const instance = await open(({ done }) => void told.push(done));
        await instance.close();
        assert.deepEqual(told, [0, 256, 512, total]);
      }
    }));

  it("00 §C6 an abort is heard between two parts, and what onProgress throws ends it too", async () => {
    const text = await largeSnapshot();
    const controller = new AbortController();
    const { signal } = controller;
    const told: number[] = [];
    const onProgress = ({ done }: { done: number }) => {
      told.push(done);
      if (done === 256) controller.abort(new Error("enough"));
    };
    const opening = Instance.fromSnapshotText(text, { signal, onProgress });
    await assert.rejects(opening, hasCode("Aborted", "enough"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(told, [0, 256], "it went on");
    const thrown = new Error("no more");
    const throwing = () => {
      throw thrown;
    };
    await assert.rejects(
      Instance.fromSnapshotText(text, { onProgress: throwing }),
      (error) => error === thrown,
    );
  });
});
