/** Entries that wait for many others, and processes that die at any of their commits. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry } from "../../mod.ts";
import { forgetCounts } from "../helpers/old_heads.ts";
import { checkWaits } from "../helpers/wait_check.ts";
import { failing, hasCode } from "../instance/places.ts";
import { Kept, over, siblings } from "../hostile/waiting.ts";
import { inWorld, type World } from "../hostile/world.ts";

/** So few that what one arrival does takes several commits. */
const SMALL = 80;
const WAITING = 6;

function entriesOf(world: World): { all: Entry[]; waiters: Entry[] } {
  const all = siblings(world, 10);
  const waiters = Array.from({ length: WAITING }, (_, at) => over(world, all, `w${at}`));
  return { all, waiters };
}

/** A node gets these one by one, but dies at a commit; another one goes on. Says whether it has died. */
async function diesAt(
  failAt: number,
  world: World,
  { all, waiters }: ReturnType<typeof entriesOf>,
  isOld: boolean,
): Promise<boolean> {
  const kept = new Kept();
  const capabilities = { ...kept.storage.capabilities, maxBatchChanges: SMALL };
  const setUp = await kept.create(world, { capabilities });
  if (isOld) await setUp.putRemoteEntries(world.root.id, waiters);
  await setUp.close();
  if (isOld) await forgetCounts(kept.storage);
  const steps = [...isOld ? [] : waiters, ...all];
  const storage = failing(kept.view({ capabilities }), failAt);
  let node = await kept.reopen(storage);
  let hasDied = false;
  for (const entry of steps) {
    const put = () => node.putRemoteEntries(world.root.id, [entry]);
    const error: unknown = await put().then(() => undefined, (error) => error);
    if (error === undefined) continue;
    assert.ok(hasCode("DiskFull")(error), `${error}`);
    hasDied = true;
    await checkWaits(kept.storage);
    node = await kept.reopen({ capabilities });
    await put();
  }
  await checkWaits(kept.storage);
  for (const { id } of [...all, ...waiters]) {
    assert.equal(await node.backend.getVerificationStatus(id), "Verified");
  }
  assert.equal(await checkWaits(kept.storage), 0);
  await node.close();
  return hasDied;
}

describe("a node that dies while entries wait for many", () => {
  for (const isOld of [false, true]) {
    it(`loses no count and nobody who waits, at any commit${isOld ? ", also on a storage without counts" : ""}`, () =>
      inWorld(async (world) => {
        const entries = entriesOf(world);
        let commits = 0;
        while (await diesAt(commits + 1, world, entries, isOld)) commits++;
        assert.ok(commits > entries.all.length, `${commits} commits`);
      }));
  }
});
