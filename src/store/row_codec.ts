import { readRow, type Refuse, writeRow } from "./row_json.ts";

export type { Refuse } from "./row_json.ts";

/** The part of the Standard Schema v1 interface that is used (Zod, Valibot, ArkType and others). */
export interface StandardSchema<Output = unknown> {
  /** Version, vendor and validator, as the interface has them. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly output: Output } | undefined;
  };
}

/** What a Standard Schema validator answers. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** Type of the rows that a schema accepts. */
export type Infer<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];

/** How rows become text and back. */
export interface RowCodec<Row> {
  /** Compact JSON text of a row. */
  write(row: Row, refuse: Refuse): Promise<string>;
  /** The row of a JSON text. */
  read(text: string, refuse: Refuse): Promise<Row>;
}

/** Rows as they are: any JSON value. */
export const jsonRow: RowCodec<unknown> = {
  write: (row, refuse) => Promise.resolve().then(() => writeRow(row, refuse)),
  read: (text, refuse) => Promise.resolve().then(() => readRow(text, refuse)),
};

/** Rows that `schema` accepts; what it returns is what is stored and read. */
export function schemaRow(schema: StandardSchema): RowCodec<unknown> {
  const check = async (row: unknown, refuse: Refuse) => {
    const result = await schema["~standard"].validate(row);
    if (result.issues === undefined) return result.value;
    throw refuse(result.issues.map((issue) => issue.message).join("; "));
  };
  return {
    write: async (row, refuse) => writeRow(await check(row, refuse), refuse),
    read: (text, refuse) => check(readRow(text, refuse), refuse),
  };
}
