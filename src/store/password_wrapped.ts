/**
 * What an encrypted store keeps of the store inside, under its key: the JSON `{"type":…,"config":…}`.
 *
 * @module
 */

import { Doc } from "../crdt/doc.ts";
import { fromUtf8, utf8 } from "../util/bytes.ts";
import { parseJson64, stringifyJson64 } from "../util/json64.ts";

/** Type and configuration of the store inside, as they are encrypted. */
export function writeWrapped(typeId: string, config: Doc): Uint8Array {
  return utf8(`{"type":${JSON.stringify(typeId)},"config":${config.stringify()}}`);
}

/** The type of the store inside; undefined when that cannot be read. */
export function readWrappedType(bytes: Uint8Array): string | undefined {
  try {
    const wrapped = parseJson64(fromUtf8(bytes));
    if (!(wrapped instanceof Map)) return undefined;
    Doc.parse(stringifyJson64(wrapped.get("config")));
    const type = wrapped.get("type");
    return typeof type === "string" ? type : undefined;
  } catch {
    return undefined; // what failed could describe the plaintext
  }
}
