/**
 * Log lines of the commands that go on, on standard error.
 *
 * ```text
 * RUST_LOG  = directive *( "," directive )
 * directive = level / target [ "=" level ]
 * target    = "eidetica" *( "::" part )
 * ```
 *
 * The longest target that fits a message decides, and `EIDETICA_LOG` is the level of all of them. Both win over the level that
 * a command begins with.
 *
 * @module
 */

import process from "node:process";
import { setLogSink } from "../util/log.ts";
import { sortedJson } from "./frame/output.ts";
import { shown } from "./frame/text.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "off"] as const;
type Level = typeof LEVELS[number];

function levelOf(text: string | undefined): Level | undefined {
  return LEVELS.find((level) => level === text?.trim().toLowerCase());
}

/** The levels that a text asks for, by target; the empty target is all of them. */
export function directives(text: string): Map<string, Level> {
  const found = new Map<string, Level>();
  for (const directive of text.split(",")) {
    const [target = "", wanted] = directive.trim().split("=");
    const alone = wanted === undefined ? levelOf(target) : undefined;
    const level = alone ?? (wanted === undefined ? "trace" : levelOf(wanted));
    if (level !== undefined && directive.trim() !== "") {
      found.set(alone === undefined ? target : "", level);
    }
  }
  return found;
}

/** The log of one command. */
export class Log {
  readonly #levels: Map<string, Level>;
  readonly #json: boolean;

  /** Takes the messages of the whole package; `level` is that of a command nobody has told otherwise. */
  constructor(level: Level, json: boolean, env: NodeJS.ProcessEnv = process.env) {
    const general = levelOf(env.EIDETICA_LOG) ?? level;
    this.#levels = new Map([["eidetica", general], ...directives(env.RUST_LOG ?? "")]);
    this.#json = json;
    setLogSink((severity, category, template, fields) => {
      const text = template.replaceAll(/\{(\w+)\}/g, (_, name) => textOf(fields[name]));
      this.#write(severity, `eidetica::${category}`, text);
    });
  }

  /** Something that whoever runs the command may want to know. */
  info(part: string, text: string): void {
    this.#write("info", `eidetica::${part}`, text);
  }

  /** Something that failed. */
  error(part: string, text: string): void {
    this.#write("error", `eidetica::${part}`, text);
  }

  #write(level: Level, target: string, text: string): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#leastOf(target))) return;
    const time = new Date().toISOString();
    const line = this.#json
      ? sortedJson({ type: "log", time, level, target, message: text })
      : `${time} ${level.toUpperCase().padStart(5)} ${target}: ${shown(text)}`;
    process.stderr.write(`${line}\n`);
  }

  #leastOf(target: string): Level {
    const fits = [...this.#levels.keys()]
      .filter((name) => name === "" || target === name || target.startsWith(`${name}::`))
      .sort((a, b) => b.length - a.length);
    return this.#levels.get(fits[0] ?? "") ?? "error";
  }
}

function textOf(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}
