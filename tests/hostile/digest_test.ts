/** All runtimes and engines judge the same random histories alike (00 §B, docs/security.md). */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { ready } from "../../mod.ts";
import { loadScript } from "../house/run_script.ts";
import { digest } from "./judgement.ts";

/** Of how many histories the verdicts were recorded. */
const RECORDED = 150;
/** How many histories: `EIDETICA_HISTORIES=5000` for thousands. */
const COUNT = Number(process.env.EIDETICA_HISTORIES ?? RECORDED);
/** The first of their seeds: `EIDETICA_SEED=7` for others. */
const SEED = Number(process.env.EIDETICA_SEED ?? 1);
const TIMEOUT_MS = 60_000 + COUNT * 1000;
/** The verdicts on the recorded histories from seed 1: a change of any rule changes it. */
const GOLDEN = "c7319c376446486568daecb940ad73d31bcd26534aea4a5f52bbcd26763ee9ae";

interface Runtimes {
  findRuntime(name: string): string | undefined;
  runArguments(name: string, file: string, args: readonly string[]): string[];
}

interface Judged {
  readonly digest: string;
  readonly counts: Readonly<Record<string, number>>;
}

const { findRuntime, runArguments } = await loadScript<Runtimes>("runtimes.mjs");
const MAIN = fileURLToPath(new URL("digest_main.ts", import.meta.url));

function judgedBy(name: string, path: string, engine: string): Promise<Judged> {
  const args = runArguments(name, MAIN, [`${SEED}`, `${COUNT}`, engine]);
  return new Promise((resolve, reject) => {
    execFile(path, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${name} failed: ${stderr}`, { cause: error }));
      else resolve(JSON.parse(stdout) as Judged);
    });
  });
}

let here: Promise<Judged> | undefined;

function judgedHere(): Promise<Judged> {
  return here ??= ready().then(() => digest(SEED, COUNT));
}

const OWN = "deno" in process.versions ? "deno" : "bun" in process.versions ? "bun" : "node";

/** Why a runtime is not compared. Each suite compares its own with what was recorded in any case. */
function obstacle(name: string): string | false {
  if (OWN !== "node" && name !== OWN) return "the suite on Node compares the others";
  return findRuntime(name) === undefined && `${name} is not installed`;
}

describe(`the verdicts on ${COUNT} random histories from seed ${SEED}`, () => {
  for (const name of ["node", "node22", "deno", "bun"]) {
    for (const engine of ["wasm", "native"]) {
      const options = { skip: obstacle(name), timeout: TIMEOUT_MS };
      it(`are the same on ${name} with the ${engine} engine`, options, async () => {
        assert.deepEqual(await judgedBy(name, findRuntime(name)!, engine), await judgedHere());
      });
    }
  }

  it("are of all three kinds, and those that were recorded", { timeout: TIMEOUT_MS }, async () => {
    const { digest, counts } = await judgedHere();
    for (const status of ["Verified", "Failed", "Unverified"]) {
      assert.ok((counts[status] ?? 0) > COUNT / 4, status);
    }
    if (SEED === 1 && COUNT === RECORDED) assert.equal(digest, GOLDEN);
  });
});
