/** Instances that reach each other over real sockets of this machine. */

import {
  AuthKey,
  type Database,
  type ID,
  Instance,
  NewUser,
  Permission,
  type User,
} from "../../mod.ts";
import type { SyncEvent } from "../../src/sync/events.ts";
import type { SyncOptions, SyncServer } from "../../src/sync/options.ts";
import type { Sync } from "../../src/sync/sync.ts";
import { get } from "./cluster_bed.ts";

export { get, put } from "./cluster_bed.ts";

/** One instance with one user. */
export interface Node {
  readonly instance: Instance;
  readonly user: User;
  readonly sync: Sync;
}

/** The instances of a test; all are closed with it. */
export class Nodes {
  readonly #all: Node[] = [];

  /** A new instance. */
  async node(options: SyncOptions = {}): Promise<Node> {
    const name = `node${this.#all.length}`;
    const { instance, user } = await Instance.connectOrCreate(
      "memory://",
      NewUser.passwordless(name),
    );
    const node = { instance, user: user!, sync: await instance.enableSync(options) };
    this.#all.push(node);
    return node;
  }

  /** A new instance that listens. */
  async server(options: SyncOptions = {}): Promise<Node & { readonly server: SyncServer }> {
    const node = await this.node(options);
    return { ...node, server: await node.sync.serve() };
  }

  /** Closes all. */
  async close(): Promise<void> {
    for (const { instance } of this.#all) await instance.close();
  }
}

/** Runs a test with instances of its own. */
export async function withNodes(test: (nodes: Nodes) => Promise<void>): Promise<void> {
  const nodes = new Nodes();
  try {
    await test(nodes);
  } finally {
    await nodes.close();
  }
}

/** A database that anybody may write and that is shared. */
export async function madeBy({ user }: Node, name = "notes"): Promise<Database> {
  const db = await user.createDatabase({ name });
  await db.withTransaction(async (tx) => {
    await tx.getSettings().setGlobalAuthKey(AuthKey.active(undefined, Permission.write(10)));
  });
  await user.share(db);
  return db;
}

/** The same database at another instance, by a ticket. */
export async function joined(from: Node, to: Node, db: Database): Promise<Database> {
  return await to.user.join(await from.user.share(db));
}

/** Has something called for each event of an instance, until it is closed. */
export function hear(sync: Sync, call: (event: SyncEvent) => void): void {
  void (async () => {
    for await (const event of sync.events()) call(event);
  })();
}

/** Resolves when an instance tells that a tree is live. Listens from when it is called. */
export async function live(sync: Sync, tree: ID): Promise<void> {
  for await (const event of sync.events()) {
    if (event.type === "live" && event.tree === tree.toString()) return;
  }
  throw new Error("synchronisation ended before the database was live");
}

/** As {@link joined}, when it is live there. */
export async function joinedLive(from: Node, to: Node, db: Database): Promise<Database> {
  const isLive = live(to.sync, db.rootId);
  const copy = await joined(from, to, db);
  await isLive;
  return copy;
}

/** Resolves when a database has a value, by its own events. */
export async function arrives(db: Database, key: string, value: string): Promise<void> {
  let wake = () => {};
  const watch = await db.onWrite(() => wake());
  try {
    while (await get(db, key) !== value) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        // The write may have come between the look and this.
        setTimeout(resolve, 20);
      });
    }
  } finally {
    watch[Symbol.dispose]();
  }
}
