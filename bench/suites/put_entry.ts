import { type Bed, bed, type Place, PLACES } from "../bed.ts";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { floor } from "../floor.ts";
import { commitMany, commitOne, commitTogether } from "../workloads.ts";

/** Commits of one key on a database that holds `history` of them already and goes on growing. */
async function growing(place: Place, history: number): Promise<Run> {
  const made = await bed(place);
  await commitMany(made.database, 0, history);
  let next = history;
  return {
    step: () => commitOne(made.database, `key_${next++}`, "value"),
    end: () => made.remove(),
  };
}

function commitCase(group: string, place: Place, history: number, more: Partial<Case> = {}): Case {
  const name = `commit, ${place}, history ${history.toLocaleString("en")}`;
  return { group, name, unit: "commits", prepare: () => growing(place, history), ...more };
}

/** Commits against the floor, on each storage. */
export function againstFloor({ quick }: Scope): Suite {
  const group = "put-entry";
  const history = quick ? 10 : 100;
  const cases: Case[] = [
    { group, name: "floor, sqlite", unit: "inserts", baseline: true, prepare: () => floor() },
    { group, name: "floor, sqlite, power-safe", unit: "inserts", prepare: () => floor("FULL") },
    ...PLACES.map((place) => commitCase(group, place, history)),
  ];
  return { name: group, cases };
}

/** Where histories grow, and how far they do unless asked for more: Deno KV takes minutes for 100,000. */
const GROWING: readonly (readonly [place: Place, most: number])[] = [
  ["memory", 100_000],
  ["sqlite", 100_000],
  ["file", 100_000],
  ...("Deno" in globalThis ? [["denokv", 10_000] as const] : []),
];

/** Commits on growing histories: the cost must not grow with them. */
export function growingHistory({ quick, large }: Scope): Suite {
  const sizes = quick ? [10, 30] : [100, 1000, 10_000, 100_000, ...(large ? [1_000_000] : [])];
  const cases = GROWING.flatMap(([place, most]) => {
    const group = `history, ${place}`;
    const fitting = large ? sizes : sizes.filter((size) => size <= most);
    return fitting.map((size, at) => commitCase(group, place, size, { baseline: at === 0 }));
  });
  return { name: "history", cases };
}

/** Writers at the same time, which share storage commits. */
export function concurrent(_: Scope): Suite {
  const cases = (["sqlite", "sqlite, power-safe"] as const).flatMap((place) => {
    const group = `concurrent writers, ${place}`;
    return [1, 8, 64].map((writers): Case => ({
      group,
      name: `${writers} writer${writers === 1 ? "" : "s"}`,
      unit: "commits",
      each: writers,
      baseline: writers === 1,
      prepare: () => together(place, writers),
    }));
  });
  return { name: "concurrent", cases };
}

async function together(place: Place, writers: number): Promise<Run> {
  const made: Bed = await bed(place);
  await commitMany(made.database, 0, 20);
  let next = 20;
  return {
    async step(): Promise<void> {
      await commitTogether(made.database, next, writers);
      next += writers;
    },
    end: () => made.remove(),
  };
}
