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

/**
 * Runs the command that `words` name, as they follow `eidetica` on a command line, and gives the exit code. It reads the
 * environment, writes to standard output and error, and listens for interrupts until it has ended. It throws nothing that
 * the command itself is to tell of.
 */
export async function main(words: readonly string[]): Promise<number> {
  // What a version needs is little, and all else is loaded when it is needed.
  const { run } = await import("./main.ts");
  return await run(words);
}
