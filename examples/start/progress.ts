import process from "node:process";

/** How often a line is printed where nothing can be overwritten, in milliseconds. */
const LINE_MS = 2000;

/** How far something is: one line that is overwritten on a terminal, now and then a new one elsewhere. */
export class Progress {
  readonly #what: string;
  readonly #isTerminal: boolean = process.stdout.isTTY === true;
  #told = Date.now();

  /** Begins to tell how far `what` is. */
  constructor(what: string) {
    this.#what = what;
  }

  /** Tells what is done, and how much of it, from 0 to 1, where that is known. */
  tell(details: string, done?: number): void {
    const percent = done === undefined ? "" : `${Math.floor(100 * Math.min(1, done))} %, `;
    const text = `${this.#what}: ${percent}${details}`;
    if (this.#isTerminal) process.stdout.write(`\r${text}\x1b[K`);
    else if (Date.now() - this.#told >= LINE_MS) this.#print(text);
  }

  #print(text: string): void {
    this.#told = Date.now();
    console.log(text);
  }

  /** Makes room for what is said next. */
  end(): void {
    if (this.#isTerminal) process.stdout.write("\r\x1b[K");
  }
}
