/** How each bundler makes a page or a worker of the package, as its users call it, and without externals. */

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { ROOT, runtime } from "./runtimes.mjs";

/** The folder of bundlers and samples. */
export const HOME = join(ROOT, "bundles");
const PAGE = join(HOME, "page.js");
const require = createRequire(join(HOME, "package.json"));

/** A package of the folder, as a module. */
async function load(name) {
  return await import(pathToFileURL(require.resolve(name)).href);
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: HOME,
    encoding: "utf8",
  });
  if (status === 0) return;
  throw new Error(
    `${basename(command)} ${args.join(" ")}\n${stdout}${stderr}${error?.message ?? ""}`,
  );
}

/** A build of webpack or rspack, which take the same configuration. */
async function pack(name, path) {
  const packer = await load(name);
  const build = packer.default ?? packer.rspack;
  const config = {
    mode: "production",
    optimization: { minimize: false },
    performance: { hints: false },
    context: HOME,
    entry: PAGE,
    output: { path, filename: "page.js" },
  };
  const stats = await new Promise((resolve, reject) => {
    build(config, (error, stats) => error ? reject(error) : resolve(stats));
  });
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString("errors-warnings"));
}

async function esbuild(options) {
  const { build } = await load("esbuild");
  const { warnings } = await build({ bundle: true, logLevel: "silent", ...options });
  return warnings.map(({ text }) => text);
}

/** Makes `page.js`, and what it loads, in a folder. */
export const PAGES = {
  esbuild: (outdir) => {
    return esbuild({ entryPoints: [PAGE], outdir, format: "esm", splitting: true });
  },
  "esbuild, one classic script": (outdir) =>
    esbuild({ entryPoints: [PAGE], outdir, format: "iife" }),
  webpack: (path) => pack("webpack", path),
  rspack: (path) => pack("@rspack/core", path),
  rollup: async (dir) => {
    const { rollup } = await load("rollup");
    const { nodeResolve } = await load("@rollup/plugin-node-resolve");
    // Documents and their reader make each other (scripts/check_cycles.mjs).
    const fail = ({ code, message }) => {
      if (code !== "CIRCULAR_DEPENDENCY") throw new Error(message);
    };
    const bundle = await rollup({
      input: PAGE,
      plugins: [nodeResolve({ browser: true })],
      onwarn: fail,
    });
    await bundle.write({ dir, format: "es" });
    await bundle.close();
  },
  vite: async (outDir) => {
    const { build } = await load("vite");
    const output = { entryFileNames: "page.js" };
    const options = {
      outDir,
      emptyOutDir: true,
      minify: false,
      rollupOptions: { input: PAGE, output },
    };
    await build({ root: HOME, configFile: false, logLevel: "warn", base: "./", build: options });
  },
  bun: (outdir) => run(runtime("bun"), ["build", PAGE, "--target=browser", "--outdir", outdir]),
  "deno, from the sources": (outdir) => {
    const page = join(HOME, "page_of_sources.js");
    const options = ["--no-lock", "--config", join(ROOT, "deno.json"), "--platform", "browser"];
    run(runtime("deno"), ["bundle", ...options, "--output", join(outdir, "page.js"), page]);
  },
};

/** Makes a bundle for React Native, which nothing here runs. */
export async function metro(outdir) {
  const { loadConfig, runBuild } = (await load("metro")).default;
  const config = await loadConfig({ cwd: HOME, resetCache: true }, {
    projectRoot: HOME,
    watchFolders: [ROOT],
    reporter: { update: () => {} },
    // As the configuration of React Native says.
    resolver: { unstable_conditionNames: ["require", "react-native"] },
    transformer: {
      getTransformOptions: () =>
        Promise.resolve({ transform: { experimentalImportSupport: true } }),
    },
  });
  const out = join(outdir, "page.js");
  await runBuild(config, { entry: PAGE, out, platform: "ios", minify: false });
  // What could not be read as a classic script would not start at all.
  new Script(readFileSync(out, "utf8"));
}

/** Leaves `.wasm` to the isolate, which takes it as a compiled module, as Wrangler does. */
const wasmFiles = (outdir) => ({
  name: "wasm files",
  setup(build) {
    build.onResolve({ filter: /\.wasm$/ }, ({ path, importer, resolveDir, pluginData }) => {
      if (pluginData === "asked") return undefined;
      const asked = { importer, resolveDir, kind: "import-statement", pluginData: "asked" };
      return build.resolve(path, asked).then((found) => {
        copyFileSync(found.path, join(outdir, basename(found.path)));
        return { path: `./${basename(found.path)}`, external: true };
      });
    });
  },
});

/** Makes `page.js` of the tabs that exchange live. */
export async function livePage(outdir) {
  const entryPoints = [join(HOME, "live", "page.js")];
  return await esbuild({ entryPoints, outdir, format: "esm", splitting: true });
}

/** Makes a worker, and what it loads, in a folder. */
export async function worker(name, outdir) {
  mkdirSync(outdir, { recursive: true });
  return await esbuild({
    entryPoints: [join(HOME, name)],
    outdir,
    format: "esm",
    splitting: true,
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    plugins: [wasmFiles(outdir)],
  });
}
