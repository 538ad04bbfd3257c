/**
 * Programs of this folder in processes of their own, on the runtime that measures.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Runs the program in a file of this folder; what it prints. */
export function runProgram(name: string, ...args: string[]): string {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const before = "Deno" in globalThis ? ["run", "-A", "--no-lock"] : process.execArgv;
  const { stdout, stderr } = spawnSync(process.execPath, [...before, file, ...args], {
    encoding: "utf8",
  });
  if (stdout === "") throw new Error(`The program ${name} printed nothing: ${stderr}`);
  return stdout;
}

/** The least number that a program prints in some rounds. */
export function leastPrinted(rounds: number, name: string, ...args: string[]): number {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    least = Math.min(least, Number(runProgram(name, ...args)));
  }
  return least;
}
