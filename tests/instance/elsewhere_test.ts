import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Database, DocStore, Instance, NewUser, type WriteEvent } from "../../mod.ts";
import { withFolder } from "./places.ts";

const commit = (db: Database, key: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, "v"));

/** Two instances on one storage, as two processes would have it, and the first one's events. */
async function withTwo(
  url: string,
  test: (
    mine: Database,
    theirs: Database,
    events: WriteEvent[],
    next: () => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const first = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const mine = await first.user!.createDatabase({ name: "shared" });
  const second = await Instance.connect(url);
  const theirs = await (await second.loginUser("ada")).openDatabase(mine.rootId);
  const events: WriteEvent[] = [];
  let wake = (): void => {};
  (await mine.onWrite((event) => {
    events.push(event);
    wake();
  })).detach();
  const next = (): Promise<void> => new Promise((resolve) => wake = resolve);
  await test(mine, theirs, events, next);
  await first.instance.close();
  await second.close();
}

async function checkEvents(url: string): Promise<void> {
  await withTwo(url, async (mine, theirs, events, next) => {
    const heard = next();
    await commit(theirs, "elsewhere");
    // The storage may tell of it late, and one event may tell of several writes; none is lost.
    const keepAlive = setInterval(() => {}, 1000);
    await heard;
    clearInterval(keepAlive);
    assert.equal(events[0]!.source, "remote");
    assert.equal(events[0]!.entries.length, 1);
    await commit(theirs, "again");
    await commit(mine, "here");
    const all = events.flatMap((event) => event.entries.map((entry) => `${entry.id}`));
    const wanted = (await mine.getAllEntries()).slice(1).map((entry) => `${entry.id}`);
    assert.deepEqual(all.sort(), wanted.sort(), "every entry exactly once");
    for (let at = 1; at < events.length; at++) {
      assert.ok(events[at]!.previousTips.equals(events[at - 1]!.postTips));
    }
  });
}

describe("writes of other processes", () => {
  it(
    "00 §C2 reach the callbacks as remote events, on SQLite",
    { timeout: 60_000 },
    () => withFolder((folder) => checkEvents(`sqlite://${join(folder, "x.db")}`)),
  );

  it(
    "00 §C2 reach the callbacks as remote events, on files",
    { timeout: 60_000 },
    () => withFolder((folder) => checkEvents(`file://${join(folder, "store")}`)),
  );

  it("00 §C2 reach the callbacks as remote events, on Deno KV", {
    skip: "Deno" in globalThis ? false : "Deno KV is there on Deno alone",
    timeout: 60_000,
  }, () => withFolder((folder) => checkEvents(`denokv:${join(folder, "kv.db")}`)));
});
