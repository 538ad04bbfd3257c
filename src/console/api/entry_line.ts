import type { Entry } from "../../entry/entry.ts";
import { formatRfc3339 } from "../../util/clock.ts";

/** The last moment that RFC 3339 can write. */
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** A claimed time; null for none, and for one that is no date: whoever writes an entry may claim any number. */
export function claimedTime(time: number | undefined): string | null {
  return time === undefined || time > LAST_MOMENT ? null : formatRfc3339(time);
}

/** One entry as lists show it. */
export function entryLine(entry: Entry): Record<string, unknown> {
  const { key } = entry.sig;
  return {
    id: entry.id.toString(),
    height: entry.height,
    parents: entry.parents.map(String),
    stores: entry.subtrees,
    time: claimedTime(entry.time),
    key: key.hint.pubkey?.toString() ?? null,
    signed_as: key.displayId(),
    bytes: entry.bytes.length,
  };
}
