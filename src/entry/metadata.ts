/**
 * The metadata of an entry: compact JSON `{"settings_tips":[ID…],"entropy":u64|null}` (01 §10).
 *
 * @module
 */

import { fromUtf8, utf8 } from "../util/bytes.ts";
import { EntryError } from "../util/errors.ts";
import { duplicateKeys, type Json64, parseJson64 } from "../util/json64.ts";
import { MAX_PARENTS } from "./constants.ts";
import { ID } from "./id.ts";
import { Snapshot } from "./snapshot.ts";

const MAX_U64 = 2n ** 64n - 1n;

/** Which settings an entry stands on, and what makes it unique. */
export class EntryMetadata {
  /** No settings, no entropy: what an entry without metadata means. */
  static readonly EMPTY: EntryMetadata = new EntryMetadata(Snapshot.EMPTY);

  /** Metadata that were encoded last: most commits of a database pin the same settings. */
  static #last = { metadata: EntryMetadata.EMPTY, bytes: EntryMetadata.EMPTY.#encode() };

  /** The `_settings` tips that the author relied on: the pin. */
  readonly settingsTips: Snapshot;
  /** Random number that tells equal databases apart. */
  readonly entropy: bigint | undefined;

  /** Metadata of these parts. */
  constructor(settingsTips: Snapshot, entropy?: bigint) {
    this.settingsTips = settingsTips;
    this.entropy = entropy;
  }

  /** The bytes that are written. They must not be changed. */
  encode(): Uint8Array {
    const { metadata: last, bytes } = EntryMetadata.#last;
    if (this.entropy === last.entropy && this.settingsTips.equals(last.settingsTips)) return bytes;
    EntryMetadata.#last = { metadata: this, bytes: this.#encode() };
    return EntryMetadata.#last.bytes;
  }

  #encode(): Uint8Array {
    const tips = this.settingsTips.tips.map((tip) => `"${tip}"`).join(",");
    return utf8(`{"settings_tips":[${tips}],"entropy":${this.entropy ?? "null"}}`);
  }

  /** Reads metadata; throws {@link EntryError} `InvalidStructure` for anything else. */
  static parse(bytes: Uint8Array): EntryMetadata {
    const json = parse(bytes);
    if (!(json instanceof Map)) throw malformed("it is not an object");
    for (const key of ["settings_tips", "entropy"]) {
      if (duplicateKeys(json).has(key)) throw malformed(`\`${key}\` stands twice`);
    }
    return new EntryMetadata(readTips(json.get("settings_tips")), readEntropy(json.get("entropy")));
  }
}

function malformed(reason: string, cause?: unknown): EntryError {
  return new EntryError("InvalidStructure", `Cannot read the metadata of an entry: ${reason}`, {
    cause,
    fields: { reason },
  });
}

function parse(bytes: Uint8Array): Json64 {
  try {
    return parseJson64(fromUtf8(bytes));
  } catch (cause) {
    throw malformed("it is not JSON", cause);
  }
}

function readTips(json: Json64 | undefined): Snapshot {
  if (!Array.isArray(json)) throw malformed("`settings_tips` is not a list");
  if (json.length > MAX_PARENTS) {
    throw malformed(`\`settings_tips\` has more than ${MAX_PARENTS} items`);
  }
  return Snapshot.of(json.map((tip) => {
    if (typeof tip !== "string") throw malformed("a settings tip is not a text");
    return ID.parse(tip);
  }));
}

function readEntropy(json: Json64 | undefined): bigint | undefined {
  if (json === undefined || json === null) return undefined;
  if (typeof json !== "number" && typeof json !== "bigint") {
    throw malformed("`entropy` is not an integer");
  }
  const entropy = BigInt(json);
  if (entropy < 0n || entropy > MAX_U64) throw malformed("`entropy` does not fit 64 bits");
  return entropy;
}
