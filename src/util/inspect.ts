/**
 * How the objects of this package look on a console: one short text, the same on Node, Bun and Deno.
 *
 * A text is made of what is in memory. It never waits, never fails, is bounded in length and shows nothing secret.
 * Browsers have no such hooks: their bundles take `inspect_elsewhere.ts` in place of this file, as `#inspect`.
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

/** Levels of members that are shown unless the console wants more. */
const LEVELS = 3;
/** More than any console goes down by itself: somebody asked for it. */
const ASKED_LEVELS = 9;
/** Characters after which no further member of the outermost level is begun. */
const ROOM = 480;
/** How much smaller the room of a nested level is. */
const NARROWING = 3;

/** Instances of a class, or one object, as `{ prototype }`. */
interface Printed<T> {
  readonly prototype: T;
}

/** Colours a text as one of a kind of value, such as `"string"`. */
type Paint = (text: string, kind: string) => string;

/** What a console wants. */
interface Wanted {
  /** Levels that are left below this object; undefined where the console does not tell. */
  readonly depth: number | null | undefined;
  readonly paint: Paint;
}

/** What the hooks are told besides; Deno's gets an object that says how deep it is. */
interface HookOptions {
  readonly stylize?: Paint;
  readonly depth?: number | null;
  readonly currentDepth?: number;
}

/** What an object holds: pairs of keys and values, or values. Symbols among the values do not show. */
interface Members {
  /** What kind of object it is. */
  readonly name: string;
  /** Whether the members are pairs. */
  readonly isMap: boolean;
  /** How many show. */
  readonly size: number;
  readonly members: Iterable<unknown>;
}

/** Makes consoles print an object as `print` says. */
export function setPrinter<T extends object>(
  { prototype }: Printed<T>,
  name: string | undefined,
  print: (value: T, wanted: Wanted) => string,
): void {
  function hook(this: T, first: unknown, options: HookOptions = {}): string {
    try {
      const paint = options.stylize ?? ((text: string) => text);
      return print(this, { depth: levelsLeft(first, options), paint });
    } catch {
      return `${name ?? this.constructor.name}(…)`;
    }
  }
  for (const symbol of HOOKS) Object.defineProperty(prototype, symbol, { value: hook });
}

/** What Node and Bun tell first; what Deno tells first is a function. */
function levelsLeft(first: unknown, { depth, currentDepth }: HookOptions): Wanted["depth"] {
  if (typeof first !== "function") return first as Wanted["depth"];
  return typeof depth === "number" && currentDepth !== undefined ? depth - currentDepth : depth;
}

/**
 * Makes consoles print instances of a class by a name and these parts of them: `Name(part, part)`. The name is
 * told, since bundlers rename classes; without one it is that of the class that extends this one.
 */
export function setInspection<T extends object>(
  type: Printed<T>,
  name: string | undefined,
  parts: (value: T) => readonly unknown[] = () => [],
): void {
  setPrinter(type, name, (value) => {
    const shown = parts(value).filter((part) => part !== undefined).map(String);
    const text = shorten(shown, shown.length, MAX_PARTS_SHOWN);
    const isLong = text.length > MAX_PARTS_SHOWN;
    return `${name ?? value.constructor.name}(${
      isLong ? `${text.slice(0, MAX_PARTS_SHOWN)}…` : text
    })`;
  });
}

/**
 * Makes consoles print what instances hold: `Doc { name: "Ada", tags: List [ "a", … 3 more ] }`. All objects among
 * their members are instances, too.
 */
export function setMembersInspection<T extends object>(
  type: Printed<T>,
  membersOf: (value: T) => Members,
): void {
  setPrinter(type, undefined, (value, { depth, paint }) => {
    const levels = depth === null || (depth ?? 0) >= ASKED_LEVELS ? Infinity : LEVELS;
    const print = (value: unknown, levels: number, room: number): string => {
      if (typeof value !== "object" || value === null) return printScalar(value, paint);
      const { name, isMap, size, members } = membersOf(value as T);
      if (levels <= 0) return `[${name}]`;
      const nested = (value: unknown) => print(value, levels - 1, Math.floor(room / NARROWING));
      const inside = shorten(printMembers(members, isMap, nested), size, room);
      const padded = inside && ` ${inside} `;
      return `${name} ${isMap ? `{${padded}}` : `[${padded}]`}`;
    };
    return print(value, typeof depth === "number" && depth < 0 ? 0 : levels, ROOM);
  });
}

function* printMembers(
  members: Iterable<unknown>,
  isMap: boolean,
  print: (value: unknown) => string,
): Iterable<string> {
  for (const member of members) {
    const [key, value] = isMap ? member as [string, unknown] : [undefined, member];
    if (typeof value === "symbol") continue;
    yield key === undefined ? print(value) : `${printKey(key)}: ${print(value)}`;
  }
}

function printKey(key: string): string {
  return /^[a-z_$][\w$]{0,59}$/i.test(key) ? key : quote(key);
}

function printScalar(value: unknown, paint: Paint): string {
  if (typeof value === "string") return paint(quote(value), "string");
  if (typeof value === "bigint") return paint(`${value}n`, "bigint");
  return paint(String(value), value === null ? "null" : typeof value);
}

/** The first of `size` parts, until `room` characters or {@link MAX_SHOWN} are used up, and how many more there are. */
function shorten(parts: Iterable<string>, size: number, room: number): string {
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
