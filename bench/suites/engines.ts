import { ready } from "../../mod.ts";
import { BatchVerifier } from "../../wasm/batch.ts";
import { loadCore } from "../../wasm/load.ts";
import type { CryptoCore, VerifyItem } from "../../wasm/mod.ts";
import type { Case, Figure, Run, Scope, Suite } from "../case.ts";
import { message, MESSAGE_BYTES } from "../floor.ts";
import { runProgram } from "../program.ts";
import { verifiedIngest } from "../workloads.ts";

/** Signatures of a batch: as many as the entries that are stored at a time. */
const BATCH = 500;

/** Engines with threads of their own kind; plain JavaScript is what is left when neither is there. */
type Compiled = "wasm" | "native";
const COMPILED: readonly Compiled[] = ["wasm", "native"];
const LOADERS = {
  wasm: () => loadCore({ engine: "wasm" }),
  native: () => loadCore({ engine: "native" }),
  javascript: () => loadCore({ wasm: "none" }, null),
} as const;
const ENGINES = ["wasm", "native", "javascript"] as const;

function signed({ ed25519 }: CryptoCore): VerifyItem {
  const signer = ed25519.signer(crypto.getRandomValues(new Uint8Array(32)));
  const data = message();
  return { publicKey: signer.publicKey, data, signature: signer.sign(data) };
}

function signing({ ed25519 }: CryptoCore): Run {
  const signer = ed25519.signer(crypto.getRandomValues(new Uint8Array(32)));
  const data = message();
  return { step: () => signer.sign(data) };
}

function verifying(core: CryptoCore): Run {
  const { publicKey, data, signature } = signed(core);
  return { step: () => core.ed25519.verify(publicKey, data, signature) };
}

function byEngine(what: string, unit: string, run: (core: CryptoCore) => Run): Case[] {
  return ENGINES.map((engine) => ({
    group: `Ed25519 ${what} of ${MESSAGE_BYTES} bytes`,
    name: engine,
    unit,
    baseline: engine === "wasm",
    prepare: async () => run(await LOADERS[engine]()),
  }));
}

async function inPlace(engine: Compiled): Promise<Run> {
  const { ed25519 } = await LOADERS[engine]();
  const items = await batchOf(engine);
  const verify = ({ publicKey, data, signature }: VerifyItem) =>
    ed25519.verify(publicKey, data, signature);
  return { step: () => items.map(verify) };
}

/** Threads that have started: what they give in the long run. */
async function onThreads(engine: Compiled): Promise<Run> {
  const { ed25519 } = await LOADERS[engine]();
  const items = await batchOf(engine);
  let verifiedHere = 0;
  const verify: typeof ed25519.verify = (...given) => {
    verifiedHere++;
    return ed25519.verify(...given);
  };
  const batches = new BatchVerifier(verify, { engine });
  do {
    verifiedHere = 0;
    await batches.verifyBatch(items);
  } while (verifiedHere > 0 && batches.threads > 0);
  return { step: () => batches.verifyBatch(items), end: () => batches.stop() };
}

async function batchOf(engine: Compiled): Promise<VerifyItem[]> {
  const core = await LOADERS[engine]();
  return Array.from({ length: BATCH }, () => signed(core));
}

function batches(): Case[] {
  const kinds = [["in place", inPlace], ["on threads", onThreads]] as const;
  return COMPILED.flatMap((engine) =>
    kinds.map(([kind, prepare]): Case => ({
      group: `${BATCH} signatures, ${engine}`,
      name: kind,
      unit: "verifications",
      each: BATCH,
      baseline: kind === "in place",
      prepare: () => prepare(engine),
    }))
  );
}

/** Ingest with the engine that is asked for, as the library does it: on threads where it has them. */
async function ingestWith(engine: Compiled, count: number): Promise<Run> {
  const run = await verifiedIngest(count, BATCH);
  return {
    ...run,
    async before(): Promise<void> {
      await ready({ engine });
      await run.before();
    },
    async end(): Promise<void> {
      await run.end();
      await ready({ engine: "auto" });
    },
  };
}

function ingests(count: number): Case[] {
  return COMPILED.map((engine) => ({
    group: "verified ingest by engine",
    name: `${engine}, ${count.toLocaleString("en")} entries, sqlite`,
    unit: "entries",
    each: count,
    baseline: engine === "wasm",
    samples: 7,
    prepare: () => ingestWith(engine, count),
  }));
}

function onOneCore(engine: Compiled, count: number, rounds: number): Figure[] {
  let found: { elapsed: number; cpu: number } | undefined;
  const args = [engine, count, rounds, BATCH].map(String);
  const measure = () => found ??= JSON.parse(runProgram("one_core.ts", ...args));
  const more = { group: "verified ingest on one core", unit: "entries per second" };
  return [
    { ...more, name: `${engine}, by the clock`, measure: () => measure().elapsed },
    { ...more, name: `${engine}, by processor time`, measure: () => measure().cpu },
  ];
}

/** What each engine of Ed25519 gives on this runtime, alone and under ingest. */
export function engines({ quick }: Scope): Suite {
  const count = quick ? 200 : 5000;
  return {
    name: "engines",
    cases: [
      ...byEngine("signature", "signatures", signing),
      ...byEngine("verification", "verifications", verifying),
      ...batches(),
      ...ingests(count),
    ],
    figures: COMPILED.flatMap((engine) => onOneCore(engine, count, quick ? 1 : 7)),
  };
}
