/**
 * A table of records: `key → Text(compact JSON of the row)` in the store's document (04 §7).
 *
 * @module
 */

import { docState } from "../backend/state/doc_state.ts";
import { Doc } from "../crdt/doc.ts";
import { DELETED, type Value } from "../crdt/value.ts";
import { StoreError } from "../util/errors.ts";
import { uuidV4 } from "../util/random.ts";
import { inTurns, turns } from "../util/turns.ts";
import type { StoreContext, StoreType } from "./context.ts";
import { type Infer, jsonRow, type RowCodec, schemaRow, type StandardSchema } from "./row_codec.ts";
import { keyNotFound, mergedName } from "./staged_doc.ts";
import { type HandleWrites, StoreHandle } from "./store_handle.ts";

/** Any JSON object: the rows of a table without a schema. */
export type JsonRow = Record<string, unknown>;

/** A row that cannot be read, with its key and the reason. */
export interface InvalidRow {
  /** Primary key of the row. */
  readonly key: string;
  /** Why it cannot be read. */
  readonly error: StoreError;
}

/** What a viewer of a table can do: read. */
export type TableViewer<Row = JsonRow> = Omit<
  Table<Row>,
  HandleWrites | "insert" | "set" | "update" | "delete"
>;

/**
 * A table: rows under primary keys, the last write of a row wins as a whole (04 §7).
 *
 * Rows come back in key order. What a read returns belongs to the caller.
 *
 * `Table` holds any JSON objects; `Table.of<Row>()` gives them a type, and `Table.of(schema)` has a
 * validator check them.
 *
 * @example
 * ```ts
 * import { Instance, NewUser, Table } from "eidetica";
 *
 * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const db = await user!.createDatabase({ name: "kitchen" });
 * const Recipes = Table.of<{ title: string; minutes: number }>();
 * await db.withTransaction(async (tx) => {
 *   const recipes = await tx.getStore(Recipes, "recipes");
 *   await recipes.insert({ title: "Soup", minutes: 30 });
 *   await recipes.set("bread", { title: "Bread", minutes: 240 });
 * });
 * const recipes = await db.getStoreViewer(Recipes, "recipes");
 * const quick = await recipes.search((recipe) => recipe.minutes < 60);
 * if (quick.length !== 1 || (await recipes.get("bread")).minutes !== 240) throw new Error("lost");
 * for await (const [key, recipe] of recipes.entries()) console.log(key, recipe.title);
 * await instance.close();
 * ```
 */
export class Table<Row = JsonRow> extends StoreHandle {
  /** Type ID of this format (04 §1). */
  static readonly typeId: string = "table:v0";

  readonly #codec: RowCodec<Row>;

  /** A handle on the table `name` of the transaction behind `context`. */
  constructor(context: StoreContext, name: string, codec: RowCodec<Row>) {
    super(context, name);
    this.#codec = codec;
  }

  /** See {@link StoreHandle.typeId}. */
  override get typeId(): string {
    return Table.typeId;
  }

  /** Builds the handle; called by `getStore`. */
  static load(context: StoreContext, name: string): Table {
    return new Table<JsonRow>(context, name, jsonRow as RowCodec<JsonRow>);
  }

  /** Builds the handle of a viewer; called by `getStoreViewer`. */
  static view(context: StoreContext, name: string): TableViewer {
    return Table.load(context, name);
  }

  /** A table of rows of type `Row`, without a check at run time. */
  static of<Row>(): StoreType<Table<Row>, TableViewer<Row>>;
  /** A table whose rows a Standard Schema v1 validator checks on write and on read. */
  static of<Schema extends StandardSchema>(
    schema: Schema,
  ): StoreType<Table<Infer<Schema>>, TableViewer<Infer<Schema>>>;
  static of(schema?: StandardSchema): StoreType<Table<unknown>, TableViewer<unknown>> {
    const codec = schema === undefined ? jsonRow : schemaRow(schema);
    return { typeId: Table.typeId, load: (context, name) => new Table(context, name, codec) };
  }

