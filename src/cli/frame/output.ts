import process from "node:process";
import { styleText } from "node:util";
import { defineMember, stringifyJson64 } from "../../util/json64.ts";
import { cell, cut, type Style, widthOf } from "./text.ts";

/** Narrowest terminal that shows lists in columns. */
const COLUMNS_FROM = 72;
/** Width that is taken where there is no terminal; nothing is cut there. */
const NO_TERMINAL = 80;

/** How results are written. */
export interface OutputOptions {
  /** Results are JSON. */
  readonly json: boolean;
  /** `always`, `never`, or `auto`. */
  readonly color: string;
  /** Neither notes nor progress. */
  readonly quiet: boolean;
}

/**
 * Where a command writes: standard output has what was asked for and nothing else; notes, progress, prompts and errors
 * go to standard error.
 */
export class Output {
  /** Whether results are JSON, one value a line. */
  readonly json: boolean;
  /** Whether notes are left out. */
  readonly quiet: boolean;
  readonly #color: string;

  /** An output that is written as the options say. */
  constructor({ json, color, quiet }: OutputOptions) {
    this.json = json;
    this.quiet = quiet;
    this.#color = color;
  }

  /** Whether somebody reads the results on a terminal. */
  get isTerminal(): boolean {
    return process.stdout.isTTY === true && !this.json;
  }

  /** Columns of the terminal. */
  get width(): number {
    return this.isTerminal ? process.stdout.columns || NO_TERMINAL : NO_TERMINAL;
  }

  /** Whether the terminal shows letters and digits alone. */
  get isPlain(): boolean {
    const { TERM, LC_ALL, LC_CTYPE, LANG } = process.env;
    const locale = LC_ALL || LC_CTYPE || LANG || "";
    return this.isTerminal && (TERM === "dumb" || !/utf-?8/i.test(locale));
  }

  /** Whether lists have columns; on a narrow terminal an item takes two lines. */
  get isWide(): boolean {
    return !this.isTerminal || this.width >= COLUMNS_FROM;
  }

  /** A line of the result, for people. */
  line(text = ""): void {
    process.stdout.write(`${text}\n`);
  }

  /** A value of the result, on one line. */
  value(value: unknown): void {
    process.stdout.write(`${sortedJson(value)}\n`);
  }

  /** The result: a value for programs, lines for people. */
  result(value: unknown, ...lines: readonly string[]): void {
    if (this.json) this.value(value);
    else for (const line of lines) this.line(line);
  }

  /** Something that is no result. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${this.errorStyle("dim", text)}\n`);
  }

  /** Text for standard output in a colour, where there are any. */
  style(style: Style, text: string): string {
    return this.#styled(style, text, process.stdout);
  }

  /** Text for standard error in a colour. */
  errorStyle(style: Style, text: string): string {
    return this.#styled(style, text, process.stderr);
  }

  #styled(style: Style, text: string, stream: { isTTY?: boolean }): string {
    const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
    const wanted = this.#color === "auto"
      ? FORCE_COLOR || (stream.isTTY === true && !NO_COLOR && TERM !== "dumb")
      : this.#color === "always";
    return wanted ? styleText(style, text, { validateStream: false }) : text;
  }

  /** A table of texts under a head; without a terminal nothing is cut. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    if (!this.isWide) return rows.forEach((row) => this.#narrow(row));
    const widths = head.map((title, at) =>
      Math.max(widthOf(title), ...rows.map((row) => widthOf(row[at] ?? "")))
    );
    for (const row of [head, ...rows]) this.line(this.#row(row, widths));
  }

  #row(row: readonly string[], widths: readonly number[]): string {
    const text = row.map((it, at) => cell(it, widths[at]!)).join("  ").trimEnd();
    return this.isTerminal ? cut(text, this.width) : text;
  }

  /** Two lines: what it is, and the rest below it. */
  #narrow([first = "", ...rest]: readonly string[]): void {
    this.line(first);
    const texts = rest.filter((text) => text !== "");
    if (texts.length > 0) this.line(cut(`  ${texts.join(", ")}`, this.width));
  }
}

/** A value whose objects have their keys in order. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  if ("toJSON" in value && typeof value.toJSON === "function") return sorted(value.toJSON());
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  const object = {};
  for (const [key, member] of members) defineMember(object, key, sorted(member));
  return object;
}

/** JSON of a value on one line, with sorted keys; control characters are escaped. */
export function sortedJson(value: unknown): string {
  const text = stringifyJson64(sorted(value));
  // C1 controls and signs that end lines or turn the direction of text move what a terminal shows.
  return text.replaceAll(
    /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
