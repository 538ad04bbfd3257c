import { type Command, type Named, type Option, type Positional, Values } from "./command.ts";
import type { Environment } from "./parse.ts";
import { suggest } from "./suggest.ts";
import { commandOf, HELP, optionsOf, optionText, VERSION } from "./usage.ts";
import { HelpWanted, UsageError, VersionWanted } from "./usage_error.ts";

/** Reads words one after the other, and goes down the commands that they name. */
export class WordReader {
  named: Named;
  readonly #words: string[];
  readonly #found = new Map<string, string[]>();
  /** How many positionals are taken. */
  #taken = 0;
  #onlyWords = false;

  constructor(root: Command, words: readonly string[]) {
    this.named = { words: ["eidetica"], path: [root] };
    this.#words = [...words];
  }

  isLeft(): boolean {
    return this.#words.length > 0;
  }

  /** The option that is the last word left, and wants a value. */
  openOption(): Option | undefined {
    const [word, ...others] = this.#words;
    if (word === undefined || others.length > 0) return undefined;
    return this.#all().find(({ name, short, value }) =>
      value !== undefined && (word === `--${name}` || word === `-${short}`)
    );
  }

  /** What was found so far. */
  given(): Map<string, string> {
    return new Map([...this.#found].map(([name, values]) => [name, values[0]!]));
  }

  /** Where no command was named, the one that is meant. */
  async goToStandard(): Promise<void> {
    const { standard } = commandOf(this.named);
    if (standard !== undefined) this.named = await below(this.named, standard);
  }

  async step(): Promise<void> {
    const word = this.#words.shift()!;
    if (this.#onlyWords) return this.#word(word);
    if (word === "--") this.#onlyWords = true;
    else if (word.startsWith("--")) this.#long(word);
    else if (word.startsWith("-") && word.length > 1) this.#short(word);
    else if (commandOf(this.named).commands === undefined) this.#word(word);
    else await this.#command(word);
  }

  /** Goes down to a command. */
  async #command(word: string): Promise<void> {
    if (word === "help") return await this.#help();
    this.named = await below(this.named, word);
  }

  async #help(): Promise<void> {
    for (const word of this.#words.filter((word) => !word.startsWith("-"))) {
      this.named = await below(this.named, word);
    }
    throw new HelpWanted(this.named, true);
  }

  #word(word: string): void {
    const { positionals = [] } = commandOf(this.named);
    const place = positionals[this.#taken] ?? restOf(positionals);
    if (place === undefined) throw this.#unexpected(word);
    const before = this.#found.get(place.name) ?? [];
    this.#found.set(place.name, [...before, allowed(place, word)]);
    this.#taken++;
  }

  #long(word: string): void {
    const at = word.indexOf("=");
    const name = word.slice(2, at < 0 ? undefined : at);
    const option = this.#all().find((option) => option.name === name);
    if (option === undefined) throw this.#unexpected(at < 0 ? word : word.slice(0, at));
    this.#take(option, at < 0 ? undefined : word.slice(at + 1));
  }

  #short(word: string): void {
    const option = this.#all().find(({ short }) => short === word[1]);
    if (option === undefined) throw this.#unexpected(word);
    const rest = word.slice(2);
    if (option.value === undefined && rest !== "" && !rest.startsWith("=")) {
      this.#words.unshift(`-${rest}`);
      return this.#take(option, undefined);
    }
    this.#take(option, rest === "" ? undefined : rest.replace(/^=/, ""));
  }

  #all(): Option[] {
    return [...optionsOf(this.named), HELP, ...(this.named.path.length === 1 ? [VERSION] : [])];
  }

  #take(option: Option, given: string | undefined): void {
    if (option === HELP) throw new HelpWanted(this.named, true);
    if (option === VERSION) throw new VersionWanted();
    if (this.#found.has(option.name)) {
      const message = `the argument '${optionText(option)}' cannot be used multiple times`;
      throw UsageError.words(this.named, message);
    }
    this.#found.set(option.name, [this.#valueOf(option, given)]);
  }

  #valueOf(option: Option, given: string | undefined): string {
    if (option.value !== undefined) return checked(option, given ?? this.#next(option));
    if (given === undefined) return "";
    const message =
      `unexpected value '${given}' for '--${option.name}' found; no more were expected`;
    throw UsageError.words(this.named, message);
  }

  /** The word after an option; one that looks like an option is none. */
  #next(option: Option): string {
    const next = this.#words.shift();
    if (next === undefined) throw noValue(option);
    if (!next.startsWith("-") || next === "-") return next;
    const isKnown = this.#all().some(({ name, short }) =>
      next.startsWith(`--${name}`) || next.startsWith(`-${short}`)
    );
    throw isKnown ? noValue(option) : this.#unexpected(next);
  }

  #unexpected(word: string): UsageError {
    const known = this.#all().map(({ name }) => `--${name}`);
    const near = word.startsWith("--") ? suggest(word, known) : undefined;
    const tip = near === undefined ? [] : [`  tip: did you mean '${near}'?`];
    return UsageError.words(this.named, `unexpected argument '${word}' found`, ...tip);
  }

  /** Adds what stands in the environment and the defaults, and looks whether all is there. */
  finish(env: Environment): Values {
    const command = commandOf(this.named);
    const conflicts = [...this.#found.keys()];
    const all = this.named.path.flatMap(({ options = [] }) => options);
    for (const option of all) this.#fromEnvironment(option, env);
    this.#refuseConflicts(command, conflicts);
    this.#requireAll(command);
    if (command.run === undefined) throw new HelpWanted(this.named, false);
    return new Values(this.#found);
  }

  #fromEnvironment(option: Option, env: Environment): void {
    if (this.#found.has(option.name)) return;
    const value = option.env === undefined ? undefined : env[option.env];
    // An empty password in the environment is one that was not set.
    if (value !== undefined && !(value === "" && option.mayBeEmpty)) {
      this.#found.set(option.name, [checked(option, value)]);
    } else if (option.default !== undefined) this.#found.set(option.name, [option.default]);
  }

  #refuseConflicts(command: Command, given: readonly string[]): void {
    for (const option of command.options ?? []) {
      const other = command.options?.find(({ name }) => name === option.excludes);
      if (other === undefined || !this.#found.has(option.name) || !this.#found.has(other.name)) {
        continue;
      }
      // The one that stands on the command line is named first.
      const [first, second] = given.includes(option.name) ? [option, other] : [other, option];
      const texts = `'${optionText(first)}' cannot be used with '${optionText(second)}'`;
      throw UsageError.words(this.named, `the argument ${texts}`);
    }
  }

  #requireAll(command: Command): void {
    const options = (command.options ?? []).filter(({ required, name }) =>
      required && !this.#found.has(name)
    );
    const words = (command.positionals ?? []).filter(({ optional, name }) =>
      !optional && !this.#found.has(name)
    );
    const missing = [...options.map(optionText), ...words.map(({ name }) => `<${name}>`)];
    if (missing.length === 0) return;
    const message = "the following required arguments were not provided:";
    throw UsageError.words(this.named, `${message}\n${missing.map((it) => `  ${it}`).join("\n")}`);
  }
}

