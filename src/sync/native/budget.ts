import { ANSWERED_COMPARISONS, COMPARISONS, ITEMS_DUE } from "./limits.ts";

/** What all channels of a session may hold together, so that its memory is bounded. */
export class Budget {
  #begun = 0;
  #answered = 0;
  #items = 0;
  #isAwaited = false;
  #isFreed = false;

  /** Whether this side may begin to compare ranges on one more channel; {@link Budget.compared} gives that back. */
  compare(): boolean {
    if (this.#begun >= COMPARISONS) return !(this.#isAwaited = true);
    this.#begun++;
    return true;
  }

  /** Ranges are not compared any more on one channel on which this side has begun. */
  compared(): void {
    this.#begun--;
    this.#isFreed = this.#isAwaited;
  }

  /** Whether they may be compared on one more because the other side has begun; {@link Budget.replied} gives that back. */
  reply(): boolean {
    if (this.#answered >= ANSWERED_COMPARISONS) return false;
    this.#answered++;
    return true;
  }

  /** They are not compared any more on one channel on which the other side has begun. */
  replied(): void {
    this.#answered--;
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