  async #view(): Promise<Doc> {
    const history = await this.context.fullState(this.name, docState);
    const staged = this.context.staged<Doc>(this.name);
    return staged === undefined ? history : history.merge(staged);
  }

  async #find(key: string): Promise<Value | undefined> {
    const history = await this.context.fullState(this.name, docState);
    return mergedName(this.context.staged<Doc>(this.name), history, key, isRow);
  }

  #stage(key: string, value: string | typeof DELETED): void {
    this.context.requireWritable(this.name);
    const delta = this.context.staged<Doc>(this.name) ?? new Doc();
    // The array form keeps a dot in the key from being read as a path.
    delta.set([key], value);
    this.context.stage(this.name, delta, docState);
  }

  /** Inserts a row under a new random key (UUID v4), which it returns. */
  async insert(row: Row): Promise<string> {
    const key = uuidV4(this.context.random);
    await this.set(key, row);
    return key;
  }

  /** The row under `key`; `KeyNotFound` when there is none. */
  async get(key: string): Promise<Row> {
    const row = await this.getOption(key);
    if (row === undefined) throw keyNotFound(this.name, key);
    return row;
  }

  /** The row under `key`, or undefined. */
  async getOption(key: string): Promise<Row | undefined> {
    const value = await this.#find(key);
    return typeof value === "string" ? await this.#read(key, value) : undefined;
  }

  /** Whether there is a row under `key`. */
  async has(key: string): Promise<boolean> {
    return typeof await this.#find(key) === "string";
  }

  /** Writes a row under `key`, replacing the whole row that was there. */
  async set(key: string, row: Row): Promise<void> {
    const refuse = (reason: string) => invalidRow("SerializationFailed", this.name, key, reason);
    this.context.requireWritable(this.name);
    if (key === "") throw refuse("a key must not be empty");
    this.#stage(key, await this.#codec.write(row, refuse));
    if (turns.isOver) await turns.next();
  }

  /** Deletes the row under `key`; false, and nothing staged, when there is none. */
  async delete(key: string): Promise<boolean> {
    this.context.requireWritable(this.name);
    if (!await this.has(key)) return false;
    this.#stage(key, DELETED);
    return true;
  }

  /** How many rows there are, those included that cannot be read. */
  async count(): Promise<number> {
    let count = 0;
    for await (const [, value] of inTurns((await this.#view()).allEntries())) {
      if (typeof value === "string") count++;
    }
    return count;
  }

  /** All rows in key order, from `from` (included) if it is given. */
  async *entries(options: { from?: string } = {}): AsyncIterable<[key: string, row: Row]> {
    for await (const [key, value] of inTurns((await this.#view()).allEntries(options))) {
      if (typeof value === "string") yield [key, await this.#read(key, value)];
    }
  }

  /**
   * The rows that `predicate` accepts, in key order: iterate over them, or `await` all of them. A row
   * that cannot be read is an error.
   */
  search(predicate: (row: Row, key: string) => boolean): RowSearch<Row> {
    return new RowSearch(() => this.entries(), predicate);
  }

  /** The rows that cannot be read, each with its reason. */
  async invalidRows(): Promise<InvalidRow[]> {
    const invalid: InvalidRow[] = [];
    for await (const [key, value] of inTurns((await this.#view()).allEntries())) {
      if (typeof value !== "string") continue;
      try {
        await this.#read(key, value);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        invalid.push({ key, error });
      }
    }
    return invalid;
  }

  async #read(key: string, text: string): Promise<Row> {
    return await this.#codec.read(text, (reason) => {
      return invalidRow("DeserializationFailed", this.name, key, reason);
    });
  }
}

function isRow(value: Value): boolean {
  return typeof value === "string";
}

function invalidRow(code: string, store: string, key: string, reason: string): StoreError {
  const message = `Row "${key}" of table "${store}" is not valid: ${reason}`;
  return new StoreError(code, message, { fields: { store, key, reason } });
}

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
