/**
 * The key layout of the engine on a {@link StorageDriver}: every record type has a one-byte prefix.
 *
 * | prefix | rest of the key | value |
 * |---|---|---|
 * | `m` | name | instance metadata and secrets, JSON text (05 §7) |
 * | `r` | id | empty; one per root entry |
 * | `i` | id | status, height and tree of a held entry, and its bytes if they are few (`records.ts`) |
 * | `e` | id | canonical bytes of an entry, if they are many |
 * | `x` | tree · store · store height · fold key | entries of the store from this one on (`store_index.ts`) |
 * | `t` | tree | head of the tree: its frontiers and counters |
 * | `s` | tree · store | frontiers of the store |
 * | `u` | tree · height · fold key | empty; an entry that is to be looked at (`agenda.ts`) |
 * | `q` | tree · awaited · height · fold key | an Unverified entry that waits (`parked.ts`); what for, if it is counted (`wait_records.ts`) |
 * | `n` | tree · id | for how many others an Unverified entry waits, if these are many (`wait_counts.ts`) |
 * | `f` | tree · other tree · awaited | empty; an entry of another tree that is waited for |
 * | `a` | awaited | empty; an entry that somebody waits for and nobody held (`elsewhere.ts`) |
 * | `a` | awaited · tree | empty; in which tree |
 * | `b` | tree | empty; a tree with Unverified entries (`backlog_trees.ts`) |
 * | `w` | tree · scope · missing parent · child | empty; a child that waits for a parent |
 * | `l` | tree · place | entries from this one on, in the order in which they became Verified (`arrivals.ts`) |
 * | `p` | tree · public key of a peer | up to where its log of the tree is here (`log_cursor.ts`) |
 * | `c` | tree · store · reading · name | head of a checkpoint (`checkpoint_record.ts`) |
 * | `C` | tree · store · reading · name | body of that checkpoint |
 *
 * `tree` and `id` are length-prefixed binary CIDs, heights are 8 bytes big-endian, so ranges of
 * `u` and `q` list entries in fold order (00 §B2): height ascending, then the CID's text. An entry in no
 * store is listed by `x` under the empty name, which no store has: all `x` of a tree are all of it.
 *
 * What a write changes in `x`, `s` and `l` is carried in the head until there is enough of it
 * (`change_buffer.ts`), so a commit writes one record at random, the entry's, and the head in place. On a
 * B-tree every further key costs a page written and a share in splitting it.
 *
 * @module
 */

import { ID } from "../../entry/id.ts";
import { allocate } from "../../util/allocate.ts";
import { concat, fromUtf8, utf8 } from "../../util/bytes.ts";

const PREFIX = {
  meta: 0x6d,
  root: 0x72,
  id: 0x69,
  entry: 0x65,
  storeIndex: 0x78,
  head: 0x74,
  storeTips: 0x73,
  unverified: 0x75,
  parked: 0x71,
  waitCount: 0x6e,
  abroad: 0x66,
  awaited: 0x61,
  backlog: 0x62,
  waiting: 0x77,
  log: 0x6c,
  peerCursor: 0x70,
  checkpoint: 0x63,
  checkpointBody: 0x43,
} as const;

/** Name of the record that holds the instance metadata. */
export const METADATA: Uint8Array = namedKey("instance_metadata");
/** Name of the record that holds the device secrets. */
export const SECRETS: Uint8Array = namedKey("instance_secrets");

function namedKey(name: string): Uint8Array {
  return concat(Uint8Array.of(PREFIX.meta), utf8(name));
}

function withLength(bytes: Uint8Array): Uint8Array {
  const out = allocate(bytes.length + 1);
  out[0] = bytes.length;
  out.set(bytes, 1);
  return out;
}

function prefixed(prefix: number, id: ID): Uint8Array {
  const out = allocate(id.bytes.length + 2);
  out[0] = prefix;
  out[1] = id.bytes.length;
  out.set(id.bytes, 2);
  return out;
}

function nameBytes(name: string): Uint8Array {
  const text = utf8(name);
  const out = allocate(text.length + 2);
  out[0] = text.length >> 8;
  out[1] = text.length & 0xff;
  out.set(text, 2);
  return out;
}

/** The ID whose fold key was made last: an entry is written under several keys with it. */
let folded: { readonly id: ID; readonly key: Uint8Array } | undefined;

function foldKeyOf(id: ID): Uint8Array {
  if (folded?.id !== id) folded = { id, key: id.foldKey() };
  return folded.key;
}

