import type { Clock } from "../util/clock.ts";
import { EntryError } from "../util/errors.ts";
import { MAX_CHOSEN_HEIGHT, MAX_HEIGHT } from "./constants.ts";

/**
 * How the height of a new entry is chosen: one more than the highest parent, or the time in
 * milliseconds where that is more. States are folded from low heights to high ones, so of two changes that do
 * not know of each other the higher one wins: with `"timestamp"` this is the later one, by the writers' clocks.
 */
export type HeightStrategy = "incremental" | "timestamp";

/** Reads the stored form: JSON text, quotes included. Undefined for anything else. */
export function parseHeightStrategy(text: string): HeightStrategy | undefined {
  if (text === '"incremental"') return "incremental";
  return text === '"timestamp"' ? "timestamp" : undefined;
}

/**
 * Height of an entry above parents whose highest is `parent`; undefined when there are no parents.
 * Throws {@link EntryError} `InvalidStructure` beyond 2^53 − 1.
 */
export function nextHeight(
  strategy: HeightStrategy,
  parent: number | undefined,
  clock: Clock,
): number {
  const least = parent === undefined ? 0 : parent + 1;
  const height = strategy === "incremental"
    ? least
    : Math.max(Math.min(clock.nowMillis(), MAX_CHOSEN_HEIGHT), least);
  if (height <= MAX_HEIGHT) return height;
  const reason = `the height ${parent} of its parent is the highest there is`;
  throw new EntryError("InvalidStructure", `Cannot build an entry: ${reason}`, {
    fields: { reason },
  });
}
