import { readdirSync } from "node:fs";
import type { Database, Entry, User } from "../../mod.ts";
import { deflate, inflate } from "../../src/sync/native/host/deflate.ts";
import { BLOCK_BYTES, INFLATED_BYTES } from "../../src/sync/native/limits.ts";
import { openIroh } from "../../src/transport/edge/iroh.ts";
import type { Link, Transport } from "../../src/transport/port.ts";
import { concat } from "../../src/util/bytes.ts";
import type { Case, Figure, Run, Scope, Suite } from "../case.ts";
import {
  type Address,
  addressOf,
  copies,
  databases,
  IROH,
  irohAddressOf,
  type Node,
  node,
} from "../live_bed.ts";
import { commitMany, encodedHistory } from "../workloads.ts";
import { percentiles, type Time, timed } from "./sync_live.ts";

/** How instances reach each other. */
interface Way {
  readonly name: string;
  /** A new instance that can be reached so. */
  make(name: string): Promise<Node>;
  /** Begins to serve. */
  serve(node: Node): Promise<Address>;
}

const HTTP: Way = { name: "HTTP", make: (name) => node(name), serve: addressOf };
const OVER_IROH: Way = {
  name: "Iroh",
  make: (name) => node(name, "memory://", IROH),
  serve: irohAddressOf,
};

/**
 * Exchange over Iroh on loopback, without relays; the first two groups are the Rust project's benchmarks of that name,
 * beside the same over HTTP. Nothing is measured where there is no add-on.
 */
export function syncIroh({ quick }: Scope): Suite {
  if (!isInstalled()) return { name: "iroh", cases: [] };
  const commits = quick ? 5 : 500;
  let times: Promise<Time[]> | undefined;
  return {
    name: "iroh",
    cases: [...[1, 5, 10].flatMap(throughput), ...setups(), transported(quick ? 50 : 10_000)],
    figures: [
      ...percentiles("commit to handler at the other side", "one database over Iroh", () => {
        return times ??= latency(commits);
      }),
      behind(quick ? 50 : 10_000),
    ],
  };
}

/** Packages with the add-on itself stand beside the one that loads it, one for this platform. */
function isInstalled(): boolean {
  try {
    const folder = new URL("../../node_modules/@number0/", import.meta.url);
    return readdirSync(folder).some((name) => name.startsWith("iroh-"));
  } catch {
    return false;
  }
}

// --- those of the Rust project -------------------------------------------------------------------

/** So many entries that are roots, each of a database of its own, sent to somebody who takes them. */
function throughput(count: number): Case[] {
  return [HTTP, OVER_IROH].map((way) => ({
    group: "iroh_sync_throughput",
    name: `entries/${count} over ${way.name}`,
    unit: "entries",
    each: count,
    samples: 30,
    prepare: () => sending(way, count),
  }));
}

async function sending({ make, serve }: Way, count: number): Promise<Run> {
  const [home, away] = [await make("home"), await make("away")];
  // Databases that it does not know are taken as well.
  home.sync.fetchHandler({ relay: true });
  const at = await serve(home);
  await away.sync.connectToPeer(at);
  let entries: Entry[] = [];
  return {
    async before() {
      entries = await roots(away.user, count);
    },
    step: () => away.sync.sendEntries(entries, at),
    end: () => ended([away, home]),
  };
}

async function roots(user: User, count: number): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let n = 0; n < count; n++) {
    const database = await user.createDatabase({ name: `root ${n}` });
    all.push(...(await database.getAllEntries()).filter(({ root }) => root === undefined));
  }
  return all;
}

/** Two instances from nothing to where one has noted the other as a peer. */
function setups(): Case[] {
  return [HTTP, OVER_IROH].map(({ name, make, serve }) => ({
    group: "iroh_connection",
    name: `setup over ${name}`,
    unit: "connections",
    samples: 20,
    prepare: () => {
      let open: Node[] = [];
      const close = async () => await ended(open.splice(0));
      return {
        before: close,
        step: async () => {
          open = [await make("home"), await make("away")];
          const [home, away] = open as [Node, Node];
          const [at] = [await serve(home), await serve(away)];
          await away.sync.connectToPeer(at);
        },
        end: close,
      };
    },
  }));
}

async function ended(nodes: readonly Node[]): Promise<void> {
  for (const { instance } of nodes) await instance.close();
}

