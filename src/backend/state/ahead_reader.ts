import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { type ListingSource, listStoreBackwards } from "../records/stored_entries.ts";
import type { EntryReader } from "../tree/walk.ts";

/**
 * Reads for a long walk towards the roots of a store: by pages, in about the order in which the walk
 * comes by, instead of one by one.
 */
export class AheadReader implements EntryReader {
  readonly #reader: EntryReader;
  readonly #source: ListingSource;
  readonly #ahead = new Map<string, Entry>();
  #pages: AsyncIterator<Entry[]> | undefined;

  /** Reads through `reader` until {@link begin}; pages come from `source`. */
  constructor(reader: EntryReader, source: ListingSource) {
    this.#reader = reader;
    this.#source = source;
  }

  /** From now on the walk goes on below a height of the store; it begins once. */
  begin(tree: ID, store: string, height: number): void {
    this.#pages ??= listStoreBackwards(this.#source, tree, store, height)[Symbol.asyncIterator]();
  }

  /** See {@link EntryReader.find}. */
  find(id: ID): Promise<Entry | undefined> {
    return this.#pages === undefined ? this.#reader.find(id) : this.#findAhead(id);
  }

  async #findAhead(id: ID): Promise<Entry | undefined> {
    const key = id.toString();
    const near = this.#ahead.get(key) ?? this.#source.entries.get(id)?.entry;
    if (near === undefined) await this.#readPage();
    const found = near ?? this.#ahead.get(key);
    this.#ahead.delete(key);
    return found ?? await this.#reader.find(id);
  }

  async #readPage(): Promise<void> {
    const page = await this.#pages!.next();
    if (page.done === true) return;
    for (const entry of page.value) this.#ahead.set(entry.id.toString(), entry);
  }

  /** Ends the listing. */
  async close(): Promise<void> {
    await this.#pages?.return?.();
  }
}
