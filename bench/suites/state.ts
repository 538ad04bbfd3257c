import { bed } from "../bed.ts";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { branch, fill, forget, readOne, writeChain, writeOne } from "../state_workloads.ts";

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

/** How many old entries late branches begin at, in turns. */
const FORKS = 20;

/**
 * A branch of one entry that arrives when the history has grown by `length` entries since: its commit, or
 * the first read that merges it.
 */
async function lateBranch(length: number, timed: "commit" | "read"): Promise<Run> {
  const { database, remove } = await bed("sqlite");
  await fill(database, 0, 100);
  const forks = await writeChain(database, 100, length + FORKS, FORKS);
  let next = 100 + length + FORKS;
  const commit = () => writeOne(database, next++, forks[next % FORKS]);
  const read = () => readOne(database, 0);
  const join = async () => {
    await read();
    await writeOne(database, next++);
  };
  return timed === "commit"
    ? { before: join, step: commit, end: remove }
    : { before: () => join().then(commit).then(() => {}), step: read, end: remove };
}

function lateBranches(lengths: readonly number[]): Case[] {
  return lengths.flatMap((length) =>
    (["commit", "read"] as const).map((timed): Case => ({
      group: `late branch: ${timed}`,
      name: `${length.toLocaleString("en")} entries later`,
      unit: `${timed}s`,
      samples: 7,
      prepare: () => lateBranch(length, timed),
    }))
  );
}

/** Reads of tables after commits, and of branches that must be merged. */
export function state({ quick, large }: Scope): Suite {
  const sizes = quick ? [100, 200] : [100, 1000, 10_000, 100_000];
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
  return { name: "state", cases: [...cases, ...lateBranches(large ? sizes : sizes.slice(0, 3))] };
}
