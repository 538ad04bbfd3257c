import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, Doc, DocStore, type Entry, ID, Snapshot } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { peerWith, withDb } from "./bed.ts";
import { shuffled } from "./replay.ts";

const STORES = ["alpha", "beta"] as const;

/** A small generator, so that a failing seed can be run again. */
function dice(seed: number): (sides: number) => number {
  let state = seed * 48_271 % 2_147_483_647 || 1;
  return (sides) => {
    state = state * 48_271 % 2_147_483_647;
    return state % sides;
  };
}

/** The slow, obvious fold over everything that some tips reach over main parents. */
function oracle(entries: ReadonlyMap<string, Entry>, at: Snapshot, store: string): Doc {
  const reached = new Map<string, Entry>();
  const queue = at.tips.map(String);
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (reached.has(id)) continue;
    reached.set(id, entries.get(id)!);
    queue.push(...entries.get(id)!.parents.map(String));
  }
  const members = [...reached.values()].filter((entry) => entry.inSubtree(store));
  members.sort((a, b) => {
    const heights = a.subtreeHeight(store) - b.subtreeHeight(store);
    return heights || (`${a.id}` < `${b.id}` ? -1 : 1);
  });
  return members.reduce((state, entry) => {
    const data = entry.findData(store);
    return data === undefined ? state : state.merge(Doc.parseBytes(data));
  }, new Doc());
}

interface Graph {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly snapshots: readonly Snapshot[];
}

/** Tips that no other of them reaches, chosen among the entries so far. */
function someTips(roll: (sides: number) => number, entries: readonly Entry[]): Snapshot {
  const count = 1 + roll(3);
  const recent = entries.slice(-8);
  const chosen = Array.from({ length: count }, () => recent[roll(recent.length)]!);
  return Snapshot.of(chosen.map((entry) => entry.id));
}

/** Commits on random anchors, with random heights of stores, and reads in between. */
async function grow(db: Database, clock: FixedClock, seed: number, length: number): Promise<Graph> {
  const roll = dice(seed);
  const list: Entry[] = [await db.getRoot()];
  const snapshots: Snapshot[] = [];
  for (let step = 0; step < length; step++) {
    clock.set(1_000 + roll(50));
    const at = roll(3) === 0 ? await db.snapshot() : someTips(roll, list);
    const tx = await db.newTransaction({ at });
    await change(tx, roll, step);
    const entry = await db.getEntry(await tx.commit());
    list.push(entry);
    snapshots.push(Snapshot.of([entry.id]), someTips(roll, list), await db.snapshot());
    // Whatever is read now is cached, and must not change what is read later.
    if (roll(2) === 0) await read(db, STORES[roll(2)]!, snapshots[roll(snapshots.length)]!);
  }
  return { entries: new Map(list.map((entry) => [`${entry.id}`, entry])), snapshots };
}

type Tx = Awaited<ReturnType<Database["newTransaction"]>>;

async function change(tx: Tx, roll: (sides: number) => number, step: number): Promise<void> {
  const name = STORES[roll(2)]!;
  const store = await tx.getStore(DocStore, name);
  const key = ["k", "k.x", "k.y", "l"][roll(4)]!;
  if (roll(5) === 0) await store.delete(key).catch(() => undefined);
  else await store.set(key, step).catch(() => undefined);
  if (roll(6) !== 0) return;
  const strategies = ["timestamp", "incremental", undefined] as const;
  await tx.getIndex().setHeightStrategy(name, strategies[roll(3)]);
}

async function read(db: Database, store: string, at: Snapshot): Promise<Doc> {
  return await (await db.getStoreViewer(DocStore, store, { at })).getAll();
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
    for (let seed = 1; seed <= 12; seed++) {
      const clock = new FixedClock();
      await withDb(async ({ instance, db }) => {
        const graph = await grow(db, clock, seed, 40);
        await checkAll(db, graph, seed);
        (instance.backend as LocalBackend).states.clear();
        await checkAll(db, graph, seed + 1);
      }, { clock });
    }
  });

  it("06#36 another node that gets the entries in another order has the same states", async () => {
    for (let seed = 20; seed <= 24; seed++) {
      const clock = new FixedClock();
      await withDb(async ({ db }) => {
        const graph = await grow(db, clock, seed, 30);
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

  it("05 §5.1 store tips at any snapshot are the members that no other one covers", async () => {
    for (let seed = 30; seed <= 34; seed++) {
      const clock = new FixedClock();
      await withDb(async ({ instance, db }) => {
        const graph = await grow(db, clock, seed, 30);
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
