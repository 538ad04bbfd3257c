import type { ErrorOptionsWithFields, StoreError } from "../util/errors.ts";
import { EideticaError } from "../util/errors.ts";
import { parsePlainJson, stringifyPlainJson } from "../util/plain_json.ts";

/** Makes the error for a row that is refused. */
export type Refuse = (reason: string, options?: ErrorOptionsWithFields) => StoreError;

/** What a codec may keep in a table beside the rows: one text. */
export interface RowNotes {
  /** The text, or undefined. */
  get(): Promise<string | undefined>;
  /** Keeps a text instead, together with the row that is being written. */
  put(text: string): void;
}

/** How rows become text and back. What `write` returns, `read` must accept. Tables always give notes. */
export interface RowCodec<Row, Input = Row> {
  /** Compact JSON text of a row. */
  write(row: Input, refuse: Refuse, notes?: RowNotes): Promise<string>;
  /** The row of a JSON text. */
  read(text: string, refuse: Refuse, notes?: RowNotes): Promise<Row>;
}

/** A {@link RowCodec} that waits for nothing. */
export interface DirectRowCodec<Row, Input = Row> {
  /** Compact JSON text of a row. */
  write(row: Input, refuse: Refuse): string;
  /** The row of a JSON text. */
  read(text: string, refuse: Refuse): Row;
}

/** Rows as they are: any JSON value. */
export const jsonRow: DirectRowCodec<unknown> = { write: writeRow, read: readRow };

/**
 * Compact JSON text of a row. A `bigint` is written as the integer it is; whatever would not come back as
 * it was is refused, with its kind and its place.
 */
export function writeRow(row: unknown, refuse: Refuse): string {
  try {
    return stringifyPlainJson(row);
  } catch (cause) {
    // An error of a getter or a `toJSON` of the caller's is the caller's.
    if (!(cause instanceof EideticaError)) throw cause;
    throw refuse(String(cause.fields["reason"]), { cause, fields: cause.fields });
  }
}

/** The row of a JSON text; integers beyond 2^53 − 1 come as `bigint`. */
export function readRow(text: string, refuse: Refuse): unknown {
  try {
    return parsePlainJson(text);
  } catch (cause) {
    throw refuse("its text is not JSON", { cause });
  }
}
