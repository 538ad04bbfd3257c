import { COMPARISONS, ITEMS_DUE } from "./limits.ts";

/** What all channels of a session may hold together, so that its memory is bounded. */
export class Budget {
  #comparisons = 0;
  #items = 0;
  #isAwaited = false;
  #isFreed = false;

  /** Whether ranges may be compared on one more channel; {@link Budget.compared} gives that back. */
  compare(): boolean {
    if (this.#comparisons >= COMPARISONS) return !(this.#isAwaited = true);
    this.#comparisons++;
    return true;
  }

  /** Ranges are not compared any more on one channel. */
  compared(): void {
    this.#comparisons--;
    this.#isFreed = this.#isAwaited;
  }

  /** Whether it may be looked for what else is to be sent. */
  hasRoom(): boolean {
    if (this.#items < ITEMS_DUE) return true;
    return !(this.#isAwaited = true);
  }

  /** So many more entries are to be sent, or fewer. */
  due(items: number): void {
    this.#items += items;
    if (items < 0) this.#isFreed = this.#isAwaited;
  }

  /** Whether something was given back, since the last time, that somebody waits for. */
  wasFreed(): boolean {
    const isFreed = this.#isFreed;
    if (isFreed) [this.#isFreed, this.#isAwaited] = [false, false];
    return isFreed;
  }
}
