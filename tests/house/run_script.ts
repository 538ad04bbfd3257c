import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What a script has said. */
export interface Outcome {
  readonly status: number | null;
  readonly text: string;
}

/** The arguments by which the runtime that runs the tests runs a file of `scripts/`. */
export function scriptCommand(name: string, ...args: readonly string[]): string[] {
  const file = fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));
  return [..."Deno" in globalThis ? ["run", "-A", "--no-lock"] : [], file, ...args];
}

/** Runs a file of `scripts/` on the runtime that runs the tests. */
export function runScript(name: string, ...args: readonly string[]): Outcome {
  const options = { encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    scriptCommand(name, ...args),
    options,
  );
  return { status, text: `${stdout}${stderr}` };
}

/** Runs lines of a module, seen from the checkout, on the runtime that runs the tests. */
export function runCode(code: string): Outcome {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const before = "Deno" in globalThis
    ? ["eval", "--no-lock", "--ext=ts"]
    : "Bun" in globalThis
    ? ["-e"]
    : ["--input-type=module", "-e"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...before, code], {
    cwd,
    encoding: "utf8",
  });
  return { status, text: `${stdout}${stderr}` };
}

/** The exports of a file of `scripts/`, which has no types. */
export async function loadScript<T>(name: string): Promise<T> {
  const path = new URL(`../../scripts/${name}`, import.meta.url).href;
  return await import(path) as T;
}
