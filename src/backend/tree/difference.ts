import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { Heap } from "../../util/heap.ts";
import { requireEntry } from "./frontier_walk.ts";
import { collect, compareInTree, type EntryReader } from "./walk.ts";

/**
 * The entries between two frontiers, parents first: those that `post` reaches over main parents and
 * `previous` does not. A frontier that is newer than `post` gives none.
 *
 * Both sides are walked back together, highest entries first, until nothing is left that only `post`
 * reaches, so the cost follows what lies between the frontiers. Entries that have failed may stand
 * below their parents; where such an entry is met the two sides are walked one after the other.
 */
export async function entriesBetween(
  reader: EntryReader,
  previous: readonly ID[],
  post: readonly ID[],
): Promise<Entry[]> {
  const walk = await DifferenceWalk.begin(reader, previous, post);
  const added = await walk.finish() ?? await plainDifference(reader, previous, post);
  return added.sort(compareInTree);
}

/** As {@link entriesBetween}, between Verified frontiers; undefined when more than `most` are met on the way. */
export async function fewEntriesBetween(
  reader: EntryReader,
  previous: readonly ID[],
  post: readonly ID[],
  most: number,
): Promise<Entry[] | undefined> {
  const walk = await DifferenceWalk.begin(reader, previous, post);
  return (await walk.finish(most))?.sort(compareInTree);
}

/** As {@link entriesBetween}, whatever the heights, at the cost of both histories. */
async function plainDifference(
  reader: EntryReader,
  previous: readonly ID[],
  post: readonly ID[],
): Promise<Entry[]> {
  const parents = (entry: Entry) => entry.parents;
  const old = await collect(reader, previous, parents);
  const known = new Set(old.map((entry) => entry.id.toString()));
  const isNew = (id: ID) => !known.has(id.toString());
  const missing: ID[] = [];
  const added = await collect(
    reader,
    post.filter(isNew),
    (entry) => entry.parents.filter(isNew),
    (id) => missing.push(id),
  );
  for (const id of missing) await requireEntry(reader, id);
  return added;
}

class DifferenceWalk {
  readonly #reader: EntryReader;
  readonly #queue = new Heap<Entry>((a, b) => compareInTree(a, b) > 0);
  /** Which entries `previous` reaches; complete for an entry once it is on top of the queue. */
  readonly #met = new Map<string, { old: boolean; readonly height: number | undefined }>();
  #open = 0;
  #isOrdered = true;

  private constructor(reader: EntryReader) {
    this.#reader = reader;
  }

  static async begin(
    reader: EntryReader,
    previous: readonly ID[],
    post: readonly ID[],
  ): Promise<DifferenceWalk> {
    const walk = new DifferenceWalk(reader);
    for (const id of previous) await walk.#add(id, true);
    for (const id of post) await walk.#add(id, false);
    return walk;
  }

  async #add(id: ID, old: boolean, childHeight: number = Infinity): Promise<void> {
    const key = id.toString();
    const met = this.#met.get(key);
    const height = met === undefined ? await this.#meet(id, key, old) : met.height;
    this.#isOrdered &&= height === undefined || height < childHeight;
    if (met === undefined || met.old || !old) return;
    met.old = true;
    this.#open--;
  }

  async #meet(id: ID, key: string, old: boolean): Promise<number | undefined> {
    const entry = old ? await this.#reader.find(id) : await requireEntry(this.#reader, id);
    if (entry !== undefined) this.#queue.push(entry);
    if (!old) this.#open++;
    this.#met.set(key, { old, height: entry?.height });
    return entry?.height;
  }

  /** The entries that only `post` reaches; undefined when heights do not tell the order, or after `most`. */
  async finish(most: number = Infinity): Promise<Entry[] | undefined> {
    const added: Entry[] = [];
    while (this.#open > 0) {
      if (!this.#isOrdered || this.#met.size > most) return undefined;
      const entry = this.#queue.pop()!;
      const old = this.#met.get(entry.id.toString())!.old;
      if (!old) {
        added.push(entry);
        this.#open--;
      }
      for (const parent of entry.parents) await this.#add(parent, old, entry.height);
    }
    return this.#isOrdered ? added : undefined;
  }
}
