/**
 * The package's log port. An application plugs in where messages go. Until it does, errors that reach no caller are
 * told once each where the runtime tells of uncaught ones, and nothing else is; `EIDETICA_LOG` in the environment
 * sets another level.
 *
 * @module
 */

import { requireFunction } from "./arguments.ts";
import { environmentVariable } from "./edge_environment.ts";

/** Severity of a message. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Receives every message; the template's `{names}` refer to `fields`, which never hold secrets. */
export type LogSink = (
  level: LogLevel,
  category: string,
  template: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

/** Fields of a message. */
type Fields = Readonly<Record<string, unknown>>;

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
/** The variable that sets the least severe level that is printed while there is no sink; `off`: none. */
const VARIABLE = "EIDETICA_LOG";

let sink: LogSink | undefined;
/** The level that the environment sets; undefined when it sets none, null before it was looked at. */
let wanted: LogLevel | "off" | undefined | null = null;
/** What has been told of without a sink. */
const told = new WeakSet<object>();

/**
 * Sends all further messages to `to`, whatever their level. With undefined the package is as before: it prints what
 * `EIDETICA_LOG` wants, or errors alone, each once.
 *
 * @example
 * ```ts
 * import { setLogSink } from "eidetica";
 *
 * setLogSink((level, category, template, fields) => {
 *   const text = template.replaceAll(/\{(\w+)\}/g, (_, name) => String(fields[name]));
 *   if (level !== "debug") console.error(`${level} ${category}: ${text}`);
 * });
 * ```
 */
export function setLogSink(to: LogSink | undefined): void {
  if (to !== undefined) requireFunction(to, "set the log sink", "the sink");
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
  debug(template: string, fields: Fields = {}): void {
    this.#write("debug", template, fields);
  }

  /** Something that an operator should look at. */
  warn(template: string, fields: Fields = {}): void {
    this.#write("warn", template, fields);
  }

  /**
   * Something that failed without an error reaching the caller. Where nobody has asked for messages, it is told
   * once for each `source`: a handler that always fails does so at every write.
   */
  error(template: string, fields: Fields, source: object): void {
    this.#write("error", template, fields, source);
  }

  #write(level: LogLevel, template: string, fields: Fields, source?: object): void {
    if (sink !== undefined) return send(sink, level, this.#category, template, fields);
    if (wanted === null) wanted = readLevel();
    if (wanted === undefined && source !== undefined) {
      if (told.has(source)) return;
      told.add(source);
      const text = `${fill(template, fields)} (told once, see setLogSink)`;
      print("error", `eidetica ${this.#category}: ${text}`, fields.error);
    } else if (wanted !== undefined && wanted !== "off" && isAtLeast(level, wanted)) {
      print(level, `eidetica ${level} ${this.#category}: ${fill(template, fields)}`, fields.error);
    }
  }
}

/** A sink that fails must not fail what it is told of. */
function send(to: LogSink, ...message: Parameters<LogSink>): void {
  try {
    to(...message);
  } catch (error) {
    if (told.has(to)) return;
    told.add(to);
    print("error", "eidetica: the log sink has failed", error);
  }
}

function readLevel(): LogLevel | "off" | undefined {
  const value = environmentVariable(VARIABLE)?.toLowerCase();
  if (value === undefined || value === "") return undefined;
  const level = [...LEVELS, "off" as const].find((one) => one === value);
  if (level !== undefined) return level;
  const known = [...LEVELS, "off"].join(", ");
  print("error", `eidetica: ${VARIABLE} is "${value}" and must be one of ${known}`);
  return undefined;
}

function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}

/** The text of a template; an error stands behind the text. */
function fill(template: string, fields: Fields): string {
  return template.replaceAll(/: \{error\}|\{(\w+)\}/g, (_, name?: string) => {
    return name === undefined ? "" : String(fields[name]);
  });
}

/**
 * Prints to standard error, since standard output belongs to the program. In browsers an error is reported, so that
 * those who listen for uncaught ones hear of it; elsewhere that would end the process.
 */
function print(level: LogLevel, text: string, error?: unknown): void {
  const { process, reportError } = globalThis as {
    process?: object;
    reportError?: (error: unknown) => void;
  };
  const write = process === undefined ? console[level] : console.error;
  if (error === undefined) return write(text);
  if (process !== undefined || level !== "error" || reportError === undefined) {
    return write(text, error);
  }
  write(text);
  reportError(error);
}
