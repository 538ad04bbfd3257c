import { InstanceError } from "../util/errors.ts";

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
