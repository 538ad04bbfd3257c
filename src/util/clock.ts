/**
 * Time, injected wherever it is needed so that tests may choose it.
 *
 * @module
 */

/** A source of the present time. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z, an integer of at least 0. */
  nowMillis(): number;
  /** Seconds since 1970-01-01T00:00:00Z, truncated. */
  nowSecs(): number;
  /** The time in UTC as `2024-01-01T00:00:00.001+00:00`, without the fraction when it is zero. */
  nowRfc3339(): string;
}

/** The computer's own clock; it may jump when the computer's time is set. */
export class SystemClock implements Clock {
  /** Milliseconds since the Unix epoch; a clock before the epoch reads 0. */
  nowMillis(): number {
    return Math.max(0, Date.now());
  }

  /** Seconds since the Unix epoch, truncated. */
  nowSecs(): number {
    return Math.trunc(this.nowMillis() / 1000);
  }

  /** The time in UTC as {@link formatRfc3339} writes it. */
  nowRfc3339(): string {
    return formatRfc3339(this.nowMillis());
  }
}

/** Writes `millis` since the Unix epoch as RFC 3339 in UTC: offset `+00:00`, no zero fraction. */
export function formatRfc3339(millis: number): string {
  const text = new Date(millis).toISOString();
  return `${text.slice(0, -1).replace(/\.000$/, "")}+00:00`;
}
