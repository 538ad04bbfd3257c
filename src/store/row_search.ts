import { setInspection } from "#inspect";

/** The result of {@link Table.search}: an async iterable of rows, and a promise of all of them. */
export class RowSearch<Row>
  implements AsyncIterable<[key: string, row: Row]>, PromiseLike<[key: string, row: Row][]> {
  readonly #entries: () => AsyncIterable<[key: string, row: Row]>;
  readonly #predicate: (row: Row, key: string) => boolean;

  /** Use {@link Table.search}. */
  constructor(
    entries: () => AsyncIterable<[key: string, row: Row]>,
    predicate: (row: Row, key: string) => boolean,
  ) {
    this.#entries = entries;
    this.#predicate = predicate;
  }

  /** The rows one by one, read as they are asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<[key: string, row: Row]> {
    for await (const [key, row] of this.#entries()) {
      if (this.#predicate(row, key)) yield [key, row];
    }
  }

  /** Makes `await` give all rows at once. */
  then<Done = [key: string, row: Row][], Failed = never>(
    done?: ((rows: [key: string, row: Row][]) => Done | PromiseLike<Done>) | null,
    failed?: ((error: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Done | Failed> {
    return this.#all().then(done, failed);
  }

  async #all(): Promise<[key: string, row: Row][]> {
    const found: [string, Row][] = [];
    for await (const pair of this) found.push(pair);
    return found;
  }
}

setInspection(RowSearch, "RowSearch", () => ["to be awaited"]);
