/** Runtimes and engines judge the same random histories alike (00 §B, docs/security.md). */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RUNTIME } from "../helpers/shared.ts";
import { cases } from "../helpers/thorough.ts";
import { loadScript } from "../house/run_script.ts";

/**
 * Who judges. The histories come in as many blocks, and each block is judged by two that stand next to each
 * other: so every history is judged by two runtimes and by two engines, and everybody has two blocks.
 */
const JUDGES = [
  ["node", "wasm"],
  ["deno", "native"],
  ["bun", "wasm"],
  ["node", "native"],
  ["deno", "wasm"],
  ["bun", "native"],
] as const;

/**
 * The statuses in blocks of so many histories from seed 1 on: a change of any rule changes them. When they were
 * recorded all six have come to those of the small blocks, and its two judges to that of each large one.
 */
const GOLDEN: Readonly<Record<number, readonly string[]>> = {
  25: [
    "337e4221ed8843100a848c56750f9d1a3b679edd22f3a065ea0892111b682ec9",
    "2e417615b6bc49133faa1e601d757a24c4be585c6411e5a5fb85b1304f87eae7",
    "60a01e6fdc6091a3bfff7edc95e8106a7677f8a2076a59ac5c2602c5b9d89d8b",
    "4d4f2d3c3c2570afaca0295be8a0434a57a43530e45bc0d4a3cbdc56db2ff7fe",
    "c0986baac7eabe6c8e5138a6d24800468bf3c53242ccf45b3f54e1e49c5c8b34",
    "5a13c449398c8e5ec7de59dc0f1391af7d47b20df67ab5a16ea066daf1ffe8d7",
  ],
  250: [
    "7a977efbb8270315be6a1291cdda10422f33b56e70d81fd097f530fcef6bcaa2",
    "22e6e5ef47f163fc28584b9a6bc7ada98f694d262cd5d6aa3c2022fcc2ec4a46",
    "7900d80fd2262e70bbb7f938f6d8967aebd1e94a3b78958055b2fa0ea387b2d0",
    "45dbdb3b8768a4a287ea3afc330a48bdc5d8933fbfb5ff18f5bc43b0656da8b8",
    "cad2668a53162421b4e62559d12d440b675a2414476fd80660061f9d28878004",
    "8c49a38683bd86249c86213cffa3f716682b4b9393ce5a0df93e5c64711d85f6",
  ],
};
/** How many histories are in a block. */
const BLOCK = cases(25);
/** The seed of the first block: `EIDETICA_SEED=7` for others. */
const SEED = Number(process.env.EIDETICA_SEED ?? 1);
const TIMEOUT_MS = 60_000 + BLOCK * 2000;

interface Runtimes {
  findRuntime(name: string): string | undefined;
  runArguments(name: string, file: string, args: readonly string[]): string[];
}

interface Judged {
  readonly digest: string;
  readonly counts: Readonly<Record<string, number>>;
}

type Judge = readonly [name: string, engine: string];

const { findRuntime, runArguments } = await loadScript<Runtimes>("runtimes.mjs");
const MAIN = fileURLToPath(new URL("digest_main.ts", import.meta.url));

function judgedBy([name, engine]: Judge, block: number): Promise<Judged> {
  const own = name === RUNTIME ? process.execPath : findRuntime(name)!;
  const args = runArguments(name, MAIN, [`${SEED + block}`, `${BLOCK}`, engine]);
  return new Promise((resolve, reject) => {
    execFile(own, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${name} failed: ${stderr}`, { cause: error }));
      else resolve(JSON.parse(stdout) as Judged);
    });
  });
}

/** What the others have come to when it was recorded; undefined when this seed and number never was. */
const RECORDED = SEED === 1 ? GOLDEN[BLOCK] : undefined;

/** Those of a block whom this suite asks: its own; where nothing is recorded, the one on Node asks all. */
function askedOf(first: Judge, second: Judge): readonly Judge[] {
  const isAsked = ([name]: Judge) =>
    name === RUNTIME ||
    (RUNTIME === "node" && RECORDED === undefined && findRuntime(name) !== undefined);
  return [first, second].filter(isAsked);
}

function expectSound({ digest, counts }: Judged, block: number): void {
  for (const status of ["Verified", "Failed", "Unverified"]) {
    assert.ok((counts[status] ?? 0) > BLOCK / 10, status);
  }
  if (RECORDED !== undefined) assert.equal(digest, RECORDED[block]);
}

describe(`the verdicts on ${BLOCK * JUDGES.length} random histories from seed ${SEED}`, () => {
  for (const [block, first] of JUDGES.entries()) {
    const second = JUDGES[(block + JUDGES.length - 1) % JUDGES.length]!;
    const judges = askedOf(first, second);
    if (judges.length === 0) continue;
    const names = judges.map((one) => one.join(" ")).join(" and ");
    it(`of block ${block} are alike by ${names}`, { timeout: TIMEOUT_MS }, async () => {
      const judged = await Promise.all(judges.map((one) => judgedBy(one, block)));
      for (const one of judged) {
        assert.deepEqual(one, judged[0]);
        expectSound(one, block);
      }
    });
  }
});
