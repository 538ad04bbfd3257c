/**
 * Finds where a JSON value ends without reading it, also when it comes in pieces.
 *
 * Only texts and brackets are followed: whoever reads the value finds out whether it is JSON at all.
 *
 * @module
 */

const BACKSLASH = 0x5c;
const OTHER = 0;
const QUOTE = 1;
const OPENING = 2;
const CLOSING = 3;
const SEPARATOR = 4;

/** What each byte means outside of texts. */
const KIND: Uint8Array = new Uint8Array(256);
KIND[0x22] = QUOTE;
for (const bracket of "[{") KIND[bracket.charCodeAt(0)] = OPENING;
for (const bracket of "]}") KIND[bracket.charCodeAt(0)] = CLOSING;
for (const separator of ", \t\r\n:") KIND[separator.charCodeAt(0)] = SEPARATOR;

/** Follows one value through the pieces that it comes in. */
export class ValueEnd {
  #depth = 0;
  #inText = false;
  #isEscaped = false;

  /**
   * Goes on with the bytes from `at` to `end`; the first byte of the value is no blank. Says where the value
   * ends, or undefined when more bytes are needed.
   */
  find(bytes: Uint8Array, at: number, end: number): number | undefined {
    let next = at;
    while (next < end) {
      const found = this.#inText ? this.#text(bytes, next, end) : this.#plain(bytes, next, end);
      if (found < 0) return -found - 1;
      next = found;
    }
    return undefined;
  }

  /** Goes through a text; says where to go on, or −1 − n when the value ends at n. */
  #text(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      at++;
    }
    while (at < end) {
      const code = bytes[at++]!;
      if (code === BACKSLASH) {
        if (at++ === end) this.#isEscaped = true;
      } else if (code === 0x22) {
        this.#inText = false;
        return this.#depth === 0 ? -at - 1 : at;
      }
    }
    return Math.min(at, end);
  }

  /** Goes through what is no text; says as {@link #text} does. */
  #plain(bytes: Uint8Array, from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const kind = KIND[bytes[at]!]!;
      if (kind === OTHER) continue;
      if (kind === QUOTE) {
        this.#inText = true;
        return at + 1;
      }
      if (kind === OPENING) this.#depth++;
      else if (this.#depth === 0) return -at - 1;
      else if (kind === CLOSING && --this.#depth === 0) return -at - 2;
    }
    return end;
  }
}
