import { Entry } from "../../entry/entry.ts";
import { readEntryJson } from "../../entry/entry_json_reader.ts";
import { EntryError } from "../../util/errors.ts";
import type { JsonBytes } from "../../util/json_bytes.ts";
import { type Members, nextMember, openStruct, type ReadJson } from "../../util/json_struct.ts";
import { type Feed, WAIT } from "./feed.ts";

/** Steps through a message; they rest where more bytes are needed. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** The parts of a message that is still coming in, read one after the other. */
export class Parts {
  readonly #feed: Feed;
  readonly #maxPartBytes: number;
  readonly #maxEntryBytes: number;
  readonly #readItem: ReadJson<boolean>;
  #entries: Entry[] = [];
  #item: Entry | EntryError | undefined;
  #listed = 0;
  #refused = 0;
  #firstRefusal: EntryError | undefined;

  /** Reads from `feed` parts and entries that are not larger than told. */
  constructor(feed: Feed, maxPartBytes: number, maxEntryBytes: number) {
    this.#feed = feed;
    this.#maxPartBytes = maxPartBytes;
    this.#maxEntryBytes = maxEntryBytes;
    this.#readItem = (reader) => {
      this.#item = readEntry(reader);
      return reader.more();
    };
  }

  /** How many entries were listed. */
  get listed(): number {
    return this.#listed;
  }

  /** How many entries were refused. */
  get refused(): number {
    return this.#refused;
  }

  /** Why the first of them was. */
  get firstRefusal(): EntryError | undefined {
    return this.#firstRefusal;
  }

  /** The entries that were read since this was called last. */
  takeEntries(): Entry[] {
    const taken = this.#entries;
    this.#entries = [];
    return taken;
  }

  /** Reads what must be there as a whole. */
  *part<T>(read: ReadJson<T>, limit: number = this.#maxPartBytes): Steps<T> {
    for (;;) {
      const value = this.#feed.read(read, limit);
      if (value !== WAIT) return value;
      yield;
    }
  }

  /** Reads a struct whose members may be long: `reads` read them, in their order. */
  *struct<T extends readonly unknown[]>(
    members: Members,
    reads: { readonly [K in keyof T]: () => Steps<T[K]> },
  ): Steps<T> {
    const values: unknown[] = new Array(reads.length).fill(undefined);
    const closing = yield* this.part((reader) => openStruct(reader, members));
    let seen = 0;
    const next = (reader: JsonBytes) => nextMember(reader, members, closing, seen);
    for (let at; (at = yield* this.part(next)) >= 0; seen |= 1 << at) {
      values[at] = yield* reads[at]!();
    }
    return values as unknown as T;
  }

  /** Reads an entry, which may be refused. */
  *entry(): Steps<Entry | undefined> {
    this.#item = yield* this.part(readEntry, this.#maxEntryBytes);
    return this.#keep();
  }

  /** Reads a list of entries. */
  *list(): Steps<void> {
    let more: boolean | typeof WAIT = yield* this.part((reader) => reader.array("entries"));
    while (more !== false) {
      more = this.#feed.read(this.#readItem, this.#maxEntryBytes);
      if (more === WAIT) yield;
      else {
        this.#listed++;
        this.#keep();
      }
    }
  }

  /** Keeps the entry that was read last, or counts it as refused. */
  #keep(): Entry | undefined {
    const item = this.#item;
    if (item instanceof Entry) {
      this.#entries.push(item);
      return item;
    }
    this.#refused++;
    this.#firstRefusal ??= item;
    return undefined;
  }
}

/** Reads an entry, or why it is refused. */
function readEntry(reader: JsonBytes): Entry | EntryError {
  try {
    return readEntryJson(reader);
  } catch (error) {
    if (error instanceof EntryError) return error;
    throw error;
  }
}
