import type { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { BackendError } from "../../util/errors.ts";
import type { Reachability } from "../backend.ts";

/** Reads single entries: a backend, or an update that is being prepared on top of one. */
export interface EntryReader {
  /** The entry with this ID; undefined when it is not held. */
  find(id: ID): Promise<Entry | undefined>;
}

/** Whether an entry belongs to a tree. */
export function inTree(entry: Entry, tree: ID): boolean {
  return entry.root?.equals(tree) === true || entry.id.equals(tree);
}

/** Whether an entry takes part in a store. */
export function inStore(entry: Entry, store: string): boolean {
  return entry.inSubtree(store);
}

/** Parents of an entry in a store; none when it does not take part in it. */
export function storeParents(entry: Entry, store: string): readonly ID[] {
  return inStore(entry, store) ? entry.subtreeParents(store) : [];
}

/** Height of an entry in a store; 0 when it does not take part in it. */
export function storeHeight(entry: Entry, store: string): number {
  return inStore(entry, store) ? entry.subtreeHeight(store) : 0;
}

/** Fold order of two entries: tree height, then the text of the CID. */
export function compareInTree(a: Entry, b: Entry): number {
  return a.height - b.height || ID.compareFold(a.id, b.id);
}

/** Fold order of two entries within a store: store height, then the text of the CID. */
export function compareInStore(store: string): (a: Entry, b: Entry) => number {
  return (a, b) => storeHeight(a, store) - storeHeight(b, store) || ID.compareFold(a.id, b.id);
}

/**
 * All held entries reachable from `starts` over `parents`, each once, starts included. Entries that
 * are not held are skipped, and reported to `missing` when it is given.
 */
export async function collect(
  reader: EntryReader,
  starts: Iterable<ID>,
  parents: (entry: Entry) => readonly ID[],
  missing?: (id: ID) => void,
): Promise<Entry[]> {
  const seen = new Set<string>();
  const queue = [...starts];
  const found: Entry[] = [];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    const key = id.toString();
    if (seen.has(key)) continue;
    seen.add(key);
    const entry = await reader.find(id);
    if (entry === undefined) missing?.(id);
    else found.push(entry), queue.push(...parents(entry));
  }
  return found;
}

/**
 * Tips of a store as of a snapshot of the main tree: its members among the main ancestors that no
 * other such member lists as a store parent. Ancestors that are not held are skipped, and
 * reported to `missing` when it is given.
 */
export async function storeTipsAt(
  reader: EntryReader,
  store: string,
  main: Snapshot,
  missing?: (id: ID) => void,
): Promise<Snapshot> {
  const ancestors = await collect(reader, main.tips, (entry) => entry.parents, missing);
  const members = ancestors.filter((entry) => inStore(entry, store));
  const covered = new Set<string>();
  for (const member of members) {
    for (const parent of member.subtreeParents(store)) covered.add(parent.toString());
  }
  return Snapshot.of(members.map((entry) => entry.id).filter((id) => !covered.has(id.toString())));
}

function foreign(entry: ID, tree: ID): BackendError {
  return new BackendError(
    "EntryNotInTree",
    `Cannot read entry "${entry}" in database "${tree}": it belongs to another one`,
    {
      fields: { entryId: entry, treeId: tree },
    },
  );
}

/** Fails with `EntryNotInTree` unless the entry belongs to the tree. */
export function requireInTree(entry: Entry, tree: ID): void {
  if (!inTree(entry, tree)) throw foreign(entry.id, tree);
}

/** The state of one bounded reachability walk. */
class ReachabilityWalk {
  readonly #reader: EntryReader;
  readonly #tree: ID;
  readonly #unmet = new Set<string>();
  readonly #visited = new Set<string>();
  readonly #missing = new Map<string, ID>();
  readonly #queue: ID[] = [];
  #floor = Number.MAX_SAFE_INTEGER;

  constructor(reader: EntryReader, tree: ID) {
    this.#reader = reader;
    this.#tree = tree;
  }

  async target(id: ID): Promise<void> {
    this.#unmet.add(id.toString());
    const entry = await this.#find(id);
    if (entry === undefined) return;
    requireInTree(entry, this.#tree);
    this.#floor = Math.min(this.#floor, entry.height);
  }

  async from(id: ID): Promise<void> {
    const entry = await this.#find(id);
    if (entry === undefined) return;
    requireInTree(entry, this.#tree);
    this.#visit(entry);
  }

  async #find(id: ID): Promise<Entry | undefined> {
    const entry = await this.#reader.find(id);
    if (entry === undefined) this.#missing.set(id.toString(), id);
    return entry;
  }

  #visit(entry: Entry): void {
    const key = entry.id.toString();
    if (this.#visited.has(key)) return;
    this.#visited.add(key);
    this.#unmet.delete(key);
    if (entry.height > this.#floor) this.#queue.push(...entry.parents);
  }

  async finish(): Promise<Reachability> {
    while (this.#unmet.size > 0 && this.#queue.length > 0) {
      const id = this.#queue.pop()!;
      if (this.#visited.has(id.toString())) continue;
      const entry = await this.#find(id);
      if (entry !== undefined && inTree(entry, this.#tree)) this.#visit(entry);
    }
    if (this.#unmet.size === 0) return { verdict: "Reachable" };
    if (this.#missing.size === 0) return { verdict: "Unreachable" };
    return { verdict: "Indeterminate", missing: [...this.#missing.values()].sort(ID.compare) };
  }
}

/** Whether every target is an ancestor-or-equal of some `from` entry of the tree. */
export async function checkReachable(
  reader: EntryReader,
  tree: ID,
  from: readonly ID[],
  targets: readonly ID[],
): Promise<Reachability> {
  if (from.length === 0 && targets.length > 0) return { verdict: "Unreachable" };
  const walk = new ReachabilityWalk(reader, tree);
  for (const id of targets) await walk.target(id);
  for (const id of from) await walk.from(id);
  return await walk.finish();
}
