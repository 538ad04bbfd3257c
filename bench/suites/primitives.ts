import * as dagCbor from "@ipld/dag-cbor";
import { type CryptoCore, Entry, PrivateKey, ready } from "../../mod.ts";
import { bed } from "../bed.ts";
import type { Case, Scope, Suite } from "../case.ts";
import { message, MESSAGE_BYTES } from "../floor.ts";
import { commitMany, encode } from "../workloads.ts";

/** An entry of one store as commits make it. */
async function sampleEntry(): Promise<Entry> {
  const { database, remove } = await bed("memory");
  await commitMany(database, 0, 10);
  const entry = (await database.getTipEntries())[0]!;
  await remove();
  return entry;
}

function cryptoCase(name: string, unit: string, step: (core: CryptoCore) => () => unknown): Case {
  const what = `${name} of ${MESSAGE_BYTES} bytes`;
  return {
    group: "cryptography",
    name: what,
    unit,
    prepare: async () => ({ step: step(await ready()) }),
  };
}

const CRYPTO: readonly Case[] = [
  cryptoCase("BLAKE3", "hashes", (core) => {
    const data = message();
    return () => core.blake3(data);
  }),
  cryptoCase("Ed25519 signature", "signatures", () => {
    const data = message();
    const key = PrivateKey.generate();
    return () => key.sign(data);
  }),
  cryptoCase("Ed25519 verification", "verifications", () => {
    const data = message();
    const key = PrivateKey.generate();
    const signature = key.sign(data);
    return () => key.publicKey.verify(data, signature);
  }),
];

function codecCase(
  group: "encode" | "decode",
  name: string,
  isBaseline: boolean,
  step: (entry: Entry) => () => unknown,
): Case {
  const prepare = async () => ({ step: step(await sampleEntry()) });
  return { group, name, unit: "entries", baseline: isBaseline, prepare };
}

const CODEC: readonly Case[] = [
  codecCase("encode", "@ipld/dag-cbor", true, (entry) => {
    const value = dagCbor.decode(entry.bytes);
    return () => dagCbor.encode(value);
  }),
  codecCase("encode", "entry", false, (entry) => () => encode(entry)),
  codecCase("decode", "@ipld/dag-cbor", true, (entry) => () => dagCbor.decode(entry.bytes)),
  codecCase("decode", "entry, checked", false, (entry) => () => Entry.decode(entry.bytes)),
];

/** What everything is made of. */
export function primitives(_: Scope): Suite {
  return { name: "primitives", cases: [...CRYPTO, ...CODEC] };
}