// --- our own -------------------------------------------------------------------------------------

async function latency(commits: number): Promise<Time[]> {
  const [home, away] = [await OVER_IROH.make("home"), await OVER_IROH.make("away")];
  const [source] = await databases(home, 1);
  const [copy] = await copies(away, [source!], await irohAddressOf(home));
  await timed(source!, copy!, commits);
  const times = await timed(source!, copy!, commits);
  await ended([away, home]);
  return times;
}

/** A copy is so many entries behind, which come over the native protocol, and are verified and stored. */
function behind(count: number): Figure {
  return {
    group: "behind over Iroh",
    name: `${count.toLocaleString("en")} entries over the native protocol, until all are there`,
    unit: "entries/s",
    measure: async () => {
      const [home, away] = [await OVER_IROH.make("home"), await OVER_IROH.make("away")];
      const [source] = await databases(home, 1);
      const at = await irohAddressOf(home);
      await copies(away, [source!], at);
      await home.sync.stopServer();
      await commitMany(source!, 0, count);
      await home.sync.acceptConnections();
      const took = await broughtLive(away, source!);
      await ended([away, home]);
      return count / (took / 1000);
    },
  };
}

/** Milliseconds from when a session begins until a database is live. */
async function broughtLive({ sync }: Node, { rootId }: Database): Promise<number> {
  let began = 0;
  for await (const event of sync.events()) {
    if (event.type === "connecting") began = performance.now();
    if (event.type === "live" && event.tree === `${rootId}`) return performance.now() - began;
  }
  throw new Error("Synchronisation ended before the database was live");
}

/** The transport alone: blocks as the native protocol has them, deflated, sent, received and inflated. */
function transported(count: number): Case {
  return {
    group: "transport over Iroh",
    name: `${count.toLocaleString("en")} entries in deflated blocks`,
    unit: "entries",
    each: count,
    samples: 5,
    prepare: async () => {
      const blocks = blocksOf(await encodedHistory(count));
      const [client, server] = [await transport(), await transport()];
      const accepted: Link[] = [];
      await server.start({
        exchange: () => Promise.reject(new Error("not asked")),
        fetch: () => Promise.reject(new Error("not asked")),
        accept: (link) => accepted.push(link),
      });
      const at = { transportType: "iroh", address: server.serverAddress() };
      return {
        step: async () => {
          const link = await client.connect!(at);
          const [bytes] = await Promise.all([received(accepted), send(link, blocks)]);
          const all = blocks.reduce((sum, { length }) => sum + length, 0);
          if (bytes !== all) throw new Error(`${bytes} of ${all} bytes have arrived`);
        },
        async end() {
          await client.close!();
          await server.close!();
        },
      };
    },
  };
}

function transport(): Promise<Transport> {
  const options = { relays: "disabled", bindAddress: "127.0.0.1:0" } as const;
  return openIroh(options, crypto.getRandomValues(new Uint8Array(32)));
}

function blocksOf(entries: readonly Uint8Array[]): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  let [some, size]: [Uint8Array[], number] = [[], 0];
  for (const entry of [...entries, undefined]) {
    if (entry === undefined || size + entry.length > BLOCK_BYTES) {
      blocks.push(concat(...some));
      [some, size] = [[], 0];
    }
    if (entry === undefined) break;
    some.push(entry);
    size += entry.length;
  }
  return blocks;
}

/** Each block behind its length. */
async function send(link: Link, blocks: readonly Uint8Array[]): Promise<void> {
  for (const block of blocks) {
    const deflated = await deflate(block);
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, deflated.length);
    link.send(head);
    link.send(deflated);
  }
  link.close();
}

/** How many bytes of blocks have come until the connection ends. */
async function received(accepted: Link[]): Promise<number> {
  while (accepted.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  let [held, bytes]: [Uint8Array, number] = [new Uint8Array(), 0];
  for await (const piece of accepted.shift()!.incoming) {
    held = concat(held, piece);
    for (;;) {
      const length = held.length < 4
        ? Infinity
        : new DataView(held.buffer, held.byteOffset).getUint32(0);
      if (held.length < 4 + length) break;
      bytes += (await inflate(held.subarray(4, 4 + length), INFLATED_BYTES)).length;
      held = held.slice(4 + length);
    }
  }
  return bytes;
}
