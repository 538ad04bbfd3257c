import { StoreError } from "../util/errors.ts";
import type { DirectRowCodec, Refuse, RowCodec } from "./row_codec.ts";

/** A row as text, and what its codec keeps in the table together with it. */
export interface WrittenRow {
  /** The JSON text of the row. */
  readonly text: string;
  /** The note to be kept from now on; undefined when there is nothing new. */
  readonly note: string | undefined;
}

/** The rows of one table as text and back; errors name the table and the key. */
export class TableRows<Row, Input = Row> {
  readonly #table: string;
  readonly #codec: RowCodec<Row, Input> | DirectRowCodec<Row, Input>;
  readonly #note: () => Promise<string | undefined>;

  /** Rows that `codec` writes and reads; `note` tells what it has kept in the table. */
  constructor(
    table: string,
    codec: RowCodec<Row, Input> | DirectRowCodec<Row, Input>,
    note: () => Promise<string | undefined>,
  ) {
    this.#table = table;
    this.#codec = codec;
    this.#note = note;
  }

  /** The row of a text. Throws {@link StoreError} `DeserializationFailed`. */
  read(key: string, text: string): Row | Promise<Row> {
    const notes = { get: this.#note, put: () => {} };
    return this.#codec.read(text, this.#refuse("DeserializationFailed", key), notes);
  }

  /** The text of a row. Throws {@link StoreError} `SerializationFailed`. */
  write(key: string, row: Input): WrittenRow | Promise<WrittenRow> {
    const refuse = this.#refuse("SerializationFailed", key);
    if (typeof key !== "string") throw refuse("a key must be a text");
    if (key === "") throw refuse("a key must not be empty");
    let note: string | undefined;
    const put = (text: string) => void (note = text);
    const text = this.#codec.write(row, refuse, { get: this.#note, put });
    return typeof text === "string" ? { text, note } : text.then((text) => ({ text, note }));
  }

  #refuse(code: string, key: string): Refuse {
    const action = code === "SerializationFailed" ? "write" : "read";
    return (reason, { cause, fields } = {}) => {
      const message = `Cannot ${action} row "${key}" of table "${this.#table}": ${reason}`;
      const payload = { ...fields, store: this.#table, key, reason };
      return new StoreError(code, message, { cause, fields: payload });
    };
  }
}
