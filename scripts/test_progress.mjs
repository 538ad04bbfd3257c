/** The line that tells how far the tests on one runtime are, and how long they will take. */

import process from "node:process";

/** A terminal sees each change, at most so often; a log gets a line from time to time. */
const TERMINAL_MS = 100;
const LOG_MS = 30_000;
const CLEAR = "\r\x1b[K";

/** Seconds as a person says them. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export class Progress {
  #title;
  #expected;
  #jobs;
  #stream;
  #started = performance.now();
  #told = performance.now();
  #left = new Set();
  #spent = 0;
  #foreseen = 0;
  #files = 0;
  #tests = 0;
  #failed = 0;

  /**
   * @param {string} title Of the runtime.
   * @param {Map<string, number>} expected How long each file will take, in seconds.
   * @param {number} jobs How many files run at once.
   */
  constructor(title, expected, jobs, stream = process.stdout) {
    this.#title = title;
    this.#expected = expected;
    this.#jobs = jobs;
    this.#stream = stream;
    for (const file of expected.keys()) this.#left.add(file);
  }

  /** So many tests have ended. */
  tests(count) {
    this.#tests += count;
    this.#tell();
  }

  /** A file has ended. */
  file({ file, seconds, failed, fault }) {
    this.#files++;
    this.#left.delete(file);
    this.#spent += seconds;
    this.#foreseen += this.#expected.get(file);
    this.#failed += failed + (fault === undefined ? 0 : 1);
    this.#tell();
  }

  /** Prints text between the lines. */
  print(text) {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  /** Takes the line of a terminal away. */
  clear() {
    if (this.#stream.isTTY) this.#stream.write(CLEAR);
  }

  #tell() {
    const now = performance.now();
    if (now - this.#told < (this.#stream.isTTY ? TERMINAL_MS : LOG_MS)) return;
    this.#told = now;
    const line = this.line((now - this.#started) / 1000);
    const width = Math.max((this.#stream.columns ?? 80) - 1, 20);
    this.#stream.write(this.#stream.isTTY ? `${CLEAR}${line.slice(0, width)}` : `${line}\n`);
  }

  /** What there is to tell after so many seconds. */
  line(seconds) {
    const failed = this.#failed === 0 ? "" : `, ${this.#failed} failed`;
    return `${this.#title}: ${this.#files} of ${this.#expected.size} files, ` +
      `${this.#tests} tests${failed}, ${duration(seconds)}, about ${duration(this.#rest())} left`;
  }

  /** What the files that are left will take, if this machine goes on as it went so far. */
  #rest() {
    const pace = this.#foreseen === 0 ? 1 : this.#spent / this.#foreseen;
    let sum = 0;
    for (const file of this.#left) sum += this.#expected.get(file);
    return sum * pace / this.#jobs;
  }
}
