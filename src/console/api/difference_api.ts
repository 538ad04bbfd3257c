import { Doc } from "../../crdt/doc.ts";
import type { VisibleValue } from "../../crdt/value.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { compareStrings } from "../../util/btree.ts";
import { refuse } from "./api_answers.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { cursorOf, limitOf, placeOf, pointOf, pointText } from "./paging.ts";
import { readable } from "./readable.ts";
import { storeAt } from "./store_at.ts";
import { isSame, type ValueInfo, valueInfo } from "./values.ts";

/** Members that one request compares. */
export const MAX_COMPARED = 5000;

/** What is different between two points in time. */
export function differenceApi(): ApiRoutes {
  return { "GET db/:id/stores/:name/diff": difference };
}

/** A row or member that was added, removed or changed. */
interface Change {
  readonly op: "added" | "removed" | "changed";
  readonly key: string;
  readonly before?: ValueInfo;
  readonly after?: ValueInfo;
}

/** The rows or members of a store that differ between `at` and now, in the order of their keys. */
async function difference({ session, params, query }: ApiCall): Promise<unknown> {
  const found = await readable(session.user, params["id"]!);
  if (found instanceof Response) return found;
  const [point, limit, from] = [pointOf(query), limitOf(query), placeOf(query)];
  if (point instanceof Response) return point;
  if (limit instanceof Response) return limit;
  if (from instanceof Response) return from;
  if (point === undefined) return refuse(400, "MissingParameter", "`at` says since when");
  const { database } = found;
  const to = await database.snapshot();
  const after = await storeAt(database, params["name"]!, to);
  if (after instanceof Response) return after;
  const before = await docBefore(found.database, params["name"]!, point);
  if (before instanceof Response) return before;
  const { items, compared, next } = changesOf(before, after.doc, from, limit);
  return {
    at: pointText(point),
    to: pointText(to),
    items,
    compared,
    ...next === undefined ? {} : { next: cursorOf(next) },
  };
}

/** A store that did not exist yet was empty. */
async function docBefore(
  database: Parameters<typeof storeAt>[0],
  name: string,
  at: Snapshot,
): Promise<Doc | Response> {
  const store = await storeAt(database, name, at);
  if (!(store instanceof Response)) return store.doc;
  return store.status === 404 ? new Doc() : store;
}

function changesOf(
  before: Doc,
  after: Doc,
  from: string | undefined,
  limit: number,
): { items: Change[]; compared: number; next: string | undefined } {
  const items: Change[] = [];
  let compared = 0;
  for (const [key, was, is] of pairs(before, after, from)) {
    if (items.length >= limit || compared >= MAX_COMPARED) return { items, compared, next: key };
    compared++;
    const change = changeOf(key, was, is);
    if (change !== undefined) items.push(change);
  }
  return { items, compared, next: undefined };
}

function changeOf(
  key: string,
  was: VisibleValue | undefined,
  is: VisibleValue | undefined,
): Change | undefined {
  if (was === undefined) return { op: "added", key, after: valueInfo(is!) };
  if (is === undefined) return { op: "removed", key, before: valueInfo(was) };
  if (isSame(was, is)) return undefined;
  return { op: "changed", key, before: valueInfo(was), after: valueInfo(is) };
}

/** The members of both documents by key. */
function* pairs(
  a: Doc,
  b: Doc,
  from: string | undefined,
): Generator<[key: string, a: VisibleValue | undefined, b: VisibleValue | undefined]> {
  const range = from === undefined ? undefined : { from };
  const [left, right] = [a.entries(range), b.entries(range)];
  let [one, other] = [left.next(), right.next()];
  while (!one.done || !other.done) {
    const order = one.done ? 1 : other.done ? -1 : compareStrings(one.value[0], other.value[0]);
    const [key] = order <= 0 ? one.value! : other.value!;
    yield [key, order <= 0 ? one.value![1] : undefined, order >= 0 ? other.value![1] : undefined];
    if (order <= 0) one = left.next();
    if (order >= 0) other = right.next();
  }
}
