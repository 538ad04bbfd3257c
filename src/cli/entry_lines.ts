import type { VerificationStatus } from "../backend/backend.ts";
import { shortId } from "./databases.ts";
import type { EntryFacts, StoreChange } from "./entries.ts";
import type { Output } from "./frame/output.ts";
import { bytes, count, many, shown } from "./frame/text.ts";

const KEY_HEAD = "ed25519:";
/** Characters of a key that has no label. */
const SHORT_KEY = 4;

/** An entry for programs. */
export function entryJson(facts: EntryFacts): Record<string, unknown> {
  const { entry, status, key, name, stores, isTip } = facts;
  const { time } = entry;
  return {
    id: entry.id.toString(),
    height: entry.height,
    status,
    key,
    name: name ?? null,
    claimed_at: time === undefined ? null : rfc3339(time),
    parents: entry.parents.map(String),
    size: entry.bytes.length,
    stores: stores.map((change) => ({ name: change.name, ops: change.set + change.deleted })),
    tip: isTip,
  };
}

/** A time as RFC 3339, in UTC and whole seconds. */
export function rfc3339(millis: number): string {
  const date = new Date(millis);
  return Number.isNaN(date.getTime()) ? "unknown" : date.toISOString().replace(/\.\d+Z$/, "Z");
}

const STEPS: readonly [seconds: number, unit: string][] = [
  [86400 * 365, "year"],
  [86400 * 30, "month"],
  [86400, "day"],
  [3600, "hour"],
  [60, "min"],
];

/** A time as people read it on a terminal; elsewhere as a program would. */
export function when(millis: number | undefined, out: Output, now: number = Date.now()): string {
  if (millis === undefined) return "";
  if (!out.isTerminal) return rfc3339(millis);
  const seconds = (now - millis) / 1000;
  if (seconds < 0) return rfc3339(millis);
  const step = STEPS.find(([length]) => seconds >= length);
  if (step === undefined) return "just now";
  const number = Math.floor(seconds / step[0]);
  const unit = step[1] === "min" || number === 1 ? step[1] : `${step[1]}s`;
  return `${number} ${unit} ago`;
}

/** Who has written an entry: the label of the key, or its beginning. */
export function who({ key, name }: Pick<EntryFacts, "key" | "name">, out: Output): string {
  if (name !== undefined) return shown(name);
  const text = shown(key.startsWith(KEY_HEAD) ? key.slice(KEY_HEAD.length) : key);
  return out.isTerminal && text.length > SHORT_KEY ? `${text.slice(0, SHORT_KEY)}…` : text;
}

/** What was written to one store. */
function changeText({ name, set, deleted, size }: StoreChange): string {
  const parts = [
    ...(set > 0 ? [`${many(set, "value")} set`] : []),
    ...(deleted > 0 ? [`${many(deleted, "value")} deleted`] : []),
  ];
  return `${shown(name)}: ${parts.length > 0 ? parts.join(", ") : bytes(size)}`;
}

/** What an entry changes, or why it counts for nothing. */
export function changeOf({ entry, status, stores, isTip }: EntryFacts): string {
  if (status === "Failed") return "FAILED: eidetica explain tells why";
  if (status === "Unverified") return "waiting for what it stands on";
  if (entry.isRoot) return "created";
  const text = stores.map(changeText).join("; ") || "joins branches";
  return isTip ? `${text} (tip)` : text;
}

const MARKS: Readonly<Record<VerificationStatus, readonly [sign: string, plain: string]>> = {
  Verified: ["✓", "ok"],
  Unverified: ["◌", ".."],
  Failed: ["✕", "XX"],
};

/** The mark of a status. */
export function mark(status: VerificationStatus, out: Output): string {
  const [sign, plain] = MARKS[status];
  const style = { Verified: "green", Unverified: "yellow", Failed: "red" } as const;
  return out.style(style[status], out.isPlain ? plain : sign);
}

/** An entry as a row: mark, height, ID, who, when, what. */
export function entryRow(facts: EntryFacts, out: Output): string[] {
  const { entry, status } = facts;
  return [
    mark(status, out),
    count(entry.height),
    out.style("cyan", out.isTerminal ? shortId(entry.id) : entry.id.toString()),
    who(facts, out),
    when(entry.time, out),
    changeOf(facts),
  ];
}
