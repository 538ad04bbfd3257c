/**
 * A map that keeps the `kept` entries used last, and at most twice as many.
 *
 * There are two generations. What is set, or found in the older one, goes to the younger one; when that
 * is full it becomes the older one, and what was not used since the last such change is forgotten. So the
 * use of an entry is one look-up and moves no other.
 */
export class LruMap<V> {
  readonly #kept: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** Makes an empty map that keeps the `kept` entries used last. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** The value under `key`, which becomes the most recently used one. */
  get(key: string): V | undefined {
    const value = this.#young.get(key);
    return value === undefined ? this.#renew(key) : value;
  }

  /** Sets a value and forgets, now and then, those that were not used for long. */
  set(key: string, value: V): void {
    if (this.#young.size >= this.#kept && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** Forgets the value under `key`. */
  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #renew(key: string): V | undefined {
    const value = this.#old.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }
}
