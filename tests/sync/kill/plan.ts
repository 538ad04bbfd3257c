/**
 * Which pairs of processes are tried, and when one of them is killed: everything follows from the number of a run.
 *
 * @module
 */

import { Dice } from "../../hostile/history.ts";

/** A runtime. */
export type Runtime = "node" | "deno" | "bun";
/** A side of a pair: the owner serves a database, the guest joins it with a ticket. */
export type Role = "owner" | "guest";

/** Where a side runs. */
export interface Place {
  readonly runtime: Runtime;
  readonly storage: string;
}

/** One run. */
export interface Run {
  readonly number: number;
  readonly owner: Place;
  readonly guest: Place;
  /** Which side is killed. */
  readonly victim: Role;
  /** How many entries the victim has acknowledged, from the moment that the guest joins, until it is killed. */
  readonly entries: number;
  /** So many milliseconds later. */
  readonly delayMs: number;
  /** How long the other one is alone. */
  readonly aloneMs: number;
  /** Whether the guest serves, too, so that the owner pushes to it. */
  readonly isGuestServing: boolean;
}

/** The runtimes. */
export const RUNTIMES: readonly Runtime[] = ["node", "deno", "bun"];
/** In memory, what is acknowledged is what the snapshot file has. */
const EVERYWHERE = ["sqlite", "file", "memory", "postgres"];
/** Runs until each pair of runtimes was there, with either side killed. */
const ROUND = RUNTIMES.length ** 2 * 2;
/** Most entries that are awaited, and most milliseconds that pass then. */
const [MOST_ENTRIES, MOST_DELAY_MS, MOST_ALONE_MS] = [8, 25, 60];

/** The storages of a runtime. */
export function storagesOn(runtime: Runtime): readonly string[] {
  return runtime === "deno" ? [...EVERYWHERE, "deno-kv"] : EVERYWHERE;
}

/** The run of a number. Runs that follow each other are spread over pairs, victims and storages. */
export function runOf(number: number): Run {
  const dice = new Dice(number);
  const pair = number % RUNTIMES.length ** 2;
  const victim = number % ROUND < RUNTIMES.length ** 2 ? "guest" : "owner";
  const round = Math.floor(number / ROUND);
  const [first, second] = [RUNTIMES[Math.floor(pair / 3)]!, RUNTIMES[pair % 3]!];
  const [own, other] = [storagesOn(first), storagesOn(second)];
  // Where both have as many storages, the second is shifted each time the first has been through.
  const shift = own.length === other.length ? Math.floor(round / own.length) : 0;
  const ownAt = round + pair + (victim === "owner" ? 2 : 0);
  const otherAt = ownAt + 1 + shift + pair % 2;
  return {
    number,
    owner: { runtime: first, storage: own[ownAt % own.length]! },
    guest: { runtime: second, storage: other[otherAt % other.length]! },
    victim,
    entries: dice.below(MOST_ENTRIES + 1),
    delayMs: dice.below(MOST_DELAY_MS + 1),
    aloneMs: dice.below(MOST_ALONE_MS + 1),
    isGuestServing: dice.below(2) === 1,
  };
}

/** A run in words. */
export function describeRun(run: Run): string {
  const { number, owner, guest, victim, entries, delayMs, isGuestServing } = run;
  const [one, other] = [owner, guest].map(({ runtime, storage }) => `${runtime} on ${storage}`);
  const guestKind = isGuestServing ? "a guest that serves" : "a guest";
  return `run ${number}: ${one}, ${guestKind} with ${other}; the ${victim} is killed ${delayMs} ms after ${entries} entries`;
}
