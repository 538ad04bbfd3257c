/** A map that keeps the entries used last, at most `limit` of them. */
export class LruMap<V> {
  readonly #map = new Map<string, V>();
  readonly #limit: number;
  /** The key that was used last. */
  #last: string | undefined;

  /** Makes an empty map that holds at most `limit` entries. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value under `key`, which becomes the most recently used one. */
  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value === undefined || key === this.#last) return value;
    this.#last = key;
    this.#map.delete(key);
    this.#map.set(key, value);
    return value;
  }

  /** Sets a value and forgets the least recently used one beyond the limit. */
  set(key: string, value: V): void {
    if (key !== this.#last) this.#map.delete(key);
    this.#last = key;
    this.#map.set(key, value);
    if (this.#map.size <= this.#limit) return;
    for (const oldest of this.#map.keys()) {
      this.#map.delete(oldest);
      return;
    }
  }

  /** Forgets the value under `key`. */
  delete(key: string): void {
    this.#map.delete(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#map.clear();
  }
}
