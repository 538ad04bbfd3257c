import process from "node:process";
import { EideticaError } from "../../util/errors.ts";
import { isAborted } from "../../util/abort.ts";
import { EXIT, Failure } from "./failure.ts";
import { type Output, sortedJson } from "./output.ts";
import { shown } from "./text.ts";
import { helpText } from "./usage.ts";
import { HelpWanted, UsageError } from "./usage_error.ts";

/** Tells why words were no command of ours, or prints the help that was asked for; gives the exit code. */
export function reportWords(error: unknown): number | undefined {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.text}\n`);
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
  const { next, now, exit } = known instanceof Failure
    ? known
    : { next: await nextStep(known.code), now: undefined, exit: EXIT.failed };
  if (out.json) writeJson(known, next, now);
  else process.stderr.write(`${paragraph(known, next, now, out)}\n`);
  return exit;
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

async function nextStep(code: string): Promise<string | undefined> {
  const { CODES } = await import("../explanations.ts");
  return CODES[code]?.next;
}

function paragraph(
  error: EideticaError,
  next: string | undefined,
  now: string | undefined,
  out: Output,
) {
  const message = error.message.split("\n").map(shown).join("\n");
  const lines = [`${out.errorStyle("red", "Error:")} ${message}`];
  if (now !== undefined) lines.push(`  Now    ${shown(now)}`);
  if (next !== undefined) lines.push(`  Next   ${shown(next)}`);
  if (!(error instanceof Failure)) lines.push(`  More   eidetica explain ${error.code}`);
  return lines.join("\n");
}

function writeJson(error: EideticaError, next: string | undefined, now: string | undefined): void {
  const { code, module, message, fields } = error;
  const tried = Object.keys(fields).length === 0 ? undefined : error.toJSON()["fields"];
  const json = { error: { code, module, message, next: next ?? null, now, tried } };
  process.stderr.write(`${sortedJson(json)}\n`);
}
