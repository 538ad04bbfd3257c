import { ID } from "../../entry/id.ts";
import type { Frontiers } from "../records/tree_records.ts";

/** Sorted tips after an entry: its parents leave, and it enters unless a child of it is known. */
export function moved(
  tips: readonly ID[],
  id: ID | undefined,
  parents: readonly ID[],
): readonly ID[] {
  const next = without(tips, parents);
  if (id !== undefined) next.splice(placeOf(id, next), 0, id);
  return next;
}

/** Up to so many IDs are compared one by one. */
const FEW = 4;

function without(ids: readonly ID[], gone: readonly ID[]): ID[] {
  if (gone.length <= FEW) return ids.filter((id) => !gone.some((other) => other.equals(id)));
  const names = new Set(gone.map(String));
  return ids.filter((id) => !names.has(id.toString()));
}

/** Where an ID belongs among sorted ones. */
function placeOf(id: ID, sorted: readonly ID[]): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ID.compare(sorted[middle]!, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Frontiers after an entry that was held has become Verified. */
export function verifiedBy(tips: Frontiers, id: ID, parents: readonly ID[]): Frontiers {
  const { sequence, verified, raw } = tips;
  return { sequence, verified: moved(verified, id, parents), raw };
}

/** How many more tips than Verified ones there are with an entry on top of `parents`. */
export function extraTips({ raw, verified }: Frontiers, parents: readonly ID[]): number {
  const covered = new Set(parents.map(String));
  const left = raw === verified
    ? raw.length
    : raw.filter((id) => !covered.has(id.toString())).length;
  return left + 1 - verified.length;
}

/** Whether two lists hold the same IDs in the same order. */
export function sameIds(a: readonly ID[], b: readonly ID[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!a[at]!.equals(b[at]!)) return false;
  return true;
}

/** The same frontiers with one list for both when they are equal, which is the usual case. */
export function shared<T extends Frontiers>(tips: T): T {
  const { verified, raw } = tips;
  return verified !== raw && sameIds(verified, raw) ? { ...tips, raw: verified } : tips;
}

/**
 * A short text for a set of IDs, kept up to date while IDs come and go. Equal sets have equal marks; so
 * may, rarely or by intent, two different ones: whoever finds something by a mark compares the IDs.
 */
export class FrontierMark {
  #low = 0;
  #high = 0;

  /** Adds an ID that is not in the set, or removes one that is. */
  toggle(id: ID): void {
    const { bytes } = id;
    // Bytes before the beginning of a short ID are undefined and count as 0.
    const word = (end: number) =>
      bytes[end]! | bytes[end - 1]! << 8 | bytes[end - 2]! << 16 | bytes[end - 3]! << 24;
    this.#low ^= word(bytes.length - 1);
    this.#high ^= word(bytes.length - 5);
  }

  /** The mark of what is in the set now. */
  toString(): string {
    return `${this.#low} ${this.#high}`;
  }

  /** The mark of a set of IDs. */
  static of(ids: readonly ID[]): string {
    const mark = new FrontierMark();
    for (const id of ids) mark.toggle(id);
    return mark.toString();
  }
}

/** Whether `ids` are exactly the IDs of `members`, in any order; neither holds one twice. */
export function isFrontierOf(ids: readonly ID[], members: readonly { readonly id: ID }[]): boolean {
  if (ids.length !== members.length) return false;
  if (ids.length === 1) return ids[0]!.equals(members[0]!.id);
  const names = new Set(ids.map(String));
  return members.every(({ id }) => names.has(id.toString()));
}
