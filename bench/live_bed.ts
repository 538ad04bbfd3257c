/**
 * Instances that exchange live over loopback, for the suite of live exchange: all in one process, each over real sockets.
 *
 * @module
 */

import { connect, createServer, type Socket } from "node:net";
import { type Database, Instance, NewUser, type User } from "../mod.ts";
import { DatabaseTicket, type Sync, type SyncOptions } from "../src/sync/mod.ts";

/** One instance in memory, with its synchronisation. */
export interface Node {
  readonly instance: Instance;
  readonly user: User;
  readonly sync: Sync;
}

/** Where an instance is reached. */
export interface Address {
  readonly transportType: string;
  readonly address: string;
}

/** A new instance, in memory unless told. */
export async function node(
  name: string,
  url = "memory://",
  options: SyncOptions = {},
): Promise<Node> {
  const first = NewUser.passwordless(name);
  const { instance, user } = await Instance.connectOrCreate(url, first, { durability: "normal" });
  return { instance, user: user!, sync: await instance.enableSync(options) };
}

/** What reaches others over Iroh on this machine alone. */
export const IROH: SyncOptions = { iroh: { relays: "disabled", bindAddress: "127.0.0.1:0" } };

/** Serves over Iroh. */
export async function irohAddressOf({ sync }: Node): Promise<Address> {
  await sync.acceptConnectionsOn("iroh");
  return { transportType: "iroh", address: sync.getServerAddressFor("iroh") };
}

/** Serves over loopback. */
export async function addressOf({ sync }: Node): Promise<Address> {
  const { address } = await sync.serve();
  return { transportType: "http", address };
}

/** So many databases that everybody may write, which are kept in step with others. */
export async function databases({ user }: Node, count: number): Promise<Database[]> {
  const all: Database[] = [];
  for (let n = 0; n < count; n++) {
    const database = await user.createDatabase({ name: `live ${n}` });
    await database.grant("everyone", "write");
    await user.share(database);
    all.push(database);
  }
  return all;
}

/** Copies of databases at another instance, when all are live there. */
export async function copies(
  { user, sync }: Node,
  originals: readonly Database[],
  at: Address,
): Promise<Database[]> {
  const missing = new Set(originals.map(({ rootId }) => `${rootId}`));
  const live = (async () => {
    for await (const event of sync.events()) {
      if (event.type === "live") missing.delete(event.tree);
      if (missing.size === 0) return;
    }
  })();
  const all: Database[] = [];
  for (const { rootId } of originals) all.push(await user.join(new DatabaseTicket(rootId, [at])));
  await live;
  return all;
}

/** A way to an address that counts what goes over it, and can be cut. */
export interface Way {
  readonly address: Address;
  /** Bytes in both directions since it was asked last. */
  bytes(): number;
  /** Ends all connections, and lets no others through until {@link Way.mend}. */
  cut(): void;
  /** Lets connections through again. */
  mend(): void;
  close(): Promise<void>;
}

/** Opens a way. */
export async function wayTo({ address }: Address): Promise<Way> {
  const [host, port] = address.split(":");
  const open = new Set<Socket>();
  let [bytes, isCut] = [0, false];
  const server = createServer((here) => {
    if (isCut) return here.destroy();
    const there = connect({ host: host!, port: Number(port) });
    for (const [socket, other] of [[here, there], [there, here]] as const) {
      open.add(socket.setNoDelay(true));
      socket.on("data", (chunk) => {
        bytes += chunk.length;
        other.write(chunk);
      });
      socket.on("error", () => {}).on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address() as { readonly port: number };
  const cut = () => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    address: { transportType: "http", address: `127.0.0.1:${bound.port}` },
    bytes: () => {
      const before = bytes;
      bytes = 0;
      return before;
    },
    cut,
    mend: () => isCut = false,
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
