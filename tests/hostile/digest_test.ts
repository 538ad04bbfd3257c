/** Runtimes and engines judge the same random histories alike (00 §B, docs/security.md). */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
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
 * The statuses in blocks of so many histories from seed 1 on: a change of any rule changes them. All six have
 * come to these on all blocks when they were recorded.
 */
const GOLDEN: Readonly<Record<number, readonly string[]>> = {
  25: [
    "a20e9a9ab64f59f96f97bd07ec768e4eba45bb4b8ce095889f24c871ab88701f",
    "099c177554550f1703e2713f4b8f4fec3a96774e74b7c9551c8e31002293d88d",
    "a55d28b1a7b8b5738f755d62be5b61fca9836cad040dd935ad6a93b3eab86103",
    "9c93c9119c6ed2875df3440320815bd1fa57348b7a548584aad9a7a30667ab5b",
    "6411bdcb3b392d82a7e48d4d292dcd54c6e3ba5416462596404987dd916c41c5",
    "0ff9d6ba0cc0ec2f512e0bfb94f2a60889d4f0b34dfbe9d1ab532ce1f778e481",
  ],
  340: [
    "d6cfcc90fc1910ad7e4b339f9594e7a9c17f75dde490e81486396d7137845066",
    "fbf26d932608da5980f5e6bae6d2169568650bb3e07bf6a54331160b0db8158b",
    "7c2d0bd8b3ccfb1a5ab9a58a76c6ba8cb64cee9b4ee51de734df2bcd925bcd9e",
    "4052aa2322998a003aa99899f66c622407432831ec2b388668667cbf4e2e25fb",
    "e55129b76a908d328455c849b11fe9ebebcd1d009cf6b747998ade1c19e1c26b",
    "00e159cf4076c2232eeb971834752947766f290e4953f38fbf80dd246842efce",
  ],
};
/** How many histories, about: thousands in CI, and `EIDETICA_HISTORIES=5000` for more. */
const COUNT = Number(process.env.EIDETICA_HISTORIES ?? (process.env.CI ? 2040 : 150));
/** How many of them are in a block. */
const BLOCK = Math.ceil(COUNT / JUDGES.length);
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
  const own = name === OWN ? process.execPath : findRuntime(name)!;
  const args = runArguments(name, MAIN, [`${SEED + block}`, `${BLOCK}`, engine]);
  return new Promise((resolve, reject) => {
    execFile(own, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${name} failed: ${stderr}`, { cause: error }));
      else resolve(JSON.parse(stdout) as Judged);
    });
  });
}

const OWN = "deno" in process.versions ? "deno" : "bun" in process.versions ? "bun" : "node";
const IS_OLDER_NODE = OWN === "node" && Number(process.versions.node.split(".")[0]) < 24;

/** Those of a block whom this suite asks; in CI the one on the newer Node asks all, and the others do little. */
function askedOf(first: Judge, second: Judge): readonly Judge[] {
  const own = ([name]: Judge) => name === OWN;
  if (process.env.EIDETICA_STORAGE !== undefined) return [];
  if (process.env.CI && OWN !== "node") return [];
  if (process.env.CI && IS_OLDER_NODE) return [first].filter(own);
  if (OWN !== "node") return [first, second].filter(own);
  return [first, second].filter((one) => own(one) || findRuntime(one[0]) !== undefined);
}

function expectSound({ digest, counts }: Judged, block: number): void {
  for (const status of ["Verified", "Failed", "Unverified"]) {
    assert.ok((counts[status] ?? 0) > BLOCK / 10, status);
  }
  const golden = SEED === 1 ? GOLDEN[BLOCK]?.[block] : undefined;
  if (golden !== undefined) assert.equal(digest, golden);
}

describe(`the verdicts on ${BLOCK * JUDGES.length} random histories from seed ${SEED}`, () => {
  for (const [block, first] of JUDGES.entries()) {
    const second = JUDGES[(block + JUDGES.length - 1) % JUDGES.length]!;
    const judges = askedOf(first, second);
    const skip = judges.length === 0 && "the suite in memory on Node asks who judges this block";
    const names = judges.length === 0 ? "others" : judges.map((one) => one.join(" ")).join(" and ");
    it(`of block ${block} are alike by ${names}`, { skip, timeout: TIMEOUT_MS }, async () => {
      const judged = await Promise.all(judges.map((one) => judgedBy(one, block)));
      for (const one of judged) {
        assert.deepEqual(one, judged[0]);
        expectSound(one, block);
      }
    });
  }
});
