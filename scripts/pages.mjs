/** Runs pages in a real Chromium: all of them as frames of one page, which hands their outcomes back. */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const FLAGS = [
  "--headless",
  ...(process.env.DBG ? ["--enable-logging=stderr", "--v=0"] : []),
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long all pages together may take, in milliseconds. */
const PATIENCE_MS = 120_000;

const TYPES = { ".js": "text/javascript", ".html": "text/html", ".wasm": "application/wasm" };

/** A page of its own for each bundle, with the security policy that it is served under. */
function frame({ isClassic, script = "page.js" }) {
  return `<!doctype html><script ${
    isClassic ? "defer" : 'type="module"'
  } src="${script}"></script>`;
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

function serve(pages, done) {
  const answer = (response, type, text, headers = {}) => {
    response.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers });
    response.end(text);
  };
  return createServer((request, response) => {
    const [, name, ...rest] = decodeURIComponent(request.url).split("/");
    if (name === "") return answer(response, "text/html", overview(Object.keys(pages)));
    if (name === "done") {
      let body = "";
      request.on("data", (chunk) => body += chunk).on("end", () => done(JSON.parse(body)));
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

/** What each page says; a page is `{ folder, policy?, isClassic?, script? }`, and its script `page.js`. */
export async function runPages(pages) {
  const profile = mkdtempSync(join(tmpdir(), "eidetica-chromium-"));
  let [resolve, reject] = [];
  const promise = new Promise((...settle) => [resolve, reject] = settle);
  const server = serve(pages, resolve);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const address = `http://127.0.0.1:${server.address().port}/`;
  const chromium = spawn(findChromium(), [...FLAGS, `--user-data-dir=${profile}`, address], {
    stdio: process.env.DBG ? ["ignore", "inherit", "inherit"] : "ignore",
  });
  const ended = new Promise((done) => chromium.on("close", done));
  chromium.on("error", reject);
  ended.then(() => reject(new Error("Chromium ended before the pages had told their outcomes")));
  const timer = setTimeout(() => reject(new Error("The pages took too long")), PATIENCE_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    chromium.kill();
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
