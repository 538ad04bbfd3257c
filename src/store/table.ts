/**
 * A table of records, in the store's document:
 *
 * ```text
 * key → Text(compact JSON of the row)
 * ""  → Doc { input: Text }            a note of the schema, see `schema_row.ts`; most tables have none
 * ```
 *
 * @module
 */

import { setInspection } from "#inspect";
import { docState } from "../backend/state/doc_state.ts";
import { Doc } from "../crdt/doc.ts";
import { DELETED, type Value } from "../crdt/value.ts";
import { optionsOf, requireFunction, requireText } from "../util/arguments.ts";
import { StoreError } from "../util/errors.ts";
import { uuidV4 } from "../util/random.ts";
import { inTurns, turns } from "../util/turns.ts";
import type { StoreContext, StoreType } from "./context.ts";
import { type DirectRowCodec, jsonRow, type RowCodec } from "./row_codec.ts";
import { RowSearch } from "./row_search.ts";
import type { KeptRow } from "./row_types.ts";
import { type Infer, type InferInput, schemaRow, type StandardSchema } from "./schema_row.ts";
import { keyNotFound, mergedName } from "./staged_doc.ts";
import { type HandleWrites, StoreHandle, storeText } from "./store_handle.ts";
import { TableRows, type WrittenRow } from "./table_rows.ts";

/** Key of the note that a schema keeps; rows have no empty key. */
const NOTE = "";

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
 * A table: rows under primary keys, the last write of a row wins as a whole.
 *
 * Rows come back in key order. What a read returns belongs to the caller.
 *
 * `Row` is what is read, `Input` what is written; a schema may make the one of the other.
 *
 * `Table` holds any JSON objects; `Table.of<Row>()` gives them a type, and `Table.of(schema)` has a
 * validator check them and holds what that returns. A value that would not come back as it is, such as a
 * `Map`, bytes or a function, is refused when it is written. An object with a `toJSON`, such as a `Date`, is
 * stored as what that returns, for a date a text.
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
export class Table<Row = JsonRow, Input = Row> extends StoreHandle {
  /** Type ID of this format. */
  static readonly typeId: string = "table:v0";

  readonly #rows: TableRows<Row, Input>;

  /** A handle on the table `name` of the transaction behind `context`. */
  constructor(
    context: StoreContext,
    name: string,
    codec: RowCodec<Row, Input> | DirectRowCodec<Row, Input>,
  ) {
    super(context, name);
    this.#rows = new TableRows(name, codec, () => this.#note());
  }

  /** See {@link StoreHandle.typeId}. */
  override get typeId(): string {
    return Table.typeId;
  }

  /** Builds the handle; called by `getStore`. */
  static load(context: StoreContext, name: string): Table {
    return new Table<JsonRow>(context, name, jsonRow as DirectRowCodec<JsonRow>);
  }

  /** Builds the handle of a viewer; called by `getStoreViewer`. */
  static view(context: StoreContext, name: string): TableViewer {
    return Table.load(context, name);
  }

  /** A table of rows of type `Row`, which must come back as they are; nothing checks their type at run time. */
  static of<Row extends KeptRow<Row> = JsonRow>(): StoreType<Table<Row>, TableViewer<Row>>;
  /**
   * A table whose rows a Standard Schema v1 validator checks on write and on read. What it returns for a row
   * is what is stored and read back. A schema that does not accept what it has itself returned, such as one
   * that makes a number of a text, checks on write alone.
   */
  static of<Schema extends StandardSchema>(
    schema: Schema,
  ): StoreType<Table<Infer<Schema>, InferInput<Schema>>, TableViewer<Infer<Schema>>>;
  static of(
    ...schemas: readonly StandardSchema[]
  ): StoreType<Table<unknown>, TableViewer<unknown>> {
    // A schema that is undefined by mistake must not be taken for none.
    const codec = schemas.length === 0 ? jsonRow : schemaRow(schemas[0]);
    return { typeId: Table.typeId, load: (context, name) => new Table(context, name, codec) };
  }

