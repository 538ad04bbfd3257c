import type { Clock } from "../util/clock.ts";
import { LruMap } from "../util/lru.ts";

/** Most failed attempts a minute to log in under one name from one host. */
export const MAX_NAME_ATTEMPTS = 5;
/** Most failed attempts a minute from one host, under whatever names. */
export const MAX_HOST_ATTEMPTS = 30;

const WINDOW_MS = 60_000;
/** How many names and hosts are remembered at least. */
const MOST_REMEMBERED = 4096;
/** How much of a name is remembered. */
const NAME_LENGTH = 128;

interface Count {
  readonly since: number;
  readonly failures: number;
}

/** Who tries to log in: under which name, and from which host, if that is known. */
export interface Attempt {
  /** The name. */
  readonly name: string;
  /** The host. */
  readonly host: string | undefined;
}

/** Counts failed attempts to log in, so that passwords cannot be guessed by trying. */
export class LoginAttempts {
  readonly #clock: Clock;
  readonly #counts = new LruMap<Count>(MOST_REMEMBERED);

  /** No attempts yet. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts an attempt as failed, before it is made, so that many at once are no way around the limit. Gives for how many
   * seconds nothing may be tried; 0 when this attempt may be made.
   */
  begin(attempt: Attempt): number {
    const limits = limitsOf(attempt).map(([key, most]) => ({ key, most, count: this.#count(key) }));
    const spent = limits.filter(({ count, most }) => count.failures >= most);
    if (spent.length > 0) return Math.max(...spent.map(({ count }) => this.#secondsLeft(count)));
    for (const { key, count } of limits) {
      this.#counts.set(key, { ...count, failures: count.failures + 1 });
    }
    return 0;
  }

  /** The attempt has not failed: what was counted is forgotten. */
  succeeded(attempt: Attempt): void {
    const [name, host] = limitsOf(attempt).map(([key]) => key) as [string, string];
    this.#counts.delete(name);
    const count = this.#count(host);
    this.#counts.set(host, { ...count, failures: Math.max(0, count.failures - 1) });
  }

  #count(key: string): Count {
    const now = this.#clock.nowMillis();
    const count = this.#counts.get(key);
    return count !== undefined && now - count.since < WINDOW_MS
      ? count
      : { since: now, failures: 0 };
  }

  #secondsLeft({ since }: Count): number {
    return Math.max(1, Math.ceil((since + WINDOW_MS - this.#clock.nowMillis()) / 1000));
  }
}

function limitsOf({ name, host = "" }: Attempt): [key: string, most: number][] {
  return [
    [`${host} ${name.slice(0, NAME_LENGTH)}`, MAX_NAME_ATTEMPTS],
    [host, MAX_HOST_ATTEMPTS],
  ];
}
