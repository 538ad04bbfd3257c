import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { createInterface } from "node:readline";
import type { JsonRow } from "eidetica";
import { readCsv } from "./csv.ts";

/** A row of a source. */
export interface SourceRow {
  /** What it is stored under. */
  readonly key: string;
  /** The row. */
  readonly row: JsonRow;
  /** How much of the source has been read, from 0 to 1. */
  readonly read: number;
}

/** Where rows come from. */
export interface Source {
  /** Name of the database they belong to. */
  readonly name: string;
  /** The rows, in their order. */
  readonly rows: AsyncIterable<SourceRow>;
}

/** A row, and where it stands, for errors. */
interface FoundRow {
  readonly row: unknown;
  readonly where: string;
  readonly read: number;
}

/** The 250 countries of the npm package world-countries. */
export function countries(): Source {
  return { name: "countries", rows: readCountries() };
}

async function* readCountries(): AsyncIterable<SourceRow> {
  const file = new URL("../../node_modules/world-countries/countries.json", import.meta.url);
  const rows = JSON.parse(await readFile(file, "utf8")) as JsonRow[];
  for (const [at, { translations: _translations, ...row }] of rows.entries()) {
    // Outlines and translations make up most of the file and nothing of the example.
    yield { key: String(row.cca3), row, read: (at + 1) / rows.length };
  }
}

const READERS: ReadonlyMap<string, (path: string, size: number) => AsyncIterable<FoundRow>> =
  new Map([
    [".json", readArray],
    [".ndjson", readLines],
    [".jsonl", readLines],
    [".csv", readTable],
    [".tsv", readTable],
  ]);

/** A file of the user's; one that cannot be read is refused before anything is created. */
export async function userFile(
  path: string,
  options: { key?: string; name?: string },
): Promise<Source> {
  const { size, isFile } = await stat(path).then(
    (stats) => ({ size: stats.size, isFile: stats.isFile() }),
    (cause: Error) => {
      throw new Error(`Cannot read "${path}": ${cause.message}`, { cause });
    },
  );
  if (!isFile) throw new Error(`Cannot read "${path}": it is not a file`);
  const kind = extname(path).toLowerCase();
  const read = READERS.get(kind);
  if (read === undefined) {
    const kinds = [...READERS.keys()].join(", ");
    throw new Error(`Cannot read "${path}": its name must end with one of ${kinds}`);
  }
  const name = options.name ?? basename(path, extname(path));
  return { name, rows: withKeys(read(path, size), options.key) };
}

/** Gives every row its key: a column's value or, where no column is named and there is no `id`, its content. */
async function* withKeys(
  rows: AsyncIterable<FoundRow>,
  column: string | undefined,
): AsyncIterable<SourceRow> {
  let by = column;
  let isFirst = true;
  for await (const { row: value, where, read } of rows) {
    const row = requireRow(value, where);
    if (isFirst && by === undefined && isKey(row.id)) by = "id";
    isFirst = false;
    yield { key: by === undefined ? contentKey(row) : columnKey(row, by, where), row, read };
  }
}

function requireRow(value: unknown, where: string): JsonRow {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonRow;
  throw new Error(`Cannot import ${where}: it is not a JSON object`);
}

function isKey(value: unknown): boolean {
  return (typeof value === "string" && value !== "") || typeof value === "number";
}

function columnKey(row: JsonRow, column: string, where: string): string {
  const value = row[column];
  if (isKey(value)) return String(value);
  const columns = Object.keys(row).join(", ");
  throw new Error(
    `Cannot import ${where}: "${column}", the key, is missing or empty; --key names another of ${columns}`,
  );
}

function contentKey(row: JsonRow): string {
  return createHash("sha256").update(JSON.stringify(row)).digest("base64url").slice(0, 22);
}

async function* readTable(path: string, size: number): AsyncIterable<FoundRow> {
  const stream = createReadStream(path, { encoding: "utf8" });
  for await (const { row, line } of readCsv(stream)) {
    yield { row, where: `line ${line} of "${path}"`, read: stream.bytesRead / size };
  }
}

async function* readLines(path: string, size: number): AsyncIterable<FoundRow> {
  const stream = createReadStream(path);
  let number = 0;
  for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
    number++;
    const where = `line ${number} of "${path}"`;
    const json = number === 1 ? withoutMark(text) : text;
    if (json.trim() === "") continue;
    yield { row: parse(json, where), where, read: stream.bytesRead / size };
  }
}

async function* readArray(path: string): AsyncIterable<FoundRow> {
  const value = parse(withoutMark(await readFile(path, "utf8")), `"${path}"`);
  if (!Array.isArray(value)) {
    throw new Error(`Cannot import "${path}": it is not an array of objects`);
  }
  for (const [at, row] of value.entries()) {
    yield { row, where: `item ${at} of "${path}"`, read: (at + 1) / value.length };
  }
}

/** Some programs begin a text with the mark of its byte order. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`Cannot read ${where}: ${(cause as Error).message}`, { cause });
  }
}
