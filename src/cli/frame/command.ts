import type { Output } from "./output.ts";

/** An option of a command. */
export interface Option {
  /** Name after the two dashes. */
  readonly name: string;
  /** The letter after one dash. */
  readonly short?: string;
  /** What stands for the value in help; none for a switch. */
  readonly value?: string;
  /** The variable that is read when the option is not given. */
  readonly env?: string;
  /** The value when neither is given. */
  readonly default?: string;
  /** One line for help. */
  readonly help: string;
  /** The values that are allowed; any unless told. */
  readonly choices?: readonly string[];
  /** Why a value is refused; undefined for a good one. */
  readonly refuse?: (value: string) => string | undefined;
  /** Whether an empty value is one. */
  readonly mayBeEmpty?: boolean;
  /** Whether the command cannot do without. */
  readonly required?: boolean;
  /** Name of an option that this one excludes. */
  readonly excludes?: string;
  /** Whether sub-commands take it, too. */
  readonly global?: boolean;
}

/** A word of a command that is no option. */
export interface Positional {
  /** Name in capitals, as help shows it. */
  readonly name: string;
  /** One line for help. */
  readonly help: string;
  /** Whether it may be left out. */
  readonly optional?: boolean;
  /** Value when it is left out, as help shows it. */
  readonly default?: string;
  /** Whether it takes all words that follow. */
  readonly rest?: boolean;
  /** What shells offer for it. */
  readonly completes?: Completes;
  /** The values that are allowed; any unless told. */
  readonly choices?: readonly string[];
}

/** Names that shells can complete. */
export type Completes = "database" | "user" | "store";

/** What a command was given, by name of the option or positional. */
export class Values {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** The values that the parser has found. */
  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** The value of an option or word, if there is one. */
  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** The value of one that the parser has required or that has a default. */
  text(name: string): string {
    return this.get(name) ?? "";
  }

  /** All words of a positional that takes the rest. */
  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Whether a switch is set. */
  has(name: string): boolean {
    return this.#values.has(name);
  }
}

/** What a command works with. */
export interface Run {
  /** What was given. */
  readonly values: Values;
  /** Where results and notes go. */
  readonly out: Output;
  /** Aborted by the first interrupt. */
  readonly signal: AbortSignal;
}

/** One command: what it takes and what it does. */
export interface Command {
  /** One line: what it is for. */
  readonly about: string;
  /** Its options. */
  readonly options?: readonly Option[];
  /** Its words, in order. */
  readonly positionals?: readonly Positional[];
  /** Commands below it, loaded when they are named. */
  readonly commands?: Readonly<Record<string, Lazy>>;
  /** The command below it that is meant when none is named. */
  readonly standard?: string;
  /** Three examples for help. */
  readonly examples?: readonly string[];
  /** What it does; a command without needs one below it. Gives the exit code, 0 unless told. */
  readonly run?: (run: Run) => Promise<number | void>;
}

/** A command that is loaded when it is named. */
export interface Lazy {
  /** One line: what it is for. */
  readonly about: string;
  /** Loads it. */
  readonly load: () => Promise<Command>;
  /** Whether help passes over it, as it is not for people. */
  readonly isHidden?: boolean;
}

/** The command that was named, from the root. */
export interface Named {
  /** Words that lead to it, `eidetica` first. */
  readonly words: readonly string[];
  /** The commands on the way, the root first. */
  readonly path: readonly Command[];
}
