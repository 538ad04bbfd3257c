/**
 * Random histories of a database, and the slow, obvious way to tell what a store holds.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Database,
  Doc,
  DocStore,
  type Entry,
  Instance,
  List,
  NewUser,
  Snapshot,
  type ValueInput,
} from "../../mod.ts";
import { checkpointPrefix, prefixRange } from "../../src/backend/records/keys.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import type { FixedClock } from "../../src/testing/fixed_clock.ts";

/** The stores of a random history. */
export const STORES = ["alpha", "beta"] as const;

/** A small generator, so that a failing seed can be run again. */
export function dice(seed: number): (sides: number) => number {
  let state = seed * 48_271 % 2_147_483_647 || 1;
  return (sides) => {
    state = state * 48_271 % 2_147_483_647;
    return state % sides;
  };
}

/** The slow, obvious fold over everything that some tips reach over main parents. */
export function oracle(entries: ReadonlyMap<string, Entry>, at: Snapshot, store: string): Doc {
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
    return data === undefined ? state : state.merge(parsed(entry, store, data));
  }, new Doc());
}

const deltas = new WeakMap<Entry, Map<string, Doc>>();

/** The delta of an entry, which is parsed once. */
function parsed(entry: Entry, store: string, data: Uint8Array): Doc {
  const known = deltas.get(entry) ?? new Map<string, Doc>();
  deltas.set(entry, known.set(store, known.get(store) ?? Doc.parseBytes(data)));
  return known.get(store)!;
}

/** All entries of a history, and snapshots worth reading. */
export interface Graph {
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

/** A database that may begin anew at any time, and how it does. */
export interface World {
  db: Database;
  /** Forgets something that must not matter. */
  readonly forget?: (roll: (sides: number) => number) => Promise<void>;
}

/** Commits on random anchors, with random heights of stores, and reads in between. */
export async function grow(
  world: World,
  clock: FixedClock,
  seed: number,
  length: number,
  padding = 0,
): Promise<Graph> {
  const roll = dice(seed);
  const list: Entry[] = [await world.db.getRoot()];
  const snapshots: Snapshot[] = [];
  for (let step = 0; step < length; step++) {
    clock.set(1_000 + roll(50));
    const { db } = world;
    const at = roll(3) === 0 ? await db.snapshot() : someTips(roll, list);
    const tx = await db.newTransaction({ at });
    await change(tx, roll, step, padding);
    const entry = await db.getEntry(await tx.commit());
    list.push(entry);
    snapshots.push(Snapshot.of([entry.id]), someTips(roll, list), await db.snapshot());
    // Whatever is read now is cached, and must not change what is read later.
    if (roll(2) === 0) await read(db, STORES[roll(2)]!, snapshots[roll(snapshots.length)]!);
    if (roll(6) === 0) await world.forget?.(roll);
  }
  return { entries: new Map(list.map((entry) => [`${entry.id}`, entry])), snapshots };
}

type Tx = Awaited<ReturnType<Database["newTransaction"]>>;

async function change(
  tx: Tx,
  roll: (sides: number) => number,
  step: number,
  padding: number,
): Promise<void> {
  const name = STORES[roll(2)]!;
  const store = await tx.getStore(DocStore, name);
  const key = ["k", "k.x", "k.y", "l"][roll(4)]!;
  if (roll(5) === 0) await store.delete(key).catch(() => undefined);
  else await store.set(key, content(roll, step)).catch(() => undefined);
  if (roll(3) === 0) await changeList(store, roll, step);
  // It makes deltas heavy and the state only once as heavy as one of them.
  if (padding > 0) await store.set("padding", `${step}`.padEnd(padding, "p"));
  if (roll(6) !== 0) return;
  const strategies = ["timestamp", "incremental", undefined] as const;
  await tx.getIndex().setHeightStrategy(name, strategies[roll(3)]);
}

function content(roll: (sides: number) => number, step: number): ValueInput {
  const plain = { x: step, inner: { [`i${roll(3)}`]: step } };
  return [step, `${step}`, null, plain, Doc.atomic(plain), { z: Doc.atomic(plain) }][roll(6)]!;
}

async function changeList(
  store: DocStore,
  roll: (sides: number) => number,
  step: number,
): Promise<void> {
  const before = await store.getOption("items");
  const list = before instanceof List ? before : new List();
  if (roll(3) === 0 && list.len() > 0) list.remove(roll(list.len()));
  else list.insert(roll(list.len() + 1), roll(2) === 0 ? step : { step });
  await store.set("items", list);
}

/** The state of a store at a snapshot. */
export async function read(db: Database, store: string, at: Snapshot): Promise<Doc> {
  return await (await db.getStoreViewer(DocStore, store, { at })).getAll();
}

/** Runs `test` on a database in a file, whose instance is opened anew or forgets its states. */
export async function withFile(
  clock: FixedClock,
  test: (
    world: World & { reopen(): Promise<void>; checkpoints(): Promise<number> },
  ) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-states-"));
  const url = `sqlite://${join(folder, "a.db")}`;
  let { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"), {
    clock,
  });
  const backend = () => instance.backend as LocalBackend;
  const world = {
    db: await user!.createDatabase({ name: "test" }),
    async reopen(): Promise<void> {
      await instance.close();
      instance = await Instance.connect(url, { clock });
      user = await instance.loginUser("ada");
      world.db = await user.openDatabase(world.db.rootId);
    },
    forget: (roll: (sides: number) => number) =>
      roll(2) === 0 ? world.reopen() : Promise.resolve(backend().states.clear()),
    async checkpoints(): Promise<number> {
      let count = 0;
      for (const store of STORES) {
        const range = prefixRange(checkpointPrefix("head", world.db.rootId, store, "doc"));
        for await (const page of backend().driver.list(range)) count += page.length;
      }
      return count;
    },
  };
  try {
    await test(world);
  } finally {
    await instance.close();
    rmSync(folder, { recursive: true });
  }
}
