/**
 * Streams of events, `text/event-stream`, as `EventSource` reads them:
 *
 * ```text
 * event: NAME
 * id: ID
 * data: TEXT
 *                    an empty line ends the event; lines that begin with ":" say nothing
 * ```
 *
 * @module
 */

import { utf8 } from "../../util/bytes.ts";
import { SyncError } from "../../util/errors.ts";

/** Path of the stream of tips, behind that of the native protocol. */
export const EVENTS_PATH = "/events";
/** Type of such streams. */
export const EVENTS_TYPE = "text/event-stream";
/** Letters of one event, as far as they are kept. */
export const MAX_EVENT_LENGTH: number = 64 * 1024;

/** One event. */
export interface StreamEvent {
  /** Its name. */
  readonly event: string;
  /** What it tells, on one line here. */
  readonly data: string;
  /** The ID with which a reader goes on after it. */
  readonly id?: string | undefined;
}

/** An event as it stands in the stream. Its parts have no line breaks. */
export function encodeEvent({ event, data, id }: StreamEvent): Uint8Array {
  const named = id === undefined ? "" : `id: ${id}\n`;
  return utf8(`event: ${event}\n${named}data: ${data}\n\n`);
}

/** What shows that a stream goes on, and says nothing. */
export const SIGN_OF_LIFE: Uint8Array = utf8(":\n\n");

/** Makes events of the pieces of a stream, wherever these are cut. */
export class EventSplitter {
  readonly #decoder = new TextDecoder();
  /** What was said of the event that is being read. */
  #fields: { event: string; data: string[]; length: number } = nothing();
  #id: string | undefined;
  #line = "";
  #endsWithReturn = false;

  /** The events that a piece completes. `Malformed` when one is longer than {@link MAX_EVENT_LENGTH}. */
  push(piece: Uint8Array): StreamEvent[] {
    const lines = (this.#line + this.#text(piece)).split(/\r\n|\n|\r/);
    this.#line = lines.pop()!;
    const events = lines.flatMap((line) => this.#take(line) ?? []);
    this.#require(this.#line.length);
    return events;
  }

  /** A line break of two letters may be cut between them. */
  #text(piece: Uint8Array): string {
    const text = this.#decoder.decode(piece, { stream: true });
    if (text === "") return text;
    const rest = this.#endsWithReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.#endsWithReturn = text.endsWith("\r");
    return rest;
  }

  #take(line: string): StreamEvent | undefined {
    if (line === "") return this.#end();
    this.#require(line.length);
    this.#fields.length += line.length;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#fields.event = value;
    if (name === "data") this.#fields.data.push(value);
    if (name === "id" && !value.includes("\0")) this.#id = value;
    return undefined;
  }

  #end(): StreamEvent | undefined {
    const { event, data } = this.#fields;
    this.#fields = nothing();
    if (data.length === 0) return undefined;
    return { event: event === "" ? "message" : event, data: data.join("\n"), id: this.#id };
  }

  #require(length: number): void {
    if (this.#fields.length + length <= MAX_EVENT_LENGTH) return;
    const message = `Cannot read a stream of events: one has more than ${MAX_EVENT_LENGTH} letters`;
    throw new SyncError("Malformed", message);
  }
}

function nothing() {
  return { event: "", data: [], length: 0 };
}
