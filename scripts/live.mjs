/**
 * What is exchanged live between Node and two tabs in Chromium, between Node and an isolate of workerd, and over a relay
 * there. `bundles/live` has what runs in each.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { HOME } from "./bundlers.mjs";
import { runTabs } from "./pages.mjs";
import { runtime } from "./runtimes.mjs";

/** How long a program may take, in milliseconds. */
const PROGRAM_MS = 180_000;
const TABS = ["tab one", "tab two"];

/** A program on Node: `line` gives what it prints next, or what has become of it; `complaint` its errors so far. */
function program(name, ...args) {
  const child = spawn(runtime("node"), [join(HOME, "live", name), ...args], { cwd: HOME });
  const ended = once(child, "close");
  const timer = setTimeout(() => child.kill(), PROGRAM_MS);
  let complaint = "";
  child.stderr.on("data", (chunk) => complaint += chunk);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (!done) return value;
    const [code, signal] = await ended;
    return `${name} ended by ${signal ?? code}: ${complaint}`;
  };
  const end = async () => {
    child.kill();
    await ended;
    clearTimeout(timer);
  };
  return { line, end, complaint: () => complaint };
}

/** What two tabs with the page of a folder, and their server, say of themselves. */
export async function runLivePages(folder) {
  const home = program("home.js", ...TABS);
  try {
    const ticket = await home.line();
    const [one, two] = TABS;
    const queries = {
      [one]: { name: one, other: two, ticket },
      [two]: { name: two, other: one, ticket },
    };
    const outcomes = await runTabs(folder, queries);
    return { ...outcomes, "server of the tabs": await home.line() };
  } catch (error) {
    throw new Error(`${error.message} ${home.complaint()}`.trimEnd(), { cause: error });
  } finally {
    await home.end();
  }
}

/** What clients of an isolate say of themselves. */
export const runLiveClients = (port) => said("away.js", port);

/** What two nodes say that know a relay alone. */
export const runOverRelay = (port) => said("over_relay.js", port);

async function said(name, port) {
  const clients = program(name, String(port));
  const line = await clients.line();
  await clients.end();
  return line;
}
