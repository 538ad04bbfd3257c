import type { LocalBackend } from "../backend/local.ts";
import type { ID } from "../entry/id.ts";

/** Other trees that a tree waits for and that have changed, with the number of their last write. */
export interface ChangedAbroad {
  /** The trees. */
  readonly trees: readonly ID[];
  /** Number of the last write to each tree that is waited for. */
  readonly sequences: ReadonlyMap<string, number>;
}

/**
 * Which trees have entries that wait for other trees, and up to which write of those they have looked.
 * What storage says is what counts; this only saves looking where nothing has changed.
 */
export class Abroad {
  readonly #backend: LocalBackend;
  /** Per waiting tree: the last write to each other one that was looked at. */
  readonly #seen = new Map<string, ReadonlyMap<string, number>>();
  /** Per tree: those that wait for it, as far as this process knows. */
  readonly #waiting = new Map<string, Map<string, ID>>();

  /** Nothing has been looked at yet. */
  constructor(backend: LocalBackend) {
    this.#backend = backend;
  }

  /** Which of the trees that `tree` waits for have changed since it looked. */
  async changed(tree: ID, abroad: readonly ID[]): Promise<ChangedAbroad> {
    const seen = this.#seen.get(tree.toString());
    const sequences = new Map<string, number>();
    for (const other of abroad) {
      sequences.set(other.toString(), (await this.#backend.pending(other)).sequence);
    }
    const trees = abroad.filter((other) => {
      const key = other.toString();
      return seen?.get(key) !== sequences.get(key);
    });
    return { trees, sequences };
  }

  /** Notes for which trees `tree` waits now, and up to where it has looked at them. */
  note(tree: ID, abroad: readonly ID[], looked?: ReadonlyMap<string, number>): void {
    const key = tree.toString();
    if (abroad.length === 0) this.#seen.delete(key);
    else if (looked !== undefined) this.#seen.set(key, looked);
    for (const trees of this.#waiting.values()) trees.delete(key);
    for (const other of abroad) {
      const trees = this.#waiting.get(other.toString()) ?? new Map<string, ID>();
      this.#waiting.set(other.toString(), trees.set(key, tree));
    }
  }

  /** Whether any tree waits for `other`. */
  isAwaited(other: ID): boolean {
    return (this.#waiting.get(other.toString())?.size ?? 0) > 0;
  }

  /** The trees that wait for `other`. */
  waitingFor(other: ID): readonly ID[] {
    return [...this.#waiting.get(other.toString())?.values() ?? []];
  }
}
