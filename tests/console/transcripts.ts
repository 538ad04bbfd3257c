/** The recorded requests of the reference's node, and what of an answer they keep. */

import { readFileSync } from "node:fs";
import { type PageFacts, pageFacts, textFacts } from "./page_facts.ts";

/** One recorded request and its answer. */
export interface Recorded {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly content_type?: string;
  readonly cookie: string | null;
  readonly note?: string;
  readonly status: number;
  readonly response_location?: string;
  readonly response_allow?: string;
  readonly response_content_type?: string;
  readonly response_body?: string;
  readonly set_cookie?: readonly string[];
  readonly page?: Partial<PageFacts> & { readonly tables?: readonly { row_count?: number }[] };
  readonly text?: Readonly<Record<string, readonly string[]>>;
}

/** What is compared. */
export interface Answer {
  readonly status: number;
  readonly location?: string | undefined;
  readonly allow?: string | undefined;
  readonly contentType?: string | undefined;
  readonly cookies: readonly string[];
  readonly body?: string | undefined;
  readonly page?: Readonly<Record<string, unknown>> | undefined;
  readonly text?: Readonly<Record<string, unknown>> | undefined;
}

/** A file of recorded facts. */
export function readVectors(name: string): string {
  return readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8");
}

/** All recorded requests, in order. */
export function recorded(): { node: Record<string, string>; cases: readonly Recorded[] } {
  return JSON.parse(readVectors("web-transcripts.json"));
}

/** The recorded answer. */
export function expectedOf(one: Recorded): Answer {
  return {
    status: one.status,
    location: one.response_location,
    allow: one.response_allow,
    contentType: one.response_content_type,
    cookies: one.set_cookie ?? [],
    body: one.response_body,
    page: one.page as Readonly<Record<string, unknown>> | undefined,
    text: one.text,
  };
}

/** The same of an answer that was given, as far as the recorded one says something. */
export async function observedOf(
  response: Response,
  { page, text, method }: Answer & { method: string },
): Promise<Answer> {
  const body = await response.text();
  const isPage = page !== undefined && method !== "HEAD";
  return {
    status: response.status,
    location: response.headers.get("location") ?? undefined,
    allow: response.headers.get("allow") ?? undefined,
    contentType: response.headers.get("content-type") ?? undefined,
    cookies: response.headers.getSetCookie(),
    body: page === undefined ? body : undefined,
    page: isPage ? pick(sortRows(cutTables(pageFacts(body), page)), page) : page,
    text: text === undefined || !isPage ? text : pick(textFacts(body), text),
  };
}

/** The members of `from` that `like` has; and an error in any case, since none is recorded where there was none. */
function pick(from: object, like: object): Record<string, unknown> {
  const names = new Set([...Object.keys(like), "error"]);
  return Object.fromEntries(
    Object.entries(from).filter(([name, value]) => names.has(name) && value !== undefined),
  );
}

/** Long tables are recorded by their first rows and their length. */
function cutTables(
  facts: PageFacts,
  like: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const recorded = (like["tables"] ?? []) as { rows: unknown[]; row_count?: number }[];
  const tables = facts.tables.map((table, at) => {
    const { row_count, rows } = recorded[at] ?? {};
    if (row_count === undefined || rows === undefined) return table;
    return { ...table, rows: table.rows.slice(0, rows.length), row_count: table.rows.length };
  });
  return { ...facts, tables };
}

/** The list of databases, and the links of it, in one order. */
export function sortRows(
  page: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (page["title"] !== "Eidetica - Dashboard") return page;
  const tables = page["tables"] as { rows: string[][] }[] | undefined;
  const links = page["links"] as string[] | undefined;
  return {
    ...page,
    ...tables === undefined
      ? {}
      : { tables: tables.map((it) => ({ ...it, rows: [...it.rows].sort() })) },
    ...links === undefined ? {} : { links: [...links].sort() },
  };
}
