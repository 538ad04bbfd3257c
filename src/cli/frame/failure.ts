import { EideticaError } from "../../util/errors.ts";

/** What an error of a command says besides what failed. */
export interface FailureOptions {
  /** Stable identifier. */
  readonly code?: string;
  /** What is so now. */
  readonly now?: string;
  /** What to do next: command lines or a sentence. */
  readonly next?: string;
  /** Exit code; 1 unless told. */
  readonly exit?: number;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** A command that could not do what it was asked for. */
export class Failure extends EideticaError {
  /** What is so now. */
  readonly now: string | undefined;
  /** What to do next. */
  readonly next: string | undefined;
  /** Exit code. */
  readonly exit: number;

  /** Says in one sentence what could not be done and why. */
  constructor(message: string, options: FailureOptions = {}) {
    super("cli", options.code ?? "CommandFailed", message, { cause: options.cause });
    this.now = options.now;
    this.next = options.next;
    this.exit = options.exit ?? 1;
  }
}

/** Exit codes besides 0 and 1. */
export const EXIT = { failed: 1, usage: 2, waiting: 3, interrupted: 130 } as const;