const NO_PREFIX = new Uint8Array(0);
const NO_PLACE = new Uint8Array(8);

/** A prefix and the position of an entry: 8 bytes of height, then the fold key of its ID. */
function positioned(prefix: Uint8Array, height: number, id: ID): Uint8Array {
  const fold = foldKeyOf(id);
  const out = allocate(prefix.length + 8 + fold.length);
  out.set(prefix);
  writeHeight(out, prefix.length, height);
  out.set(fold, prefix.length + 8);
  return out;
}

function writeHeight(bytes: Uint8Array, offset: number, height: number): void {
  const high = Math.floor(height / 2 ** 32);
  for (let at = 0; at < 4; at++) {
    bytes[offset + at] = high >>> (24 - 8 * at);
    bytes[offset + 4 + at] = height >>> (24 - 8 * at);
  }
}

/** Height as 8 bytes, big-endian. */
export function heightBytes(height: number): Uint8Array {
  const bytes = allocate(8);
  writeHeight(bytes, 0, height);
  return bytes;
}

/** The height that {@link heightBytes} has written at `offset`. */
export function readHeight(bytes: Uint8Array, offset = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}

/** Reads the ID and height back from a key of `u` or `q`, or a place, with a prefix of `prefixLength` bytes. */
export function readPosition(key: Uint8Array, prefixLength: number): { height: number; id: ID } {
  const height = readHeight(key, prefixLength);
  return { height, id: ID.fromFoldKey(key.subarray(prefixLength + 8)) };
}

/** Key of the marker of a root entry. */
export function rootKey(id: ID): Uint8Array {
  return prefixed(PREFIX.root, id);
}

/** Key of the row that says whether and where an entry is held. */
export function idKey(id: ID): Uint8Array {
  return prefixed(PREFIX.id, id);
}

/** Key of the bytes of an entry that are too many for its row. */
export function entryKey(id: ID): Uint8Array {
  return prefixed(PREFIX.entry, id);
}

/** Where an entry of this height is among others: at the end of keys of `x`, `u` and `q`. */
export function placeOf(height: number, id: ID): Uint8Array {
  return positioned(NO_PREFIX, height, id);
}

/** Prefix of the index of a store. */
export function storeIndexPrefix(tree: ID, store: string): Uint8Array {
  return concat(treeIndexPrefix(tree), nameBytes(store));
}

/** Prefix of the indexes of all stores of a tree. */
export function treeIndexPrefix(tree: ID): Uint8Array {
  return prefixed(PREFIX.storeIndex, tree);
}

/** Key of the head of a tree. */
export function headKey(tree: ID): Uint8Array {
  return prefixed(PREFIX.head, tree);
}

/** Key of the frontiers of a store. */
export function storeTipsKey(tree: ID, store: string): Uint8Array {
  return concat(storeTipsPrefix(tree), nameBytes(store));
}

/** Prefix of the frontiers of all stores of a tree. */
export function storeTipsPrefix(tree: ID): Uint8Array {
  return prefixed(PREFIX.storeTips, tree);
}

/** Key of the marker of an entry that is to be looked at. */
export function unverifiedKey(tree: ID, height: number, id: ID): Uint8Array {
  return positioned(prefixed(PREFIX.unverified, tree), height, id);
}

/** Prefix of the markers of the entries of a tree that are to be looked at. */
export function unverifiedPrefix(tree: ID): Uint8Array {
  return prefixed(PREFIX.unverified, tree);
}

/** Key of a marker: the entry `id` cannot be judged before `awaited`. */
export function parkedKey(tree: ID, awaited: ID, height: number, id: ID): Uint8Array {
  return positioned(parkedPrefix(tree, awaited), height, id);
}

/** Prefix of the markers of the entries that cannot be judged before `awaited`. */
export function parkedPrefix(tree: ID, awaited: ID): Uint8Array {
  return concat(allParkedPrefix(tree), withLength(awaited.bytes));
}

/** Prefix of the markers of all entries of a tree that wait. */
export function allParkedPrefix(tree: ID): Uint8Array {
  return prefixed(PREFIX.parked, tree);
}

/** Key of the count of what an entry waits for. */
export function waitCountKey(tree: ID, id: ID): Uint8Array {
  return concat(prefixed(PREFIX.waitCount, tree), id.bytes);
}

/** The awaited ID in a key with {@link allParkedPrefix} of `prefixLength` bytes. */
export function readParkedAwaited(key: Uint8Array, prefixLength: number): ID {
  const start = prefixLength + 1;
  return ID.fromBytes(key.subarray(start, start + key[prefixLength]!));
}

