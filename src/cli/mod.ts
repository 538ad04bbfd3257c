/**
 * The `eidetica` command as a function, for programs of your own that begin it: `bin/eidetica` is one.
 *
 * ```ts
 * import { main } from "eidetica/cli";
 * if (await main(["--version"]) !== 0) throw new Error("no version");
 * ```
 *
 * @module
 */

import { printVersion } from "./version.ts";

const VERSION_WORDS = ["--version", "-V"];

/**
 * Runs the command that `words` name, as they follow `eidetica` on a command line, and gives the exit code. It reads the
 * environment, writes to standard output and error, and listens for interrupts until it has ended. It throws nothing that
 * the command itself is to tell of.
 */
export async function main(words: readonly string[]): Promise<number> {
  // Who asks for the version waits for nothing else to be loaded.
  if (words.length === 1 && VERSION_WORDS.includes(words[0]!)) return printVersion();
  const { run } = await import("./main.ts");
  return await run(words);
}
