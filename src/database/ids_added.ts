import type { LocalBackend } from "../backend/local.ts";
import { compareInTree } from "../backend/walk.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { Heap } from "../util/heap.ts";

/**
 * The entries between two frontiers, parents first: those that `post` reaches over main parents and
 * `previous` does not (06 §9). A cursor that is newer than `post` gives none.
 *
 * Both sides are walked back together, highest entries first, until nothing is left that only `post`
 * reaches, so the cost follows what lies between the frontiers.
 */
export async function idsAdded(
  backend: LocalBackend,
  previous: Snapshot,
  post: Snapshot,
): Promise<ID[]> {
  if (previous.equals(post)) return [];
  const walk = new DifferenceWalk(backend);
  for (const id of previous.tips) await walk.add(id, true);
  for (const id of post.tips) await walk.add(id, false);
  return (await walk.finish()).sort(compareInTree).map((entry) => entry.id);
}

class DifferenceWalk {
  readonly #backend: LocalBackend;
  readonly #queue = new Heap<Entry>((a, b) => compareInTree(a, b) > 0);
  /** Whether `previous` reaches an entry; complete once the entry is on top of the queue. */
  readonly #old = new Map<string, boolean>();
  #open = 0;

  constructor(backend: LocalBackend) {
    this.#backend = backend;
  }

  async add(id: ID, old: boolean): Promise<void> {
    const key = id.toString();
    const known = this.#old.get(key);
    if (known === undefined) {
      const entry = old ? await this.#backend.find(id) : await this.#backend.get(id);
      if (entry !== undefined) this.#queue.push(entry);
      if (!old) this.#open++;
    } else if (old && !known) this.#open--;
    this.#old.set(key, old || known === true);
  }

  async finish(): Promise<Entry[]> {
    const added: Entry[] = [];
    while (this.#open > 0) {
      const entry = this.#queue.pop()!;
      const old = this.#old.get(entry.id.toString())!;
      if (!old) {
        added.push(entry);
        this.#open--;
      }
      for (const parent of entry.parents) await this.add(parent, old);
    }
    return added;
  }
}
