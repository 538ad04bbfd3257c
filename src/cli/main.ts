import process from "node:process";
import type { Run, Values } from "./frame/command.ts";
import { untilInterrupted } from "./frame/interrupt.ts";
import { Output } from "./frame/output.ts";
import { parse, type Parsed } from "./frame/parse.ts";
import { reportFailure, reportWords } from "./frame/report.ts";
import { commandOf } from "./frame/usage.ts";
import { VersionWanted } from "./frame/usage_error.ts";
import { ROOT } from "./root.ts";
import { printVersion } from "./version.ts";
import { hideSqliteWarning } from "./warnings.ts";

/** Runs the command that the words name; gives the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  endQuietlyWithReader();
  hideSqliteWarning();
  let parsed: Parsed;
  try {
    parsed = await parse(ROOT, words, process.env);
  } catch (error) {
    if (error instanceof VersionWanted) return printVersion();
    const code = reportWords(error);
    if (code === undefined) throw error;
    return code;
  }
  return await perform(parsed);
}

async function perform({ named, values }: Parsed): Promise<number> {
  const out = outputOf(values);
  const { signal, stop } = untilInterrupted();
  const given: Run = { values, out, signal };
  try {
    return await commandOf(named).run!(given) ?? 0;
  } catch (error) {
    return await reportFailure(error, out, signal);
  } finally {
    stop();
  }
}

function outputOf(values: Values): Output {
  return new Output({
    json: values.has("json"),
    color: values.text("color"),
    quiet: values.has("quiet"),
  });
}

/** Whoever reads the output may stop: `eidetica db log … | head`. */
function endQuietlyWithReader(): void {
  process.stdout.on("error", (error: { code?: string }) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  // Notes that nobody reads are no reason to fail.
  process.stderr.on("error", () => undefined);
}
