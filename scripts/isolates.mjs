/** Runs workers in workerd, the isolate of Cloudflare Workers: all of them in one process. */

import { spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { HOME } from "./bundlers.mjs";

const require = createRequire(join(HOME, "package.json"));

/** What the workers were written for. */
const COMPATIBILITY_DATE = "2026-11-01";
/** How long workerd may take to answer, in milliseconds. */
const PATIENCE_MS = 60_000;

function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The entry first, which is what workerd starts; files are named as seen from the configuration. */
function modulesOf({ folder, entry }, home) {
  const others = readdirSync(folder).filter((name) => name !== entry);
  return [entry, ...others].map((name) => {
    const kind = name.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = "${name}", ${kind} = embed "${relative(home, join(folder, name))}")`;
  });
}

function configuration(workers, home) {
  const services = workers.map(({ id, flags, ...worker }) =>
    `(name = "${id}", worker = (
    modules = [${modulesOf(worker, home).join(",\n")}],
    compatibilityDate = "${COMPATIBILITY_DATE}",
    compatibilityFlags = [${flags.map((flag) => `"${flag}"`).join(", ")}],
  ))`
  );
  const sockets = workers.map(({ id, port }) => {
    return `(name = "${id}", address = "127.0.0.1:${port}", http = (), service = "${id}")`;
  });
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [${services.join(",\n")}], sockets = [${
    sockets.join(",\n")
  }]);\n`;
}

async function ask(port, path, deadline) {
  for (;;) {
    try {
      const signal = AbortSignal.timeout(Math.max(1, deadline - Date.now()));
      return await (await fetch(`http://127.0.0.1:${port}/${path}`, { signal })).text();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/**
 * What a worker answers to each of two requests, after one that has ended while its work went on: in an isolate
 * timers die with the request that they belong to.
 */
async function askAll(port, deadline) {
  await ask(port, "cut", deadline);
  const first = await ask(port, "", deadline);
  const second = await ask(port, "", deadline);
  return first === second ? first : `${first}; then ${second}`;
}

/** What each worker answers; a worker is `{ folder, entry, flags }`. */
export async function runIsolates(workers, folder) {
  return await withIsolates(workers, folder, async (all) => {
    const deadline = Date.now() + PATIENCE_MS;
    const answers = all.map(async ({ name, port }) => [name, await askAll(port, deadline)]);
    return Object.fromEntries(await Promise.all(answers));
  });
}

/** What comes of `work` with the port of one worker that answers `ready` at the path of that name. */
export async function withIsolate(worker, folder, work) {
  return await withIsolates({ worker }, folder, async ([{ port }]) => {
    await ask(port, "ready", Date.now() + PATIENCE_MS);
    return await work(port);
  });
}

async function withIsolates(workers, folder, work) {
  const all = [];
  for (const [name, worker] of Object.entries(workers)) {
    all.push({ ...worker, name, id: `worker${all.length}`, port: await freePort() });
  }
  const config = join(folder, "config.capnp");
  writeFileSync(config, configuration(all, folder));
  const child = spawn(require("workerd").default, ["serve", config], { stdio: "pipe" });
  let said = "";
  child.stderr.on("data", (chunk) => said += chunk);
  const ended = new Promise((resolve) => child.on("close", resolve));
  const failed = ended.then(() => Promise.reject(new Error(`workerd ended\n${said}`)));
  try {
    return await Promise.race([work(all), failed]);
  } finally {
    failed.catch(() => undefined);
    child.kill();
    await ended;
  }
}
