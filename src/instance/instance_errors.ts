import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { InstanceError, TransactionError } from "../util/errors.ts";

/** The error for everything that is asked of an instance after it was closed. */
export function instanceDropped(): InstanceError {
  return new InstanceError("InstanceDropped", "Cannot use a handle of an instance that was closed");
}

/** The error of a strict open of a storage without an instance. */
export function notInitialized(): InstanceError {
  return new InstanceError(
    "NotInitialized",
    "Cannot connect: the storage holds no instance yet; use `connectOrCreate` to make one",
  );
}

/** The error of a creation where there is an instance already. */
export function alreadyExists(): InstanceError {
  return new InstanceError(
    "InstanceAlreadyExists",
    "Cannot create an instance: the storage holds one already",
  );
}

/** The error for a snapshot file that would be overwritten and is not one of an instance. */
export function foreignSnapshot(path: string): InstanceError {
  const reason =
    "the snapshot file holds no instance; it is left alone so that foreign data is not overwritten";
  return new InstanceError("InvalidSnapshot", `Cannot open "${path}": ${reason}`, {
    fields: { path, reason },
  });
}

/** A tree, and its Verified tips as a write to it finds them. */
interface Found {
  readonly tree: ID;
  readonly postTips: Snapshot;
}

/** Refuses to write to a tree whose Verified tips are others than `tips` now, with `Overtaken`. */
export function requireTips({ tree, postTips }: Found, tips: Snapshot): void {
  if (postTips.equals(tips)) return;
  throw new TransactionError(
    "Overtaken",
    `Cannot commit to database "${tree}": it was changed since the transaction of this update began`,
    { fields: { databaseId: tree } },
  );
}
