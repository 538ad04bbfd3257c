/** Most letters that may differ in what somebody may have meant. */
const MAX_DISTANCE = 2;

/** How many letters must be put in, left out, changed or swapped with the next. */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const change = one[i - 1] === other[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    [before, last] = [last, row];
  }
  return last[other.length]!;
}

/** What somebody may have meant: the nearest of the known, or the only one that begins so. */
export function suggest(given: string, known: Iterable<string>): string | undefined {
  const names = [...known];
  const begun = names.filter((name) => given.length > 1 && name.startsWith(given));
  if (begun.length === 1) return begun[0];
  const lower = given.toLowerCase();
  const near = names.map((name) => ({ name, far: distance(lower, name.toLowerCase()) }))
    .filter(({ name, far }) => far <= MAX_DISTANCE && far < name.length)
    .sort((a, b) => a.far - b.far);
  return near[0]?.name;
}
