/**
 * Enumerations, read by a table (11 §3).
 *
 * ```text
 * variant = "Name"  |  { "Name": null }  |  { "Name": payload }
 * ```
 *
 * @module
 */

import type { JsonBytes } from "../../util/json_bytes.ts";
import { endVariant, openVariant, type ReadJson } from "../../util/json_struct.ts";

/** A variant without a payload, and what it stands for. */
export class Unit<T> {
  /** What it stands for. */
  readonly value: T;

  /** Stands for `value`. */
  constructor(value: T) {
    this.value = value;
  }
}

/** The variants of an enumeration: how each payload is read. */
export class Choices<T> {
  readonly #what: string;
  readonly #names: readonly string[];
  readonly #reads: readonly (ReadJson<T> | Unit<T>)[];

  /** Variants of `what`. */
  constructor(what: string, reads: Readonly<Record<string, ReadJson<T> | Unit<T>>>) {
    this.#what = what;
    this.#names = Object.keys(reads);
    this.#reads = Object.values(reads);
  }

  /** Reads one of them. */
  readonly read = (reader: JsonBytes): T => {
    const opened = openVariant(reader, this.#names, this.#what);
    const choice = this.#reads[opened < 0 ? -1 - opened : opened]!;
    if (opened >= 0) return this.#payload(reader, choice);
    return choice instanceof Unit ? choice.value : reader.unlike("a variant without its payload");
  };

  #payload(reader: JsonBytes, choice: ReadJson<T> | Unit<T>): T {
    if (choice instanceof Unit && !reader.acceptNull()) reader.mismatch("null");
    const value = choice instanceof Unit ? choice.value : choice(reader);
    endVariant(reader);
    return value;
  }
}