  async #view(): Promise<Doc> {
    const history = await this.context.fullState(this.name, docState);
    const staged = this.context.staged<Doc>(this.name);
    return staged === undefined ? history : history.merge(staged);
  }

  async #find(key: string): Promise<Value | undefined> {
    requireText(key, "look up a row", "its key");
    return this.#peek(await this.context.fullState(this.name, docState), key);
  }

  async #note(): Promise<string | undefined> {
    const note = await this.#find(NOTE);
    return note instanceof Doc ? note.getString("input") : undefined;
  }

  #peek(history: Doc, key: string): Value | undefined {
    return mergedName(this.context.staged<Doc>(this.name), history, key, isRow);
  }

  #put(key: string, { text, note }: WrittenRow): void {
    if (note !== undefined) this.#stage([NOTE, "input"], note);
    this.#stage([key], text);
  }

  #stage(path: readonly string[], value: string | typeof DELETED): void {
    this.context.requireWritable(this.name);
    const delta = this.context.staged<Doc>(this.name) ?? new Doc();
    // The array form keeps a dot in the key from being read as a path.
    delta.set(path, value);
    this.context.stage(this.name, delta, docState);
  }

  /** Inserts a row under a new random key (UUID v4), which it returns. */
  async insert(row: Input): Promise<string> {
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
    return typeof value === "string" ? await this.#rows.read(key, value) : undefined;
  }

  /** Whether there is a row under `key`. */
  async has(key: string): Promise<boolean> {
    return typeof await this.#find(key) === "string";
  }

  /** Writes a row under `key`, replacing the whole row that was there. */
  async set(key: string, row: Input): Promise<void> {
    this.context.requireWritable(this.name);
    requireText(key, "write a row", "its key");
    const written = this.#rows.write(key, row);
    this.#put(key, written instanceof Promise ? await written : written);
    if (turns.isOver) await turns.next();
  }

  /**
   * Reads the row under `key`, or undefined, and writes what `change` returns or, when that is nothing, the
   * row as `change` left it. `KeyNotFound` when there is no row then. Gives the row that was written.
   *
   * Updates that run side by side in one transaction all count; `change` may run several times for that.
   * Other transactions are not waited for: to raise a number that others raise, too, call this within
   * `database.update`, or use a `Counter`.
   *
   * @example
   * ```ts
   * import { Instance, NewUser, Table } from "eidetica";
   *
   * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
   * const db = await user!.createDatabase({ name: "shop" });
   * const Stock = Table.of<{ count: number }>();
   * const deliver = (count: number) =>
   *   db.update(async (tx) => {
   *     const stock = await tx.getStore(Stock, "stock");
   *     return await stock.update("apples", (row) => ({ count: (row?.count ?? 0) + count }));
   *   });
   * await Promise.all([deliver(3), deliver(4)]);
   * const stock = await db.getStoreViewer(Stock, "stock");
   * if ((await stock.get("apples")).count !== 7) throw new Error("a delivery was lost");
   * await instance.close();
   * ```
   */
  async update(
    key: string,
    change: (row: Row | undefined) => Input | void | Promise<Input | void>,
  ): Promise<Row> {
    requireFunction(change, "update a row", "the change");
    for (;;) {
      this.context.requireWritable(this.name);
      const before = await this.#find(key);
      const row = typeof before === "string" ? await this.#rows.read(key, before) : undefined;
      const changed = await change(row) ?? row as Input | undefined;
      if (changed === undefined) throw keyNotFound(this.name, key);
      const written = await this.#rows.write(key, changed);
      const history = await this.context.fullState(this.name, docState);
      // Nothing is awaited between this question and its answer.
      if (this.#peek(history, key) !== before) continue;
      this.#put(key, written);
      return await this.#rows.read(key, written.text);
    }
  }

  /** Deletes the row under `key`; false, and nothing staged, when there is none. */
  async delete(key: string): Promise<boolean> {
    this.context.requireWritable(this.name);
    if (!await this.has(key)) return false;
    this.#stage([key], DELETED);
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
  async *entries(given?: { from?: string }): AsyncIterable<[key: string, row: Row]> {
    const options = optionsOf(given, "read rows");
    if (options.from !== undefined) requireText(options.from, "read rows", "`from`");
    for await (const [key, value] of inTurns((await this.#view()).allEntries(options))) {
      if (typeof value === "string") yield [key, await this.#rows.read(key, value)];
    }
  }

  /**
   * The rows that `predicate` accepts, in key order: iterate over them, or `await` all of them. A row
   * that cannot be read is an error.
   */
  search(predicate: (row: Row, key: string) => boolean): RowSearch<Row> {
    requireFunction(predicate, "search rows", "the predicate");
    return new RowSearch(() => this.entries(), predicate);
  }

  /** The rows that cannot be read, each with its reason. */
  async invalidRows(): Promise<InvalidRow[]> {
    const invalid: InvalidRow[] = [];
    for await (const [key, value] of inTurns((await this.#view()).allEntries())) {
      if (typeof value !== "string") continue;
      try {
        await this.#rows.read(key, value);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        invalid.push({ key, error });
      }
    }
    return invalid;
  }

  static {
    setInspection(Table, "Table", ({ name, context }) => [storeText(name, context)]);
  }
}

function isRow(value: Value): boolean {
  return typeof value === "string";
}
