import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import process from "node:process";
import { describe, it } from "node:test";
import { RUNTIME, whyNot } from "../helpers/shared.ts";
import { duel } from "./kill/duel.ts";
import { describeRun, type Run, runOf, RUNTIMES, storagesOn } from "./kill/plan.ts";
import { executableOf } from "./kill/side.ts";

/** Numbers of the runs, those of all runtimes: `EIDETICA_SEED=7 EIDETICA_KILLS=1` is run 7 alone. */
const FIRST = Number(process.env.EIDETICA_SEED ?? 0);
const COUNT = Number(process.env.EIDETICA_KILLS ?? 18);
/** Pairs at a time: they wait more than they work. */
const AT_ONCE = availableParallelism() + 1;
/** So many are run in CI. */
const ALL = 200;

const runs = numbers(FIRST, COUNT).map(runOf);
/** The owner runs on the runtime that is tested, the guest on any. */
const here = runs.filter(({ owner }) => owner.runtime === RUNTIME);

function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

function obstacle({ owner, guest }: Run): string | false {
  if (executableOf(guest.runtime) === undefined) return `${guest.runtime} is not installed`;
  return [owner, guest].some(({ storage }) => storage === "postgres") && whyNot("postgres");
}

const begun = new Map<Run, Promise<unknown>>();

/** What came of a run; the next ones are begun meanwhile. */
async function outcomeOf(run: Run): Promise<unknown> {
  const able = here.filter((it) => obstacle(it) === false);
  const at = able.indexOf(run);
  for (const it of able.slice(at, at + AT_ONCE)) {
    if (!begun.has(it)) begun.set(it, duel(it).then(() => undefined, (error) => error));
  }
  return await begun.get(run);
}

describe("two processes of which one is killed lose nothing and come to the same", () => {
  for (const run of here) {
    it(describeRun(run), { skip: obstacle(run) }, async () => {
      const error = await outcomeOf(run);
      if (error === undefined) return;
      const again = `EIDETICA_SEED=${run.number} EIDETICA_KILLS=1`;
      const file = "tests/sync/kill_test.ts";
      const cause = error as Error;
      throw new Error(
        `${cause.message}\nAgain: ${again} npm test -- --runtime ${RUNTIME} ${file}`,
        { cause },
      );
    });
  }
});

describe("the plan of kills", () => {
  const all = numbers(0, ALL).map(runOf);
  for (const victim of ["owner", "guest"] as const) {
    it(`has each pair of runtimes, and each storage on either side of it, when the ${victim} is killed`, () => {
      for (const one of RUNTIMES) {
        for (const other of RUNTIMES) {
          const these = all.filter((run) =>
            run.victim === victim && run.owner.runtime === one && run.guest.runtime === other
          );
          assert.ok(these.length >= 11, `${one} and ${other}: ${these.length}`);
          const count = (side: "owner" | "guest", storage: string) =>
            these.filter((run) => run[side].storage === storage).length;
          for (const it of storagesOn(one)) assert.ok(count("owner", it) >= 2, `${one} on ${it}`);
          for (const it of storagesOn(other)) {
            assert.ok(count("guest", it) >= 2, `${other} on ${it}`);
          }
        }
      }
    });
  }
});
