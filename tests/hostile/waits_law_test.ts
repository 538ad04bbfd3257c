/** Laws of entries that wait for many others, in any order of arrival. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "../helpers/fast_check.ts";
import type { Entry, Instance } from "../../mod.ts";
import { MIN_COUNTED } from "../../src/backend/backlog/wait_counts.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { forgetCounts } from "../helpers/old_heads.ts";
import { cases } from "../helpers/thorough.ts";
import { checkWaits } from "../helpers/wait_check.ts";
import { Dice } from "./history.ts";
import { EMPTY, Kept, over, settingsOf, siblings } from "./waiting.ts";
import { inWorld, onTip, type World } from "./world.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
/** Of this history some are valid, some not, and some wait for ever. */
const EVERY_STATUS = 10;
/** What storages with small commits take, and one entry of those below may need. */
const SMALL = 300;

/** Entries that wait for nobody, of every kind that can be named. */
interface Ground {
  readonly good: readonly Entry[];
  readonly settings: readonly Entry[];
  readonly bad: readonly Entry[];
}

function groundOf(world: World): Ground {
  return {
    good: siblings(world, 12),
    settings: settingsOf(world, 10),
    bad: [
      onTip(world, { key: world.people.stranger, stores: { s: { data: EMPTY } } }),
      onTip(world, { stores: { other: { data: EMPTY } } }),
      onTip(world, { height: 1000, stores: { s: { data: EMPTY } } }),
    ],
  };
}

/** Some of these, often so many that they are counted. */
function some(dice: Dice, from: readonly Entry[]): Entry[] {
  const least = Math.min(from.length, MIN_COUNTED - 2);
  return dice.shuffled(from).slice(0, least + dice.below(from.length - least + 1));
}

/** An entry on top of what there is, most often right. */
function waiterOn(world: World, dice: Dice, ground: Ground, waiters: Entry[]): Entry {
  const label = `w${waiters.length}`;
  const good = [...ground.good, ...waiters];
  const any = [...good, ...ground.bad, ...ground.settings];
  const pick = () => some(dice, dice.below(4) > 0 ? good : any);
  const isPinned = dice.below(3) === 0;
  const from = dice.below(6) > 0 ? ground.settings : any;
  const pin = isPinned ? some(dice, from) : [world.revoked];
  const parents = isPinned && dice.below(2) > 0 ? [world.last] : pick();
  const lie = { pin: pin.map(({ id }) => id), ...dice.below(5) === 0 && { height: 6 } };
  return over(world, parents, label, lie, dice.below(2) > 0 ? parents : pick());
}

function waitersOn(world: World, dice: Dice, ground: Ground): Entry[] {
  const waiters: Entry[] = [];
  for (let left = 1 + dice.below(5); left > 0; left--) {
    waiters.push(waiterOn(world, dice, ground, waiters));
  }
  return waiters;
}

/** Everything in an order that the dice decide, in batches; some of the ground never comes. */
function batchesOf(dice: Dice, ground: Ground, waiters: readonly Entry[]): Entry[][] {
  const all = [...ground.good, ...ground.settings, ...ground.bad];
  const isWhole = dice.below(2) > 0;
  const left = dice.shuffled([...isWhole ? all : some(dice, all), ...waiters]);
  const batches: Entry[][] = [];
  while (left.length > 0) batches.push(left.splice(0, 1 + dice.below(3)));
  return batches;
}

async function statusesOf(node: Instance, entries: readonly Entry[]): Promise<string[]> {
  const found = entries.map(async ({ id }) => {
    const status = await node.backend.getVerificationStatus(id).catch(() => "refused");
    return `${id} ${status}`;
  });
  return (await Promise.all(found)).sort();
}

interface Run {
  readonly changes?: Partial<StorageDriver>;
  /** Is done after every batch. */
  readonly between?: (kept: Kept) => Promise<unknown>;
  readonly restarts?: boolean;
}

/** What a node thinks in the end of what it gets in these batches. */
async function judged(
  world: World,
  batches: readonly (readonly Entry[])[],
  { changes, between, restarts }: Run = {},
): Promise<string[]> {
  const kept = new Kept();
  let node = await kept.create(world, changes);
  for (const batch of batches) {
    if (restarts || between) await node.close();
    await between?.(kept);
    if (restarts || between) node = await kept.reopen(changes);
    await node.putRemoteEntries(world.root.id, batch);
    await checkWaits(kept.storage);
  }
  const statuses = await statusesOf(node, batches.flat());
  await node.close();
  return statuses;
}

it("the status of entries that wait for many is the same in every order, counted or not, with restarts, and in small commits", () =>
  inWorld(async (world) => {
    const ground = groundOf(world);
    const seen = new Set<string>();
    const { capabilities } = new Kept().storage;
    const small = { capabilities: { ...capabilities, maxBatchChanges: SMALL } };
    const law = fc.asyncProperty(seeds, async (seed) => {
      const dice = new Dice(seed);
      const waiters = waitersOn(world, dice, ground);
      const batches = batchesOf(dice, ground, waiters);
      const whole = await judged(world, [batches.flat()]);
      const runs: Record<string, Run> = {
        counted: {},
        restarted: { restarts: true },
        // As before there were counts: each arrival judges all that wait for it.
        uncounted: { between: ({ storage }) => forgetCounts(storage) },
        small: { changes: small },
      };
      for (const [name, run] of Object.entries(runs)) {
        assert.deepEqual(await judged(world, batches, run), whole, name);
      }
      const waiting = new Set(waiters.map(({ id }) => `${id}`));
      for (const line of whole) {
        const [id, status] = line.split(" ");
        if (waiting.has(id!)) seen.add(status!);
      }
    });
    // One history ends with all three, whatever the others do.
    await fc.assert(law, { numRuns: cases(20), examples: [[EVERY_STATUS]] });
    assert.deepEqual([...seen].sort(), ["Failed", "Unverified", "Verified"]);
  }));

it("two nodes on one storage count together, whoever comes in between", () =>
  inWorld(async (world) => {
    const all = siblings(world, 24);
    const waiters = Array.from({ length: 6 }, (_, at) => over(world, all.slice(at), `w${at}`));
    const kept = new Kept();
    const first = await kept.create(world);
    let before: (() => Promise<unknown>) | undefined;
    let conflicts = 0;
    const second = await kept.reopen({
      commit: async (batch) => {
        const action = before;
        before = undefined;
        await action?.();
        const result = await kept.storage.commit(batch);
        if (!result.ok) conflicts++;
        return result;
      },
    });
    const put = (node: Instance, ...entries: Entry[]) =>
      node.putRemoteEntries(world.root.id, entries);
    before = () => put(first, ...waiters.slice(0, 3));
    await put(second, ...waiters.slice(3));
    for (let at = 0; at < all.length; at += 2) {
      before = () => put(first, all[at]!);
      await put(second, all[at + 1]!);
      await checkWaits(kept.storage);
    }
    assert.equal(conflicts, 1 + all.length / 2);
    for (const node of [first, second]) {
      const statuses = await statusesOf(node, waiters);
      assert.ok(statuses.every((line) => line.endsWith(" Verified")), `${statuses}`);
    }
    assert.equal(await checkWaits(kept.storage), 0);
    await first.close();
    await second.close();
  }));
