import type { Entry } from "../../entry/entry.ts";
import type { EntryError } from "../../util/errors.ts";
import { MAX_ENTRY_JSON_BYTES, MAX_PART_BYTES } from "../access/limits.ts";
import { badMessage, Feed, WAIT } from "./feed.ts";
import { request, response } from "./grammar.ts";
import type { ReceivedRequest, ReceivedResponse } from "./messages.ts";
import { Parts, type Steps } from "./parts.ts";

/** What a message may cost; the constants of `limits.ts` unless told. */
export interface MessageLimits {
  /** Most bytes of the whole message; no limit unless told. */
  readonly maxBytes?: number | undefined;
  /** Most bytes of an entry. */
  readonly maxEntryBytes?: number | undefined;
  /** Most bytes of any other part. */
  readonly maxPartBytes?: number | undefined;
}

/**
 * Reads a message in JSON that comes in pieces: bytes go in, entries come out, in constant memory.
 *
 * What is no message is refused with `SyncError` `SerializationError`. Its field `fault` is `"syntax"` for what is
 * no JSON, `"shape"` for JSON that is no message, and `"size"` for what exceeds a limit. An entry in another form
 * than the one that entries have here does not spoil the message: it is counted as refused.
 */
export class MessageReader<Message> {
  readonly #feed = new Feed();
  readonly #parts: Parts;
  readonly #steps: Steps<void>;
  readonly #maxBytes: number;
  #received = 0;
  #finish: (() => Message) | undefined;
  #error: unknown;

  /** Reads what `grammar` says; see {@link requestReader} and {@link responseReader}. */
  constructor(grammar: (parts: Parts) => Steps<() => Message>, limits: MessageLimits = {}) {
    const { maxBytes, maxPartBytes, maxEntryBytes } = limits;
    this.#maxBytes = maxBytes ?? Infinity;
    this.#parts = new Parts(
      this.#feed,
      maxPartBytes ?? MAX_PART_BYTES,
      maxEntryBytes ?? MAX_ENTRY_JSON_BYTES,
    );
    this.#steps = this.#read(grammar);
  }

  /** How many entries the message lists so far, refused ones included, the root of a bootstrap not. */
  get listed(): number {
    return this.#parts.listed;
  }

  /** How many entries were refused. */
  get refused(): number {
    return this.#parts.refused;
  }

  /** Why the first of them was. */
  get firstRefusal(): EntryError | undefined {
    return this.#parts.firstRefusal;
  }

  /** How many bytes are kept, since the part that they belong to is not complete. */
  get held(): number {
    return this.#feed.held;
  }

  /** Takes the next bytes of the message, which may be changed afterwards. */
  push(piece: Uint8Array): void {
    this.#step(() => {
      if (this.#feed.isEnded) throw badMessage("syntax", "something follows after its end");
      this.#received += piece.length;
      if (this.#received > this.#maxBytes) {
        throw badMessage("size", `it exceeds ${this.#maxBytes} bytes`);
      }
      this.#feed.push(piece);
    });
  }

  /** The entries that were read since this was called last, the root of a bootstrap among them. */
  takeEntries(): Entry[] {
    return this.#parts.takeEntries();
  }

  /** Says that nothing more comes. Gives the message; its lists hold the entries that were not taken. */
  end(): Message {
    this.#step(() => this.#feed.end());
    return this.#finish!();
  }

  /** What was refused once stays refused. */
  #step(prepare: () => void): void {
    if (this.#error !== undefined) throw this.#error;
    try {
      prepare();
      this.#steps.next();
    } catch (error) {
      this.#error = error;
      throw error;
    }
  }

  /** Reads the message, and the blanks that may follow. */
  *#read(grammar: (parts: Parts) => Steps<() => Message>): Steps<void> {
    const finish = yield* grammar(this.#parts);
    for (;;) {
      const rest = this.#feed.read((reader) => reader.end(), MAX_PART_BYTES);
      if (rest !== WAIT && this.#feed.isEnded) break;
      yield;
    }
    this.#finish = finish;
  }
}

/** Reads a request that comes in pieces. */
export function requestReader(limits?: MessageLimits): MessageReader<ReceivedRequest> {
  return new MessageReader(request, limits);
}

/** Reads a response that comes in pieces. */
export function responseReader(limits?: MessageLimits): MessageReader<ReceivedResponse> {
  return new MessageReader(response, limits);
}

/** Reads a request that is there as a whole. Throws `SyncError` `SerializationError`. */
export function decodeRequest(bytes: Uint8Array, limits?: MessageLimits): ReceivedRequest {
  return decode(requestReader(limits), bytes);
}

/** Reads a response that is there as a whole. Throws `SyncError` `SerializationError`. */
export function decodeResponse(bytes: Uint8Array, limits?: MessageLimits): ReceivedResponse {
  return decode(responseReader(limits), bytes);
}

function decode<Message>(reader: MessageReader<Message>, bytes: Uint8Array): Message {
  reader.push(bytes);
  return reader.end();
}
