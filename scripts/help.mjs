/** `--help` for every script: its opening comment says what it does and how it is called. */

import { readFileSync, writeSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const OPENING = /^\/\*\*([\s\S]*?)\*\//;

/** The opening comment of a file without its stars. */
export function openingOf(source) {
  const text = OPENING.exec(source)?.[1];
  if (text === undefined) throw new Error("Cannot help: the script opens with no comment");
  const lines = text.split("\n").map((line) => line.replace(/^ \* ?| $/, "").trimEnd());
  return lines.filter((line) => !line.startsWith("```")).join("\n").trim();
}

/** Prints the opening comment of a script and ends when `--help` is asked for; call it first of all. */
export function answerHelp(url) {
  if (!process.argv.slice(2).some((argument) => argument === "--help" || argument === "-h")) return;
  // Written at once: what is buffered would be lost when the process ends.
  writeSync(1, `${openingOf(readFileSync(fileURLToPath(url), "utf8"))}\n`);
  process.exit(0);
}
