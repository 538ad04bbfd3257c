/**
 * The package's log port. It is silent until an application plugs something in, so that a library
 * user never sees output that was not asked for.
 *
 * @module
 */

/** Severity of a message. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Receives every message; the template's `{names}` refer to `fields`, which never hold secrets. */
export type LogSink = (
  level: LogLevel,
  category: string,
  template: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

let sink: LogSink | undefined;

/** Sends all further messages to `to`; undefined makes the package silent again. */
export function setLogSink(to: LogSink | undefined): void {
  sink = to;
}

/** Writes the messages of one part of the package. */
export class Logger {
  readonly #category: string;

  /** A logger for `category`, for example `"instance"`. */
  constructor(category: string) {
    this.#category = category;
  }

  /** Something that a developer of this package may want to know. */
  debug(template: string, fields: Readonly<Record<string, unknown>> = {}): void {
    sink?.("debug", this.#category, template, fields);
  }

  /** Something that an operator should look at. */
  warn(template: string, fields: Readonly<Record<string, unknown>> = {}): void {
    sink?.("warn", this.#category, template, fields);
  }

  /** Something that failed without an error reaching the caller. */
  error(template: string, fields: Readonly<Record<string, unknown>> = {}): void {
    sink?.("error", this.#category, template, fields);
  }
}
