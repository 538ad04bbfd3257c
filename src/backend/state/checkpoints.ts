import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { concat, equalBytes } from "../../util/bytes.ts";
import { Logger } from "../../util/log.ts";
import { checkpointPrefix, prefixRange } from "../records/keys.ts";
import {
  type CheckpointHead,
  checkpointName,
  decodeCheckpointHead,
  digestOf,
  encodeCheckpointHead,
  joinPieces,
  splitPieces,
} from "./checkpoint_record.ts";
import { spread } from "./spread.ts";
import type { StoreState } from "./state_family.ts";

const log = new Logger("checkpoints");

/** Most checkpoints of one store in one reading. */
const MAX_CHECKPOINTS = 8;
/** All of them together take at most this many times what the newest one takes. */
const MAX_TIMES_NEWEST = 3;
/** A store of a tree, in one reading. */
export interface Scope {
  /** Root of the tree. */
  readonly tree: ID;
  /** Name of the store. */
  readonly store: string;
  /** Name of the reading. */
  readonly reading: string;
  /** Version of the reading's states. */
  readonly version: number;
}

/** A checkpoint that storage holds. */
export interface Checkpoint extends CheckpointHead {
  /** The end of its keys. */
  readonly name: Uint8Array;
}

/** What storage holds of one scope. */
export interface Listing {
  /** What can be read, oldest first. */
  readonly checkpoints: readonly Checkpoint[];
  /** Names of those that are damaged, or that another version of the package or type wrote. */
  readonly unusable: readonly Uint8Array[];
}

/** The checkpoints of all stores on one storage. Nothing here fails: they are a cache. */
export class Checkpoints {
  readonly #driver: StorageDriver;
  readonly #maxBytes: number;

  /** Checkpoints on `driver` whose bodies have at most so many bytes. */
  constructor(driver: StorageDriver, maxBytes: number) {
    this.#driver = driver;
    this.#maxBytes = maxBytes;
  }

  /** What there is of a scope, without the states. */
  async list(scope: Scope): Promise<Listing> {
    const checkpoints: Checkpoint[] = [];
    const unusable: Uint8Array[] = [];
    const prefix = prefixOf("head", scope);
    for await (const page of this.#driver.list(prefixRange(prefix))) {
      for (const { key, value } of page) {
        const name = key.slice(prefix.length);
        const head = readHead(prefix, name, value);
        if (head?.version !== scope.version) unusable.push(name);
        else checkpoints.push({ ...head, name });
      }
    }
    return { checkpoints: checkpoints.sort((a, b) => a.entries - b.entries), unusable };
  }

  /** The pieces of a state; undefined when they are gone or damaged. */
  async load(scope: Scope, checkpoint: Checkpoint): Promise<Uint8Array[] | undefined> {
    const stored = await this.#driver.get(concat(prefixOf("body", scope), checkpoint.name));
    try {
      return stored && splitPieces(checkpoint, stored.value);
    } catch (error) {
      log.warn("Checkpoint of store {store} cannot be read", { store: scope.store, error });
      return undefined;
    }
  }

  /**
   * Writes a state, and removes the checkpoints that are unusable or not worth their room any more, in one
   * commit. Several processes may do so at once: equal states have equal names, other ones do not meet.
   *
   * @returns whether it was written.
   */
  async write(
    scope: Scope,
    state: StoreState,
    pieces: readonly Uint8Array[],
    listing: Listing,
  ): Promise<boolean> {
    const made = build(scope, state, pieces);
    if (made === undefined || made.body.length > this.#maxBytes) return false;
    const kept = new Set(choose([...listing.checkpoints, made.checkpoint]));
    if (!kept.has(made.checkpoint)) return false;
    const remove = [
      ...listing.checkpoints.filter((old) => !kept.has(old)).map(({ name }) => name),
      ...listing.unusable,
    ].filter((name) => !equalBytes(name, made.checkpoint.name));
    const result = await this.#driver.commit({
      set: keysOf(scope, made.checkpoint.name).map((key, at) => [key, [made.head, made.body][at]!]),
      delete: remove.flatMap((name) => keysOf(scope, name)),
    });
    return result.ok;
  }
}

function prefixOf(part: "head" | "body", { tree, store, reading }: Scope): Uint8Array {
  return checkpointPrefix(part, tree, store, reading);
}

function keysOf(scope: Scope, name: Uint8Array): [head: Uint8Array, body: Uint8Array] {
  return [concat(prefixOf("head", scope), name), concat(prefixOf("body", scope), name)];
}

function readHead(
  prefix: Uint8Array,
  name: Uint8Array,
  value: Uint8Array,
): CheckpointHead | undefined {
  if (!equalBytes(checkpointName(prefix, value), name)) return undefined;
  try {
    return decodeCheckpointHead(value);
  } catch {
    return undefined; // another version of this package wrote it
  }
}

interface Built {
  readonly checkpoint: Checkpoint;
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

function build(
  scope: Scope,
  state: StoreState,
  pieces: readonly Uint8Array[],
): Built | undefined {
  const { last, tips, entries, weight } = state;
  if (last === undefined) return undefined;
  const body = joinPieces(pieces);
  const parts = { last, tips, entries, weight, length: body.length, digest: digestOf(body) };
  const described: CheckpointHead = { version: scope.version, ...parts };
  const head = encodeCheckpointHead(described);
  const name = checkpointName(prefixOf("head", scope), head);
  return { checkpoint: { ...described, name }, head, body };
}

/** The checkpoints worth keeping: the newest, and older ones well spread, in not too much room. */
function choose(all: readonly Checkpoint[]): Checkpoint[] {
  const [newest, ...older] = [...all].sort((a, b) => b.entries - a.entries);
  const end = newest!.entries;
  for (let count = Math.min(older.length, MAX_CHECKPOINTS - 1);; count--) {
    const kept = [newest!, ...spread(older, ({ entries }) => end - entries, end, count)];
    const room = kept.reduce((sum, { length }) => sum + length, 0);
    if (count === 0 || room <= MAX_TIMES_NEWEST * newest!.length) return kept;
  }
}
