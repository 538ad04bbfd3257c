import type { Command, Named, Option, Values } from "./command.ts";
import { WordReader } from "./word_reader.ts";

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A command and what it was given. */
export interface Parsed {
  readonly named: Named;
  readonly values: Values;
}

/**
 * Reads the words of a command line. Stricter than libraries that do this: a word or option that nobody knows, one
 * that is given twice and a value that is none are usage errors, as they are for the reference's command.
 */
export async function parse(
  root: Command,
  words: readonly string[],
  env: Environment,
): Promise<Parsed> {
  const reader = new WordReader(root, words);
  while (reader.isLeft()) await reader.step();
  await reader.goToStandard();
  return { named: reader.named, values: reader.finish(env) };
}

/** What is known of words that are not all there yet, as far as they can be understood. */
export interface Loose {
  readonly named: Named;
  /** Values of options and words, by name. */
  readonly given: ReadonlyMap<string, string>;
  /** The option whose value comes next. */
  readonly open: Option | undefined;
}

/** Reads words of which more are to come; what cannot be understood is passed over. */
export async function parseLoosely(root: Command, words: readonly string[]): Promise<Loose> {
  const reader = new WordReader(root, words);
  let open: Option | undefined;
  while (reader.isLeft()) {
    open = reader.openOption();
    if (open !== undefined) break;
    await reader.step().catch(() => undefined);
  }
  return { named: reader.named, given: reader.given(), open };
}
