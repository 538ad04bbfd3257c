/** Signatures of other projects with the verdicts that the reference gives on them. */

import { readFileSync } from "node:fs";
import type { VerifyItem } from "../../wasm/mod.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { fromHex } from "../../src/util/hex.ts";
import { skip, thirdParty } from "./third_party.ts";

export { skip } from "./third_party.ts";

/** The files, and how many signatures each holds. */
export const SIGNATURE_FILES = [
  ["cctv-ed25519-914.txt", 914],
  ["speccheck.json", 12],
  ["wycheproof-ed25519.json", 151],
] as const;

interface WycheproofGroup {
  readonly publicKey: { readonly pk: string };
  readonly tests: readonly { readonly msg: string; readonly sig: string }[];
}

/** The signatures of each file; no file when the vectors are not there. */
export const SIGNATURES: Readonly<Record<string, readonly VerifyItem[]>> = skip ? {} : {
  "cctv-ed25519-914.txt": thirdParty("cctv-ed25519-914.txt").map((
    { key, sig, msg }: Record<string, string>,
  ) => ({ publicKey: fromHex(key), signature: fromHex(sig), data: utf8(msg) })),
  "speccheck.json": thirdParty("speccheck.json").map((one: Record<string, string>) => ({
    publicKey: fromHex(one.pub_key),
    signature: fromHex(one.signature),
    data: fromHex(one.message),
  })),
  "wycheproof-ed25519.json": thirdParty("wycheproof-ed25519.json").testGroups.flatMap(
    ({ publicKey, tests }: WycheproofGroup) =>
      tests.map(({ msg, sig }) => ({
        publicKey: fromHex(publicKey.pk),
        signature: fromHex(sig),
        data: fromHex(msg),
      })),
  ),
};

const VERDICTS = JSON.parse(
  readFileSync(new URL("../vectors/ed25519-verdicts.json", import.meta.url), "utf8"),
);

/** The reference's verdict on every signature of a file, in order. */
export function expectedVerdicts(file: string): boolean[] {
  return [...VERDICTS[file].verify as string].map((verdict) => verdict === "1");
}
