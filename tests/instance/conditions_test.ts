import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const isDeno = "deno" in process.versions;

test("07 §3 pages and isolates name what they lack; snapshots are text there", {
  skip: isDeno && "Deno resolves by its own manifest, which knows no conditions",
}, () => {
  const main = fileURLToPath(new URL("conditions_main.ts", import.meta.url));
  const out = execFileSync(process.execPath, ["--conditions=browser", main], { encoding: "utf8" });
  const lines = out.trim().split(/\r?\n/).map((line) => line.replaceAll(/[[\]' "]/g, ""));
  assert.deepEqual(lines, [
    "BackendUnavailable,sqlite,sqlite",
    "BackendUnavailable,denokv,denokv",
    "BackendUnavailable,file,file",
    "BackendUnavailable,postgres,postgres",
    "BackendUnavailable,memory,file",
    "BackendUnavailable,memory,file",
    "true",
  ]);
});
