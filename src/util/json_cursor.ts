import { SerializeError } from "./errors.ts";
import { JsonReader } from "./json_reader.ts";
import { skipJson } from "./json_skip.ts";
import { ValueEnd } from "./json_value_end.ts";

const SPACE = 0x20;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
/** What is skipped may hold bytes that are no text. */
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Says that more bytes are needed. There is one, since it is thrown for each piece of a long message. */
export const MORE_NEEDED: SerializeError = new SerializeError(
  "DeserializationFailed",
  "Cannot read JSON: more bytes are needed",
  { fields: { fault: "syntax" } },
);

/** A place in JSON bytes, and what is done there whatever comes next. */
export class JsonCursor {
  /** What is read from. */
  readonly bytes: Uint8Array;
  /** Where the next byte is read. */
  protected at: number;
  /** Where the bytes end. */
  protected readonly stop: number;
  readonly #mayGrow: boolean;

  /**
   * Reads the bytes from `start` to `stop`. When more may follow, faults of syntax are not told apart from what
   * is broken off: {@link MORE_NEEDED} is thrown.
   */
  constructor(bytes: Uint8Array, start = 0, stop: number = bytes.length, mayGrow = false) {
    this.bytes = bytes;
    this.at = start;
    this.stop = stop;
    this.#mayGrow = mayGrow;
  }

  /** Where the next byte is read. */
  get position(): number {
    return this.at;
  }

  /** The next byte that is no blank; −1 at the end. */
  peek(): number {
    const bytes = this.bytes;
    while (this.at < this.stop) {
      const code = bytes[this.at]!;
      if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) {
        return code;
      }
      this.at++;
    }
    return -1;
  }

  /** Steps over a byte if it comes next; says whether it did. */
  accept(code: number): boolean {
    if (this.peek() !== code) return false;
    this.at++;
    return true;
  }

  /** Steps over a byte that must come next. */
  expect(code: number): void {
    if (!this.accept(code)) this.fail(`expected "${String.fromCharCode(code)}"`);
  }

  /** Steps over `expected`, from its byte `from` on, if just that comes next; says whether it did. */
  acceptBytes(expected: Uint8Array, from = 0): boolean {
    const { bytes } = this;
    const start = this.at - from;
    const { length } = expected;
    if (start + length > this.stop) return false;
    for (let index = from; index < length; index++) {
      if (bytes[start + index] !== expected[index]) return false;
    }
    this.at = start + length;
    return true;
  }

  /** Steps over `null` if it comes next; says whether it did. */
  acceptNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.#literal("null");
    return true;
  }

  /** `true` or `false`. */
  boolean(what: string): boolean {
    const code = this.peek();
    if (code !== 0x74 && code !== 0x66) this.mismatch(what);
    this.#literal(code === 0x74 ? "true" : "false");
    return code === 0x74;
  }

  #literal(word: string): void {
    for (let index = 0; index < word.length; index++, this.at++) {
      if (this.at >= this.stop || this.bytes[this.at] !== word.charCodeAt(index)) {
        this.fail(`expected ${word}`);
      }
    }
  }

  /** Steps over a value of any kind; only its grammar is checked, and nesting has no limit. */
  skip(): void {
    if (this.peek() < 0) this.fail("a value is missing");
    const end = new ValueEnd().find(this.bytes, this.at, this.stop);
    if (end === undefined && this.#mayGrow) throw MORE_NEEDED;
    const reader = new JsonReader(LENIENT.decode(this.bytes.subarray(this.at, end ?? this.stop)));
    skipJson(reader);
    reader.end();
    this.at = end ?? this.stop;
  }

  /** Makes sure that nothing but blanks is left. */
  end(): void {
    if (this.peek() >= 0) this.fail("something follows after the value");
  }

  /** Refuses a value that is not `what`, which was expected. */
  mismatch(what: string): never {
    const code = this.peek();
    if (code !== OPEN_BRACE && code !== OPEN_BRACKET) this.skip();
    return this.unlike(`expected ${what}`);
  }

  /** Throws for JSON of another kind than the one expected. */
  unlike(reason: string): never {
    throw this.#error("shape", reason);
  }

  /** Throws for what is no JSON. */
  fail(reason: string, cause?: unknown): never {
    throw this.#mayGrow ? MORE_NEEDED : this.#error("syntax", reason, cause);
  }

  #error(fault: "shape" | "syntax", reason: string, cause?: unknown): SerializeError {
    const position = this.at;
    return new SerializeError(
      "DeserializationFailed",
      `Cannot read JSON at byte ${position}: ${reason}`,
      { fields: { reason, position, fault }, cause },
    );
  }
}
