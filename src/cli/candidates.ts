import type { Command, Completes, Named, Option } from "./frame/command.ts";
import { type Environment, parseLoosely } from "./frame/parse.ts";
import { shown } from "./frame/text.ts";
import { commandOf, HELP, optionsOf } from "./frame/usage.ts";

/** Something that a shell may offer. */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** Longest wait for names out of a storage, in milliseconds: whoever types does not wait. */
const PATIENCE_MS = 150;

/** What may stand where the last word is being typed. It never asks, logs in, creates or connects. */
export async function candidates(
  root: Command,
  words: readonly string[],
  env: Environment,
): Promise<Candidate[]> {
  const typed = words.at(-1) ?? "";
  const { named, given, open } = await parseLoosely(root, words.slice(0, -1));
  const all = open !== undefined
    ? valuesOf(open)
    : typed.startsWith("-")
    ? switches(named)
    : [...below(named), ...await names(named, given, env)];
  return all.filter(({ value }) => value.startsWith(typed) && isHarmless(value));
}

/** What a script of a shell reads. What is stored may be anything: a line of its own would be one more word to offer. */
export function linesOf(found: readonly Candidate[]): string {
  return found.map(({ value, about }) => `${value}\t${shown(about)}\n`).join("");
}

/** Whether a shell takes it as it is: nothing that moves the cursor or ends a word. */
function isHarmless(value: string): boolean {
  return /^[\p{L}\p{N}\p{M}_.,:@/+=-]+$/u.test(value);
}

function valuesOf({ choices = [], help }: Option): Candidate[] {
  return choices.map((value) => ({ value, about: help }));
}

function switches(named: Named): Candidate[] {
  return [...optionsOf(named), HELP].map(({ name, help }) => ({ value: `--${name}`, about: help }));
}

function below(named: Named): Candidate[] {
  const { commands = {} } = commandOf(named);
  return Object.entries(commands).filter(([, { isHidden }]) => !isHidden)
    .map(([value, { about }]) => ({ value, about }));
}

async function names(
  named: Named,
  given: ReadonlyMap<string, string>,
  env: Environment,
): Promise<Candidate[]> {
  const { positionals = [] } = commandOf(named);
  const place = positionals.find(({ name, rest }) => rest || !given.has(name));
  if (place?.choices !== undefined) {
    return place.choices.map((value) => ({ value, about: place.help }));
  }
  if (place?.completes === undefined) return [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Candidate[]>((resolve) => {
    timer = setTimeout(() => resolve([]), PATIENCE_MS);
  });
  const found = stored(place.completes, given, env).catch(() => []);
  return await Promise.race([found, late]).finally(() => clearTimeout(timer));
}

/** Names out of the storage. */
async function stored(
  what: Completes,
  given: ReadonlyMap<string, string>,
  env: Environment,
): Promise<Candidate[]> {
  const { storedNames } = await import("./stored_names.ts");
  return await storedNames(what, given, env);
}
