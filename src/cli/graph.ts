import type { Entry } from "../entry/entry.ts";

/** Most lanes that are drawn; what is further right is counted. */
export const MAX_LANES = 6;

/** An entry in a picture of a history. */
export interface Placed<T> {
  readonly item: T;
  /** Column of the entry. */
  readonly lane: number;
  /** How many lanes there are beside it. */
  readonly lanes: readonly boolean[];
  /** Lanes that end in this entry, besides its own. */
  readonly ends: readonly number[];
  /** Lanes that begin below it, for parents besides the first. */
  readonly begins: readonly number[];
  /** Parents with their lanes. */
  readonly parents: readonly { readonly id: string; readonly lane: number }[];
}

/** Gives each entry a lane, as they come: the highest first. */
export function* placed<T extends { readonly entry: Entry }>(
  items: Iterable<T>,
): Generator<Placed<T>, void> {
  /** What each lane waits for; undefined where it is free. */
  const waiting: (string | undefined)[] = [];
  for (const item of items) {
    const id = item.entry.id.toString();
    const own = waiting.flatMap((wanted, lane) => wanted === id ? [lane] : []);
    const lane = own[0] ?? freeLane(waiting);
    const ends = own.slice(1);
    for (const end of ends) waiting[end] = undefined;
    waiting[lane] = id;
    const lanes = waiting.map((wanted) => wanted !== undefined);
    const [first, ...others] = item.entry.parents.map(String);
    waiting[lane] = first;
    const begins: number[] = [];
    for (const parent of others) {
      if (waiting.includes(parent)) continue;
      const free = freeLane(waiting);
      waiting[free] = parent;
      begins.push(free);
    }
    const parents = item.entry.parents.map((parent) => {
      const text = parent.toString();
      return { id: text, lane: waiting.indexOf(text) };
    });
    yield { item, lane, lanes, ends, begins, parents };
    while (waiting.length > 0 && waiting.at(-1) === undefined) waiting.pop();
  }
}

function freeLane(waiting: readonly (string | undefined)[]): number {
  const free = waiting.indexOf(undefined);
  return free < 0 ? waiting.length : free;
}

/** Signs of a picture: with lines, and for terminals of letters alone. */
export interface Signs {
  readonly lane: string;
  readonly along: string;
  readonly end: string;
  readonly begin: string;
  readonly from: string;
}

/** Lines. */
export const LINES: Signs = { lane: "│", along: "─", end: "╯", begin: "╮", from: "├" };
/** Letters. */
export const LETTERS: Signs = { lane: "|", along: "-", end: "/", begin: "\\", from: "|" };

/** The lanes beside an entry, with its mark. */
export function laneText<T>({ lane, lanes }: Placed<T>, mark: string, signs: Signs): string {
  const shown = lanes.slice(0, MAX_LANES)
    .map((isUsed, at) => at === lane ? mark : isUsed ? signs.lane : " ");
  const more = lanes.length - MAX_LANES;
  return more > 0 ? `${shown.join(" ")} +${more}` : shown.join(" ");
}

/** The line above an entry that leads lanes into it, or the one below it from which lanes begin; none where there are none. */
export function joinText<T>(
  { lane, lanes }: Placed<T>,
  others: readonly number[],
  isEnd: boolean,
  signs: Signs,
): string | undefined {
  const seen = others.filter((other) => other < MAX_LANES);
  if (seen.length === 0 || lane >= MAX_LANES) return undefined;
  const last = Math.max(...seen);
  let text = "";
  for (let at = 0; at <= Math.max(last, lanes.length - 1) && at < MAX_LANES; at++) {
    const isUsed = lanes[at] === true;
    const isPassed = at > lane && at < last;
    const sign = at === lane
      ? signs.from
      : seen.includes(at)
      ? (isEnd ? signs.end : signs.begin)
      : isPassed
      ? signs.along
      : isUsed
      ? signs.lane
      : " ";
    text += sign + (at >= lane && at < last ? signs.along : " ");
  }
  return text.trimEnd();
}
