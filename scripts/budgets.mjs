/** What a page loads for a part of the package, minified and compressed, against what it may load at most. */

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { HOME } from "./bundlers.mjs";

const require = createRequire(join(HOME, "package.json"));

/** In units of 1,000 bytes. The crypto core, which every page needs once, is counted apart. */
const BUDGETS = [
  { what: "ID", code: 'export { ID } from "eidetica/core"', limit: 8, withCrypto: true },
  { what: "Entry", code: 'export { Entry } from "eidetica/core"', limit: 18 },
  { what: "Instance", code: 'export { Instance, NewUser } from "eidetica"', limit: 100 },
];

const withoutCrypto = {
  name: "without crypto",
  setup(build) {
    build.onResolve({ filter: /\/wasm\/\w+\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** The outputs that are loaded at once, without those that are loaded when they are needed. */
function loadedAtOnce(outputs, name, seen = new Set()) {
  if (seen.has(name) || outputs[name] === undefined) return seen;
  seen.add(name);
  for (const { kind, path } of outputs[name].imports) {
    if (kind === "import-statement") loadedAtOnce(outputs, path, seen);
  }
  return seen;
}

async function weightOf(code, plugins) {
  const { build } = await import(pathToFileURL(require.resolve("esbuild")).href);
  const { metafile, outputFiles } = await build({
    absWorkingDir: HOME,
    stdin: { contents: code, resolveDir: HOME },
    bundle: true,
    minify: true,
    format: "esm",
    splitting: true,
    outdir: "out",
    write: false,
    metafile: true,
    plugins,
  });
  const names = loadedAtOnce(metafile.outputs, "out/stdin.js");
  const files = outputFiles.filter(({ path }) => {
    return [...names].some((name) => path.endsWith(name.slice("out".length)));
  });
  return files.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0) /
    1000;
}

/** The budgets that do not hold, after a line for each. */
export async function brokenBudgets() {
  const broken = [];
  for (const { what, code, limit, withCrypto } of BUDGETS) {
    const all = await weightOf(code, []);
    const weight = withCrypto ? all : await weightOf(code, [withoutCrypto]);
    const crypto = withCrypto ? "" : `, and ${(all - weight).toFixed(1)} KB of crypto`;
    const line = `${what}: ${weight.toFixed(1)} KB of ${limit} KB${crypto}`;
    console.log(`${weight <= limit ? "ok    " : "FAILED"}  ${line}`);
    if (weight > limit) broken.push(line);
  }
  return broken;
}
