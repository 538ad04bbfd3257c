import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, DocStore, Instance, NewUser } from "../../mod.ts";
import { freePort } from "../transport/bed.ts";

const put = (db: Database, key: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, "there"));

async function keysOf(db: Database): Promise<string[]> {
  return [...(await (await db.getStoreViewer(DocStore, "s")).getAll()).keys()].sort();
}

describe("a peer that comes back with an older copy", () => {
  it("10#18 is brought in step by flush, also with what it had before", async () => {
    const port = await freePort();
    const { instance: a, user } = await Instance.connectOrCreate(
      "memory://",
      NewUser.passwordless("ada"),
    );
    await (await a.enableSync()).serve({ port });
    const made = await user!.createDatabase({ name: "notes" });
    await made.grant("everyone", "write");
    const ticket = await user!.share(made);
    const { instance: b, user: bob } = await Instance.connectOrCreate(
      "memory://",
      NewUser.passwordless("bob"),
    );
    await b.enableSync();
    const copy = await bob!.join(ticket);
    const older = await a.snapshotText();
    await put(copy, "one");
    await b.flushSync();
    assert.deepEqual(await keysOf(made), ["one"]);
    await a.close();
    await put(copy, "two");
    await assert.rejects(b.flushSync(), { code: "Network" });

    const restored = await Instance.fromSnapshotText(older);
    await (await restored.enableSync()).serve({ port });
    await b.flushSync();
    const again = await (await restored.loginUser("ada")).openDatabase(made.rootId);
    assert.deepEqual(await keysOf(again), ["one", "two"]);
    await b.close();
    await restored.close();
  });
});
