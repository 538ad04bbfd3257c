import process from "node:process";
import { Failure } from "./frame/failure.ts";
import type { Values } from "./frame/command.ts";
import { isAborted } from "../util/abort.ts";

/** Whether somebody can be asked. */
export function mayAsk(values: Values): boolean {
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  return isTerminal && !values.has("no-input");
}

/** Fails where nobody can be asked; `option` is what to give instead. */
export function requireTerminal(values: Values, what: string, option: string): void {
  if (mayAsk(values)) return;
  const message = `Cannot ask for ${what}: there is no terminal, or --no-input is given.`;
  throw new Failure(message, { code: "NoTerminal", next: `give ${option}` });
}

/** Asks for a line on the terminal that is not shown. */
export async function askSecret(question: string, signal: AbortSignal): Promise<string> {
  const { stdin } = process;
  // Before the question shows: whoever types at once must not be seen.
  stdin.setRawMode(true);
  stdin.resume();
  process.stderr.write(question);
  try {
    return await lineOf(signal);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    process.stderr.write("\n");
  }
}

const INTERRUPT = "\u0003";
const END = "\u0004";
const ERASE = ["\u007f", "\b"];

/** The line that is typed; the terminal leaves all keys to us. */
function lineOf(signal: AbortSignal): Promise<string> {
  const { stdin } = process;
  const decoder = new TextDecoder();
  return new Promise((resolve, reject) => {
    let line: string[] = [];
    const settle = (act: () => void) => {
      stdin.off("data", take);
      signal.removeEventListener("abort", stopped);
      act();
    };
    const stopped = () => settle(() => reject(signal.reason));
    const take = (chunk: Uint8Array) => {
      const typed = [...decoder.decode(chunk, { stream: true })];
      for (const [at, char] of typed.entries()) {
        if (char === INTERRUPT) return process.kill(process.pid, "SIGINT");
        if (char === "\r" || char === "\n" || char === END) {
          const rest = typed.slice(at + 1).join("");
          if (rest !== "") stdin.unshift(new TextEncoder().encode(rest));
          return settle(() => resolve(line.join("")));
        }
        line = ERASE.includes(char) ? line.slice(0, -1) : [...line, char];
      }
    };
    if (signal.aborted) return stopped();
    signal.addEventListener("abort", stopped, { once: true });
    stdin.on("data", take);
  });
}

/** The answer to a question; who ends the input has answered nothing. */
async function answerTo(asked: Promise<string>, signal: AbortSignal): Promise<string> {
  try {
    return await asked;
  } catch (error) {
    if (!signal.aborted && isAborted(error)) return "";
    throw signal.aborted ? signal.reason : error;
  }
}

/** Asks for a line on the terminal that is shown. */
export async function askLine(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // It takes the keys to itself: an interrupt is to end the command as one from outside does.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  try {
    return await Promise.race([answerTo(terminal.question(question, { signal }), signal), closed]);
  } finally {
    terminal.close();
  }
}
