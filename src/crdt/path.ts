/**
 * Paths: dot-separated keys that lead through nested documents (03 §5).
 *
 * Text has no escape for dots. A key that contains one is addressed by the array form:
 * `doc.get(["user", "mail.work"])`.
 *
 * @module
 */
import { quote, setInspection } from "#inspect";
import { requireInstance, wrongArgument } from "../util/arguments.ts";
import { CrdtError } from "../util/errors.ts";

/** Most segments of a path that every reader accepts: each level nests three JSON containers. */
export const MAX_PATH_LEVELS = 42;

/** A key, a path text, an array of literal keys, or a {@link Path}. */
export type PathLike = string | readonly string[] | Path;

/** Splits a text at its dots, drops empty parts and joins the rest with dots. Never fails. */
export function normalizePath(text: string): string {
  return text.includes(".") ? components(text).join(".") : text;
}

function components(text: string): string[] {
  return text.split(".").filter((part) => part !== "");
}

/**
 * The keys to walk for a path argument. A text without a dot is one literal key, also when empty; an
 * array holds literal keys. The result is empty for texts of dots only.
 */
export function segmentsOf(path: PathLike): readonly string[] {
  if (typeof path === "string") return path.includes(".") ? components(path) : [path];
  if (path instanceof Path) return segmentsOf(path.text);
  if (Array.isArray(path) && path.every(isText)) return path;
  throw wrongArgument("follow a path", "it", "a text, a list of keys or a Path", path);
}

function isText(key: unknown): boolean {
  return typeof key === "string";
}

/** A path for messages: the text, or the segments joined by dots. */
export function describePath(path: PathLike): string {
  return typeof path === "string" ? path : segmentsOf(path).join(".");
}

/**
 * A single key that a path text can hold, checked. The empty text is allowed.
 * Throws {@link CrdtError} `InvalidPath` if it contains a dot.
 */
export function checkComponent(text: string): string {
  requirePathText(text);
  if (!text.includes(".")) return text;
  const reason = "a path component must not contain a dot";
  throw new CrdtError("InvalidPath", `Cannot use "${text}" as a path component: ${reason}`, {
    fields: { path: text, component: text, reason },
  });
}

function requirePathText(text: string): void {
  if (typeof text !== "string") throw wrongArgument("make a path", "it", "a text", text);
}

/** An immutable path text with operations on its parts. */
export class Path {
  /** The text: raw if made by {@link Path.raw}, otherwise normalized. */
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** The path of a text, normalized. Never fails. */
  static parse(text: string): Path {
    requirePathText(text);
    return new Path(normalizePath(text));
  }

  /** Wraps a text as it is, without normalizing. */
  static raw(text: string): Path {
    requirePathText(text);
    return new Path(text);
  }

  /** Joins parts: each is trimmed of surrounding whitespace, skipped if empty, and normalized. */
  static of(...parts: readonly (string | number | bigint | Path)[]): Path {
    const texts = parts.map((part) => (part instanceof Path ? part.text : String(part)).trim());
    return Path.parse(texts.filter((text) => text !== "").join("."));
  }

  /** A path of one checked component. Throws {@link CrdtError} `InvalidPath` for a dot. */
  static fromComponent(component: string): Path {
    return new Path(checkComponent(component));
  }

  /** This path followed by another, normalized; an empty one changes nothing. */
  push(other: string | Path): Path {
    return this.join(other instanceof Path ? Path.parse(other.text) : Path.parse(other));
  }

  /** This path followed by one checked component. Throws {@link CrdtError} `InvalidPath` for a dot. */
  pushComponent(component: string): Path {
    return this.join(Path.fromComponent(component));
  }

  /** This path followed by another as it is. */
  join(other: Path): Path {
    requireInstance(other, Path, "join paths", "the other one");
    if (this.isEmpty() || other.isEmpty()) return this.isEmpty() ? other : this;
    return new Path(`${this.text}.${other.text}`);
  }

  /** The parts between dots, without empty ones. */
  components(): string[] {
    return components(this.text);
  }

  /** Number of dot-separated parts of the text; of components only if it is normalized. */
  len(): number {
    return this.isEmpty() ? 0 : this.text.split(".").length;
  }

  /** Whether the text is empty. */
  isEmpty(): boolean {
    return this.text === "";
  }

  /** Everything before the last dot; `undefined` if there is no dot. */
  parent(): Path | undefined {
    const dot = this.text.lastIndexOf(".");
    return dot < 0 ? undefined : new Path(this.text.slice(0, dot));
  }

  /** The text after the last dot; `undefined` for the empty path. */
  fileName(): string | undefined {
    return this.isEmpty() ? undefined : this.text.slice(this.text.lastIndexOf(".") + 1);
  }

  /** Whether both have the same text. */
  equals(other: Path): boolean {
    return other instanceof Path && this.text === other.text;
  }

  /** Text for people: `(empty path)` for the empty one. Use {@link Path.text} to address something. */
  display(): string {
    return this.isEmpty() ? "(empty path)" : this.text;
  }

  /** The text, which is empty for the empty path. */
  toString(): string {
    return this.text;
  }
}

setInspection(Path, "Path", ({ text }) => [quote(text)]);
