import { bed } from "../bed.ts";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { branch, fill, forget, readOne, writeOne } from "../state_workloads.ts";

/** A read of a row right after the commit of one, which is not timed. */
async function readAfterCommit(rows: number): Promise<Run> {
  const { database, remove } = await bed("sqlite");
  await fill(database, 0, rows);
  let next = rows;
  return {
    async before(): Promise<void> {
      await writeOne(database, next++);
    },
    step: () => readOne(database, 0),
    end: remove,
  };
}

/** The first read after `branches` branches were written, in a process that has just begun. */
async function merge(branches: number): Promise<Run> {
  const made = await bed("sqlite");
  await fill(made.database, 0, 100);
  let next = 100;
  return {
    async before(): Promise<void> {
      await branch(made.database, next, branches, 1);
      next += branches;
      forget(made);
    },
    step: () => readOne(made.database, 0),
    end: () => made.remove(),
  };
}

/** Reads of tables after commits, and of branches that must be merged. */
export function state({ quick, large }: Scope): Suite {
  const sizes = quick ? [100, 200] : [100, 1000, 10_000, ...(large ? [100_000] : [])];
  const cases: Case[] = [
    ...sizes.map((rows, at): Case => ({
      group: "table read after commit",
      name: `${rows.toLocaleString("en")} rows`,
      unit: "reads",
      baseline: at === 0,
      prepare: () => readAfterCommit(rows),
    })),
    ...[2, 10, 100].map((branches): Case => ({
      group: "merge and read",
      name: `${branches} branches`,
      unit: "reads",
      samples: 7,
      prepare: () => merge(branches),
    })),
  ];
  return { name: "state", cases };
}
