import { setInspection } from "#inspect";
import { compareBytes } from "../../util/bytes.ts";
import { EideticaError } from "../../util/errors.ts";
import type {
  Batch,
  Capabilities,
  Check,
  CommitResult,
  Pair,
  Range,
  StorageDriver,
  Stored,
} from "../driver.ts";
import { GroupCommit } from "../group_commit.ts";
import { requireFits } from "../shared/limits.ts";
import type { ReadVersions } from "../shared/key_watch.ts";
import { listByPage } from "../shared/pages.ts";
import { closed, failure, readOnly } from "./errors.ts";
import { DenoKvGroup, MAX_KEY_BYTES, MAX_VALUE_BYTES } from "./group.ts";
import {
  isPointer,
  MAX_PLAIN_BYTES,
  partsMissing,
  type Pointer,
  readParts,
  removeAbandoned,
  removeParts,
  valueKey,
  writeParts,
} from "./parts.ts";

import { KvPolling, LOCAL_MS, REMOTE_MS } from "./poll.ts";
import type { DenoKv, DenoKvEntry, DenoKvKey } from "./types.ts";

/** How many keys Deno KV reads or watches at once. */
const KEYS_AT_ONCE = 10;
/** How many pairs Deno KV lists at once. */
const LIST_AT_ONCE = 500;
/** How often a value is read again that was replaced while its parts were being read. */
const MAX_ATTEMPTS = 10;
const MAX_BATCH_BYTES = 1 << 28;
/** Values of this size take no more space than what would point to their parts. */
const POINTER_BYTES = 100;

const CAPABILITIES: Capabilities = Object.freeze({
  durable: true,
  multiWriter: true,
  // Deno KV takes 2,048 bytes; a zero byte counts twice, which DenoKvGroup looks at.
  maxKeyBytes: 2000,
  // 900 parts, so that one transaction can remove them.
  maxValueBytes: 50_000_000,
  maxBatchChanges: 1000,
  // DenoKvGroup counts 22 bytes for each key, and zeros twice: a key of ours has ten at most, on average.
  maxBatchKeyBytes: MAX_KEY_BYTES,
});

/** A database in memory ends with its handle, which nobody else can have. */
const IN_MEMORY: Capabilities = Object.freeze({
  ...CAPABILITIES,
  durable: false,
  multiWriter: false,
});

/** A database on another machine. */
const FAR: Capabilities = Object.freeze({ ...CAPABILITIES, isFar: true });

/** What came of a batch; with an error when it failed for another reason than its checks. */
type Outcome = CommitResult | { readonly ok: false; readonly error: unknown };

/** What is known about an open Deno KV. */
export interface DenoKvPlace {
  /** Whether closing the storage closes it. */
  readonly isOwner: boolean;
  /** Whether it is in the memory of this process, for this storage alone. */
  readonly isInMemory: boolean;
  /** Whether every write is refused. */
  readonly isReadOnly: boolean;
  /** Whether it is on another machine. */
  readonly isFar: boolean;
  /** The local file it is in, as far as it is known; absent when it is not on this machine. */
  readonly local?: { readonly path: string | undefined };
  /** Whether its own `watch` tells of others, though it keeps the process alive. */
  readonly isListening?: boolean;
}

/** The driver on an open Deno KV. */
export class DenoKvStorage implements StorageDriver {
  /** Kind of storage. */
  readonly name: string = "deno-kv";
  /** What it can do and bear. */
  readonly capabilities: Capabilities;
  readonly #kv: DenoKv;
  readonly #place: DenoKvPlace;
  readonly #polling: KvPolling | undefined;
  readonly #group = new GroupCommit((batches) => this.#apply(batches));
  readonly #stops = new Set<() => void>();
  #isClosing = false;
  #isClosed = false;

  private constructor(kv: DenoKv, place: DenoKvPlace) {
    this.capabilities = place.isInMemory ? IN_MEMORY : place.isFar ? FAR : CAPABILITIES;
    this.#kv = kv;
    this.#polling = pollingOf(place, (keys) => this.#versions(keys));
    this.#place = place;
  }

  /** A storage in `kv`. */
  static async open(kv: DenoKv, place: DenoKvPlace): Promise<StorageDriver> {
    const storage = new DenoKvStorage(kv, place);
    if (place.isReadOnly) return storage;
    const removing = storage.#attempt("open", () => removeAbandoned(storage.#kv, Date.now()));
    // Where that takes round trips nobody waits for it; what cannot be done now is done at another opening.
    if (place.isFar) removing.catch(() => undefined);
    else await removing;
    return storage;
  }

