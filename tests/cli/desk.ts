import assert from "node:assert/strict";
import { eidetica, inFolder, type Outcome } from "./process.ts";

/** A folder with an instance, and the command there. */
export class Desk {
  readonly cwd: string;

  /** A desk in a folder. */
  constructor(cwd: string) {
    this.cwd = cwd;
  }

  /** Runs a command that must succeed; gives its standard output. */
  async ok(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await eidetica(words, { cwd: this.cwd });
    assert.equal(code, 0, `${words.join(" ")}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Runs a command with `--json`; gives the values of its lines. */
  async json(...words: string[]): Promise<Record<string, unknown>[]> {
    return lines(await this.ok(...words, "--json"));
  }

  /** Runs a command that must fail. */
  async fails(code: number, message: RegExp, ...words: string[]): Promise<Outcome> {
    const outcome = await eidetica(words, { cwd: this.cwd });
    assert.equal(outcome.code, code, `${words.join(" ")}\n${outcome.stdout}${outcome.stderr}`);
    assert.match(outcome.stderr, message);
    return outcome;
  }
}

/** The values of lines of JSON. */
export function lines(text: string): Record<string, unknown>[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Runs `act` at a desk with an instance of a passwordless user. */
export async function atDesk(act: (desk: Desk) => Promise<void>, username = "ada"): Promise<void> {
  await inFolder(async (cwd) => {
    const desk = new Desk(cwd);
    await desk.ok("daemon", "init", "--username", username, "--passwordless");
    await act(desk);
  });
}

/** Members of an object, in the order in which they stand. */
export function members(value: unknown): string {
  return Object.keys(value as object).join(" ");
}
