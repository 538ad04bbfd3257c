import process from "node:process";
import { EideticaError } from "../../util/errors.ts";
import { isAborted } from "../../util/abort.ts";
import { EXIT, Failure } from "./failure.ts";
import { type Output, sortedJson } from "./output.ts";
import { shown, shownLines } from "./text.ts";
import { helpText } from "./usage.ts";
import { HelpWanted, UsageError } from "./usage_error.ts";

/** Tells why words were no command of ours, or prints the help that was asked for; gives the exit code. */
export function reportWords(error: unknown): number | undefined {
  if (error instanceof UsageError) {
    process.stderr.write(`${shownLines(error.text)}\n`);
    return EXIT.usage;
  }
  if (!(error instanceof HelpWanted)) return undefined;
  const text = `${helpText(error.named)}\n`;
  if (error.asked) process.stdout.write(text);
  else process.stderr.write(text);
  return error.asked ? 0 : EXIT.usage;
}

/** Tells of a failure, as a paragraph or as JSON; gives the exit code. */
export async function reportFailure(
  error: unknown,
  out: Output,
  signal: AbortSignal,
): Promise<number> {
  if (signal.aborted && (isAborted(error) || error === signal.reason)) return interrupted(out);
  const known = error instanceof EideticaError ? error : unexpected(error);
  const advice = await adviceOn(known);
  if (out.json) writeJson(known, advice);
  else process.stderr.write(`${paragraph(known, advice, out)}\n`);
  return known instanceof Failure ? known.exit : EXIT.failed;
}

/** What an error says besides its message. */
interface Advice {
  readonly now: string | undefined;
  readonly next: string | undefined;
  /** Whether `explain` knows more. */
  readonly isExplained: boolean;
}

async function adviceOn(error: EideticaError): Promise<Advice> {
  if (error instanceof Failure) return { now: error.now, next: error.next, isExplained: false };
  const { CODES } = await import("../explanations.ts");
  const found = Object.hasOwn(CODES, error.code) ? CODES[error.code] : undefined;
  return { now: undefined, next: found?.next, isExplained: found !== undefined };
}

function interrupted(out: Output): number {
  out.note("Stopped. What was done stays done.");
  return EXIT.interrupted;
}

/** An error that is not ours: its message is all that is known to be no secret. */
function unexpected(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  return new Failure(message, {
    code: typeof code === "string" ? code : "Unexpected",
    cause: error,
  });
}

function paragraph(
  error: EideticaError,
  { now, next, isExplained }: Advice,
  out: Output,
): string {
  const lines = [`${out.errorStyle("red", "Error:")} ${shownLines(error.message)}`];
  if (now !== undefined) lines.push(`  Now    ${shown(now)}`);
  if (next !== undefined) lines.push(`  Next   ${shown(next)}`);
  if (isExplained) lines.push(`  More   eidetica explain ${error.code}`);
  return lines.join("\n");
}

function writeJson(error: EideticaError, { now, next }: Advice): void {
  const { code, module, message, fields } = error;
  const tried = Object.keys(fields).length === 0 ? undefined : error.toJSON()["fields"];
  const json = { error: { code, module, message, next: next ?? null, now, tried } };
  process.stderr.write(`${sortedJson(json)}\n`);
}
