/**
 * Rows that a schema checks. What the schema returns for a row is what is stored, and what is read back.
 *
 * Most schemas accept what they have returned, and return it again: such rows are checked when they are
 * read, too, since another program may have written them. A schema that changes what it is given, a text
 * into a number for example, cannot judge its own output. Then the input that shows this is kept in the
 * table: a reader whose schema does the same with it takes the rows as they are stored. For any other schema it
 * shows nothing, so nobody can use it to get past a check.
 *
 * @module
 */

import type { ErrorOptionsWithFields } from "../util/errors.ts";
import { StoreError } from "../util/errors.ts";
import { parsePlainJson, stringifyPlainJson } from "../util/plain_json.ts";
import { readRow, type Refuse, type RowCodec, type RowNotes, writeRow } from "./row_codec.ts";

/** The part of the Standard Schema v1 interface that is used (Zod, Valibot, ArkType and others). */
export interface StandardSchema<Output = unknown> {
  /** Version, vendor and validator, as the interface has them. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input?: unknown; readonly output: Output } | undefined;
  };
}

/** What a Standard Schema validator answers. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** Why a Standard Schema validator does not accept a value. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where it is wrong: keys, or objects that hold one. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Type of the rows that a schema returns. */
export type Infer<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];

/** Type of the rows that a schema accepts: what it returns, unless it tells another one. */
export type InferInput<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
> extends { readonly input: infer Input } ? Input : Infer<Schema>;

/** What a check has found: the output, or why there is none. */
type Checked =
  | { readonly output: unknown }
  | { readonly reason: string; readonly options?: ErrorOptionsWithFields };

/** Rows that `schema` accepts. Throws {@link StoreError} `InvalidConfiguration` if it is no schema. */
export function schemaRow(schema: StandardSchema | undefined): RowCodec<unknown> {
  const standard: unknown = (schema as Partial<StandardSchema> | null)?.["~standard"];
  const validate: unknown = (standard as Partial<StandardSchema["~standard"]> | null)?.validate;
  if (typeof validate === "function") return new SchemaRows(schema!);
  const reason = "it is not a Standard Schema, which has a method `validate` under `~standard`";
  throw new StoreError("InvalidConfiguration", `Cannot make a table of this schema: ${reason}`, {
    fields: { reason },
  });
}

const NO_NOTES: RowNotes = { get: () => Promise.resolve(undefined), put: () => {} };

class SchemaRows implements RowCodec<unknown> {
  readonly #schema: StandardSchema;
  /** A note that was found to show that the schema does not accept its own output. */
  #proof: string | undefined;
  /** A note that shows nothing. */
  #noProof: string | undefined;

  constructor(schema: StandardSchema) {
    this.#schema = schema;
  }

  async write(row: unknown, refuse: Refuse, notes: RowNotes = NO_NOTES): Promise<string> {
    const checked = await this.#check(row);
    if ("reason" in checked) throw refuse(checked.reason, checked.options);
    const text = writeRow(checked.output, refuse);
    if (isSameJson(checked.output, row) || await this.#accepts(text)) return text;
    if (!isSameJson(checked.output, parsePlainJson(text))) {
      throw refuse(
        "its schema does not give back what it has returned when that was stored as JSON",
      );
    }
    if (!await this.#isProven(await notes.get())) notes.put(await this.#prove(row, refuse));
    return text;
  }

  async read(text: string, refuse: Refuse, notes: RowNotes = NO_NOTES): Promise<unknown> {
    const stored = readRow(text, refuse);
    const checked = await this.#check(stored);
    if ("output" in checked) {
      if (isSameJson(checked.output, stored)) return checked.output;
      const again = textOf(checked.output);
      if (again === textOf(stored)) return checked.output;
      // What is no output of a schema that accepts its outputs was written by somebody else.
      const isForeign = !await this.#isProven(await notes.get()) && again !== undefined &&
        await this.#accepts(again);
      return isForeign ? checked.output : stored;
    }
    if (await this.#isProven(await notes.get())) return stored;
    throw refuse(checked.reason, checked.options);
  }

  async #check(value: unknown): Promise<Checked> {
    try {
      const result = await this.#schema["~standard"].validate(value);
      if (!result.issues) return { output: (result as { value: unknown }).value };
      return { reason: result.issues.map(textOfIssue).join("; ") };
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      return { reason: `its schema failed: ${message}`, options: { cause } };
    }
  }

  /** Whether the schema returns what it is given, as far as JSON tells. */
  async #accepts(text: string): Promise<boolean> {
    const checked = await this.#check(parsePlainJson(text));
    return "output" in checked && textOf(checked.output) === text;
  }

  /** Whether a note holds an input whose output the schema does not accept. */
  async #isProven(note: string | undefined): Promise<boolean> {
    if (note === undefined || note === this.#noProof) return false;
    if (note === this.#proof) return true;
    const isProof = await this.#showsChange(note);
    if (isProof) this.#proof = note;
    else this.#noProof = note;
    return isProof;
  }

  async #showsChange(note: string): Promise<boolean> {
    let input: unknown;
    try {
      input = parsePlainJson(note);
    } catch {
      return false;
    }
    const checked = await this.#check(input);
    const text = "output" in checked ? textOf(checked.output) : undefined;
    return text !== undefined && !await this.#accepts(text);
  }

  /** The note that shows that the schema changes `row` into something that it does not accept. */
  async #prove(row: unknown, refuse: Refuse): Promise<string> {
    const note = textOf(row);
    if (note !== undefined && await this.#isProven(note)) return note;
    throw refuse(
      "its schema does not accept what it has returned, and what it was given is not JSON",
    );
  }
}

function textOfIssue({ message, path }: SchemaIssue): string {
  const keys = path?.map((part) => String(typeof part === "object" ? part.key : part)) ?? [];
  return keys.length === 0 ? message : `${keys.join(".")}: ${message}`;
}

/** The JSON text of a value; undefined when it has none. */
function textOf(value: unknown): string | undefined {
  try {
    return stringifyPlainJson(value);
  } catch {
    return undefined;
  }
}

/** Whether two values are the same, and made of nothing but what JSON gives back. */
function isSameJson(left: unknown, right: unknown): boolean {
  if (typeof left !== "object" || left === null) return isKept(left) && Object.is(left, right);
  if (typeof right !== "object" || right === null) return false;
  if (Array.isArray(left)) {
    return Array.isArray(right) && left.length === right.length &&
      left.every((item, at) => isSameJson(item, right[at]));
  }
  return isPlainObject(left) && isPlainObject(right) && hasSameMembers(left, right);
}

/** Integers that fit a `number` are read as one. */
function isKept(value: unknown): boolean {
  return typeof value !== "bigint" || !Number.isSafeInteger(Number(value));
}

function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !("toJSON" in value);
}

function hasSameMembers(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  const keys = membersOf(left);
  return keys.length === membersOf(right).length &&
    keys.every((key) => isSameJson(left[key], right[key]));
}

/** The keys of the members that JSON keeps. */
function membersOf(object: Record<string, unknown>): string[] {
  return Object.keys(object).filter((key) => object[key] !== undefined);
}
