/**
 * What `npm pack` does before and after: it builds `dist`, and lets `package.json` lead there as long as the
 * package is put together. Inside the checkout the doors lead to the sources.
 *
 *   node scripts/pack.mjs [--restore]
 *
 * To publish: `npm pack`, then `npm publish` the file that this made.
 */

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { buildDist } from "./dist.mjs";
import { publishedManifest } from "./doors.mjs";
import { answerHelp } from "./help.mjs";
import { installDependencies, ROOT } from "./runtimes.mjs";

answerHelp(import.meta.url);

const MANIFEST = join(ROOT, "package.json");
/** `package.json` of the checkout while that of the package is in its place. */
const ASIDE = join(ROOT, "package.aside.json");

function restore() {
  if (existsSync(ASIDE)) renameSync(ASIDE, MANIFEST);
}

async function prepare() {
  installDependencies();
  await buildDist();
  const published = `${JSON.stringify(publishedManifest(), null, 2)}\n`;
  writeFileSync(ASIDE, readFileSync(MANIFEST));
  writeFileSync(MANIFEST, published);
}

try {
  // One that was interrupted has left the other manifest behind.
  restore();
  if (!process.argv.includes("--restore")) await prepare();
} catch (error) {
  restore();
  console.error(error.message);
  process.exitCode = 1;
}
