/**
 * Public keys (02 §2.1).
 *
 * @module
 */

import { setInspection } from "#inspect";
import { core, isPointEncoding, isUnusualEncoding } from "../../wasm/mod.ts";
import { requireBytes, requireMethod } from "../util/arguments.ts";
import { equalBytes } from "../util/bytes.ts";
import { AuthError } from "../util/errors.ts";
import { LruMap } from "../util/lru.ts";
import { type RandomSource, systemRandom } from "../util/random.ts";
import { checkKeyLength, keyText, parseKeyText } from "./key_text.ts";

const VERIFY = "verify a signature";

/** Parsed keys kept by their text: telling whether bytes are a curve point is not cheap. */
const CACHE_LIMIT = 4096;
const parsed: LruMap<PublicKey> = new LruMap(CACHE_LIMIT);

/** An Ed25519 public key: an immutable value whose equality is that of its 32 bytes. */
export class PublicKey {
  /** The 32 bytes as given; they must not be changed. */
  readonly bytes: Uint8Array;
  /** The signature algorithm. */
  readonly algorithm = "ed25519" as const;
  #text: string | undefined;

  private constructor(bytes: Uint8Array, text?: string) {
    this.bytes = bytes;
    this.#text = text;
  }

  /**
   * Reads the text form, `ed25519:` and standard padded base64.
   *
   * Throws `AuthError` `InvalidKeyFormat`, or `KeyParsingFailed` if the bytes are no curve point.
   */
  static parse(text: string): PublicKey {
    const known = parsed.get(text);
    if (known !== undefined) return known;
    const key = new PublicKey(checkPoint(parseKeyText(text)), text);
    parsed.set(text, key);
    return key;
  }

  /** Takes 32 bytes. Throws `AuthError` `InvalidKeyFormat` or `KeyParsingFailed`. */
  static fromBytes(bytes: Uint8Array): PublicKey {
    return new PublicKey(checkPoint(checkKeyLength(bytes).slice()));
  }

  /** A fresh key whose private half nobody knows. The crypto core must be ready. */
  static random(random: RandomSource = systemRandom): PublicKey {
    requireMethod(random, "bytes", "make a key", "the source of randomness");
    const seed = random.bytes(32);
    try {
      return new PublicKey(core().ed25519.publicKey(seed));
    } finally {
      seed.fill(0);
    }
  }

  /**
   * Whether the point is of small order or encoded non-canonically, so that a signature by this key
   * proves nothing. Such keys can be read but must not be added to settings.
   */
  get isWeak(): boolean {
    return isUnusualEncoding(this.bytes);
  }

  /** Whether `signature` (64 bytes) is accepted for `data`. The crypto core must be ready. */
  verify(data: Uint8Array, signature: Uint8Array): boolean {
    requireBytes(data, VERIFY, "the data");
    requireBytes(signature, VERIFY, "the signature");
    return core().ed25519.verify(this.bytes, data, signature);
  }

  /** Whether both keys are the same 32 bytes. */
  equals(other: PublicKey): boolean {
    return this === other ||
      other instanceof PublicKey && equalBytes(this.bytes, other.bytes);
  }

  /** The text form, by which keys are named everywhere. */
  toString(): string {
    return this.#text ??= keyText(this.bytes);
  }

  /** The text form. */
  toJSON(): string {
    return this.toString();
  }
}

setInspection(PublicKey, "PublicKey", (key) => [key]);

function checkPoint(bytes: Uint8Array): Uint8Array {
  if (isPointEncoding(bytes)) return bytes;
  const reason = "the bytes are not a point of the curve";
  throw new AuthError("KeyParsingFailed", `Cannot read a public key: ${reason}`, {
    fields: { reason },
  });
}
