import { concat, equalBytes } from "../../util/bytes.ts";
import { StorageError } from "../../util/errors.ts";
import type { DenoKv, DenoKvKey } from "./types.ts";

/** Values beyond this size are written in parts, in bytes. */
export const MAX_PLAIN_BYTES: number = 32 << 10;
/** Length of a part; Deno KV takes 65,536 bytes and counts some of its own. */
const PART_BYTES = 60_000;
/** How many parts one transaction writes, which takes 819,200 bytes. */
const PARTS_PER_COMMIT = 12;
/** Parts that nothing points to at this age were replaced, or left by a crash, in milliseconds. */
const ABANDONED_MS = 3_600_000;

const VALUES = 1;
const PARTS = 2;
const BEGUN = 3;

/** What stands in the place of a value that is stored in parts. */
export interface Pointer {
  /** How many parts there are. */
  readonly parts: number;
  /** What they are stored under. */
  readonly id: Uint8Array;
}

/** What is kept for as long as there are parts, so that they are found when they are of no use. */
interface Begun {
  readonly key: Uint8Array;
  readonly parts: number;
  readonly at: number;
}

/** Whether what Deno KV holds points to parts. */
export function isPointer(value: unknown): value is Pointer {
  return typeof value === "object" && value !== null && "parts" in value && "id" in value;
}

/** The key of a value, or of what points to its parts. */
export function valueKey(key: Uint8Array): DenoKvKey {
  return ["eidetica", VALUES, key];
}

function partKey(id: Uint8Array, number: number): DenoKvKey {
  return ["eidetica", PARTS, id, number];
}

/** Writes the parts of a value. They count for nothing until something points to them. */
export async function writeParts(
  kv: DenoKv,
  key: Uint8Array,
  value: Uint8Array,
  now: number,
): Promise<Pointer> {
  const id = crypto.getRandomValues(new Uint8Array(16));
  const parts = Math.ceil(value.length / PART_BYTES);
  for (let first = 0; first < parts; first += PARTS_PER_COMMIT) {
    const atomic = kv.atomic();
    if (first === 0) atomic.set(["eidetica", BEGUN, id], { key, parts, at: now } satisfies Begun);
    for (let at = first; at < Math.min(first + PARTS_PER_COMMIT, parts); at++) {
      atomic.set(partKey(id, at), value.slice(at * PART_BYTES, (at + 1) * PART_BYTES));
    }
    await atomic.commit();
  }
  return { parts, id };
}

/** The value in parts; undefined when some are gone, since the value was just replaced. */
export async function readParts(kv: DenoKv, pointer: Pointer): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  for await (const { value } of kv.list({ prefix: ["eidetica", PARTS, pointer.id] })) {
    parts.push(value as Uint8Array);
  }
  return parts.length === pointer.parts ? concat(...parts) : undefined;
}

/** Removes parts that nothing points to. */
export async function removeParts(kv: DenoKv, { id, parts }: Pointer): Promise<void> {
  const atomic = kv.atomic();
  atomic.delete(["eidetica", BEGUN, id]);
  for (let at = 0; at < parts; at++) atomic.delete(partKey(id, at));
  await atomic.commit();
}

/** Removes the parts of values that were replaced, or never finished, a while ago. */
export async function removeAbandoned(kv: DenoKv, now: number): Promise<void> {
  for await (const entry of kv.list({ prefix: ["eidetica", BEGUN] })) {
    const id = entry.key[2] as Uint8Array;
    const { key, parts, at } = entry.value as Begun;
    if (now - at < ABANDONED_MS) continue;
    const { value } = await kv.get(valueKey(key));
    if (isPointer(value) && equalBytes(value.id, id)) continue;
    await removeParts(kv, { id, parts });
  }
}

/** What is thrown when parts of a value are missing. */
export function partsMissing(): StorageError {
  return new StorageError(
    "Corrupt",
    "Cannot read a large value of Deno KV: some of its parts are missing, again and again; restore the database from a copy",
  );
}
