import { Permission } from "../../auth/permission.ts";
import { DatabaseTicket } from "../../sync/ticket.ts";
import { SyncSettings } from "../../user/sync_settings.ts";
import { EideticaError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import { readForm } from "../forms.ts";
import { plain, seeOther } from "../replies.ts";
import type { Exchange, Methods, NodeContext } from "../router.ts";
import type { WebSession } from "../sessions.ts";
import { foreignForm } from "./account.ts";
import { dashboard } from "./databases.ts";

const log = new Logger("console");

/** How often a database that was asked for here is compared with its peers, in seconds. */
const INTERVAL_SECONDS = 13;

/** Requests for access that one session may have under way: each waits for somebody else's server. */
export const MAX_REQUESTS_UNDER_WAY = 8;

const PERMISSIONS: Readonly<Record<string, Permission>> = {
  read: Permission.read,
  write: Permission.write(10),
  admin: Permission.admin(0),
};

/** Status of refusals that are neither ours nor the server's. */
const STATUS: Readonly<Record<string, number>> = {
  InvalidAddress: 400,
  InvalidKeyName: 400,
  NoTransportForAddress: 400,
  BootstrapPending: 202,
  SyncNotEnabled: 503,
  InstanceDropped: 503,
};

/** Asking for access to databases of others. */
export function trackRoutes(node: NodeContext): Readonly<Record<string, Methods>> {
  const underWay = new WeakMap<WebSession, number>();
  return { "/dashboard/track": { POST: (exchange) => track(node, exchange, underWay) } };
}

async function track(
  node: NodeContext,
  { request, session }: Exchange,
  underWay: WeakMap<WebSession, number>,
): Promise<Response> {
  const form = await readForm(request, {
    required: ["ticket", "permission"],
    optional: ["csrf"],
  });
  if (form instanceof Response) return form;
  if (session === undefined) return seeOther("/login");
  if (form["csrf"] !== session.csrf) return foreignForm();
  const text = form["ticket"]!;
  const ticket = parsed(text);
  if (typeof ticket === "string") return plain(400, `Invalid ticket URL: ${ticket}`);
  const permission = Object.hasOwn(PERMISSIONS, form["permission"]!)
    ? PERMISSIONS[form["permission"]!]
    : undefined;
  if (permission === undefined) return plain(400, `Invalid permission: ${form["permission"]}`);
  const count = underWay.get(session) ?? 0;
  if (count >= MAX_REQUESTS_UNDER_WAY) return plain(429, "Too many requests wait for answers");
  underWay.set(session, count + 1);
  try {
    await requestAccess(session, ticket, permission, request.signal);
    return seeOther("/dashboard");
  } catch (error) {
    return await explained(node, session, text, error);
  } finally {
    underWay.set(session, underWay.get(session)! - 1);
  }
}

/** A ticket, or why the text is none. */
function parsed(text: string): DatabaseTicket | string {
  try {
    return DatabaseTicket.parse(text);
  } catch (error) {
    if (error instanceof EideticaError) return error.message;
    throw error;
  }
}

/** Asks, and has the database that is granted kept in step. */
async function requestAccess(
  { user }: WebSession,
  ticket: DatabaseTicket,
  permission: Permission,
  signal: AbortSignal,
): Promise<void> {
  const key = user.defaultKey();
  await user.requestDatabaseAccess(ticket, { permission, key, signal });
  const settings = SyncSettings.withInterval(SyncSettings.enabled(), INTERVAL_SECONDS);
  await user.trackDatabase(ticket.databaseId, key, settings).catch((error) => {
    log.warn("cannot have a database synchronised: {error}", { error });
  });
}

/** The dashboard with what came of a request that was not granted. */
async function explained(
  node: NodeContext,
  session: WebSession,
  ticket: string,
  error: unknown,
): Promise<Response> {
  if (!(error instanceof EideticaError)) throw error;
  const failure = `Failed to request database access: ${error.message}`;
  const status = STATUS[error.code] ?? (error.module === "sync" ? 502 : 500);
  const outcome = status === 202
    ? { notice: "Access was requested. An administrator of the database decides; ask again then." }
    : { error: failure, ticket };
  return await dashboard(node, session, {}, { status, outcome });
}
