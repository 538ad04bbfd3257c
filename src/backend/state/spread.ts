/**
 * Chooses `count` of `items`, which come with ascending distances from the present, so that the gaps
 * between the chosen ones grow with the distance. `end` is the distance of the beginning of everything.
 */
export function spread<T>(
  items: readonly T[],
  distance: (item: T) => number,
  end: number,
  count: number,
): T[] {
  const kept = items.map((item) => ({ item, at: distance(item) }));
  while (kept.length > Math.max(0, count)) kept.splice(leastMissed(kept, end), 1);
  return kept.map(({ item }) => item);
}

/** Index of the item without which the gap around it is smallest, in proportion to its distance. */
function leastMissed(items: readonly { readonly at: number }[], end: number): number {
  let least = Infinity;
  let found = 0;
  for (let index = 0; index < items.length; index++) {
    const before = items[index - 1]?.at ?? 0;
    const after = items[index + 1]?.at ?? end;
    const gap = (after - before) / (after + 1);
    if (gap < least) [least, found] = [gap, index];
  }
  return found;
}
