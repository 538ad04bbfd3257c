/**
 * HTML that is escaped by construction: only the literal parts of a template are markup, and there is no other way to
 * make any.
 *
 * @module
 */

/** What a template takes between its literal parts; `undefined` and `false` leave nothing. */
export type HtmlValue = string | number | Html | readonly Html[] | undefined | false;

/** A piece of markup. Only the tag `html` makes one. */
export class Html {
  readonly #text: string;

  /** Markup of the literal parts of a template and of what stands between them, which is escaped. */
  constructor(parts: TemplateStringsArray, values: readonly HtmlValue[]) {
    this.#text = parts.map((part, at) => part + (at < values.length ? written(values[at]) : ""))
      .join("");
  }

  /** The markup. */
  toString(): string {
    return this.#text;
  }
}

/** A template of HTML. What is put in is shown as it is, whatever it contains. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts, values);
}

function written(value: HtmlValue): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  return value.map(written).join("");
}

/** Markup and quotes; and what no eye sees, which could make one text look like another. */
// deno-lint-ignore no-control-regex
const SPECIAL = /[&<>"'\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const NAMED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#x27;",
};

/** A text as HTML shows it, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(SPECIAL, (found) => NAMED[found] ?? visible(found));
}

function visible(character: string): string {
  return `⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}
