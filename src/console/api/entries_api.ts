import { ArrivalLog } from "../../backend/log/arrival_log.ts";
import type { LocalBackend } from "../../backend/local.ts";
import type { Database } from "../../database/database.ts";
import type { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import { tryRead } from "../../util/try_read.ts";
import type { NodeContext } from "../router.ts";
import { notFound, refuse } from "./api_answers.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { anatomy } from "./anatomy.ts";
import { entryLine } from "./entry_line.ts";
import { limitOf } from "./paging.ts";
import { readable } from "./readable.ts";

/** Entries without a good verdict that are listed at most. */
export const MAX_PENDING = 200;

/** How a database came about. */
export function entriesApi(node: NodeContext): ApiRoutes {
  return {
    "GET db/:id/entries": (call) => withDatabase(call, (database) => list(node, database, call)),
    "GET db/:id/pending": (call) => withDatabase(call, (database) => pending(node, database)),
    "GET db/:id/entries/:entry": (call) =>
      withEntry(node, call, (database, entry) => anatomy(node, database, entry)),
    "GET db/:id/entries/:entry/raw": (call) => withEntry(node, call, (_, entry) => raw(entry)),
  };
}

async function withDatabase(
  { session, params }: ApiCall,
  read: (database: Database) => unknown,
): Promise<unknown> {
  const found = await readable(session.user, params["id"]!);
  return found instanceof Response ? found : await read(found.database);
}

async function withEntry(
  { instance }: NodeContext,
  call: ApiCall,
  read: (database: Database, entry: Entry) => unknown,
): Promise<unknown> {
  return await withDatabase(call, async (database) => {
    const id = tryRead(() => ID.parse(call.params["entry"]!));
    const entry = id && await instance.host.backend.find(id);
    const isOfThis = entry?.inTree(database.rootId) || entry?.id.equals(database.rootId);
    return isOfThis ? await read(database, entry!) : notFound();
  });
}

/**
 * The valid entries, newest first, in the order in which they became so here: children stand above their parents, and a
 * position never moves, so any part of the list costs one page.
 */
async function list(
  { instance }: NodeContext,
  { rootId }: Database,
  { query }: ApiCall,
): Promise<unknown> {
  const limit = limitOf(query);
  if (limit instanceof Response) return limit;
  const { backend } = instance.host;
  const log = ArrivalLog.of(backend);
  const total = (await log.head(rootId))?.length ?? 0;
  const end = positionOf(query.get("before"), total);
  if (end === undefined) {
    return refuse(400, "InvalidPosition", "`before` is a position in the list");
  }
  const start = Math.max(0, end - limit);
  const arrivals = await log.read(rootId, start, end - start);
  const tips = new Set((await backend.verifiedSnapshot(rootId)).tips.map(String));
  const items = await Promise.all(arrivals.map(async ({ id }, at) => ({
    position: start + at,
    is_tip: tips.has(id.toString()),
    status: "Verified",
    ...entryLine(await backend.get(id)),
  })));
  return { items: items.reverse(), total, ...start === 0 ? {} : { next: start } };
}

function positionOf(text: string | null, total: number): number | undefined {
  if (text === null) return total;
  return /^\d{1,15}$/.test(text) ? Math.min(Number(text), total) : undefined;
}

/**
 * Entries that wait for a verdict or are refused, and their verdicts. No valid entry has such a parent, so all of them are
 * found from the tips down.
 */
async function pending({ instance }: NodeContext, { rootId }: Database): Promise<unknown> {
  const { backend } = instance.host;
  const { unverified, failed } = await backend.pending(rootId);
  const items = unverified + failed === 0 ? [] : await walkPending(backend, rootId);
  return { items, total: { unverified, failed } };
}

async function walkPending(backend: LocalBackend, root: ID): Promise<unknown[]> {
  const todo = [...(await backend.snapshot(root)).tips];
  const seen = new Set(todo.map(String));
  const items: unknown[] = [];
  while (todo.length > 0 && items.length < MAX_PENDING) {
    const loaded = await backend.load(todo.shift()!);
    if (loaded === undefined || loaded.row.status === "Verified") continue;
    items.push({ status: loaded.row.status, ...entryLine(loaded.entry) });
    for (const parent of loaded.entry.parents) {
      if (!seen.has(parent.toString())) todo.push(parent);
      seen.add(parent.toString());
    }
  }
  return items;
}

function raw(entry: Entry): Response {
  return new Response(entry.bytes as Uint8Array<ArrayBuffer>, {
    headers: {
      "content-type": "application/cbor",
      "content-disposition": `attachment; filename="${entry.id}.cbor"`,
      "cache-control": "no-store, private",
    },
  });
}
