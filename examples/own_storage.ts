/**
 * A storage of your own: the whole port on one sorted array. A real one would keep it somewhere.
 *
 * @module
 */

import { DocStore, Instance, NewUser, StorageError } from "eidetica";
import type { Batch, CommitResult, Pair, StorageDriver, Stored } from "eidetica/storage";

/** Order of keys: byte by byte, and the shorter one first. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return a[at]! - b[at]!;
  return a.length - b.length;
}

/** A storage in an array. */
export function arrayStorage(): StorageDriver {
  let pairs: Pair[] | undefined = [];
  let version = 0;

  function open(): Pair[] {
    if (pairs !== undefined) return pairs;
    throw new StorageError("Closed", "Cannot use the array: it was closed");
  }
  function find(key: Uint8Array): Stored | undefined {
    return open().find((pair) => compare(pair.key, key) === 0);
  }
  function apply({ checks = [], set = [], delete: remove = [] }: Batch): CommitResult {
    if (checks.some(({ key, version }) => find(key)?.version !== version)) return { ok: false };
    version++;
    const gone = [...remove, ...set.map(([key]) => key)];
    const kept = open().filter((pair) => !gone.some((key) => compare(key, pair.key) === 0));
    // Copies: what callers do to their arrays afterwards must change nothing.
    for (const [key, value] of new Map(set.map((pair) => [pair[0].join(), pair])).values()) {
      kept.push({ key: key.slice(), value: value.slice(), version });
    }
    pairs = kept.sort((a, b) => compare(a.key, b.key));
    return { ok: true, version };
  }

  return {
    name: "array",
    capabilities: {
      durable: false,
      multiWriter: false,
      maxKeyBytes: Infinity,
      maxValueBytes: Infinity,
      maxBatchChanges: Infinity,
    },
    get: (key) => new Promise((resolve) => resolve(find(key))),
    getMany: (keys) => new Promise((resolve) => (open(), resolve(keys.map(find)))),
    async *list({ start, end, reverse, limit }) {
      const found = open().filter(({ key }) => compare(start, key) <= 0 && compare(key, end) < 0);
      if (reverse) found.reverse();
      if (found.length > 0 && limit !== 0) yield found.slice(0, limit);
    },
    commit: (batch) => new Promise((resolve) => (open(), resolve(apply(batch)))),
    close: () => Promise.resolve(pairs = undefined),
  };
}

const storage = arrayStorage();
const { instance, user } = await Instance.createBackend(storage, NewUser.passwordless("ada"));
const notes = await user.createDatabase({ name: "notes" });
await notes.withTransaction(async (tx) => {
  await (await tx.getStore(DocStore, "pages")).set("where", storage.name);
});
console.log(await (await notes.getStoreViewer(DocStore, "pages")).getString("where"));
await instance.close();
