/**
 * A clock for tests that says exactly what the test wants (01 §12).
 *
 * @module
 */

import { type Clock, formatRfc3339 } from "../util/clock.ts";

/** Where a {@link FixedClock} starts: 2024-01-01T00:00:00Z in milliseconds. */
export const FIXED_CLOCK_START = 1_704_067_200_000;

/** Freezes a {@link FixedClock} until it is released or disposed. */
export interface ClockHold extends Disposable {
  /** Lets the clock tick again; doing it twice does nothing. */
  release(): void;
}

/** A clock that advances by one millisecond with every reading. */
export class FixedClock implements Clock {
  #millis: number;
  #held = false;

  /** Makes a clock that reads `millis` first. */
  constructor(millis: number = FIXED_CLOCK_START) {
    this.#millis = checked(millis);
  }

  /** The present value in milliseconds; then ticks by one, unless held. */
  nowMillis(): number {
    const now = this.#millis;
    if (!this.#held) this.#millis += 1;
    return now;
  }

  /** One reading in whole seconds, truncated. */
  nowSecs(): number {
    return Math.trunc(this.nowMillis() / 1000);
  }

  /** One reading as RFC 3339 text. */
  nowRfc3339(): string {
    return formatRfc3339(this.nowMillis());
  }

  /** Freezes the clock. Releasing any hold lets it tick again, even while others are kept. */
  hold(): ClockHold {
    this.#held = true;
    let released = false;
    const release = (): void => {
      if (!released) this.#held = false;
      released = true;
    };
    return { release, [Symbol.dispose]: release };
  }

  /** The present value in milliseconds, without a tick. */
  get(): number {
    return this.#millis;
  }

  /** Sets the value in milliseconds, also while held. */
  set(millis: number): void {
    this.#millis = checked(millis);
  }

  /** Moves the value on by `millis`, also while held. */
  advance(millis: number): void {
    this.#millis = checked(this.#millis + millis);
  }

  /** An independent clock at the present value that is not held. */
  clone(): FixedClock {
    return new FixedClock(this.#millis);
  }
}

function checked(millis: number): number {
  if (Number.isSafeInteger(millis) && millis >= 0) return millis;
  throw new RangeError(`a clock needs whole milliseconds of at least 0, got ${millis}`);
}
