/** What the transcripts of pages keep: titles, headings, forms, links, tables and lines of text. */

const NAMED: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#x27;": "'",
  "&amp;": "&",
};

/** The text that a browser shows of a piece of markup. */
export function textOf(markup: string): string {
  const plain = markup.replace(/<[^>]*>/g, "");
  return plain.replace(/&(?:lt|gt|quot|amp|#x27);/g, (it) => NAMED[it]!).replace(/\s+/g, " ")
    .trim();
}

function all(html: string, pattern: RegExp): string[] {
  return [...html.matchAll(pattern)].map((match) => textOf(match[1]!));
}

function attributes(tag: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, , value] of tag.matchAll(/\s([a-z-]+)(="([^"]*)")?/g)) {
    found[name!] = textOf(value ?? "");
  }
  return found;
}

/** Fields of a form; of those that are hidden the names alone. */
export interface Field {
  readonly [member: string]: unknown;
  readonly name?: string | undefined;
}

function inputOf(tag: string): Field {
  const { type, name, required, pattern } = attributes(tag);
  return {
    type,
    name,
    ...required === undefined ? {} : { required: true },
    ...pattern === undefined ? {} : { pattern },
  };
}

function selectOf(markup: string): Field {
  const { name, required } = attributes(markup.slice(0, markup.indexOf(">")));
  const options = [...markup.matchAll(/<option[^>]*>/g)].map(([tag]) => {
    const { value, selected } = attributes(tag);
    return { value, selected: selected !== undefined };
  });
  return { name, ...required === undefined ? {} : { required: true }, tag: "select", options };
}

function formOf(markup: string): unknown {
  const { method = "get", action } = attributes(markup.slice(0, markup.indexOf(">")));
  const tags = [...markup.matchAll(/<input[^>]*>|<select[\s\S]*?<\/select>/g)].map(([tag]) => tag);
  const fields = tags.map((tag) => tag.startsWith("<input") ? inputOf(tag) : selectOf(tag));
  return {
    method: method.toUpperCase(),
    action,
    fields,
    submit: /<button type="submit">/.test(markup),
  };
}

function tableOf(markup: string): { header: string[]; rows: string[][] } {
  const rows = [...markup.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row]) => row!);
  const [header = "", ...body] = rows;
  return {
    header: all(header, /<th[^>]*>([\s\S]*?)<\/th>/g),
    rows: body.map((row) => all(row, /<td[^>]*>([\s\S]*?)<\/td>/g)),
  };
}

/** The facts of a page. */
export interface PageFacts {
  readonly title: string | undefined;
  readonly headings: readonly string[];
  readonly forms: readonly unknown[];
  readonly links: readonly string[];
  readonly tables: readonly { header: string[]; rows: string[][] }[];
  readonly error: string | undefined;
}

/** Reads the facts of a page. */
export function pageFacts(html: string): PageFacts {
  return {
    title: all(html, /<title>([\s\S]*?)<\/title>/g)[0],
    headings: all(html, /<h[1-6][^>]*>([\s\S]*?)<\/h[1-6]>/g),
    forms: [...html.matchAll(/<form[\s\S]*?<\/form>/g)].map(([form]) => formOf(form)),
    links: [...html.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => textOf(href!)),
    tables: [...html.matchAll(/<table[\s\S]*?<\/table>/g)].map(([table]) => tableOf(table)),
    error: all(html, /<p class="error"[^>]*>([\s\S]*?)<\/p>/g)[0],
  };
}

/** Lines of text of a page, by what they are. */
export function textFacts(html: string): Readonly<Record<string, readonly string[]>> {
  return {
    info_rows: all(html, /<div class="info-row">([\s\S]*?)<\/div>/g),
    notice: all(html, /<p class="notice"[^>]*>([\s\S]*?)<\/p>/g),
    empty: all(html, /<p class="empty"[^>]*>([\s\S]*?)<\/p>/g),
    stats: all(html, /<div class="stat">([\s\S]*?)<\/div>/g),
  };
}

/** The token that the forms of a page hold. */
export function csrfOf(html: string): string {
  const [, token] = /name="csrf" value="([^"]+)"/.exec(html) ?? [];
  if (token === undefined) throw new Error("the page has no form with a token");
  return token;
}
