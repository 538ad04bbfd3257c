import { BackendError } from "../../util/errors.ts";

/**
 * How often a change is tried again when other processes keep changing what it is made on. One of so many is
 * faster each time only where a storage refuses whatever it is asked.
 */
export const MAX_ATTEMPTS = 1000;

/** The error for an action that others have outrun too often. */
export function outrun(action: string): BackendError {
  const message =
    `Cannot ${action}: other writers changed it ${MAX_ATTEMPTS} times in a row; try again, and check a storage driver of your own with \`testStorage\``;
  return new BackendError("StateInconsistency", message, { fields: { attempts: MAX_ATTEMPTS } });
}
