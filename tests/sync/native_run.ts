/** Two instances and sessions of the native protocol between them. */

import type { ID } from "../../mod.ts";
import { decodeMessage } from "../../src/sync/native/codec.ts";
import { decodeFrames, encodeFrame } from "../../src/sync/native/frames.ts";
import type { Message } from "../../src/sync/native/messages.ts";
import {
  type NativeSession,
  runSession,
  type SessionRun,
} from "../../src/sync/native/native_session.ts";
import type { FollowTreeOptions, NativeChannel } from "../../src/sync/native/native_channel.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { type SimLinkOptions, SimLinkPair } from "../../src/testing/sim_link.ts";

/** A message as it was sent. */
export interface Sent {
  readonly from: 0 | 1;
  readonly message: Message;
  /** Bytes of its frame. */
  readonly size: number;
}

/** Writes down what goes over a link. */
export class Recorder {
  readonly sent: Sent[] = [];

  /** For the option of the same name. */
  readonly onSent = (from: 0 | 1, bytes: Uint8Array): void => {
    for (const frame of decodeFrames(bytes, 2 ** 25)) {
      const message = decodeMessage(frame, 2 ** 20)!;
      const size = encodeFrame(frame.type, frame.payload).length;
      this.sent.push({ from, message, size });
    }
  };

  /** The types of the messages, those of the handshake and the end left out. */
  types(): string[] {
    return this.of().map(({ from, message }) =>
      `${from === 0 ? "client" : "server"} ${message.type}`
    );
  }

  /** The messages, those of the handshake and the end left out; of one type if it is named. */
  of(type?: Message["type"]): Sent[] {
    const others = new Set(["hello", "proof", "close"]);
    return this.sent.filter(({ message }) =>
      type === undefined ? !others.has(message.type) : message.type === type
    );
  }

  /** How many entries were sent. */
  get entries(): number {
    return this.sent.reduce(
      (sum, { message }) =>
        sum + ("count" in message && message.type === "entries" ? message.count : 0),
      0,
    );
  }

  /** Bytes of some messages. */
  bytes(...types: Message["type"][]): number {
    return this.sent.reduce(
      (sum, { message, size }) => sum + (types.includes(message.type) ? size : 0),
      0,
    );
  }
}

/** How two peers of a cluster are joined. */
export interface JoinOptions extends SimLinkOptions {
  readonly follow?: FollowTreeOptions;
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
  const channel = joined.client.follow(tree, { live: false, ...options.follow });
  await channel.settled();
  await joined.client.close();
  await joined.server.closed;
  return { ...joined, channel };
}
