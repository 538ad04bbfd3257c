/** How documents and lists look on a console: `Doc { name: "Ada", tags: List [ "a", "b", … 3 more ] }`. */

import { type ConsoleOptions, quote, shorten } from "../util/inspect.ts";
import type { Doc } from "./doc.ts";
import type { List } from "./list.ts";
import { isBranch, isVisible, type VisibleValue } from "./value.ts";

/** Levels that are shown unless the console wants more. */
const LEVELS = 3;
/** More than any console goes down by itself: somebody asked for it. */
const ASKED = 9;
/** Characters after which no further member of the outermost level is begun. */
const ROOM = 480;
/** How much smaller the room of a nested level is. */
const NARROWING = 3;

/** The text of a document or list for a console. */
export function printBranch(branch: Doc | List, { depth, paint }: ConsoleOptions): string {
  if (typeof depth === "number" && depth < 0) return nameOnly(branch);
  const levels = depth === null || (depth ?? 0) >= ASKED ? Infinity : LEVELS;
  return printValue(branch, paint, levels, ROOM);
}

function nameOnly(branch: Doc | List): string {
  return branch.typeName === "doc" ? "[Doc]" : "[List]";
}

function printValue(
  value: VisibleValue,
  paint: ConsoleOptions["paint"],
  levels: number,
  room: number,
): string {
  if (!isBranch(value)) return paint(printScalar(value), value === null ? "null" : typeof value);
  if (levels === 0) return nameOnly(value);
  const nested = (child: VisibleValue) =>
    printValue(child, paint, levels - 1, Math.floor(room / NARROWING));
  const inside = shorten(membersOf(value, nested), value.len(), room);
  const [name, open, close] = value.typeName === "doc" ? ["Doc", "{", "}"] : ["List", "[", "]"];
  return `${name} ${open}${inside && ` ${inside} `}${close}`;
}

function printScalar(value: VisibleValue): string {
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "string" ? quote(value) : String(value);
}

/** Reads what is stored, so that nothing is copied or marked as shared. */
function* membersOf(
  branch: Doc | List,
  print: (value: VisibleValue) => string,
): IterableIterator<string> {
  if (branch.typeName === "list") {
    for (const value of branch.peekVisible()) yield print(value);
    return;
  }
  for (const [key, value] of branch.peekChildren().entries()) {
    if (isVisible(value)) yield `${printKey(key)}: ${print(value)}`;
  }
}

function printKey(key: string): string {
  return /^[a-z_$][\w$]{0,59}$/i.test(key) ? key : quote(key);
}
