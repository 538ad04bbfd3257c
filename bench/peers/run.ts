/**
 * Other databases and this one at the same work, on any runtime: `npm run bench:peers`.
 *
 * A sample is a thousand changes of one new key, each in a transaction of its own, in an empty database
 * that this program alone uses; and in the suite `live` a hundred of them, each waited for at the other side. Takes the options of `bench/run.ts`.
 *
 * @module
 */

import process from "node:process";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { isJson, measure, print, type Report, runtimeName } from "../report.ts";
import { COJSON } from "./cojson.ts";
import { DOCUMENTS } from "./documents.ts";
import { EIDETICA } from "./eidetica.ts";
import { LIVE } from "./live.ts";
import { ORBITDB } from "./orbitdb.ts";
import type { Peer, Steps } from "./peer.ts";
import { POUCHDB } from "./pouchdb.ts";

/** What is reported of a peer. */
type Facts = Omit<Peer, "prepare">;

/** What a run has found. */
export interface PeersReport extends Report {
  /** What the peers do in a step. */
  readonly peers: readonly Facts[];
  /** What those do that are kept in step live. */
  readonly live: readonly Facts[];
  /** Names of peers that do not work on this runtime, and why. */
  readonly absent: Readonly<Record<string, string>>;
}

const PEERS: readonly Peer[] = [...EIDETICA, ...ORBITDB, ...COJSON, ...POUCHDB, ...DOCUMENTS];

/** Why a peer does not work here, if it does not. */
async function failure(peer: Peer): Promise<string | undefined> {
  try {
    const steps = await peer.prepare();
    await steps.step(0);
    await steps.end?.();
    return undefined;
  } catch (error) {
    return String(error instanceof Error ? error.message : error).split("\n", 1)[0]!;
  }
}

/** Steps that each begin with an empty database and make all changes. */
function changes(peer: Peer, count: number): Run {
  let steps: Steps | undefined;
  const end = async () => {
    await steps?.end?.();
    steps = undefined;
  };
  return {
    async before(): Promise<void> {
      await end();
      steps = await peer.prepare();
    },
    async step(): Promise<void> {
      for (let number = 0; number < count; number++) {
        const result = steps!.step(number);
        if (result instanceof Promise) await result;
      }
    },
    end,
  };
}

function suite(peers: readonly Peer[], { quick }: Scope): Suite {
  const count = quick ? 20 : 1000;
  const cases = peers.map((peer): Case => ({
    group: peer.keeps === "memory" ? "one change, in memory" : "one change, in files",
    name: peer.name,
    unit: "changes",
    each: count,
    baseline: EIDETICA.includes(peer),
    samples: 7,
    prepare: () => changes(peer, count),
  }));
  return { name: "peers", cases };
}

function liveSuite(peers: readonly Peer[], { quick }: Scope): Suite {
  const count = quick ? 5 : 100;
  const cases = peers.map((peer, at): Case => ({
    group: "one change, until the other side has it",
    name: peer.name,
    unit: "changes",
    each: count,
    baseline: at === 0,
    samples: 7,
    prepare: () => changes(peer, count),
  }));
  return { name: "live", cases };
}

const absent: Record<string, string> = {};

async function workingOf(peers: readonly Peer[]): Promise<Peer[]> {
  const working: Peer[] = [];
  for (const peer of peers) {
    const reason = await failure(peer);
    if (reason === undefined) working.push(peer);
    else absent[peer.name] = reason;
  }
  return working;
}

const [working, workingLive] = [await workingOf(PEERS), await workingOf(LIVE)];
const report = await measure([
  (scope) => suite(working, scope),
  (scope) => liveSuite(workingLive, scope),
]);
for (const [name, reason] of Object.entries(absent)) {
  print(`${name}: not on ${runtimeName()}: ${reason}`);
}
const factsOf = (peers: readonly Peer[]) => peers.map(({ prepare: _, ...facts }) => facts);
const [peers, live] = [factsOf(PEERS), factsOf(LIVE)];
if (isJson) console.log(JSON.stringify({ ...report, peers, live, absent } satisfies PeersReport));
// Some peers leave timers behind.
process.exit();
