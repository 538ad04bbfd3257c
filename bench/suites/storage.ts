import { bed, type Place } from "../bed.ts";
import type { Case, Figure, Run, Scope, Suite } from "../case.ts";
import { leastPrinted } from "../program.ts";
import {
  history,
  type LocalPlace,
  openAndCommit,
  openStorage,
  scan,
} from "../storage_workloads.ts";
import { commitMany, commitTogether } from "../workloads.ts";

const COMMITTERS = 64;

/** Commits of 64 committers at the same time: they share what it takes to survive the loss of power. */
function together(place: Place, baseline: boolean): Case {
  return {
    group: `${COMMITTERS} committers, durability`,
    name: place,
    unit: "commits",
    each: COMMITTERS,
    baseline,
    prepare: async (): Promise<Run> => {
      const made = await bed(place);
      await commitMany(made.database, 0, 20);
      let next = 20;
      return {
        step: () => commitTogether(made.database, (next += COMMITTERS) - COMMITTERS, COMMITTERS),
        end: () => made.remove(),
      };
    },
  };
}

function scanCase(place: LocalPlace, count: number): Case {
  return {
    group: `scan of ${count.toLocaleString("en")} entries`,
    name: place,
    unit: "entries",
    each: count,
    prepare: async (): Promise<Run> => {
      const { folder, remove } = await history(place, count);
      const storage = await openStorage(place, folder);
      return {
        step: () => scan(storage),
        end: async () => {
          await storage.close();
          remove();
        },
      };
    },
  };
}

async function bestOpening(place: LocalPlace, count: number, rounds: number): Promise<number> {
  const { folder, remove } = await history(place, count);
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    best = Math.min(best, await openAndCommit(place, folder));
  }
  remove();
  return best;
}

/** What an open database of `count` entries occupies more than a small one, per entry. */
async function residentPerEntry(count: number, rounds: number): Promise<number> {
  const [small, large] = [await history("sqlite", 100), await history("sqlite", count)];
  const more = leastPrinted(rounds, "resident.ts", large.folder) -
    leastPrinted(rounds, "resident.ts", small.folder);
  small.remove();
  large.remove();
  return Math.max(0, more) / count;
}

/** Durability under many writers, scans, and what it takes to open a long history. */
export function storage({ quick, large }: Scope): Suite {
  const rounds = quick ? 1 : 5;
  const count = quick ? 50 : 10_000;
  const sizes = quick ? [50] : [1000, 10_000, ...(large ? [100_000, 1_000_000] : [])];
  const openings = (["sqlite", "file"] as const).flatMap((place) =>
    sizes.map((size): Figure => ({
      group: "open and first commit",
      name: `${place}, ${size.toLocaleString("en")} entries`,
      unit: "ms",
      measure: () => bestOpening(place, size, rounds),
    }))
  );
  const resident: Figure = {
    group: "resident",
    name: `open SQLite file of ${sizes.at(-1)!.toLocaleString("en")} entries`,
    unit: "bytes per entry",
    measure: () => residentPerEntry(sizes.at(-1)!, rounds),
  };
  return {
    name: "storage",
    cases: [
      together("sqlite", true),
      together("sqlite, power-safe", false),
      ...(["sqlite", "file"] as const).map((place) => scanCase(place, count)),
    ],
    figures: [...openings, resident],
  };
}