/** Key of a marker: somebody waits for an entry that was not held when it was marked. */
export function awaitedKey(id: ID): Uint8Array {
  return prefixed(PREFIX.awaited, id);
}

/** Key of a marker: the somebody is in `tree`. */
export function awaiterKey(id: ID, tree: ID): Uint8Array {
  return concat(awaitedKey(id), tree.bytes);
}

/** The tree at the end of an {@link awaiterKey} of `id`; undefined for an {@link awaitedKey}. */
export function readAwaiter(key: Uint8Array, id: ID): ID | undefined {
  const start = 2 + id.bytes.length;
  return key.length === start ? undefined : ID.fromBytes(key.subarray(start));
}

/** Key of the marker of a tree that holds Unverified entries. */
export function backlogKey(tree: ID): Uint8Array {
  return prefixed(PREFIX.backlog, tree);
}

/** Key of a marker: entries of `tree` wait for `awaited`, which must come with the tree `other`. */
export function abroadKey(tree: ID, other: ID, awaited: ID): Uint8Array {
  return concat(abroadPrefix(tree, other), awaited.bytes);
}

/** Prefix of the markers of what entries of `tree` wait for in the tree `other`. */
export function abroadPrefix(tree: ID, other: ID): Uint8Array {
  return concat(prefixed(PREFIX.abroad, tree), withLength(other.bytes));
}

/** The awaited ID at the end of a key with {@link abroadPrefix} of `prefixLength` bytes. */
export function readAwaited(key: Uint8Array, prefixLength: number): ID {
  return ID.fromBytes(key.subarray(prefixLength));
}

/** Key of a marker: `child` lists `parent`, which is not held, in `scope` (empty: the main tree). */
export function waitingKey(tree: ID, scope: string, parent: ID, child: ID): Uint8Array {
  return concat(waitingPrefix(tree, scope, parent), child.bytes);
}

/** Prefix of the markers of the children that wait for `parent` in `scope`. */
export function waitingPrefix(tree: ID, scope: string, parent: ID): Uint8Array {
  return concat(prefixed(PREFIX.waiting, tree), nameBytes(scope), withLength(parent.bytes));
}

/** Key of a record of the arrival log of a tree. */
export function logKey(tree: ID, place: number): Uint8Array {
  const key = concat(prefixed(PREFIX.log, tree), NO_PLACE);
  writeHeight(key, key.length - NO_PLACE.length, place);
  return key;
}

/** The place in a {@link logKey}. */
export function readLogPlace(key: Uint8Array): number {
  return readHeight(key, key.length - NO_PLACE.length);
}

/** Key of the place up to which a peer's log of a tree is here. */
export function peerCursorKey(tree: ID, peer: Uint8Array): Uint8Array {
  return concat(prefixed(PREFIX.peerCursor, tree), peer);
}

/** Prefix of the heads, or of the bodies, of all checkpoints of a store in one reading. */
export function checkpointPrefix(
  part: "head" | "body",
  tree: ID,
  store: string,
  reading: string,
): Uint8Array {
  const prefix = part === "head" ? PREFIX.checkpoint : PREFIX.checkpointBody;
  return concat(prefixed(prefix, tree), nameBytes(store), nameBytes(reading));
}

/** Prefix of all rows of one kind, for whole-store scans. */
export function allOf(kind: keyof typeof PREFIX): Uint8Array {
  return Uint8Array.of(PREFIX[kind]);
}

/** ID at the end of a `r`, `i`, `e`, `t` or `b` key. */
export function readId(key: Uint8Array): ID {
  return ID.fromBytes(key.subarray(2));
}

/** Name at the end of a `m` key. */
export function readName(key: Uint8Array): string {
  return fromUtf8(key.subarray(1));
}

/** Tree and store of a `s` key. */
export function readStoreKey(key: Uint8Array): { tree: ID; store: string } {
  const end = 2 + key[1]!;
  return { tree: ID.fromBytes(key.subarray(2, end)), store: fromUtf8(key.subarray(end + 2)) };
}

/** The range of all keys that begin with `prefix`. */
export function prefixRange(prefix: Uint8Array): { start: Uint8Array; end: Uint8Array } {
  const end = prefix.slice();
  for (let last = end.length - 1; last >= 0; last--) {
    if (end[last]! < 0xff) {
      end[last]!++;
      return { start: prefix, end: end.slice(0, last + 1) };
    }
  }
  return { start: prefix, end: new Uint8Array(prefix.length + 1).fill(0xff) };
}
