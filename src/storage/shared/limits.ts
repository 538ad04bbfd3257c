import { StorageError } from "../../util/errors.ts";
import type { Batch, Capabilities } from "../driver.ts";

/** Fails with `TooLarge` when a batch goes beyond what the storage bears; returns its bytes. */
export function requireFits(batch: Batch, limits: Capabilities, maxBatchBytes: number): number {
  let bytes = 0;
  for (const key of batch.delete ?? []) bytes += measureKey(key, limits);
  for (const [key, value] of batch.set ?? []) {
    bytes += measureKey(key, limits) + value.length;
    if (value.length > limits.maxValueBytes) {
      throw tooLarge("a value", "bytes", value.length, limits.maxValueBytes);
    }
  }
  for (const { key } of batch.checks ?? []) measureKey(key, limits);
  if (bytes > maxBatchBytes) throw tooLarge("a batch", "bytes", bytes, maxBatchBytes);
  const changes = (batch.set?.length ?? 0) + (batch.delete?.length ?? 0);
  if (changes <= limits.maxBatchChanges) return bytes;
  throw tooLarge("a batch", "changes", changes, limits.maxBatchChanges);
}

function measureKey(key: Uint8Array, { maxKeyBytes }: Capabilities): number {
  if (key.length <= maxKeyBytes) return key.length;
  throw tooLarge("a key", "bytes", key.length, maxKeyBytes);
}

function tooLarge(what: string, unit: string, size: number, limit: number): StorageError {
  return new StorageError(
    "TooLarge",
    `Cannot store ${what} of ${size} ${unit}: this storage takes ${limit} ${unit} at most`,
    { fields: { size, limit } },
  );
}
