/**
 * Records of entries that wait for many others (`wait_counts.ts`).
 *
 * ```text
 * marker  of an entry whose waits are counted: role u8 (1: a parent, else 0) · per store that it must be in the
 *         first 16 bytes of the BLAKE3 of the name; of any other entry: empty
 * count   all u32 · parents u32
 * ```
 *
 * Names of stores may be long, and an entry may name many others in one, so markers hold no names.
 *
 * @module
 */

import { core } from "../../../wasm/mod.ts";
import { utf8 } from "../../util/bytes.ts";
import { toHex } from "../../util/hex.ts";
import { damagedRecord, RecordReader, RecordWriter } from "./record_bytes.ts";

const TAG_BYTES = 16;

/** What an awaited entry must be, or the one that waits for it is not valid. */
export interface Role {
  /** A main parent, which is lower. */
  readonly isParent: boolean;
  /** A member of these stores. */
  readonly stores: readonly string[];
}

/** A role as a marker tells it. */
export interface MarkedRole {
  /** See {@link Role.isParent}. */
  readonly isParent: boolean;
  /** The {@link storeTag} of each of {@link Role.stores}. */
  readonly tags: readonly string[];
}

/** How many of those that an entry waits for have no verdict. */
export interface WaitCount {
  /** All of them. */
  readonly all: number;
  /** Its main parents among them. */
  readonly parents: number;
}

function tagBytes(store: string): Uint8Array {
  return core().blake3(utf8(store)).subarray(0, TAG_BYTES);
}

/** A short text in place of the name of a store. */
export function storeTag(store: string): string {
  return toHex(tagBytes(store));
}

/** Writes the values of the markers of one entry. */
export function encodeRoles(roles: readonly Role[]): Uint8Array[] {
  // It may name thousands of others in one store.
  const known = new Map<string, Uint8Array>();
  return roles.map(({ isParent, stores }) => {
    const writer = new RecordWriter().integer(isParent ? 1 : 0, 1);
    for (const store of stores) {
      const tag = known.get(store) ?? tagBytes(store);
      known.set(store, tag);
      writer.bytes(tag);
    }
    return writer.done();
  });
}

/** Reads the value of a marker; undefined for one of an entry whose waits are not counted. */
export function decodeRole(bytes: Uint8Array): MarkedRole | undefined {
  if (bytes.length === 0) return undefined;
  const reader = new RecordReader(bytes);
  const kind = reader.integer(1);
  if (kind > 1) throw damagedRecord(`the role ${kind} is neither 0 nor 1`);
  const tags: string[] = [];
  while (!reader.isAtEnd) tags.push(toHex(reader.bytes(TAG_BYTES)));
  return { isParent: kind === 1, tags };
}

/** Writes the count of an entry. */
export function encodeWaitCount({ all, parents }: WaitCount): Uint8Array {
  return new RecordWriter().integer(all, 4).integer(parents, 4).done();
}

/** Reads the count of an entry. */
export function decodeWaitCount(bytes: Uint8Array): WaitCount {
  const reader = new RecordReader(bytes);
  const count = { all: reader.integer(4), parents: reader.integer(4) };
  if (reader.isAtEnd && count.parents <= count.all) return count;
  throw damagedRecord("the count of what an entry waits for is no such count");
}
