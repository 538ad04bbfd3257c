import process from "node:process";
import { type Database, DocStore } from "../../mod.ts";
import { temporaryFolder } from "../bed.ts";
import type { Case, Figure, Run, Scope, Suite } from "../case.ts";
import { addressOf, copies, databases, node, wayTo } from "../live_bed.ts";
import { commitMany, commitOne, verifiedIngest } from "../workloads.ts";

/** Entries per storage commit of the local ingest that replication is compared with. */
const BATCH = 500;
/** Databases that are live at once, in the cases with many. */
const MANY = 100;

/** Live exchange over loopback: how soon others have a commit, and what it takes to stay in step. */
export function syncLive(scope: Scope): Suite {
  const { quick } = scope;
  const commits = quick ? 5 : 1000;
  const many = quick ? 3 : MANY;
  const one = once(() => latency(1, commits));
  const all = once(() => latency(many, commits));
  const hop = once(() => overRelay(commits));
  const behind = quick ? 20 : 1000;
  return {
    name: "live",
    cases: replications(scope),
    figures: [
      ...percentiles("commit to handler at the other side", "one database", one),
      ...percentiles("commit to handler at the other side", `${many} databases live`, all),
      ...percentiles("commit to handler at the other side", "over a relay", hop),
      {
        group: "in step",
        name: `${many} databases, a new session: bytes for each`,
        unit: "bytes",
        measure: () => bytesInStep(many),
      },
      {
        group: "after a cut",
        name: `${behind.toLocaleString("en")} entries behind, until the last is there`,
        unit: "ms",
        measure: () => afterACut(behind),
      },
    ],
  };
}

/** Does something at most once, whoever asks for it first. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => result ??= work();
}

/** Milliseconds that something took: that passed, and that processors were at work for this process. */
export interface Time {
  readonly passed: number;
  readonly worked: number;
}

/**
 * Figures of one series of times in milliseconds. Where others are at work on the machine, the time that passed says
 * more about them.
 */
