import { Doc } from "../../crdt/doc.ts";
import { List } from "../../crdt/list.ts";
import type { VisibleValue } from "../../crdt/value.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { EideticaError } from "../../util/errors.ts";
import { parsePlainJson } from "../../util/plain_json.ts";
import { notFound, refuse } from "./api_answers.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { cursorOf, invalidCursor, limitOf, placeOf, pointOf, pointText } from "./paging.ts";
import { storeAt } from "./store_at.ts";
import { readable } from "./readable.ts";
import { cellOf, cutText, MAX_VALUE, valueInfo, valueUnder } from "./values.ts";

/** Columns that a page of rows has at most; members beyond are in the row, not in the table. */
const MAX_COLUMNS = 64;
/** Most characters of a page of rows, whatever its limit: values are long or many. */
const MAX_PAGE = 256 * 1024;
/** Rows that one request searches through. */
export const MAX_SEARCHED = 5000;
/** Characters that one request searches through: rows may be long. */
export const MAX_SEARCHED_TEXT: number = 8 * 1024 * 1024;

/** What is in stores. */
export function storesApi(): ApiRoutes {
  return {
    "GET db/:id/stores/:name/rows": (call) => withStore(call, rows),
    "GET db/:id/stores/:name/doc": (call) => withStore(call, members),
    "GET db/:id/stores/:name/value": (call) => withStore(call, value),
  };
}

/** A store at a point in time. */
interface Opened {
  readonly doc: Doc;
  readonly at: Snapshot;
  readonly kind: string;
  readonly query: URLSearchParams;
}

async function withStore(
  { session, params, query }: ApiCall,
  read: (store: Opened) => unknown,
): Promise<unknown> {
  const found = await readable(session.user, params["id"]!);
  if (found instanceof Response) return found;
  const point = pointOf(query);
  if (point instanceof Response) return point;
  const { database } = found;
  const at = point ?? await database.snapshot();
  const store = await storeAt(database, params["name"]!, at);
  if (store instanceof Response) return store;
  return await read({ ...store, at, query });
}

/** A row of a table: a text of JSON under a key. */
interface Row {
  readonly key: string;
  readonly cells: Readonly<Record<string, unknown>>;
  readonly invalid?: string;
}

function rows({ doc, at, kind, query }: Opened): unknown {
  if (kind !== "table") return refuse(422, "NotATable", "This store is no table: ask for `doc`");
  const limit = limitOf(query);
  if (limit instanceof Response) return limit;
  const from = placeOf(query);
  if (from instanceof Response) return from;
  const page = pageOfRows(doc, { limit, from, wanted: query.get("q")?.toLowerCase() ?? "" });
  const columns = new Set(page.items.flatMap(({ cells }) => Object.keys(cells)));
  return {
    at: pointText(at),
    columns: [...columns].slice(0, MAX_COLUMNS),
    items: page.items,
    searched: page.searched,
    ...page.next === undefined ? {} : { next: cursorOf(page.next) },
  };
}

interface Wanted {
  readonly limit: number;
  readonly from: string | undefined;
  readonly wanted: string;
}

function pageOfRows(
  doc: Doc,
  { limit, from, wanted }: Wanted,
): { items: Row[]; searched: number; next: string | undefined } {
  const items: Row[] = [];
  let [searched, length, room] = [0, 0, MAX_PAGE];
  for (const [key, text] of doc.entries(from === undefined ? undefined : { from })) {
    if (typeof text !== "string") continue;
    const isEnough = items.length >= limit || searched >= MAX_SEARCHED ||
      length >= MAX_SEARCHED_TEXT || room <= 0;
    if (isEnough) return { items, searched, next: key };
    searched++;
    length += text.length;
    if (!`${key}\n${text}`.toLowerCase().includes(wanted)) continue;
    const row = rowOf(key, text);
    items.push(row);
    room -= JSON.stringify(row).length;
  }
  return { items, searched, next: undefined };
}

function rowOf(key: string, text: string): Row {
  try {
    const row = parsePlainJson(text);
    if (typeof row === "object" && row !== null && !Array.isArray(row)) {
      const cells = Object.entries(row).slice(0, MAX_COLUMNS);
      return { key, cells: Object.fromEntries(cells.map(([name, it]) => [name, cellOf(it)])) };
    }
    return { key, cells: { "": cellOf(row) } };
  } catch (error) {
    if (!(error instanceof EideticaError)) throw error;
    return { key, cells: { "": cutText(text) }, invalid: error.message };
  }
}

/** The members of a document or list inside of the store. */
function members({ doc, at, query }: Opened): unknown {
  const limit = limitOf(query);
  if (limit instanceof Response) return limit;
  const from = placeOf(query);
  if (from instanceof Response) return from;
  const parent = valueUnder(doc, query.getAll("path"));
  if (!(parent instanceof Doc || parent instanceof List)) return notFound();
  if (parent instanceof List && !/^\d{1,9}$/.test(from ?? "0")) return invalidCursor();
  const found = parent instanceof Doc
    ? membersOf(parent, from, limit + 1)
    : itemsOf(parent, from, limit + 1);
  const items = found.slice(0, limit).map(([key, value]) => ({ key, ...valueInfo(value) }));
  const next = found[limit];
  return {
    at: pointText(at),
    ...valueInfo(parent),
    items,
    ...next === undefined ? {} : { next: cursorOf(next[0]) },
  };
}

function membersOf(doc: Doc, from: string | undefined, most: number): [string, VisibleValue][] {
  const found: [string, VisibleValue][] = [];
  for (const member of doc.entries(from === undefined ? undefined : { from })) {
    if (found.push(member) === most) break;
  }
  return found;
}

function itemsOf(list: List, from: string | undefined, most: number): [string, VisibleValue][] {
  const start = Number(from ?? 0);
  const found: [string, VisibleValue][] = [];
  for (let at = start; at < list.length && found.length < most; at++) {
    found.push([String(at), list.get(at)!]);
  }
  return found;
}

/** One value, as long as it may be. */
function value({ doc, at, kind, query }: Opened): unknown {
  const path = query.getAll("path");
  const found = valueUnder(doc, path);
  if (found === undefined) return notFound();
  if (kind === "table" && path.length === 1 && typeof found === "string") {
    return { at: pointText(at), kind: "row", value: cutText(found, MAX_VALUE) };
  }
  return { at: pointText(at), ...valueInfo(found, MAX_VALUE) };
}
