import { setInspection } from "#inspect";
import { ID } from "./id.ts";
import { requireInstance, requireIterable } from "../util/arguments.ts";

const MAKE = "make a snapshot";

/**
 * A frontier: the tips of a database or store, sorted by {@link ID.compare}, without duplicates.
 * Which one it belongs to comes from the context. Immutable.
 */
export class Snapshot implements Iterable<ID> {
  /** No tips. */
  static readonly EMPTY: Snapshot = new Snapshot([]);

  /** The tips in ID order. */
  readonly tips: readonly ID[];

  private constructor(tips: readonly ID[]) {
    this.tips = tips;
  }

  /**
   * The frontier of these tips, in any order and with duplicates. It is what `database.snapshot()` gives, and what
   * `at` takes to begin a transaction, to read or to listen at an earlier state: keep `snapshot.toJSON()` and make
   * it again with {@link fromJSON}. `Snapshot.of([entry.id])` is the state right after one entry.
   */
  static of(tips: Iterable<ID>): Snapshot {
    if (tips instanceof Snapshot) return tips;
    requireIterable(tips, MAKE, "the tips");
    const sorted = [...tips];
    for (const tip of sorted) requireInstance(tip, ID, MAKE, "each tip");
    if (sorted.length === 1) return new Snapshot(sorted);
    sorted.sort(ID.compare);
    if (sorted.length === 0) return Snapshot.EMPTY;
    return new Snapshot(sorted.filter((id, at) => at === 0 || !id.equals(sorted[at - 1]!)));
  }

  /** The frontier of a JSON array of ID texts. */
  static fromJSON(json: readonly string[]): Snapshot {
    requireIterable(json, MAKE, "the texts");
    return Snapshot.of([...json].map((text) => ID.parse(text)));
  }

  /** How many tips there are. */
  get length(): number {
    return this.tips.length;
  }

  /** Whether there are no tips. */
  get isEmpty(): boolean {
    return this.tips.length === 0;
  }

  /** Whether an ID is one of the tips. */
  contains(id: ID): boolean {
    return this.tips.some((tip) => tip.equals(id));
  }

  /** Whether both have the same tips. */
  equals(other: Snapshot): boolean {
    if (this === other) return true;
    return other instanceof Snapshot && this.tips.length === other.tips.length &&
      this.tips.every((tip, at) => tip.equals(other.tips[at]!));
  }

  /** The tips in ID order. */
  [Symbol.iterator](): Iterator<ID> {
    return this.tips[Symbol.iterator]();
  }

  /** ID texts in ID order. */
  toJSON(): string[] {
    return this.tips.map((tip) => tip.toString());
  }
}

setInspection(Snapshot, "Snapshot", ({ tips }) => tips);