export function percentiles(group: string, name: string, times: () => Promise<Time[]>): Figure[] {
  const figure = (label: string, kind: keyof Time, part: number): Figure => ({
    group,
    name: `${name}, ${label}`,
    unit: "ms",
    measure: async () => {
      const sorted = (await times()).map((time) => time[kind]).toSorted((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
    },
  });
  return [
    figure("p50", "passed", 0.5),
    figure("p99", "passed", 0.99),
    figure("p99 of processor time", "worked", 0.99),
  ];
}

/** What it took from before each commit to the call of a handler for it. */
export async function timed(source: Database, copy: Database, commits: number): Promise<Time[]> {
  const times: Time[] = [];
  let arrived = () => {};
  const watch = await copy.onWrite(() => arrived());
  for (let n = 0; n < commits; n++) {
    const arrival = new Promise<void>((resolve) => arrived = resolve);
    const [began, before] = [performance.now(), process.cpuUsage()];
    await commitOne(source, `k${n}`, "v");
    await arrival;
    const { user, system } = process.cpuUsage(before);
    times.push({ passed: performance.now() - began, worked: (user + system) / 1000 });
  }
  watch[Symbol.dispose]();
  return times;
}

/** Times of commits to databases in turns, after some that are not counted. */
async function inTurns(
  sources: readonly Database[],
  targets: readonly Database[],
  commits: number,
): Promise<Time[]> {
  const each = Math.ceil(commits / sources.length);
  const times: Time[] = [];
  for (const counts of [false, true]) {
    for (const [at, source] of sources.entries()) {
      const more = await timed(source, targets[at]!, each);
      if (counts) times.push(...more);
    }
  }
  return times;
}

async function latency(count: number, commits: number): Promise<Time[]> {
  const [home, away] = [await node("home"), await node("away")];
  const sources = await databases(home, count);
  const targets = await copies(away, sources, await addressOf(home));
  const times = await inTurns(sources, targets, commits);
  await away.instance.close();
  await home.instance.close();
  return times;
}

async function overRelay(commits: number): Promise<Time[]> {
  const [ada, relay, bob] = [await node("ada"), await node("relay"), await node("bob")];
  relay.sync.fetchHandler({ relay: true });
  const at = await addressOf(relay);
  const sources = await databases(ada, 1);
  await (await ada.sync.follow(sources[0]!, { peers: [at] })).synced();
  const targets = await copies(bob, sources, at);
  const times = await inTurns(sources, targets, commits);
  for (const { instance } of [bob, ada, relay]) await instance.close();
  return times;
}

/** What a session of databases in which nothing is new costs for each of them, in both directions. */
async function bytesInStep(count: number): Promise<number> {
  const [home, away] = [await node("home"), await node("away")];
  const way = await wayTo(await addressOf(home));
  const sources = await databases(home, count);
  await copies(away, sources, way.address);
  await away.sync.flush();
  way.cut();
  way.bytes();
  const missing = new Set(sources.map(({ rootId }) => `${rootId}`));
  const again = (async () => {
    for await (const event of away.sync.events()) {
      if (event.type === "live") missing.delete(event.tree);
      if (missing.size === 0) return;
    }
  })();
  way.mend();
  await again;
  const bytes = way.bytes();
  await away.instance.close();
  await home.instance.close();
  await way.close();
  return bytes / count;
}

/** Milliseconds from when a connection can be made again until everything is there that was committed meanwhile. */
async function afterACut(count: number): Promise<number> {
  const [home, away] = [await node("home"), await node("away")];
  const way = await wayTo(await addressOf(home));
  const sources = await databases(home, 1);
  const [copy] = await copies(away, sources, way.address);
  way.cut();
  await commitMany(sources[0]!, 0, count);
  await commitOne(sources[0]!, "last", "1");
  let look = () => {};
  const watch = await copy!.onWrite(() => look());
  const arrived = new Promise<void>((resolve) => {
    look = async () => {
      const store = await copy!.getStoreViewer(DocStore, "data");
      if (await store.getOption("last") === "1") resolve();
    };
  });
  way.mend();
  const began = performance.now();
  // At once, whatever pause a failed attempt has brought.
  const flushed = away.sync.flush().catch(() => {});
  await arrived;
  const took = performance.now() - began;
  watch[Symbol.dispose]();
  await flushed;
  await away.instance.close();
  await home.instance.close();
  await way.close();
  return took;
}

function replications({ quick }: Scope): Case[] {
  const count = quick ? 50 : 10_000;
  const entries = `${count.toLocaleString("en")} entries`;
  return [
    {
      group: "initial replication, native",
      name: `${entries}, local ingest, sqlite`,
      unit: "entries",
      each: count,
      baseline: true,
      samples: 5,
      prepare: () => verifiedIngest(count, BATCH),
    },
    {
      group: "initial replication, native",
      name: `${entries}, over WebSocket, sqlite`,
      unit: "entries",
      each: count,
      samples: 5,
      prepare: () => replication(count),
    },
  ];
}

/** A copy of a database of so many entries is asked for, and is there. */
async function replication(count: number): Promise<Run> {
  const home = await node("home");
  const sources = await databases(home, 1);
  await commitMany(sources[0]!, 0, count - 3);
  const at = await addressOf(home);
  let target: { readonly away: Awaited<ReturnType<typeof node>>; remove(): void } | undefined;
  const leave = async () => {
    await target?.away.instance.close();
    target?.remove();
    target = undefined;
  };
  return {
    async before() {
      await leave();
      const { folder, remove } = temporaryFolder();
      target = { away: await node("away", `sqlite://${folder}/away.db`), remove };
    },
    step: () => copies(target!.away, sources, at),
    async end() {
      await leave();
      await home.instance.close();
    },
  };
}
