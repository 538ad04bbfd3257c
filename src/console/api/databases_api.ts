import type { Database } from "../../database/database.ts";
import type { StoreInfo } from "../../store/registry.ts";
import type { TrackedDatabase } from "../../user/records.ts";
import type { User } from "../../user/user.ts";
import { EideticaError } from "../../util/errors.ts";
import { formatRfc3339 } from "../../util/clock.ts";
import { countEntries } from "../entry_counts.ts";
import type { NodeContext } from "../router.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { claimedTime } from "./entry_line.ts";
import { cursorOf, limitOf, placeOf } from "./paging.ts";
import { opened, type Readable, readable } from "./readable.ts";
import { cutText } from "./values.ts";

/** Tips of which the time is looked up: a database with more is one that is being merged. */
const MOST_TIPS = 16;

/** What a user has: the user, the node, databases. */
export function databasesApi(node: NodeContext): ApiRoutes {
  return {
    "GET me": (call) => me(call),
    "GET node": (call) => nodeInfo(node, call),
    "GET db": (call) => list(node, call),
    "GET db/:id": (call) => one(node, call),
  };
}

async function me({ session }: ApiCall): Promise<unknown> {
  const { user, csrf, endsAt } = session;
  return {
    user: user.username,
    uuid: user.uuid,
    is_admin: await user.isAdmin(),
    csrf,
    expires_at: formatRfc3339(endsAt),
  };
}

async function nodeInfo(
  { instance, storage }: NodeContext,
  { session }: ApiCall,
): Promise<unknown> {
  const databases = (await session.user.databases()).length;
  return {
    device_id: instance.id.toString(),
    storage,
    synchronises: instance.sync !== undefined,
    databases: { value: databases, exact: true },
  };
}

/** The databases of the user by ID: an order that stays, and needs no database to be opened. */
async function list(node: NodeContext, { session: { user }, query }: ApiCall): Promise<unknown> {
  const limit = limitOf(query);
  if (limit instanceof Response) return limit;
  const from = placeOf(query);
  if (from instanceof Response) return from;
  const all = (await user.databases()).map((row) => ({ row, id: row.databaseId.toString() }))
    .sort((a, b) => a.id < b.id ? -1 : 1);
  const rest = from === undefined ? all : all.filter(({ id }) => id >= from);
  const items = await Promise.all(
    rest.slice(0, limit).map(({ row }) => lineOf(node, user, row)),
  );
  const next = rest[limit];
  return {
    items,
    total: { value: all.length, exact: true },
    ...next === undefined ? {} : { next: cursorOf(next.id) },
  };
}

/** One line of the list; of a database that may not be read only that it is tracked. */
async function lineOf(node: NodeContext, user: User, row: TrackedDatabase): Promise<unknown> {
  try {
    return await summary(node, await opened(user, row));
  } catch (error) {
    if (!(error instanceof EideticaError) || error.module === "storage") throw error;
    return { id: row.databaseId.toString(), access: null, is_synced: row.syncSettings.syncEnabled };
  }
}

async function summary(
  { instance }: NodeContext,
  { database, tracked, permission }: Readable,
): Promise<Record<string, unknown>> {
  const counts = await countEntries(instance.host.backend, database.rootId);
  return {
    id: database.rootId.toString(),
    name: await nameOf(database),
    entries: { value: counts.all, exact: true },
    statuses: { verified: counts.verified, unverified: counts.unverified, failed: counts.failed },
    ...await newest(database),
    access: permission.toString(),
    key: database.key!.publicKey.toString(),
    is_synced: tracked.syncSettings.syncEnabled,
  };
}

/** The name of a database, cut; null for one that has none. */
export async function nameOf(database: Database): Promise<unknown> {
  return await database.getName().then(cutText, (error) => {
    if (error instanceof EideticaError && error.code === "KeyNotFound") return null;
    throw error;
  });
}

/** The tips, how high they are, and when the newest says that it was made. */
async function newest(database: Database): Promise<Record<string, unknown>> {
  const { tips } = await database.snapshot();
  const entries = await database.getEntries(tips.slice(0, MOST_TIPS));
  const times = entries.flatMap(({ time }) => claimedTime(time) === null ? [] : time!);
  return {
    tips: tips.length,
    height: Math.max(0, ...entries.map(({ height }) => height)),
    last: claimedTime(times.length === 0 ? undefined : Math.max(...times)),
  };
}

async function one(node: NodeContext, { session, params }: ApiCall): Promise<unknown> {
  const found = await readable(session.user, params["id"]!);
  if (found instanceof Response) return found;
  return { ...await summary(node, found), stores: await storesOf(found.database) };
}

async function storesOf(database: Database): Promise<unknown> {
  const registry = (await database.newTransaction()).getIndex();
  const names = await registry.list();
  return await Promise.all(names.map(async (name) => {
    const info = await registry.find(name).catch(() => undefined);
    return { name, kind: kindOf(info) };
  }));
}

/** What a store is, in one word. */
export function kindOf(info: StoreInfo | undefined): string {
  return info?.typeId.split(":").slice(0, -1).join(":") || "unknown";
}
