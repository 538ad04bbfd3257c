import type { User } from "../../user/user.ts";
import type { Sync } from "../../sync/port.ts";
import { EideticaError } from "../../util/errors.ts";
import type { NodeContext } from "../router.ts";
import { notFound, refuse } from "./api_answers.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { nameOf } from "./databases_api.ts";
import { opened, type Readable } from "./readable.ts";
import { cutText } from "./values.ts";

/** Most characters of what somebody wrote for whoever decides. */
const MAX_NOTE = 500;
/** Requests that are listed at most. */
const MAX_REQUESTS = 200;

type Request = Awaited<ReturnType<User["pendingBootstrapRequests"]>>[number];

/** Who asks for access, and what becomes of it. */
export function requestsApi(node: NodeContext): ApiRoutes {
  return {
    "GET requests": (call) => list(node, call),
    "POST requests/:request/approve": (call) =>
      decide(node, call, (user, id, key) => user.approveBootstrapRequest(id, key)),
    "POST requests/:request/reject": (call) =>
      decide(node, call, (user, id, key) => user.rejectBootstrapRequest(id, key)),
  };
}

/** A request that the user may decide, and the database that it is for. */
interface Decidable extends Readable {
  readonly id: string;
  readonly request: Request[1];
}

async function list(
  { instance }: NodeContext,
  { session: { user }, query }: ApiCall,
): Promise<unknown> {
  const only = query.get("db");
  const found = await decidable(user, instance.sync);
  const wanted = found.filter(({ database }) => only === null || `${database.rootId}` === only);
  return { items: await Promise.all(wanted.slice(0, MAX_REQUESTS).map(lineOf)) };
}

/** Requests for databases that the user administers now; of others nothing is told. */
async function decidable(user: User, sync: Sync | undefined): Promise<Decidable[]> {
  if (sync === undefined || sync.isClosed) return [];
  const requests = await user.pendingBootstrapRequests();
  if (requests.length === 0) return [];
  const administered = await administeredBy(user);
  return requests.flatMap(([id, request]) => {
    const database = administered.get(request.treeId.toString());
    return database === undefined ? [] : [{ ...database, id, request }];
  });
}

async function administeredBy(user: User): Promise<Map<string, Readable>> {
  const found = new Map<string, Readable>();
  for (const tracked of await user.databases()) {
    const database = await opened(user, tracked).catch((error) => {
      if (error instanceof EideticaError && error.module !== "storage") return undefined;
      throw error;
    });
    if (database?.permission.canAdmin()) found.set(tracked.databaseId.toString(), database);
  }
  return found;
}

async function lineOf({ id, request, database, permission }: Decidable): Promise<unknown> {
  const { requestingKey, requestingKeyName, requestedPermission, timestamp, peerAddress } = request;
  const note = request.metadata?.getString("note");
  return {
    id,
    database: database.rootId.toString(),
    database_name: await nameOf(database),
    key: requestingKey.toString(),
    claimed_name: cutText(requestingKeyName),
    permission: requestedPermission.toString(),
    note: note === undefined ? null : cutText(note, MAX_NOTE),
    since: timestamp,
    from: peerAddress.transportType === "unknown" ? null : cutText(peerAddress.address),
    effect: `One settings entry: the key may ${requestedPermission}. No entry changes its verdict.`,
    signs_with: { key: database.key!.publicKey.toString(), permission: permission.toString() },
  };
}

async function decide(
  { instance }: NodeContext,
  { session: { user }, params }: ApiCall,
  act: (
    user: User,
    id: string,
    key: Parameters<User["approveBootstrapRequest"]>[1],
  ) => Promise<void>,
): Promise<unknown> {
  if (instance.sync === undefined) {
    return refuse(503, "SyncNotEnabled", "This node does not synchronise now");
  }
  const found = (await decidable(user, instance.sync)).find(({ id }) => id === params["request"]);
  if (found === undefined) return notFound();
  await act(user, found.id, found.database.key!.publicKey);
  return { id: found.id, database: found.database.rootId.toString() };
}
