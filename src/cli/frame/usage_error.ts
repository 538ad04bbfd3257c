import type { Named } from "./command.ts";
import { usageLine } from "./usage.ts";

/** Words that are no command of ours: exit code 2. */
export class UsageError extends Error {
  /** What is written to standard error. */
  readonly text: string;

  private constructor(message: string, parts: readonly string[]) {
    super(message);
    this.name = "UsageError";
    this.text = [`error: ${message}`, ...parts, "For more information, try '--help'."].join("\n\n");
  }

  /** A value that is missing or wrong. */
  static value(message: string, ...parts: string[]): UsageError {
    return new UsageError(message, parts);
  }

  /** Words that the command does not take: it says which it takes. */
  static words(named: Named, message: string, ...parts: string[]): UsageError {
    return new UsageError(message, [...parts, `Usage: ${usageLine(named)}`]);
  }
}

/** A command was named that needs another word: its help is the answer. */
export class HelpWanted extends Error {
  /** Where the help is wanted. */
  readonly named: Named;
  /** Whether somebody asked for it. */
  readonly asked: boolean;

  /** Help of a command. */
  constructor(named: Named, asked: boolean) {
    super("help");
    this.named = named;
    this.asked = asked;
  }
}

/** Somebody asked for the version. */
export class VersionWanted extends Error {}
