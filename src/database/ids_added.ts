import type { LocalBackend } from "../backend/local.ts";
import { collect, compareInTree } from "../backend/tree/walk.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { Heap } from "../util/heap.ts";
import { turns } from "../util/turns.ts";

/**
 * The entries between two frontiers, parents first: those that `post` reaches over main parents and
 * `previous` does not (06 §9). A cursor that is newer than `post` gives none.
 *
 * Both sides are walked back together, highest entries first, until nothing is left that only `post`
 * reaches, so the cost follows what lies between the frontiers. Entries that have failed may stand
 * below their parents; where such an entry is met the two sides are walked one after the other.
 */
export async function idsAdded(
  backend: LocalBackend,
  previous: Snapshot,
  post: Snapshot,
): Promise<ID[]> {
  if (turns.isOver) await turns.next();
  if (previous.equals(post)) return [];
  const walk = new DifferenceWalk(backend);
  for (const id of previous.tips) await walk.add(id, true);
  for (const id of post.tips) await walk.add(id, false);
  const added = await walk.finish() ?? await plainDifference(backend, previous, post);
  return added.sort(compareInTree).map((entry) => entry.id);
}

/** As {@link idsAdded}, whatever the heights, at the cost of both histories. */
async function plainDifference(
  backend: LocalBackend,
  previous: Snapshot,
  post: Snapshot,
): Promise<Entry[]> {
  const parents = (entry: Entry) => entry.parents;
  const old = await collect(backend, previous.tips, parents);
  const known = new Set(old.map((entry) => entry.id.toString()));
  const isNew = (id: ID) => !known.has(id.toString());
  const missing: ID[] = [];
  const added = await collect(
    backend,
    post.tips.filter(isNew),
    (entry) => entry.parents.filter(isNew),
    (id) => missing.push(id),
  );
  for (const id of missing) await backend.get(id);
  return added;
}

class DifferenceWalk {
  readonly #backend: LocalBackend;
  readonly #queue = new Heap<Entry>((a, b) => compareInTree(a, b) > 0);
  /** Which entries `previous` reaches; complete for an entry once it is on top of the queue. */
  readonly #met = new Map<string, { old: boolean; readonly height: number | undefined }>();
  #open = 0;
  #isOrdered = true;

  constructor(backend: LocalBackend) {
    this.#backend = backend;
  }

  async add(id: ID, old: boolean, childHeight: number = Infinity): Promise<void> {
    const key = id.toString();
    const met = this.#met.get(key);
    const height = met === undefined ? await this.#meet(id, key, old) : met.height;
    this.#isOrdered &&= height === undefined || height < childHeight;
    if (met === undefined || met.old || !old) return;
    met.old = true;
    this.#open--;
  }

  async #meet(id: ID, key: string, old: boolean): Promise<number | undefined> {
    const entry = old ? await this.#backend.find(id) : await this.#backend.get(id);
    if (entry !== undefined) this.#queue.push(entry);
    if (!old) this.#open++;
    this.#met.set(key, { old, height: entry?.height });
    return entry?.height;
  }

  /** The entries that only `post` reaches; undefined when heights do not tell the order. */
  async finish(): Promise<Entry[] | undefined> {
    const added: Entry[] = [];
    while (this.#open > 0) {
      if (!this.#isOrdered) return undefined;
      const entry = this.#queue.pop()!;
      const old = this.#met.get(entry.id.toString())!.old;
      if (!old) {
        added.push(entry);
        this.#open--;
      }
      for (const parent of entry.parents) await this.add(parent, old, entry.height);
    }
    return this.#isOrdered ? added : undefined;
  }
}
