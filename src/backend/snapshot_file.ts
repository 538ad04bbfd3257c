/**
 * The snapshot file of the in-memory engine (05 §8.1): pretty-printed JSON, two spaces, no newline at
 * the end.
 *
 * ```text
 * {
 *   "entries":             { <id>: <entry JSON> },
 *   "verification_status": { <id>: "Verified" | "Failed" | "Unverified" },
 *   "instance_metadata":   { … } | null,
 *   "instance_secrets":    { … } | null,
 *   "tips":                { <tree>: { "tree_tips": [id], "subtree_tips": { <store>: [id] } } }
 * }
 * ```
 *
 * The file holds the device's private key in the open. On load IDs are computed anew, and tips follow
 * from the entries; what the file says about either is only compared or ignored.
 *
 * @module
 */

import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import type { Pair } from "../storage/driver.ts";
import { turns } from "../util/turns.ts";
import type { VerificationStatus } from "./backend.ts";
import type { LocalBackend } from "./local.ts";
import type { EntryCache } from "./records/entry_cache.ts";
import { parseRecord } from "./records/instance_records.ts";
import * as keys from "./records/keys.ts";
import { decodeStored } from "./records/stored_entries.ts";
import { decodeHead, decodeHeld, decodeStoreTips } from "./records/tree_records.ts";

/** The whole content of an engine as a snapshot file, as it is at one moment. */
export async function stringifySnapshot({ driver, entries }: LocalBackend): Promise<string> {
  const pairs: Pair[] = [];
  for await (const page of driver.list(EVERYTHING)) pairs.push(...page);
  const pieces: string[] = [];
  for (const piece of snapshotPieces(pairs, entries)) {
    pieces.push(piece);
    if (turns.isOver) await turns.next();
  }
  return pieces.join("");
}

/** All keys of the engine. */
const EVERYTHING = { start: new Uint8Array(0), end: Uint8Array.of(0xff) };

/** What is collected for the file. */
interface Content {
  readonly statuses: Record<string, VerificationStatus>;
  readonly tips: Record<string, { tree_tips: string[]; subtree_tips: Record<string, string[]> }>;
  readonly meta: Map<string, unknown>;
}

/** The snapshot file of all pairs of a storage; entries that `cache` has are not decoded again. */
export function snapshotText(pairs: Iterable<Pair>, cache: EntryCache): string {
  return [...snapshotPieces(pairs, cache)].join("");
}

/** The same in pieces of one pair each; those that the file does not need, or says later, are empty. */
function* snapshotPieces(pairs: Iterable<Pair>, cache: EntryCache): Iterable<string> {
  const content: Content = { statuses: {}, tips: {}, meta: new Map() };
  yield '{\n  "entries": {';
  let separator = "";
  for (const { key, value } of pairs) {
    const entry = READERS.get(key[0]!)?.(content, key, value, cache);
    if (entry === undefined) yield "";
    else yield separator + member(entry.id.toString(), entry, 2);
    if (entry !== undefined) separator = ",";
  }
  yield separator === "" ? "}" : "\n  }";
  const { statuses, meta, tips } = content;
  yield `,${member("verification_status", statuses, 1)}`;
  yield `,${member("instance_metadata", meta.get("instance_metadata") ?? null, 1)}`;
  yield `,${member("instance_secrets", meta.get("instance_secrets") ?? null, 1)}`;
  yield `,${member("tips", tips, 1)}\n}`;
}

/** A member as `JSON.stringify` writes it so many levels deep. */
function member(key: string, value: unknown, level: number): string {
  const line = `\n${"  ".repeat(level)}`;
  return `${line}${JSON.stringify(key)}: ${JSON.stringify(value, null, 2).replaceAll("\n", line)}`;
}

/** Notes what a pair says, and returns the entry that it holds. */
type PairReader = (
  content: Content,
  key: Uint8Array,
  value: Uint8Array,
  cache: EntryCache,
) => Entry | undefined;

/** How each kind of pair that the file needs is read; the others follow from these. */
const READERS: ReadonlyMap<number, PairReader> = new Map<number, PairReader>([
  [keys.allOf("entry")[0]!, (_content, key, value, cache) => {
    const id = keys.readId(key);
    return cache.get(id)?.entry ?? decodeStored(id, value);
  }],
  [keys.allOf("id")[0]!, ({ statuses }, key, value, cache) => {
    const id = keys.readId(key);
    const { row, entry } = decodeHeld(value);
    statuses[id.toString()] = row.status;
    return entry && (cache.get(id)?.entry ?? decodeStored(id, entry));
  }],
  [keys.allOf("head")[0]!, ({ tips }, key, value) => {
    const { raw, buffer } = decodeHead(value);
    const of = tipsOf(tips, keys.readId(key));
    of.tree_tips = texts(raw);
    // Heads come after the records of stores, and what they say of a store is newer.
    for (const [store, { raw }] of buffer.stores) of.subtree_tips[store] = texts(raw);
    return undefined;
  }],
  [keys.allOf("storeTips")[0]!, ({ tips }, key, value) => {
    const { tree, store } = keys.readStoreKey(key);
    tipsOf(tips, tree).subtree_tips[store] = texts(decodeStoreTips(value).raw);
    return undefined;
  }],
  [keys.allOf("meta")[0]!, ({ meta }, key, value) => {
    meta.set(keys.readName(key), parseRecord(value));
    return undefined;
  }],
]);

function tipsOf(tips: Content["tips"], tree: ID): Content["tips"][string] {
  // A store may have any name, that of a prototype's member too.
  return tips[tree.toString()] ??= { tree_tips: [], subtree_tips: Object.create(null) };
}

function texts(ids: readonly ID[]): string[] {
  return Snapshot.of(ids).tips.map(String);
}
