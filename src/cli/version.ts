import process from "node:process";

/** Version of the package; a test compares it with `package.json`. */
export const VERSION = "0.1.0";

/** Prints the version; gives the exit code. */
export function printVersion(): number {
  process.stdout.write(`eidetica ${VERSION}\n`);
  return 0;
}
