/** Two instances and sessions of the native protocol between them. */

import type { ID } from "../../mod.ts";
import {
  type NativeSession,
  runSession,
  type SessionRun,
} from "../../src/sync/native/native_session.ts";
import type { NativeChannel } from "../../src/sync/native/native_channel.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { type SimLinkOptions, SimLinkPair } from "../../src/testing/sim_link.ts";

/** How two peers of a cluster are joined. */
export interface JoinOptions extends SimLinkOptions {
  readonly client?: number;
  readonly server?: number;
  readonly clientRun?: Partial<SessionRun>;
  readonly serverRun?: Partial<SessionRun>;
}

/** A connection of two peers. */
export interface Joined {
  readonly pair: SimLinkPair;
  readonly client: NativeSession;
  readonly server: NativeSession;
}

/** Connects two peers of a cluster. */
export function join(cluster: Cluster, options: JoinOptions = {}): Joined {
  const pair = new SimLinkPair(options);
  const binding = "test";
  const hostOf = (peer: number) => cluster.peers[peer]!.sync.native;
  const server = runSession(pair.ends[1], {
    host: hostOf(options.server ?? 0),
    role: "server",
    binding,
    ...options.serverRun,
  });
  const client = runSession(pair.ends[0], {
    host: hostOf(options.client ?? 1),
    role: "client",
    binding,
    ...options.clientRun,
  });
  return { pair, client, server };
}

/** Follows a tree over a new connection until both have what the other had, and ends it. */
export async function exchange(
  cluster: Cluster,
  tree: ID,
  options: JoinOptions = {},
): Promise<Joined & { readonly channel: NativeChannel }> {
  const joined = join(cluster, options);
  const channel = joined.client.follow(tree, { live: false });
  await channel.settled();
  await joined.client.close();
  await joined.server.closed;
  return { ...joined, channel };
}
