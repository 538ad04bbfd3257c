/**
 * The command on a terminal: `script` of util-linux makes one.
 *
 * @module
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { COMMAND_LINE } from "./process.ts";

/** Why there are no terminals here; false where there are. */
export const NO_TERMINAL: string | false =
  process.platform === "linux" && spawnSync("script", ["--version"]).status === 0
    ? false
    : "`script` of util-linux is not here";

/** A terminal that somebody types at. */
export interface Terminal {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  /** What is typed after each text that shows. */
  readonly answers?: readonly (readonly [after: RegExp, typed: string])[];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Runs a command on a terminal; gives what shows, and the exit code. */
export async function onTerminal(
  words: readonly string[],
  { cwd, env = {}, columns = 80, answers = [] }: Terminal,
): Promise<{ code: number | null; text: string }> {
  const command = [process.execPath, ...COMMAND_LINE, ...words].map(quoted).join(" ");
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn("script", ["-qec", `stty cols ${columns} rows 40; ${command}`, "/dev/null"], {
    cwd,
    env: { PATH, HOME, TERM: "xterm", LANG: "C.UTF-8", SHELL: "/bin/sh", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const left = [...answers];
  let text = "";
  let from = 0;
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    const [next] = left;
    const found = next?.[0].exec(text.slice(from));
    if (!next || !found) return;
    from += found.index + found[0].length;
    left.shift();
    child.stdin.write(next[1]);
  });
  const [code] = await once(child, "close") as [number | null];
  return { code, text: text.replaceAll("\r\n", "\n") };
}
