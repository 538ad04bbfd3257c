import type { Permission } from "../../auth/permission.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { TreeReport } from "../../sync/worker/tree_sync.ts";
import type { Sync } from "../../sync/port.ts";
import { formatRfc3339 } from "../../util/clock.ts";
import { SyncError } from "../../util/errors.ts";
import type { NodeContext } from "../router.ts";
import { refuse } from "./api_answers.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { type Readable, readable } from "./readable.ts";
import { cutText } from "./values.ts";

/** Peers that are listed at most. */
const MAX_PEERS = 200;

/** Who is in step with a database. */
export function syncApi(node: NodeContext): ApiRoutes {
  return {
    "GET db/:id/sync": (call) => status(node, call),
    "POST db/:id/sync": (call) => syncNow(node, call),
  };
}

/** How a database is kept in step, and with whom. Where peers can be reached is for whoever administers it. */
async function status({ instance }: NodeContext, { session, params }: ApiCall): Promise<unknown> {
  const found = await readable(session.user, params["id"]!);
  if (found instanceof Response) return found;
  const { syncEnabled, syncOnCommit, intervalSeconds } = found.tracked.syncSettings;
  const { sync } = instance;
  const isOn = sync !== undefined && !sync.isClosed;
  return {
    synchronises: isOn,
    is_synced: syncEnabled,
    on_commit: syncOnCommit,
    interval_s: intervalSeconds ?? null,
    peers: isOn ? await peersOf(sync, found) : [],
  };
}

async function peersOf(sync: Sync, { database, permission }: Readable): Promise<unknown[]> {
  const root = database.rootId.toString();
  const metrics = new Map(
    sync.metrics().filter(({ tree }) => tree === root).map((row) => [row.peer, row]),
  );
  const keys = (await sync.getTreePeers(database.rootId)).slice(0, MAX_PEERS);
  return await Promise.all(keys.map(async (key) => {
    const { lastSuccess, lastError, received = 0, sent = 0, bytes = 0, failures = 0 } =
      metrics.get(key.toString()) ?? {};
    return {
      key: key.toString(),
      ...await whoIs(sync, key, permission.canAdmin()),
      last_in_step: lastSuccess === undefined ? null : formatRfc3339(lastSuccess),
      last_error: lastError === undefined ? null : toldTo(permission, lastError),
      ...{ received, sent, bytes, failures },
    };
  }));
}

/** What failed; messages name addresses, so that others than administrators are told the code alone. */
function toldTo(permission: Permission, error: string): unknown {
  return permission.canAdmin() ? cutText(error) : error.slice(0, error.indexOf(":"));
}

async function whoIs(sync: Sync, key: PublicKey, isAdmin: boolean): Promise<object> {
  const info = await sync.getPeerInfo(key);
  if (info === undefined) return { name: null, status: null };
  const addresses = info.addresses.map(({ transportType, address }) =>
    cutText(`${transportType}:${address}`)
  );
  return {
    name: info.displayName === undefined ? null : cutText(info.displayName),
    status: info.status,
    ...isAdmin ? { addresses } : {},
  };
}

/** Brings a database in step with everybody who follows it, now and as the user's key, and tells what came of it. */
async function syncNow(
  { instance }: NodeContext,
  { session: { user }, params, request }: ApiCall,
): Promise<unknown> {
  await request.body?.cancel().catch(() => {});
  const found = await readable(user, params["id"]!);
  if (found instanceof Response) return found;
  const { sync } = instance;
  if (sync === undefined || sync.isClosed) {
    return refuse(503, "SyncNotEnabled", "This node does not synchronise now");
  }
  const { rootId, key } = found.database;
  const signingKey = user.signingKey(key!.publicKey);
  const rounds = await Promise.allSettled(
    (await sync.getTreePeers(rootId)).map((peer) =>
      sync.syncTreeWithPeerAs(peer, rootId, signingKey, { signal: request.signal })
    ),
  );
  return reportOf(rounds, found.permission);
}

function reportOf(
  rounds: readonly PromiseSettledResult<TreeReport>[],
  permission: Permission,
): unknown {
  const done = rounds.flatMap((round) => round.status === "fulfilled" ? [round.value] : []);
  const failed = rounds.find((round) => round.status === "rejected");
  if (failed !== undefined && done.length === 0) {
    const { reason } = failed;
    if (permission.canAdmin() || !(reason instanceof SyncError)) throw reason;
    return refuse(
      422,
      reason.code,
      "Nobody who follows this database could be reached, or answered",
    );
  }
  const sum = (name: "received" | "sent" | "untaken") =>
    done.reduce((all, report) => all + report[name], 0);
  const complete = failed === undefined && sum("untaken") === 0;
  return { received: sum("received"), sent: sum("sent"), complete };
}