  async #attempt<T>(action: string, step: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closed();
    try {
      return await step();
    } catch (cause) {
      if (cause instanceof EideticaError || !(cause instanceof Error)) throw cause;
      throw failure(action, cause);
    }
  }

  /** See {@link StorageDriver.get}. */
  async get(key: Uint8Array): Promise<Stored | undefined> {
    return await this.#attempt("read", async () => {
      return await this.#complete(await this.#kv.get(valueKey(key)));
    });
  }

  /** See {@link StorageDriver.getMany}. */
  async getMany(keys: readonly Uint8Array[]): Promise<(Stored | undefined)[]> {
    return await this.#attempt("read", async () => {
      const entries = await this.#readMany(keys.map(valueKey));
      return await Promise.all(entries.map((entry) => this.#complete(entry)));
    });
  }

  async #readMany(keys: readonly DenoKvKey[]): Promise<DenoKvEntry[]> {
    const reads: Promise<readonly DenoKvEntry[]>[] = [];
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      reads.push(this.#kv.getMany(keys.slice(at, at + KEYS_AT_ONCE)));
    }
    return (await Promise.all(reads)).flat();
  }

  /** The value of an entry, with its parts put together. */
  async #complete(first: DenoKvEntry): Promise<Stored | undefined> {
    let entry = first;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { value, versionstamp } = entry;
      if (versionstamp === null) return undefined;
      if (!isPointer(value)) return { value: value as Uint8Array, version: versionstamp };
      const whole = await readParts(this.#kv, value);
      if (whole !== undefined) return { value: whole, version: versionstamp };
      entry = await this.#kv.get(entry.key as DenoKvKey);
    }
    throw partsMissing();
  }

  /** See {@link StorageDriver.list}. */
  list(range: Range): AsyncIterable<readonly Pair[]> {
    const read = (rest: Range, limit: number) =>
      this.#attempt("read", () => this.#page(rest, limit));
    return listByPage(range, read, this.#place.isFar);
  }

  async #page({ start, end, reverse }: Range, limit: number): Promise<Pair[]> {
    // Deno KV refuses a range that ends before it begins.
    if (compareBytes(start, end) >= 0) return [];
    const range = { start: valueKey(start), end: valueKey(end) };
    const options = { limit, reverse: reverse === true, batchSize: Math.min(limit, LIST_AT_ONCE) };
    const entries: DenoKvEntry[] = [];
    for await (const entry of this.#kv.list(range, options)) entries.push(entry);
    const pairs = await Promise.all(entries.map((entry) => this.#pair(entry)));
    const found = pairs.filter((pair) => pair !== undefined);
    // A large value was deleted while it was read: a page with a gap would look like the last one.
    return found.length === pairs.length ? found : await this.#page({ start, end, reverse }, limit);
  }

  async #pair(entry: DenoKvEntry): Promise<Pair | undefined> {
    const stored = await this.#complete(entry);
    return stored && { key: entry.key[2] as Uint8Array, ...stored };
  }

  /** See {@link StorageDriver.commit}. */
  async commit(batch: Batch): Promise<CommitResult> {
    if (this.#isClosing) throw closed();
    if (this.#place.isReadOnly) throw readOnly();
    requireFits(batch, this.capabilities, MAX_BATCH_BYTES);
    new DenoKvGroup().add(batch);
    const outcome: Outcome = await this.#group.commit(batch);
    if ("error" in outcome) throw outcome.error;
    return outcome;
  }

  /** Applies batches that do not depend on each other together. */
  async #apply(batches: readonly Batch[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    while (outcomes.length < batches.length) {
      const group = new DenoKvGroup();
      for (const batch of batches.slice(outcomes.length)) if (!group.add(batch)) break;
      outcomes.push(...await this.#applyGroup(group.batches));
    }
    return outcomes;
  }

  async #applyGroup(batches: readonly Batch[]): Promise<Outcome[]> {
    const together = await this.#outcome(batches);
    const isCheck = !together.ok && !("error" in together);
    if (!isCheck || batches.length === 1) return batches.map(() => together);
    // A check has failed: whose it is shows when each is tried by itself.
    const outcomes: Outcome[] = [];
    for (const batch of batches) outcomes.push(await this.#outcome([batch]));
    return outcomes;
  }

  /** A failure belongs to its own batches only: others of their group may be written already. */
  async #outcome(batches: readonly Batch[]): Promise<Outcome> {
    try {
      return await this.#attempt("write", () => this.#applyTogether(batches));
    } catch (error) {
      return { ok: false, error };
    }
  }

  async #applyTogether(batches: readonly Batch[]): Promise<CommitResult> {
    const atomic = this.#kv.atomic();
    const pointers: Pointer[] = [];
    const space = { left: MAX_VALUE_BYTES };
    for (const { checks = [], set = [], delete: remove = [] } of batches) {
      for (const check of checks) atomic.check(checkOf(check));
      for (const key of remove) atomic.delete(valueKey(key));
      for (const [key, value] of set) {
        const written = await this.#prepare(key, value, space);
        if (isPointer(written)) pointers.push(written);
        atomic.set(valueKey(key), written);
      }
    }
    const { ok, versionstamp } = await atomic.commit();
    if (ok) return { ok, version: versionstamp! };
    for (const pointer of pointers) await removeParts(this.#kv, pointer);
    return { ok: false };
  }

  /** The value as it is put into the transaction: itself while there is space, or its pointer. */
  async #prepare(
    key: Uint8Array,
    value: Uint8Array,
    space: { left: number },
  ): Promise<Uint8Array | Pointer> {
    const isPlain = value.length <= POINTER_BYTES ||
      value.length <= Math.min(space.left, MAX_PLAIN_BYTES);
    if (!isPlain) return await writeParts(this.#kv, key, value, Date.now());
    space.left -= value.length;
    return value;
  }

  async #versions(keys: readonly Uint8Array[]): Promise<(string | undefined)[]> {
    const entries = await this.#readMany(keys.map(valueKey));
    return entries.map(({ versionstamp }) => versionstamp ?? undefined);
  }

  /** See {@link StorageDriver.watch}. */
  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    if (this.#isClosed) throw closed();
    const readers = this.#place.isListening ? this.#listen(keys) : [];
    let stopPolling = readers.length === 0 ? this.#polling?.watch(keys, changed) : undefined;
    const stop = () => {
      this.#stops.delete(stop);
      stopPolling?.();
      for (const reader of readers) reader.cancel().catch(() => undefined);
    };
    this.#stops.add(stop);
    // When the connection is lost, whoever uses it next is told; what others write is looked for from now on.
    const lost = () => {
      if (this.#stops.has(stop)) stopPolling ??= this.#polling?.watch(keys, changed);
    };
    for (const reader of readers) follow(reader, changed).catch(() => undefined).then(lost);
    return stop;
  }

  /** Deno KV's own streams of changes; none where it has none. */
  #listen(keys: readonly Uint8Array[]): ReadableStreamDefaultReader<unknown>[] {
    const readers: ReadableStreamDefaultReader<unknown>[] = [];
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      const stream = this.#kv.watch?.(keys.slice(at, at + KEYS_AT_ONCE).map(valueKey));
      if (stream !== undefined) readers.push(stream.getReader());
    }
    return readers;
  }

  /** See {@link StorageDriver.close}. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#group.idle();
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    if (this.#place.isOwner) this.#kv.close();
  }
}

setInspection(DenoKvStorage, "DenoKvStorage");

/** How the writes of others are found; undefined where there are no others. */
function pollingOf(place: DenoKvPlace, read: ReadVersions): KvPolling | undefined {
  if (place.isInMemory) return undefined;
  return new KvPolling(read, place.local?.path, place.local ? LOCAL_MS : REMOTE_MS);
}

function checkOf({ key, version }: Check): { key: DenoKvKey; versionstamp: string | null } {
  if (version === undefined) return { key: valueKey(key), versionstamp: null };
  // Deno KV refuses to look at anything that cannot be a version; no key has that one.
  const isOurs = typeof version === "string" && /^[0-9a-f]{20}$/.test(version);
  return { key: valueKey(key), versionstamp: isOurs ? version : "f".repeat(20) };
}

/** Calls back for every change until the stream ends; the first says only what is there. */
async function follow(
  reader: ReadableStreamDefaultReader<unknown>,
  changed: () => void,
): Promise<void> {
  while (!(await reader.read()).done) queueMicrotask(changed);
}
