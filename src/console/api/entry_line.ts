import type { Entry } from "../../entry/entry.ts";
import { formatRfc3339 } from "../../util/clock.ts";

/** One entry as lists show it. */
export function entryLine(entry: Entry): Record<string, unknown> {
  const { key } = entry.sig;
  return {
    id: entry.id.toString(),
    height: entry.height,
    parents: entry.parents.map(String),
    stores: entry.subtrees,
    time: entry.time === undefined ? null : formatRfc3339(entry.time),
    key: key.hint.pubkey?.toString() ?? null,
    signed_as: key.displayId(),
    bytes: entry.bytes.length,
  };
}
