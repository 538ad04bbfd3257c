import assert from "node:assert/strict";
import { type Difference, DIFFERENCES } from "./differences.ts";
import type { Outcome } from "./process.ts";
import { type Case, CASES, normalised, withoutIroh, withoutLog } from "./transcripts.ts";

/** The cases of some places. */
export function* some(from: number, to: number): Iterable<number> {
  for (let at = from; at <= to; at++) yield at;
}

/** What a run must come to: what was recorded, but for the deliberate differences. */
export function expected(at: number): Case & Partial<Difference> {
  return { ...CASES[at]!, ...DIFFERENCES[at] };
}

/** Compares a run with a recorded one. */
export function compare(
  at: number,
  outcome: Outcome,
  replace: Readonly<Record<string, string>> = {},
): void {
  const { argv, exit, stdout, stderr, says } = expected(at);
  const context = `case ${at}: eidetica ${argv.join(" ")}\n${outcome.stdout}${outcome.stderr}`;
  assert.equal(outcome.code, exit, context);
  if (stdout !== undefined) {
    const wanted = normalised(withoutIroh(withoutLog(stdout)));
    assert.equal(normalised(outcome.stdout, replace), wanted, context);
  }
  const errors = withoutOwnLog(normalised(outcome.stderr, replace));
  if (says !== undefined) assert.match(errors, says, context);
  else if (stderr !== undefined) assert.equal(errors, normalised(stderr), context);
}

/** Standard error without log lines, which the reference writes to standard output. */
function withoutOwnLog(text: string): string {
  return text.replaceAll(/^(?:\S+Z +INFO .*|\{.*"type":"log"\})\n/gm, "");
}
