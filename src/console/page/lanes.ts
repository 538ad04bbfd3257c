/**
 * Lanes of a history, newest first: each entry stands in one, its first parent goes on in it, and other parents get one
 * of their own until they come. A pure function of the list, so that it needs no page to be tried.
 *
 * @module
 */

/** Lanes that are drawn; what stands further right is drawn in the last. */
export const MAX_LANES = 6;

/** An entry, as far as lanes need it. */
export interface Node {
  /** Its ID. */
  readonly id: string;
  /** The entries that it follows. */
  readonly parents: readonly string[];
}

/** Which entry a lane leads to; undefined for one that is free. */
export type Wanted = string | undefined;

/** Where an entry stands. */
export interface Place {
  /** Its lane. */
  readonly lane: number;
  /** Lanes that lead to it from above. */
  readonly into: readonly number[];
  /** Lanes in which its parents go on, one for each. */
  readonly from: readonly number[];
  /** What the lanes above it lead to. */
  readonly above: readonly Wanted[];
  /** What the lanes below it lead to. */
  readonly below: readonly Wanted[];
}

/** For each entry its lane, the lanes above and below it, and which of them lead to or from it. */
export function lanesOf(entries: readonly Node[]): Place[] {
  const open: Wanted[] = [];
  return entries.map(({ id, parents }) => {
    const above = [...open];
    const into = above.flatMap((wanted, at) => wanted === id ? [at] : []);
    const lane = into[0] ?? freeLane(open);
    for (const at of into) open[at] = undefined;
    const from = parents.map((parent, at) => place(open, parent, at === 0 ? lane : undefined));
    while (open.length > 0 && open.at(-1) === undefined) open.pop();
    return { lane, into, from, above, below: [...open] };
  });
}

function freeLane(lanes: readonly Wanted[]): number {
  const free = lanes.findIndex((wanted) => wanted === undefined);
  return free < 0 ? lanes.length : free;
}

function place(lanes: Wanted[], parent: string, preferred: number | undefined): number {
  const known = lanes.indexOf(parent);
  if (known >= 0) return known;
  const isFree = preferred !== undefined && lanes[preferred] === undefined;
  const lane = isFree ? preferred : freeLane(lanes);
  while (lanes.length < lane) lanes.push(undefined);
  lanes[lane] = parent;
  return lane;
}
