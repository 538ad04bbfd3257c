import { StoreError } from "../util/errors.ts";

/** The error for a step that an encrypted store cannot take in the state it is in. */
export function notNow(
  store: string,
  operation: string,
  reason: string,
  action: string = operation,
): StoreError {
  const message = `Cannot ${action} the encrypted store "${store}": ${reason}`;
  return new StoreError("InvalidOperation", message, { fields: { store, operation, reason } });
}

/** The error for an encrypted store that does not open. */
export function notOpened(
  store: string,
  code: string,
  reason: string,
  cause?: unknown,
): StoreError {
  const message = `Cannot open the encrypted store "${store}": ${reason}`;
  return new StoreError(code, message, { cause, fields: { store, reason } });
}
