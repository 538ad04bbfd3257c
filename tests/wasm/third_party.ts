/** Vectors of other projects: read from beside the repository, never copied into it. */

import { existsSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../../shared/vectors/", import.meta.url);

/** Why tests of these vectors are skipped, or false when the vectors are there. */
export const skip: string | false = existsSync(new URL("third-party/", FOLDER))
  ? false
  : "third-party vectors are not here";

/** The parsed JSON of `third-party/<name>`; an empty object when the vectors are not there. */
// deno-lint-ignore no-explicit-any
export function thirdParty(name: string): any {
  return skip ? {} : JSON.parse(readFileSync(new URL(`third-party/${name}`, FOLDER), "utf8"));
}
