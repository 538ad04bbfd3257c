/**
 * Rows of a CSV file (RFC 4180): the first line names the columns; fields in quotes may hold separators,
 * line breaks, and quotes that are written twice. The separator is the comma, semicolon or tab that the
 * first line has most of. All values are texts: nothing is guessed, and leading zeros stay.
 *
 * @module
 */

/** A row, and the line it begins at. */
export interface CsvRow {
  /** The values by the names of their columns. */
  readonly row: Record<string, string>;
  /** Its first line, counted from 1. */
  readonly line: number;
}

/** Reads the rows of a text that comes in parts. */
export async function* readCsv(parts: AsyncIterable<string>): AsyncIterable<CsvRow> {
  const reader = new CsvReader();
  let names: readonly string[] | undefined;
  for await (const { fields, line } of recordsOf(parts, reader)) {
    if (names === undefined) names = requireNames(fields);
    else yield { row: toRow(names, fields, line), line };
  }
  if (names === undefined) {
    throw new Error("Cannot read the CSV: it has no line with names of columns");
  }
}

async function* recordsOf(
  parts: AsyncIterable<string>,
  reader: CsvReader,
): AsyncIterable<CsvRecord> {
  for await (const part of parts) yield* reader.take(part);
  yield* reader.end();
}

function requireNames(fields: readonly string[]): readonly string[] {
  const names = fields.map((name) => name.trim());
  if (names.includes("")) {
    throw new Error(`Cannot read the CSV: column ${names.indexOf("") + 1} of line 1 has no name`);
  }
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return names;
  throw new Error(`Cannot read the CSV: two columns of line 1 have the name "${twice}"`);
}

function toRow(names: readonly string[], fields: readonly string[], line: number): CsvRow["row"] {
  if (fields.length === names.length) {
    return Object.fromEntries(names.map((name, at) => [name, fields[at]!]));
  }
  const counts = `${fields.length} fields, and line 1 names ${names.length} columns`;
  throw new Error(`Cannot read line ${line} of the CSV: it has ${counts}`);
}

interface CsvRecord {
  readonly fields: readonly string[];
  readonly line: number;
}

type State = "start" | "plain" | "quoted" | "behind";

/** Splits a text that comes in parts into records. */
class CsvReader {
  #separator: string | undefined;
  #state: State = "start";
  #fields: string[] = [];
  #field = "";
  #line = 1;
  #first = 1;
  #records: CsvRecord[] = [];

  /** The records that are complete with this part. */
  take(part: string): CsvRecord[] {
    const text = this.#separator === undefined ? part.replace(/^\uFEFF/, "") : part;
    this.#separator ??= separatorOf(text);
    for (const character of text) this.#read(character);
    return this.#records.splice(0);
  }

  /** The last record, which may end without a line break. */
  end(): CsvRecord[] {
    if (this.#state === "quoted") {
      throw new Error(`Cannot read line ${this.#first} of the CSV: a quote is never closed`);
    }
    this.#endRecord();
    return this.#records.splice(0);
  }

  #read(character: string): void {
    if (character === "\n") this.#line++;
    if (this.#state === "quoted") {
      if (character === '"') this.#state = "behind";
      else this.#field += character;
    } else if (character === '"' && this.#state !== "plain") this.#quote();
    else if (character === this.#separator) this.#endField();
    else if (character === "\n") this.#endRecord();
    else this.#add(character);
  }

  /** A quote at the beginning of a field, or behind another one, which means one quote. */
  #quote(): void {
    if (this.#state === "behind") this.#field += '"';
    this.#state = "quoted";
  }

  #add(character: string): void {
    if (this.#state === "behind") {
      if (character === "\r") return;
      throw new Error(`Cannot read line ${this.#line} of the CSV: text follows a closing quote`);
    }
    this.#state = "plain";
    this.#field += character;
  }

  #endField(): void {
    const isQuoted = this.#state === "behind";
    this.#fields.push(isQuoted ? this.#field : this.#field.replace(/\r$/, ""));
    this.#field = "";
    this.#state = "start";
  }

  #endRecord(): void {
    const isQuoted = this.#state === "behind";
    this.#endField();
    const [only, ...others] = this.#fields;
    const isBlank = others.length === 0 && only === "" && !isQuoted;
    if (!isBlank) this.#records.push({ fields: this.#fields, line: this.#first });
    this.#fields = [];
    this.#first = this.#line;
  }
}

function separatorOf(text: string): string {
  const header = (text.split("\n", 1)[0] ?? "").replace(/"[^"]*"/g, "");
  const counts = [",", ";", "\t"].map((it) => [header.split(it).length, it] as const);
  return counts.reduce((most, it) => it[0] > most[0] ? it : most)[1];
}
