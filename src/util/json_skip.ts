/**
 * Skips a JSON value that nobody reads, such as an unknown field.
 *
 * Only the grammar is checked: nesting has no limit (there is no recursion), numbers no range, and
 * escapes may spell lone surrogates. That is what the reference's reader does with unknown fields, and
 * peers must agree on which payloads are readable.
 *
 * @module
 */
import type { JsonReader } from "./json_reader.ts";

const COMMA = 0x2c;
const COLON = 0x3a;
const QUOTE = 0x22;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Consumes one JSON value of any shape. */
export function skipJson(reader: JsonReader): void {
  const closers: number[] = [];
  do {
    if (!opens(reader, closers)) leave(reader, closers);
  } while (closers.length > 0);
}

/** Consumes a scalar or an empty container, or the opening of a container, then returning true. */
function opens(reader: JsonReader, closers: number[]): boolean {
  const closer = closerOf(reader.peek());
  if (closer === undefined) {
    skipScalar(reader);
    return false;
  }
  reader.expect(reader.peek());
  if (reader.accept(closer)) return false;
  closers.push(closer);
  if (closer === CLOSE_BRACE) skipKey(reader);
  return true;
}

/** After a value: consumes the comma before the next one, or the closings of what ends here. */
function leave(reader: JsonReader, closers: number[]): void {
  for (let closer = closers.at(-1); closer !== undefined; closer = closers.at(-1)) {
    if (reader.accept(COMMA)) {
      if (closer === CLOSE_BRACE) skipKey(reader);
      return;
    }
    reader.expect(closer);
    closers.pop();
  }
}

function closerOf(bracket: number): number | undefined {
  if (bracket === OPEN_BRACE) return CLOSE_BRACE;
  return bracket === OPEN_BRACKET ? CLOSE_BRACKET : undefined;
}

function skipKey(reader: JsonReader): void {
  reader.name(true);
  reader.expect(COLON);
}

function skipScalar(reader: JsonReader): void {
  switch (reader.peek()) {
    case QUOTE:
      reader.string(true);
      return;
    case 0x6e:
      return reader.literal("null");
    case 0x74:
    case 0x66:
      reader.boolean();
      return;
    default:
      reader.skipNumber();
  }
}
