import type { LocalBackend } from "../../backend/local.ts";
import { FrontierWalk } from "../../backend/tree/frontier_walk.ts";
import { Doc } from "../../crdt/doc.ts";
import type { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import { tryRead } from "../../util/try_read.ts";
import type { NodeContext } from "../router.ts";
import { refuse } from "./api_answers.ts";
import { entryLine } from "./entry_line.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { cursorOf, placeOf, pointOf, pointText } from "./paging.ts";
import { readable } from "./readable.ts";
import { type ValueInfo, valueInfo } from "./values.ts";

/** Entries that one request looks at. */
export const MAX_LOOKED_AT = 500;
/** Versions that one request finds. */
const MAX_VERSIONS = 20;
/** Entries at which a search may be left, to go on from there. */
const MAX_FRONTIER = 64;

/** Who wrote a value. */
export function blameApi(node: NodeContext): ApiRoutes {
  return { "GET db/:id/blame": (call) => blame(node, call) };
}

/**
 * The entries that wrote the member `key` of a store, newest first: the first is the one whose value shows, the others
 * were written over. What was written elsewhere at the same time and lost is among them.
 */
async function blame(
  { instance }: NodeContext,
  { session, params, query }: ApiCall,
): Promise<unknown> {
  const found = await readable(session.user, params["id"]!);
  if (found instanceof Response) return found;
  const [store, key] = [query.get("store"), query.get("key")];
  if (store === null || key === null) {
    return refuse(400, "MissingParameter", "`store` and `key` say whose author is asked for");
  }
  const point = pointOf(query);
  if (point instanceof Response) return point;
  const from = placeOf(query);
  if (from instanceof Response) return from;
  const { backend } = instance.host;
  const root = found.database.rootId;
  const at = point ?? await found.database.snapshot();
  // A point that is none of this database, or not valid, is refused here.
  await found.database.newTransaction({ at });
  const starts = from === undefined
    ? (await backend.storeSnapshotAt(root, store, at)).tips
    : await heldIn(backend, root, from);
  const walk = new FrontierWalk(backend, store);
  for (const id of starts) await walk.add(id);
  return { at: pointText(at), ...await versionsOf(walk, store, key) };
}

/** Entries that a cursor names, if they are of this database. */
async function heldIn(backend: LocalBackend, root: ID, text: string): Promise<ID[]> {
  const ids = tryRead(() => text.split(",").slice(0, MAX_FRONTIER).map(ID.parse)) ?? [];
  const entries = await Promise.all(ids.map((id) => backend.find(id)));
  return entries.flatMap((entry) => entry?.inTree(root) ? [entry.id] : []);
}

async function versionsOf(
  walk: FrontierWalk,
  store: string,
  key: string,
): Promise<Record<string, unknown>> {
  const items: unknown[] = [];
  for (let looked = 0; looked < MAX_LOOKED_AT && items.length < MAX_VERSIONS; looked++) {
    const entry = await walk.step();
    if (entry === undefined) return { items, done: true };
    const change = changeOf(entry, store, key);
    if (change !== undefined) items.push({ ...change, ...entryLine(entry) });
  }
  const frontier = walk.frontier.map(({ id }) => id.toString());
  if (frontier.length === 0) return { items, done: true };
  const canGoOn = frontier.length <= MAX_FRONTIER;
  return { items, done: false, ...canGoOn ? { next: cursorOf(frontier.join()) } : {} };
}

/** What an entry wrote under a key of a store; undefined when it wrote nothing there. */
function changeOf(entry: Entry, store: string, key: string): ValueInfo | undefined {
  const data = entry.findData(store);
  if (data === undefined || data.length === 0) return undefined;
  const delta = tryRead(() => Doc.parseBytes(data));
  if (delta === undefined) return undefined;
  for (const [name, value] of delta.allEntries({ from: key })) {
    return name === key ? valueInfo(value) : undefined;
  }
  return undefined;
}
