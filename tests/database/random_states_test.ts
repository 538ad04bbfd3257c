import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, ID, Snapshot } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { cases } from "../helpers/thorough.ts";
import { peerWith, withDb } from "./bed.ts";
import { type Graph, grow, oracle, read, STORES, withFile } from "./random_history.ts";
import { shuffled } from "./replay.ts";

/** As many seeds as random tests try, from one on. */
function seeds(first: number, usual: number): number[] {
  return Array.from({ length: cases(usual) }, (_, at) => first + at);
}

async function checkAll(db: Database, graph: Graph, seed: number): Promise<void> {
  for (const at of shuffled(graph.snapshots, seed)) {
    for (const store of STORES) {
      const [ours, wanted] = [await read(db, store, at), oracle(graph.entries, at, store)];
      assert.ok(ours.equals(wanted), `seed ${seed}, ${store}: ${ours.stringify()}`);
    }
  }
}

describe("states of random histories", () => {
  it("06#32,#33,#36 every state is the slow fold, whatever was read and cached before", async () => {
    for (const seed of seeds(1, 6)) {
      const clock = new FixedClock();
      await withDb(async ({ instance, db }) => {
        const graph = await grow({ db }, clock, seed, 40);
        await checkAll(db, graph, seed);
        (instance.backend as LocalBackend).states.clear();
        await checkAll(db, graph, seed + 1);
      }, { clock });
    }
  });

  it("06#36 another node that gets the entries in another order has the same states", async () => {
    for (const seed of seeds(20, 4)) {
      const clock = new FixedClock();
      await withDb(async ({ db }) => {
        const graph = await grow({ db }, clock, seed, 30);
        const peer = await peerWith([await db.getRoot()]);
        const order = shuffled([...graph.entries.values()], seed);
        for (let at = 0; at < order.length; at += 7) {
          await peer.putRemoteEntries(db.rootId, order.slice(at, at + 7));
        }
        const copy = await Database.open(peer, db.rootId);
        assert.ok((await copy.snapshot()).equals(await db.snapshot()));
        await checkAll(copy, graph, seed);
        await peer.close();
      }, { clock });
    }
  });

  it("06#32 what is forgotten, evicted or read back from checkpoints changes nothing, memory", async () => {
    for (const seed of seeds(40, 3)) {
      const clock = new FixedClock();
      await withDb(async ({ instance, db }) => {
        const states = (instance.backend as LocalBackend).states;
        const forget = () => Promise.resolve(states.clear());
        const graph = await grow({ db, forget }, clock, seed, 40);
        await checkAll(db, graph, seed);
      }, { clock });
    }
  });

  for (const seed of seeds(50, 1)) {
    it(`06#32 what is forgotten or read back from checkpoints changes nothing, sqlite, seed ${seed}`, async () => {
      const clock = new FixedClock();
      await withFile(clock, async (world) => {
        const graph = await grow(world, clock, seed, 28, 120_000);
        await world.reopen();
        assert.ok(await world.checkpoints() > 0, "there is something to read back");
        await checkAll(world.db, graph, seed);
      });
    });
  }

  it("05 §5.1 store tips at any snapshot are the members that no other one covers", async () => {
    for (const seed of seeds(30, 4)) {
      const clock = new FixedClock();
      await withDb(async ({ instance, db }) => {
        const graph = await grow({ db }, clock, seed, 30);
        for (const at of graph.snapshots) {
          for (const store of STORES) {
            const found = await instance.backend.storeSnapshotAt(db.rootId, store, at);
            assert.deepEqual(found.tips.map(String), slowTips(graph, at, store), `seed ${seed}`);
          }
        }
      }, { clock });
    }
  });
});

function slowTips({ entries }: Graph, at: Snapshot, store: string): string[] {
  const reached = new Set<string>();
  const queue = at.tips.map(String);
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    queue.push(...entries.get(id)!.parents.map(String));
  }
  const members = [...reached].filter((id) => entries.get(id)!.inSubtree(store));
  const covered = new Set(
    members.flatMap((id) => entries.get(id)!.subtreeParents(store).map(String)),
  );
  const tips = members.filter((id) => !covered.has(id)).map((id) => ID.parse(id));
  return Snapshot.of(tips).tips.map(String);
}
