import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { BackendError } from "../../util/errors.ts";
import { Heap } from "../../util/heap.ts";
import { turns } from "../../util/turns.ts";
import { FrontierMark } from "./frontier.ts";
import { compareInStore, type EntryReader, inStore, requireInTree, storeParents } from "./walk.ts";

/**
 * Walks a store from its tips towards its roots, highest entries first.
 *
 * At every moment each path from a tip to a root crosses the `frontier`, so a frontier of one entry
 * is a common dominator of the tips, and the first such one is the nearest: the merge base (05
 * §5.2). The cost follows the region between the tips and the base, never the whole history.
 */
export class FrontierWalk {
  readonly #reader: EntryReader;
  readonly #store: string;
  readonly #queue: Heap<Entry>;
  readonly #seen = new Set<string>();
  readonly #mark = new FrontierMark();
  #rootPassed = false;
  #hasGaps = false;

  /** A walk over `store`, reading entries from `reader`. */
  constructor(reader: EntryReader, store: string) {
    const compare = compareInStore(store);
    this.#reader = reader;
    this.#store = store;
    this.#queue = new Heap((a, b) => compare(a, b) > 0);
  }

  /** Adds an entry to the frontier; one that is not held or not in the store is left out. */
  async add(id: ID): Promise<void> {
    const key = id.toString();
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const entry = await this.#reader.find(id);
    if (entry === undefined) this.#hasGaps = true;
    else if (!inStore(entry, this.#store)) this.#rootPassed = true;
    else {
      this.#queue.push(entry);
      this.#mark.toggle(id);
    }
  }

  /** The entries that every path still to be walked crosses, in no order. */
  get frontier(): readonly Entry[] {
    return this.#queue.items;
  }

  /** Mark of the frontier, to look it up by; it costs the same however wide the frontier is. */
  get mark(): string {
    return this.#mark.toString();
  }

  /** Whether an entry was left out because it is not held: what was walked is then not all. */
  get hasGaps(): boolean {
    return this.#hasGaps;
  }

  /** Whether a root of the store has been stepped over, so that no dominator exists above it. */
  get rootPassed(): boolean {
    return this.#rootPassed;
  }

  /** Steps over the highest entry of the frontier and returns it; undefined at the end. */
  async step(): Promise<Entry | undefined> {
    if (turns.isOver) await turns.next();
    const entry = this.#queue.pop();
    if (entry === undefined) return undefined;
    this.#mark.toggle(entry.id);
    const parents = storeParents(entry, this.#store);
    if (parents.length === 0) this.#rootPassed = true;
    for (const parent of parents) await this.add(parent);
    return entry;
  }
}

function noCommonAncestor(ids: readonly ID[]): BackendError {
  const list = ids.map((id) => `"${id}"`).join(", ");
  return new BackendError(
    "NoCommonAncestor",
    `Cannot find a common ancestor of the entries ${list}: they have none here`,
    {
      fields: { entryIds: ids },
    },
  );
}

/** Nearest common dominator of entries in a store. */
export async function findMergeBase(
  reader: EntryReader,
  tree: ID,
  store: string,
  ids: readonly ID[],
): Promise<ID> {
  if (ids.length === 0) {
    throw new BackendError("EmptyEntryList", "Cannot find the merge base of no entries", {
      fields: { operation: "findMergeBase" },
    });
  }
  if (ids.length === 1) return ids[0]!;
  const walk = new FrontierWalk(reader, store);
  for (const id of ids) {
    requireInTree(await requireEntry(reader, id), tree);
    await walk.add(id);
  }
  while (!walk.rootPassed && walk.frontier.length > 1) await walk.step();
  if (walk.rootPassed || walk.frontier.length === 0) throw noCommonAncestor(ids);
  return walk.frontier[0]!.id;
}

/** The entry with this ID, or `EntryNotFound`. */
export async function requireEntry(reader: EntryReader, id: ID): Promise<Entry> {
  const entry = await reader.find(id);
  if (entry !== undefined) return entry;
  throw new BackendError("EntryNotFound", `Cannot read entry "${id}": this node does not hold it`, {
    fields: { id },
  });
}
