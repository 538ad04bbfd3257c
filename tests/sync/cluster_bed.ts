/** What the tests of several instances begin with. */

import { AuthKey, type Database, DocStore, type ID, Permission } from "../../mod.ts";
import type { Sync } from "../../src/sync/sync.ts";
import type { SyncEvent } from "../../src/sync/events.ts";
import { decodeRequest, decodeResponse } from "../../src/sync/v0/json_in.ts";
import { encodeRequest } from "../../src/sync/v0/json_out.ts";
import type {
  OutgoingEntry,
  ReceivedRequest,
  ReceivedResponse,
  SyncRequest,
} from "../../src/sync/v0/messages.ts";
import type { Timers } from "../../src/sync/worker/timers.ts";
import { Cluster, type ClusterOptions } from "../../src/testing/cluster.ts";
import { SIM_TRANSPORT, type SimNetwork } from "../../src/testing/sim_network.ts";
import type { Address, ByteStream } from "../../src/transport/port.ts";
import { concat } from "../../src/util/bytes.ts";

/** Timers that never go off by themselves: what is tried again is so by `flush` alone. */
export const NEVER: Timers = { after: () => () => {} };

/** Timers that go off when the test says so. */
export class HandTimers implements Timers {
  readonly #waiting = new Set<{ readonly ms: number; readonly call: () => void }>();

  /** The pauses that are under way. */
  get pauses(): number[] {
    return [...this.#waiting].map(({ ms }) => ms);
  }

  after(ms: number, call: () => void): () => void {
    const one = { ms, call };
    this.#waiting.add(one);
    return () => this.#waiting.delete(one);
  }

  /** Ends all pauses that are no longer than so many milliseconds. */
  fire(most: number): void {
    for (const one of [...this.#waiting].filter(({ ms }) => ms <= most)) {
      this.#waiting.delete(one);
      one.call();
    }
  }
}

export async function withCluster(
  test: (cluster: Cluster) => Promise<void>,
  options: ClusterOptions = {},
): Promise<void> {
  const cluster = await Cluster.start({ sync: { timers: NEVER }, ...options });
  try {
    await test(cluster);
  } finally {
    await cluster.close();
  }
}

/** A database of the first peer that everybody may write. */
export async function open(cluster: Cluster): Promise<Database> {
  const made = await cluster.peers[0]!.user.createDatabase({ name: "shared" });
  await made.withTransaction(async (tx) => {
    await tx.getSettings().setGlobalAuthKey(AuthKey.active(undefined, Permission.write(10)));
  });
  await cluster.serve(0, made.rootId);
  return made;
}

/** A database of the first peer that everybody may write, at all peers. */
export async function shared(cluster: Cluster): Promise<{ tree: ID; at: Database[] }> {
  const made = await open(cluster);
  const at = [made];
  for (let peer = 1; peer < cluster.peers.length; peer++) {
    await cluster.bootstrap(0, peer, made.rootId, Permission.write(10));
    await cluster.serve(peer, made.rootId);
    at.push(await cluster.peers[peer]!.user.openDatabase(made.rootId));
  }
  return { tree: made.rootId, at };
}

export const put = (db: Database, key: string, value: string): Promise<void> =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, value));

export async function get(db: Database, key: string): Promise<unknown> {
  return await (await db.getStoreViewer(DocStore, "s")).getOption(key);
}

/** A request made by hand, and its answer. */
export async function ask(
  network: SimNetwork,
  to: string,
  request: SyncRequest<Iterable<OutgoingEntry>>,
): Promise<ReceivedResponse> {
  return decodeResponse(
    await gathered(await network.send("sim-asker", to, encodeRequest(request))),
  );
}

/** Serves somebody at the address `pretender` who answers each request as the test says, and tells the address. */
export function pretend(
  network: SimNetwork,
  answer: (request: ReceivedRequest, bytes: Uint8Array) => Promise<ByteStream>,
): Address {
  network.serve("pretender", {
    fetch: () => Promise.resolve(new Response()),
    exchange: async (request) => {
      const bytes = await gathered(request);
      return await answer(decodeRequest(bytes), bytes);
    },
  });
  return { transportType: SIM_TRANSPORT, address: "pretender" };
}

async function gathered(stream: ByteStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return concat(...parts);
}

/** The events of a kind from now on, one after the other. */
export function eventsOf<T extends SyncEvent["type"]>(
  sync: Sync,
  type: T,
): () => Promise<SyncEvent & { type: T }> {
  const events = sync.events();
  let next = events.next();
  return async () => {
    for (;;) {
      const { value, done } = await next;
      if (done) throw new Error(`synchronisation ended before the event ${type}`);
      next = events.next();
      if (value.type === type) return value as SyncEvent & { type: T };
    }
  };
}

/** Waits until something is so, however long that takes. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!await isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}
