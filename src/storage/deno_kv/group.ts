import { StorageError } from "../../util/errors.ts";
import type { Batch } from "../driver.ts";
import { nameOf } from "../shared/independent.ts";
import { MAX_PLAIN_BYTES } from "./parts.ts";

/** What one transaction of Deno KV takes. */
const MAX_CHECKS = 100;
const MAX_CHANGES = 1000;
/** Deno KV takes 81,920 bytes of keys together. */
export const MAX_KEY_BYTES = 80_000;
/** Deno KV takes keys of 2,048 bytes, as it encodes them. */
const MAX_ENCODED_KEY_BYTES = 2048;
/** What a key has besides its own bytes, at most. */
const KEY_OVERHEAD_BYTES = 22;
/** Values that are not in parts may have this many bytes together; Deno KV takes 819,200 in all. */
export const MAX_VALUE_BYTES = 600_000;

/** Batches that fit into one transaction and do not depend on each other. */
export class DenoKvGroup {
  /** The batches. */
  readonly batches: Batch[] = [];
  readonly #written = new Set<string>();
  #checks = 0;
  #changes = 0;
  #keyBytes = 0;
  #valueBytes = 0;

  /** Adds a batch; false when it has to wait for the next transaction. */
  add(batch: Batch): boolean {
    const { checks = [], set = [], delete: remove = [] } = batch;
    const written = [...remove, ...set.map(([key]) => key)].map(nameOf);
    const touched = [...written, ...checks.map(({ key }) => nameOf(key))];
    if (touched.some((name) => this.#written.has(name))) return false;
    this.#checks += checks.length;
    this.#changes += written.length;
    for (const { key } of checks) this.#keyBytes += encodedLength(key);
    for (const key of remove) this.#keyBytes += encodedLength(key);
    for (const [key, value] of set) {
      this.#keyBytes += encodedLength(key);
      if (value.length <= MAX_PLAIN_BYTES) this.#valueBytes += value.length;
    }
    // The first batch is taken as it is: the values of a large one go into parts.
    if (this.batches.length > 0 && (this.#isFull || this.#valueBytes > MAX_VALUE_BYTES)) {
      return false;
    }
    if (this.#isFull) throw this.#tooLarge();
    for (const name of written) this.#written.add(name);
    this.batches.push(batch);
    return true;
  }

  get #isFull(): boolean {
    return this.#checks > MAX_CHECKS || this.#changes > MAX_CHANGES ||
      this.#keyBytes > MAX_KEY_BYTES;
  }

  #tooLarge(): StorageError {
    const [checks, changes, keyBytes] = [this.#checks, this.#changes, this.#keyBytes];
    return new StorageError(
      "TooLarge",
      `Cannot commit ${changes} changes under ${checks} checks with ${keyBytes} bytes of keys at once: Deno KV takes ${MAX_CHANGES}, ${MAX_CHECKS} and ${MAX_KEY_BYTES}; use several batches`,
      { fields: { checks, changes, keyBytes } },
    );
  }
}

/** Length of a key as Deno KV encodes it: zeros count twice. */
function encodedLength(key: Uint8Array): number {
  let length = key.length + KEY_OVERHEAD_BYTES;
  for (const byte of key) if (byte === 0) length++;
  if (length <= MAX_ENCODED_KEY_BYTES) return length;
  throw new StorageError(
    "TooLarge",
    `Cannot store a key of ${length} bytes with its zeros twice: Deno KV takes ${MAX_ENCODED_KEY_BYTES}`,
    { fields: { size: length, limit: MAX_ENCODED_KEY_BYTES } },
  );
}
