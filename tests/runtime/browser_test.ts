import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  existsSync,
);

const PAGE = '<body>waiting</body><script type="module" src="/browser_page.js"></script>';

/** Bun brings the bundler that turns the sources into one script for a page. */
function skipReason(): string | false {
  if (!process.versions.bun) return "the page is bundled by Bun, so this test runs there";
  if (CHROMIUM === undefined && !process.env.CI) return "no Chromium is installed";
  return false;
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => output += chunk);
    child.stderr.resume();
    child.on("error", reject);
    child.on("close", () => resolve(output));
  });
}

it(
  "13 the package works in a real browser, in memory",
  { skip: skipReason(), timeout: 120_000 },
  async () => {
    assert.ok(CHROMIUM, "CI needs Chromium");
    const folder = mkdtempSync(join(tmpdir(), "eidetica-browser-"));
    const page = fileURLToPath(new URL("./browser_page.ts", import.meta.url));
    // Drivers stand in chunks of their own, which a page that needs none never loads.
    const build = [
      "build",
      page,
      "--target=browser",
      "--format=esm",
      "--splitting",
      "--outdir",
      folder,
    ];
    await run(process.execPath, [...build, "--external", "node:*", "--external", "postgres"]);
    const server = createServer((request, response) => {
      const isScript = request.url?.endsWith(".js") === true;
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      const file = join(folder, basename(request.url ?? ""));
      response.end(isScript ? readFileSync(file) : PAGE);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const html = await run(CHROMIUM, [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        `--user-data-dir=${join(folder, "profile")}`,
        "--virtual-time-budget=60000",
        "--dump-dom",
        `http://127.0.0.1:${port}/`,
      ]);
      assert.match(html, /OK engine=wasm name=ada events=1 verified=2/);
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
