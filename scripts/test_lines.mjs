/**
 * Reads the lines that Deno, Bun and Node print while tests run: as one ends, it is known at once.
 *
 * ```text
 *   name ... ok (3ms)              Deno; FAILED, ignored
 * (pass) suite > name [3.00ms]     Bun; (fail), (skip), (todo)
 *   ✔ name (3.1ms)                 Node; ✖, ﹣
 * ```
 *
 * Deno and Node tell of a suite in the same way, after its tests, which stand deeper.
 */

const LINES = {
  deno: /^(?<depth>\s*)(?<name>.+?) \.\.\. (?<mark>ok|FAILED|ignored)\b/,
  bun: /^(?<depth>)\((?<mark>pass|fail|skip|todo)\) (?<name>.+?)(?: \[[\d.]+m?s\])?$/,
  node: /^(?<depth>\s*)(?<mark>[✔✖﹣]) (?<name>.+?) \([\d.]+ms\)/,
};
const FAILED = new Set(["FAILED", "fail", "✖"]);
const SKIPPED = new Set(["ignored", "skip", "todo", "﹣"]);
/** Node tells its failures once more at the end. */
const NODE_SUMMARY = /^✖ failing tests:/;
// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[\d;]*m/g;

/** What a line says about a test; null when it is something else. */
function parse(line, runtime) {
  const kind = runtime === "node22" ? "node" : runtime;
  const match = LINES[kind].exec(line.trimEnd().replace(COLOURS, ""));
  if (match === null) return null;
  const { depth, mark, name } = match.groups;
  const result = FAILED.has(mark) ? "failed" : SKIPPED.has(mark) ? "skipped" : "passed";
  return { depth: depth.length, name, result };
}

/** A reader for the output of one process. */
export class TestLines {
  #runtime;
  #rest = "";
  #depth = 0;
  #isOver = false;

  /** How many tests have ended so far. */
  counts = { passed: 0, failed: 0, skipped: 0 };
  /** The name of what ended last. */
  last;

  /** @param {string} runtime `deno`, `bun`, `node` or `node22`. */
  constructor(runtime) {
    this.#runtime = runtime;
  }

  /** Reads on; tells how many tests have ended. */
  read(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    return lines.filter((line) => this.#readLine(line)).length;
  }

  #readLine(line) {
    if (NODE_SUMMARY.test(line)) this.#isOver = true;
    const found = this.#isOver ? null : parse(line, this.#runtime);
    if (found === null) return false;
    const isSuite = found.depth < this.#depth;
    this.#depth = found.depth;
    if (isSuite) return false;
    this.counts[found.result]++;
    this.last = found.name;
    return true;
  }
}

/** An output without the lines of what passed or was skipped. */
export function withoutGood(text, runtime) {
  return text.split("\n").filter((line) => {
    const found = parse(line, runtime);
    return found === null || found.result === "failed";
  }).join("\n").trim();
}
