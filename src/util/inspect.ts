/**
 * How the objects of this package look on a console: one short text, the same on Node, Bun and Deno.
 *
 * A text is made of what is in memory. It never waits, never fails, is bounded in length and shows nothing secret.
 * Browsers have no such hooks.
 *
 * @module
 */

/** The hooks by which Node, Bun and Deno ask an object for its text. */
const HOOKS: readonly symbol[] = [
  Symbol.for("nodejs.util.inspect.custom"),
  Symbol.for("Deno.customInspect"),
];

/** Most members of a list or document, or parts of another object, that are shown. */
export const MAX_SHOWN = 12;
/** Most characters of one text that are shown. */
export const MAX_TEXT_SHOWN = 60;
/** Most characters of what an object says of itself. */
export const MAX_PARTS_SHOWN = 1000;

/** What a console wants: how deep to go, and colours. */
export interface ConsoleOptions {
  /** Levels that are left below this object; undefined where the console does not tell. */
  readonly depth: number | null | undefined;
  /** Colours a text as one of a kind of value, such as `"string"`. */
  readonly paint: (text: string, kind: string) => string;
}

/** What the hooks are told besides; Deno's gets an object that says how deep it is. */
interface HookOptions {
  readonly stylize?: ConsoleOptions["paint"];
  readonly depth?: number | null;
  readonly currentDepth?: number;
}

/** Makes consoles print an object, or all with this prototype, as `print` says. */
export function setPrinter<T extends object>(
  prototype: T,
  print: (value: T, options: ConsoleOptions) => string,
): void {
  function hook(this: T, first: unknown, options: HookOptions = {}): string {
    try {
      const paint = options.stylize ?? ((text: string) => text);
      return print(this, { depth: levelsLeft(first, options), paint });
    } catch {
      return `${this.constructor.name}(…)`;
    }
  }
  for (const name of HOOKS) Object.defineProperty(prototype, name, { value: hook });
}

/** What Node and Bun tell first; what Deno tells first is a function. */
function levelsLeft(first: unknown, { depth, currentDepth }: HookOptions): ConsoleOptions["depth"] {
  if (typeof first !== "function") return first as ConsoleOptions["depth"];
  return typeof depth === "number" && currentDepth !== undefined ? depth - currentDepth : depth;
}

/** Makes consoles print instances by the name of their class and these parts of them: `Name(part, part)`. */
export function setInspection<T extends object>(
  prototype: T,
  parts: (value: T) => readonly unknown[] = () => [],
): void {
  setPrinter(prototype, (value) => {
    const shown = parts(value).filter((part) => part !== undefined).map(String);
    const text = shorten(shown, shown.length, MAX_PARTS_SHOWN);
    const isLong = text.length > MAX_PARTS_SHOWN;
    return `${value.constructor.name}(${isLong ? `${text.slice(0, MAX_PARTS_SHOWN)}…` : text})`;
  });
}

/** The first of `size` parts, until `room` characters or {@link MAX_SHOWN} parts are used up, and how many more there are. */
export function shorten(parts: Iterable<string>, size: number, room: number): string {
  let [text, count] = ["", 0];
  for (const part of parts) {
    if (count === MAX_SHOWN || text.length > room) return `${text}, … ${size - count} more`;
    text += count++ === 0 ? part : `, ${part}`;
  }
  return text;
}

/** The beginning of a text in quotes. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, MAX_TEXT_SHOWN)) + (text.length > MAX_TEXT_SHOWN ? "…" : "");
}