function restOf(positionals: readonly Positional[]): Positional | undefined {
  return positionals.at(-1)?.rest ? positionals.at(-1) : undefined;
}

/** A word that is one of those allowed in its place. */
function allowed({ name, choices }: Positional, word: string): string {
  if (choices === undefined || choices.includes(word)) return word;
  const near = suggest(word, choices);
  const tip = near === undefined ? [] : [`  tip: did you mean '${near}'?`];
  throw UsageError.value(`invalid value '${word}' for '<${name}>'`, possible(choices), ...tip);
}

/** The command of this name below another. */
async function below(named: Named, word: string): Promise<Named> {
  const { commands = {} } = commandOf(named);
  const lazy = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (lazy !== undefined) {
    return { words: [...named.words, word], path: [...named.path, await lazy.load()] };
  }
  const near = suggest(word, Object.keys(commands));
  const tip = near === undefined ? [] : [`  tip: did you mean '${near}'?`];
  throw UsageError.words(named, `unrecognized subcommand '${word}'`, ...tip);
}

function noValue(option: Option): UsageError {
  const choices = option.choices === undefined ? [] : [possible(option.choices)];
  const message = `a value is required for '${optionText(option)}' but none was supplied`;
  return UsageError.value(message, ...choices);
}

function possible(choices: readonly string[]): string {
  return `  [possible values: ${choices.join(", ")}]`;
}

/** A value that the option allows. */
function checked(option: Option, value: string): string {
  const reason = option.refuse?.(value);
  const wrong = `invalid value '${value}' for '${optionText(option)}'`;
  if (reason !== undefined) throw UsageError.value(`${wrong}: ${reason}`);
  if (value === "" && !option.mayBeEmpty) throw noValue(option);
  if (option.choices === undefined || option.choices.includes(value)) return value;
  const near = suggest(value, option.choices);
  const tip = near === undefined ? [] : [`  tip: did you mean '${near}'?`];
  throw UsageError.value(wrong, possible(option.choices), ...tip);
}
