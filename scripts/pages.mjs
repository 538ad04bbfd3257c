/** Runs pages in a real Chromium, as frames of one page or each in a tab; they hand their outcomes back. */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-popup-blocking",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long all pages together may take, in milliseconds. */
const PATIENCE_MS = 120_000;

const TYPES = { ".js": "text/javascript", ".html": "text/html", ".wasm": "application/wasm" };

/** A page of its own for each bundle, with the security policy that it is served under. */
function frame({ isClassic }) {
  return `<!doctype html><script ${isClassic ? "defer" : 'type="module"'} src="page.js"></script>`;
}

/** Shows one frame after the other, and sends what each says of itself. */
function overview(names) {
  return `<!doctype html><body><script type="module">
const outcomes = {};
for (const name of ${JSON.stringify(names)}) {
  const frame = document.createElement("iframe");
  const told = new Promise((resolve) => {
    addEventListener("message", ({ data, source }) => {
      if (source === frame.contentWindow) resolve(data.outcome);
    });
    setTimeout(() => resolve("said nothing for 30 s"), 30_000);
  });
  frame.src = "/" + encodeURIComponent(name) + "/";
  document.body.append(frame);
  outcomes[name] = await told;
  frame.remove();
}
await fetch("/done", { method: "POST", body: JSON.stringify(outcomes) });
</script>`;
}

/** Opens tabs that know nothing of each other. */
function opener(paths) {
  return `<!doctype html><script>
for (const path of ${JSON.stringify(paths)}) open(path, "_blank", "noopener");
</script>`;
}

function serve(pages, first, tell) {
  const answer = (response, type, text, headers = {}) => {
    response.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers });
    response.end(text);
  };
  return createServer((request, response) => {
    const [, name, ...rest] = decodeURIComponent(request.url.split("?")[0]).split("/");
    if (name === "") return answer(response, "text/html", first);
    if (name === "done") {
      let body = "";
      request.on("data", (chunk) => body += chunk).on("end", () => tell(JSON.parse(body)));
      return answer(response, "text/plain", "");
    }
    const page = pages[name];
    const path = join(page?.folder ?? "", normalize(rest.join("/")));
    const headers = page?.policy ? { "content-security-policy": page.policy } : {};
    if (page && rest.join("") === "") return answer(response, "text/html", frame(page), headers);
    if (page && existsSync(path)) {
      return answer(response, TYPES[extname(path)] ?? "text/plain", readFileSync(path), headers);
    }
    response.writeHead(404).end();
  });
}

/** Whether there is a Chromium. */
export function findChromium() {
  return CHROMIUM.find((path) => existsSync(path));
}

/** What each page says; a page is `{ folder, policy?, isClassic? }`, and its script is `page.js`. */
export async function runPages(pages) {
  const names = Object.keys(pages);
  return await show({ pages, names, first: overview(names) });
}

/** What each tab says under its name; the page in `folder` is asked with a query for each. */
export async function runTabs(folder, queries) {
  const paths = Object.values(queries).map((query) => `/tab/?${new URLSearchParams(query)}`);
  const names = Object.keys(queries);
  return await show({ pages: { tab: { folder } }, names, first: opener(paths) });
}

/** Shows a first page that shows others, until every name has an outcome. */
async function show({ pages, names, first }) {
  const { promise, resolve, reject } = settleable();
  const all = {};
  const server = serve(pages, first, (outcomes) => {
    Object.assign(all, outcomes);
    if (names.every((name) => name in all)) resolve(all);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const address = `http://127.0.0.1:${server.address().port}/`;
  const profile = mkdtempSync(join(tmpdir(), "eidetica-chromium-"));
  const chromium = spawn(findChromium(), [...FLAGS, `--user-data-dir=${profile}`, address], {
    stdio: "ignore",
  });
  const ended = new Promise((done) => chromium.on("close", done));
  chromium.on("error", reject);
  ended.then(() => reject(new Error("Chromium ended before the pages had told their outcomes")));
  const tooLong = () =>
    reject(new Error(`The pages took too long; so far: ${JSON.stringify(all)}`));
  const timer = setTimeout(tooLong, PATIENCE_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    chromium.kill();
    await ended;
    server.closeAllConnections();
    server.close();
    remove(profile);
  }
}

/** Children of Chromium may write on for a moment after it has ended; what then stays is temporary anyway. */
function remove(profile) {
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  } catch (error) {
    if (error.code !== "ENOTEMPTY") throw error;
  }
}

/** A promise and what settles it. */
function settleable() {
  let [resolve, reject] = [];
  const promise = new Promise((...settle) => [resolve, reject] = settle);
  return { promise, resolve, reject };
}
