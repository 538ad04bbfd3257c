import { ArrivalLog } from "../../backend/log/arrival_log.ts";
import type { Database } from "../../database/database.ts";
import { ID } from "../../entry/id.ts";
import type { TrackedDatabase } from "../../user/records.ts";
import type { User } from "../../user/user.ts";
import { EideticaError } from "../../util/errors.ts";
import { tryRead } from "../../util/try_read.ts";
import { countEntries } from "../entry_counts.ts";
import { type Fields, readQuery } from "../forms.ts";
import { dashboardPage, type DatabaseLine, type Outcome } from "../pages/dashboard_page.ts";
import { databasePage } from "../pages/database_page.ts";
import { pageOf } from "../paging.ts";
import { page, plain, seeOther } from "../replies.ts";
import type { Exchange, Methods, NodeContext } from "../router.ts";
import type { WebSession } from "../sessions.ts";

/** Databases on a page of the dashboard. */
export const DATABASES_PER_PAGE = 50;
/** Entries on a page of a database. */
export const ENTRIES_PER_PAGE = 100;

/** What a database is called that has no name, or that cannot be opened. */
const UNKNOWN = "Unknown";

/** The databases of who is logged in. */
export function databaseRoutes(node: NodeContext): Readonly<Record<string, Methods>> {
  return {
    "/dashboard": { GET: (exchange) => showDashboard(node, exchange) },
    "/dashboard/database": { GET: (exchange) => showDatabase(node, exchange) },
  };
}

async function showDashboard(node: NodeContext, { url, session }: Exchange): Promise<Response> {
  const query = readQuery(url, { required: [], optional: ["page"] });
  if (query instanceof Response) return query;
  return session === undefined ? seeOther("/login") : await dashboard(node, session, query);
}

/** The dashboard of a session, with what came of asking for access. */
export async function dashboard(
  { instance }: NodeContext,
  session: WebSession,
  query: Fields = {},
  { status = 200, outcome = {} }: { readonly status?: number; readonly outcome?: Outcome } = {},
): Promise<Response> {
  const { user } = session;
  const tracked = (await user.databases()).map((row) => ({
    ...row,
    id: row.databaseId.toString(),
  }));
  const place = pageOf(query["page"], { items: tracked.length, size: DATABASES_PER_PAGE });
  if (place instanceof Response) return place;
  const start = (place.page - 1) * DATABASES_PER_PAGE;
  // The storage gives them in any order: pages need one that stays.
  const shown = tracked.sort((a, b) => a.id < b.id ? -1 : 1)
    .slice(start, start + DATABASES_PER_PAGE);
  const { backend } = instance.host;
  const count = async (id: ID) => (await countEntries(backend, id)).all;
  const databases = await Promise.all(shown.map((row) => lineOf(user, row, count)));
  return page(dashboardPage(session, { ...place, databases, outcome }), status);
}

async function lineOf(
  user: User,
  { databaseId, syncSettings }: TrackedDatabase,
  count: (id: ID) => Promise<number>,
): Promise<DatabaseLine> {
  const line = { id: databaseId.toString(), isSynced: syncSettings.syncEnabled };
  const database = await unlessOurs(() => openAsReader(user, databaseId));
  if (database === undefined) return { ...line, name: UNKNOWN, entries: 0 };
  return { ...line, name: await nameOf(database), entries: await count(databaseId) };
}

async function nameOf(database: Database): Promise<string> {
  return await unlessOurs(() => database.getName()) ?? UNKNOWN;
}

/** What is found; undefined when it is refused. */
async function unlessOurs<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof EideticaError) return undefined;
    throw error;
  }
}

/** Opens a database if the user may read it now: a key that was revoked reads no longer. */
async function openAsReader(user: User, root: ID): Promise<Database> {
  const database = await user.openDatabase(root);
  await database.currentPermission();
  return database;
}

async function showDatabase(node: NodeContext, { url, session }: Exchange): Promise<Response> {
  const query = readQuery(url, { required: ["id"], optional: ["page"] });
  if (query instanceof Response) return query;
  if (session === undefined) return seeOther("/login");
  const root = query["id"] === "" ? undefined : tryRead(() => ID.parse(query["id"]!));
  if (root === undefined) return plain(400, "Invalid database ID");
  const tracked = await unlessOurs(() => session.user.trackedDatabase(root));
  if (tracked === undefined) return notTracked(root);
  return await databaseView(node, session.user, tracked, query);
}

function notTracked(root: ID): Response {
  return plain(404, `Failed to get tracked database: Database not tracked: ${root}`);
}

async function databaseView(
  { instance }: NodeContext,
  user: User,
  { databaseId, syncSettings }: TrackedDatabase,
  query: Fields,
): Promise<Response> {
  const database = await unlessOurs(() => openAsReader(user, databaseId));
  if (database === undefined) return plain(403, `You may not read the database ${databaseId}`);
  const { backend } = instance.host;
  const { all: entries, unverified, failed } = await countEntries(backend, databaseId);
  const log = ArrivalLog.of(backend);
  const listed = (await log.head(databaseId))?.length ?? 0;
  const place = pageOf(query["page"], { items: listed, size: ENTRIES_PER_PAGE });
  if (place instanceof Response) return place;
  const before = (place.page - 1) * ENTRIES_PER_PAGE;
  const rows = await log.read(databaseId, before, ENTRIES_PER_PAGE);
  return page(databasePage({
    ...place,
    id: databaseId.toString(),
    name: await nameOf(database),
    entries,
    unverified,
    failed,
    listed,
    before,
    ids: rows.map(({ id }) => id.toString()),
    isSynced: syncSettings.syncEnabled,
    key: database.key!.publicKey.toString(),
  }));
}
