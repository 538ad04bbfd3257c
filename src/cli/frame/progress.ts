import process from "node:process";
import type { Output } from "./output.ts";
import { sortedJson } from "./output.ts";
import { count } from "./text.ts";

/** Work that is done before this is not told of, in milliseconds. */
const PATIENCE_MS = 300;
/** Pause between two tellings on a terminal, and elsewhere. */
const [TERMINAL_MS, PLAIN_MS] = [100, 10_000];
const BAR = 12;

/** How far long work has come: one line on a terminal, which is written over; plain lines elsewhere. */
export class Progress {
  readonly #title: string;
  readonly #out: Output;
  readonly #begun = Date.now();
  #told = 0;
  #isShown = false;

  /** Progress of one piece of work. */
  constructor(title: string, out: Output) {
    this.#title = title;
    this.#out = out;
  }

  get #isTerminal(): boolean {
    return process.stderr.isTTY === true && !this.#out.json;
  }

  /** Tells how much is done, if it is time for it. */
  at({ done, total }: { done: number; total: number }): void {
    const now = Date.now();
    const pause = this.#isTerminal ? TERMINAL_MS : PLAIN_MS;
    const isEarly = now - this.#begun < (this.#isTerminal ? PATIENCE_MS : PLAIN_MS);
    if (this.#out.quiet || isEarly || now - this.#told < pause) return;
    this.#told = now;
    this.#tell(done, total, (now - this.#begun) / 1000);
  }

  #tell(done: number, total: number, seconds: number): void {
    if (this.#out.json) {
      process.stderr.write(`${sortedJson({ type: "progress", done, total })}\n`);
      return;
    }
    const rate = Math.round(done / seconds);
    const text = `${this.#title}  ${count(done)} of ${count(total)}  ${count(rate)}/s`;
    if (!this.#isTerminal) return void process.stderr.write(`${text}\n`);
    const full = total === 0 ? 0 : Math.floor((BAR * done) / total);
    const bar = "█".repeat(full) + "░".repeat(BAR - full);
    const left = rate === 0 ? "" : `  ${Math.ceil((total - done) / rate)} s left`;
    const whole = text.replace("  ", `  ${bar}  `) + left;
    const short = whole.length < (process.stderr.columns || 80) ? whole : text;
    process.stderr.write(`\r\x1b[K${short}`);
    this.#isShown = true;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isShown) process.stderr.write("\r\x1b[K");
    this.#isShown = false;
  }
}
