/**
 * Payloads with entries and blobs, as JSON or binary.
 *
 * ```text
 * payload = JSON                               entries are objects, blobs arrays of numbers
 *         | 0x00 length JSON bytes…            length of the JSON: 4 bytes, unsigned, big-endian
 * ```
 *
 * In the JSON of a binary payload, an entry (its canonical DAG-CBOR) or blob is the number of its bytes, which
 * follow behind the JSON in the same order. Binary payloads are only sent where the feature `binary` was agreed on.
 *
 * @module
 */

import { Entry } from "../../entry/entry.ts";
import { readEntryJson } from "../../entry/entry_json_reader.ts";
import { writeEntryJson } from "../../entry/entry_json_writer.ts";
import { bytes as byteList } from "../../entry/json_values.ts";
import { joined } from "../../util/bytes.ts";
import { EntryError } from "../../util/errors.ts";
import { JsonBytes } from "../../util/json_bytes.ts";
import { JsonBytesWriter } from "../../util/json_bytes_writer.ts";
import type { ReadJson } from "../../util/json_struct.ts";
import { MAX_FRAME_BYTES, requireFrameLength } from "./frames.ts";
import type { OutgoingEntry, ReceivedEntry } from "./messages.ts";

/** What a binary payload begins with; no JSON does. */
const BINARY = 0;
/** Where the JSON of a binary payload begins. */
const JSON_AT = 5;

/** Reads a payload, front to back. */
export class PayloadReader extends JsonBytes {
  readonly #isBinary: boolean;
  #next: number;

  private constructor(payload: Uint8Array, start: number, stop: number) {
    super(payload, start, stop);
    this.#isBinary = start > 0;
    this.#next = stop;
  }

  /** Begins to read; binary payloads are refused unless `mayBeBinary`. */
  static of(payload: Uint8Array, mayBeBinary: boolean): PayloadReader {
    const isBinary = mayBeBinary && payload[0] === BINARY && payload.length >= JSON_AT;
    if (!isBinary) return new PayloadReader(payload, 0, payload.length);
    const stop = JSON_AT + new DataView(payload.buffer, payload.byteOffset).getUint32(1);
    if (stop <= payload.length) return new PayloadReader(payload, JSON_AT, stop);
    return new JsonBytes(payload, 0, 0).unlike("a binary payload that ends inside its JSON");
  }

  /** An entry; why it is refused when it can have no canonical bytes. */
  entry(): ReceivedEntry {
    try {
      return this.#isBinary
        ? Entry.decode(this.#attached("an entry").slice())
        : readEntryJson(this);
    } catch (error) {
      if (error instanceof EntryError) return error;
      throw error;
    }
  }

  /** Bytes. */
  blob(): Uint8Array {
    return this.#isBinary ? this.#attached("a blob").slice() : byteList(this);
  }

  #attached(what: string): Uint8Array {
    const from = this.#next;
    this.#next += this.smallUint(MAX_FRAME_BYTES, `the length of ${what}`);
    if (this.#next > this.bytes.length) this.unlike(`${what} that goes on behind the payload`);
    return this.bytes.subarray(from, this.#next);
  }

  /** Makes sure that nothing is left. */
  override end(): void {
    super.end();
    if (this.#isBinary && this.#next !== this.bytes.length) {
      this.unlike("a binary payload with bytes that nothing names");
    }
  }
}

/** Writes a payload, front to back. */
export class PayloadWriter {
  readonly #out = new JsonBytesWriter();
  readonly #isBinary: boolean;
  readonly #attached: Uint8Array[] = [];
  #attachedBytes = 0;

  /** Writes binary or JSON; a payload that holds no entry or blob is always JSON. */
  constructor(isBinary: boolean) {
    this.#isBinary = isBinary;
  }

  /** Text that is JSON already. */
  json(text: string): void {
    this.#out.json(text);
  }

  /** An entry. */
  entry({ bytes }: OutgoingEntry): void {
    if (this.#isBinary) this.#attach(bytes);
    else writeEntryJson(bytes, this.#out);
    // Before the next one: what is too large is not made to its end.
    requireFrameLength(this.#out.length + this.#attachedBytes);
  }

  /** Entries as an array. */
  entries(entries: Iterable<OutgoingEntry>): void {
    let separator = "[";
    for (const entry of entries) {
      this.json(separator);
      this.entry(entry);
      separator = ",";
    }
    this.json(separator === "[" ? "[]" : "]");
  }

  /** Bytes. */
  blob(bytes: Uint8Array): void {
    if (this.#isBinary) this.#attach(bytes);
    else this.#out.byteList(bytes, 0, bytes.length);
  }

  #attach(bytes: Uint8Array): void {
    this.#attached.push(bytes);
    this.#attachedBytes += bytes.length;
    this.#out.uint(bytes.length);
  }

  /** The payload. */
  take(): Uint8Array {
    const json = this.#out.take();
    if (this.#attached.length === 0) return json;
    const head = new Uint8Array(JSON_AT);
    new DataView(head.buffer).setUint32(1, json.length);
    return joined([head, json, ...this.#attached]);
  }
}

/** Reads an entry of a payload. */
export const entry: ReadJson<ReceivedEntry> = (reader) => (reader as PayloadReader).entry();

/** Reads bytes of a payload. */
export const blob: ReadJson<Uint8Array> = (reader) => (reader as PayloadReader).blob();
