import type { ID } from "../entry/id.ts";
import type { Alone } from "../transaction/host.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { requireNotAborted } from "../util/abort.ts";
import { optionsOf, requireFunction, wrongNumber } from "../util/arguments.ts";
import { EideticaError, TransactionError } from "../util/errors.ts";
import { requireSignal } from "../util/work.ts";
import type { DatabaseHost } from "./host.ts";

/** How often an update is tried when others keep changing the database meanwhile. */
export const MAX_UPDATE_ATTEMPTS = 300;
/** Attempts after which an update waits before the next, for a random time of at most so many milliseconds. */
const EAGER_ATTEMPTS = 3;
const LONGEST_PAUSE = 20;

const UPDATE = "update a database";

/** How an update is made. */
export interface UpdateOptions {
  /** Gives up waiting and trying again when it is aborted; what is committed stays. */
  readonly signal?: AbortSignal;
  /** How often the change is tried at most when others are faster; 300 by default. */
  readonly maxAttempts?: number;
}

/** Begins a transaction that must be the only change of its database. */
export type BeginAlone = (alone: Alone) => Promise<Transaction>;

/**
 * Runs `change` on the newest state of a database and commits it only if that is the newest state still,
 * otherwise again on the new one. Updates of this process take turns. What decides is the head of
 * the tree, in the storage commit itself, so it holds over processes, too.
 */
export async function updateAlone<R>(
  host: DatabaseHost,
  tree: ID,
  begin: BeginAlone,
  change: (transaction: Transaction) => Promise<R> | R,
  options: UpdateOptions | undefined,
): Promise<R> {
  requireFunction(change, UPDATE, "the change");
  const { signal, maxAttempts = MAX_UPDATE_ATTEMPTS } = optionsOf(options, UPDATE);
  requireSignal(signal, UPDATE);
  if (!Number.isSafeInteger(maxAttempts) || maxAttempts < 1) {
    throw wrongNumber(UPDATE, "`maxAttempts`", "an integer of at least 1", maxAttempts);
  }
  return await host.inTurn(tree, async (leave) => {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      requireNotAborted({ signal, action: UPDATE });
      const done = await attemptAlone(host, tree, begin, change, leave);
      if (done !== undefined) return done.result;
      if (attempt > EAGER_ATTEMPTS) await pause(Math.min(attempt, LONGEST_PAUSE));
    }
    throw tooMany(tree, maxAttempts);
  }, signal);
}

/** One attempt; undefined when somebody else was faster. */
async function attemptAlone<R>(
  host: DatabaseHost,
  tree: ID,
  begin: BeginAlone,
  change: (transaction: Transaction) => Promise<R> | R,
  written: () => void,
): Promise<{ readonly result: R } | undefined> {
  await host.settle(tree);
  // The tips first: what changes between the two makes the commit fail, and not branch.
  const tips = await host.backend.tips.seen(tree);
  const transaction = await begin({ tips, written });
  try {
    const result = await change(transaction);
    await commitStaged(transaction);
    return { result };
  } catch (error) {
    if (isOvertaken(error, tree) && transaction.id === undefined) return undefined;
    throw error;
  }
}

/** Commits what was staged, unless nothing was, or the change has committed by itself. */
export async function commitStaged(transaction: Transaction): Promise<void> {
  if (transaction.id === undefined && transaction.isStaged) await transaction.commit();
}

function isOvertaken(error: unknown, tree: ID): boolean {
  return error instanceof EideticaError && error.code === "Overtaken" &&
    tree.equals(error.fields.databaseId as ID);
}

async function pause(longest: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
}

function tooMany(tree: ID, attempts: number): TransactionError {
  return new TransactionError(
    "TooManyAttempts",
    `Cannot update database "${tree}": it was changed ${attempts} times while the update ran. Others ` +
      `write without pause, or the update itself commits to its database in another way`,
    { fields: { databaseId: tree, attempts } },
  );
}
