import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Runs a file beside this one in a process of its own; its output, once it has ended by itself. */
export function runMain(name: string): Promise<string> {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const args = "deno" in process.versions ? ["run", "-A", file] : [file];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${name} failed: ${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}
