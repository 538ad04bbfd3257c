/**
 * The metadata of an entry: compact JSON `{"settings_tips":[ID…],"entropy":u64|null}` (01 §10), in databases
 * that say so with a third member `"time":u53` (00 §B14).
 *
 * @module
 */

import { setInspection } from "#inspect";
import { fromUtf8, utf8 } from "../util/bytes.ts";
import { EntryError } from "../util/errors.ts";
import { duplicateKeys, type Json64, parseJson64 } from "../util/json64.ts";
import { MAX_PARENTS } from "./constants.ts";
import { ID } from "./id.ts";
import { Snapshot } from "./snapshot.ts";

const MAX_U64 = 2n ** 64n - 1n;

/** Which settings an entry stands on, what makes it unique, and when it was made. */
export class EntryMetadata {
  /** No settings, no entropy: what an entry without metadata means. */
  static readonly EMPTY: EntryMetadata = new EntryMetadata(Snapshot.EMPTY);

  /** Metadata that were encoded last: most commits of a database pin the same settings. */
  static #last = { metadata: EntryMetadata.EMPTY, text: EntryMetadata.EMPTY.#text() };

  /** The `_settings` tips that the author relied on: the pin. */
  readonly settingsTips: Snapshot;
  /** Random number that tells equal databases apart. */
  readonly entropy: bigint | undefined;
  /**
   * When the entry was made, in Unix milliseconds, by the clock of whoever made it. It is a claim and nothing
   * more: nothing checks it, and no order follows from it.
   */
  readonly time: number | undefined;

  /** Metadata of these parts. */
  constructor(settingsTips: Snapshot, entropy?: bigint, time?: number) {
    this.settingsTips = settingsTips;
    this.entropy = entropy;
    this.time = time;
  }

  /** The bytes that are written. They must not be changed. */
  encode(): Uint8Array {
    const text = this.#knownText();
    return utf8(this.time === undefined ? `${text}}` : `${text},"time":${this.time}}`);
  }

  #knownText(): string {
    const { metadata: last, text } = EntryMetadata.#last;
    if (this.entropy === last.entropy && this.settingsTips.equals(last.settingsTips)) return text;
    EntryMetadata.#last = { metadata: this, text: this.#text() };
    return EntryMetadata.#last.text;
  }

  /** All but the time and the end. */
  #text(): string {
    const tips = this.settingsTips.tips.map((tip) => `"${tip}"`).join(",");
    return `{"settings_tips":[${tips}],"entropy":${this.entropy ?? "null"}`;
  }

  /** Metadata that were read last and are spelled as {@link encode} does, up to the time. */
  static #lastRead: { readonly metadata: EntryMetadata; readonly start: Uint8Array } | undefined;

  /** Reads metadata; throws {@link EntryError} `InvalidStructure` for anything else. */
  static parse(bytes: Uint8Array): EntryMetadata {
    return EntryMetadata.#readAgain(bytes) ?? EntryMetadata.#read(bytes);
  }

  /** Metadata that begin as the last ones do: most entries of a database pin the same settings. */
  static #readAgain(bytes: Uint8Array): EntryMetadata | undefined {
    const last = EntryMetadata.#lastRead;
    if (last === undefined || !beginsWith(bytes, last.start)) return undefined;
    const { settingsTips, entropy } = last.metadata;
    const time = readEnd(bytes, last.start.length);
    if (time === NO_TIME) return new EntryMetadata(settingsTips, entropy);
    return time === undefined ? undefined : new EntryMetadata(settingsTips, entropy, time);
  }

  #remember(bytes: Uint8Array): this {
    const start = utf8(this.#text());
    if (beginsWith(bytes, start)) EntryMetadata.#lastRead = { metadata: this, start };
    return this;
  }

  static #read(bytes: Uint8Array): EntryMetadata {
    const json = parse(bytes);
    if (!(json instanceof Map)) throw malformed("it is not an object");
    for (const key of ["settings_tips", "entropy"]) {
      if (duplicateKeys(json).has(key)) throw malformed(`\`${key}\` stands twice`);
    }
    const tips = readTips(json.get("settings_tips"));
    const entropy = readEntropy(json.get("entropy"));
    return new EntryMetadata(tips, entropy, readTime(json.get("time"))).#remember(bytes);
  }
}

setInspection(EntryMetadata, "EntryMetadata", ({ settingsTips, time }) => {
  return [`settings at ${settingsTips.tips.join(" ")}`, time === undefined ? time : `time ${time}`];
});

function beginsWith(bytes: Uint8Array, start: Uint8Array, from = 0): boolean {
  if (bytes.length < from + start.length) return false;
  for (let at = 0; at < start.length; at++) if (bytes[from + at] !== start[at]) return false;
  return true;
}

/** What {@link readEnd} gives where there is no time. */
const NO_TIME = -1;
/** What stands before the time. */
const TIME = utf8(',"time":');
/** Digits of times that are surely safe integers. */
const MAX_DIGITS = 15;
const [ZERO, NINE, CLOSE] = [0x30, 0x39, 0x7d];

/** The time that stands from `at` up to the end of metadata, or none; undefined for anything else. */
function readEnd(bytes: Uint8Array, at: number): number | undefined {
  const end = bytes.length - 1;
  if (bytes[end] !== CLOSE) return undefined;
  if (at === end) return NO_TIME;
  const digits = at + TIME.length;
  if (digits >= end || end - digits > MAX_DIGITS || bytes[digits] === ZERO) return undefined;
  if (!beginsWith(bytes, TIME, at)) return undefined;
  let time = 0;
  for (let next = digits; next < end; next++) {
    const digit = bytes[next]!;
    if (digit < ZERO || digit > NINE) return undefined;
    time = time * 10 + digit - ZERO;
  }
  return time;
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

/** A time that is not one is none: other nodes ignore the member, so it must not make an entry invalid. */
function readTime(json: Json64 | undefined): number | undefined {
  return typeof json === "number" && Number.isSafeInteger(json) && json >= 0 ? json : undefined;
}
