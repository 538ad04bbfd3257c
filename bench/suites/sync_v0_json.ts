import { Entry } from "../../mod.ts";
import { requestReader } from "../../src/sync/v0/json_in.ts";
import { encodeRequest } from "../../src/sync/v0/json_out.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { type JsonObject, parseJson64 } from "../../src/util/json64.ts";
import { bed } from "../bed.ts";
import type { Case, Scope, Suite } from "../case.ts";
import { commitMany } from "../workloads.ts";

/** Bytes that come out of a socket at once. */
const PIECE = 64 * 1024;

/** Canonical bytes of entries with one key each, as they lie in a storage. */
async function storedEntries(count: number): Promise<Uint8Array[]> {
  const { database, remove } = await bed("memory");
  await commitMany(database, 0, count);
  const entries = await database.getAllEntries();
  await remove();
  return entries.slice(-count).map((entry) => entry.bytes.slice());
}

/** A message by way of entries, JavaScript values and strings: what a first version would do. */
function writeByModel(stored: readonly Uint8Array[]): Uint8Array {
  const texts = stored.map((bytes) => Entry.decode(bytes).stringify());
  return utf8(`{"SendEntries":[${texts.join(",")}]}`);
}

function readByModel(message: Uint8Array): Entry[] {
  const json = parseJson64(fromUtf8(message)) as JsonObject;
  return (json.get("SendEntries") as JsonObject[]).map((entry) => Entry.fromJson64(entry));
}

function readInPieces(message: Uint8Array): number {
  const reader = requestReader();
  let count = 0;
  for (let at = 0; at < message.length; at += PIECE) {
    reader.push(message.subarray(at, at + PIECE));
    count += reader.takeEntries().length;
  }
  reader.end();
  return count;
}

function direction(
  group: string,
  count: number,
  ways: Readonly<Record<string, (stored: readonly Uint8Array[]) => () => unknown>>,
): Case[] {
  return Object.entries(ways).map(([name, way], at): Case => ({
    group: `sync v0, ${group}`,
    name: `${name}, ${count.toLocaleString("en")} entries`,
    unit: "entries",
    each: count,
    baseline: at === 0,
    prepare: async () => ({ step: way(await storedEntries(count)) }),
  }));
}

/** What the JSON of the sync protocol costs, apart from hashes and signatures. */
export function syncV0Json({ quick }: Scope): Suite {
  const count = quick ? 50 : 1000;
  const message = (stored: readonly Uint8Array[]) =>
    encodeRequest({ type: "SendEntries", body: stored.map((bytes) => ({ bytes })) });
  return {
    name: "sync_v0_json",
    cases: [
      ...direction("stored bytes to JSON", count, {
        "decode, stringify": (stored) => () => writeByModel(stored),
        "writer": (stored) => () => message(stored),
      }),
      ...direction("JSON to entries", count, {
        "parse, fromJson64": (stored) => {
          const bytes = message(stored);
          return () => readByModel(bytes);
        },
        "reader, in pieces": (stored) => {
          const bytes = message(stored);
          return () => readInPieces(bytes);
        },
      }),
    ],
  };
}
