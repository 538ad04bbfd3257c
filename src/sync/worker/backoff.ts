import type { RandomSource } from "../../util/random.ts";

/** The first pause, in milliseconds. */
export const FIRST_PAUSE_MS = 100;
/** The longest pause, in milliseconds. */
export const LONGEST_PAUSE_MS = 30_000;
/** How long something must have worked before the pauses begin anew, in milliseconds. */
export const STEADY_MS = 10_000;
/** Attempts whose pauses are nearly exact; later ones are spread, so that a crowd does not come back at once. */
const EXACT_ATTEMPTS = 2;

/** How long to wait before the next attempt. */
export class Backoff {
  readonly #random: RandomSource;
  #failures = 0;

  /** No failure yet. */
  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** How many attempts have failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Notes a failure; the pause in milliseconds. */
  failed(): number {
    const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
    const spread = this.#failures <= EXACT_ATTEMPTS ? 0.2 : 1;
    return whole * (1 - spread / 2 + spread * this.#fraction());
  }

  /** Notes that something worked. */
  succeeded(): void {
    this.#failures = 0;
  }

  #fraction(): number {
    const [high, low] = this.#random.bytes(2);
    return (high! * 256 + low!) / 65_536;
  }
}
