/**
 * The ID of an entry: a CID over its canonical bytes (01 §2).
 *
 * @module
 */

import { setInspection } from "#inspect";
import { hashes } from "../../wasm/hashes.ts";
import { compareBase32, fromFoldKey, readBase32, toFoldKey } from "../codec/base32.ts";
import {
  CID_BYTES,
  type CidParts,
  DAG_CBOR_BLAKE3,
  formatCid,
  invalidId,
  parseCidText,
  RAW_BLAKE3,
  RAW_SHA2_256,
  readCid,
  readUsualText,
  USUAL_TEXT,
} from "../codec/cid.ts";
import { requireBytes, requireText, wrongArgument } from "../util/arguments.ts";
import { allocate, copyOf } from "../util/allocate.ts";
import { compareBytes, equalBytes } from "../util/bytes.ts";

const DIGEST_BYTES = 32;

/** Hashes that an ID can be made with. */
export type HashName = "blake3" | "sha2-256";

const READ = "read an ID";
const MAKE = "make an ID";

/**
 * A content identifier, or the empty ID. Immutable; two IDs are equal when their bytes are. The text
 * is made once, when it is first asked for, and can serve as a key of a `Map`.
 */
export class ID {
  /** The empty ID: no CID, the text `""`. */
  static readonly EMPTY: ID = new ID(new Uint8Array(0), undefined);

  /** The binary CID; no bytes for the empty ID. It must not be changed. */
  readonly bytes: Uint8Array;
  readonly #parts: CidParts | undefined;
  #text: string | undefined;

  private constructor(bytes: Uint8Array, parts: CidParts | undefined) {
    this.bytes = bytes;
    this.#parts = parts;
  }

  /** Reads the text form; `""` is the empty ID. Throws {@link IdError} `InvalidFormat`. */
  static parse(text: string): ID {
    if (text === "") return ID.EMPTY;
    requireText(text, READ, "it");
    const bytes = parseCidText(text);
    const parts = readCid(bytes);
    if (parts === undefined) throw invalidId(text, "does not hold a CID");
    return new ID(parts.end === bytes.length ? bytes : bytes.slice(0, parts.end), parts);
  }

  /**
   * Reads the one spelling that IDs have on a wire: the text that {@link toString} gives. Throws
   * {@link IdError} `InvalidFormat` for any other.
   */
  static parseCanonical(text: string): ID {
    requireText(text, READ, "it");
    const bytes = readUsualText(text);
    const parts = bytes && readCid(bytes);
    if (bytes !== undefined && parts?.end === bytes.length) return new ID(bytes, parts);
    const id = ID.parse(text);
    if (id.toString() !== text) throw invalidId(text, `must be spelled "${id}"`);
    return id;
  }

  /**
   * Reads the usual text form of IDs, `b` and 58 characters of base32, out of the ASCII codes from `start` to
   * `end`; undefined for anything else.
   */
  static readText(codes: Uint8Array, start: number, end: number): ID | undefined {
    if (end - start !== USUAL_TEXT || codes[start] !== 0x62) return undefined;
    const bytes = readBase32(codes, start + 1, end);
    const parts = bytes && readCid(bytes);
    return bytes !== undefined && parts?.end === bytes.length ? new ID(bytes, parts) : undefined;
  }

  /** Reads the binary form; no bytes are the empty ID. Bytes after the CID are ignored. */
  static fromBytes(cid: Uint8Array): ID {
    requireBytes(cid, READ, "it");
    if (cid.length === 0) return ID.EMPTY;
    const parts = readCid(cid);
    if (parts === undefined) throw invalidId(`${cid.length} bytes`, "are not a CID");
    return new ID(copyOf(cid, 0, parts.end), parts);
  }

  /** The ID of DAG-CBOR bytes: CIDv1 with BLAKE3-256. */
  static ofDagCbor(bytes: Uint8Array): ID {
    requireBytes(bytes, MAKE, "the content");
    return ID.#of(DAG_CBOR_BLAKE3, hashes().blake3(bytes));
  }

  /** The ID of DAG-CBOR bytes that have this BLAKE3-256 digest: what {@link ofDagCbor} gives for them. */
  static fromDigest(digest: Uint8Array): ID {
    requireBytes(digest, MAKE, "the digest");
    if (digest.length !== DIGEST_BYTES) {
      throw invalidId(`${digest.length} bytes`, "are not a digest");
    }
    return ID.#of(DAG_CBOR_BLAKE3, digest);
  }

  /** The ID of opaque bytes. */
  static ofRaw(bytes: Uint8Array, hash: HashName = "blake3"): ID {
    requireBytes(bytes, MAKE, "the content");
    if (hash !== "blake3" && hash !== "sha2-256") {
      throw wrongArgument(MAKE, "the hash", '"blake3" or "sha2-256"', hash);
    }
    return hash === "blake3"
      ? ID.#of(RAW_BLAKE3, hashes().blake3(bytes))
      : ID.#of(RAW_SHA2_256, hashes().sha256(bytes));
  }

  static #of(parts: CidParts, digest: Uint8Array): ID {
    const bytes = allocate(CID_BYTES);
    bytes[0] = parts.version;
    bytes[1] = parts.codec;
    bytes[2] = parts.hash;
    bytes[3] = digest.length;
    bytes.set(digest, parts.digestStart);
    return new ID(bytes, parts);
  }

  /** Whether this is the empty ID. */
  get isEmpty(): boolean {
    return this.#parts === undefined;
  }

  /** Codec of the content; undefined for the empty ID. */
  get codec(): number | undefined {
    return this.#parts?.codec;
  }

  /** Multihash code; undefined for the empty ID. */
  get hashCode(): number | undefined {
    return this.#parts?.hash;
  }

  /** The text: base32 lower case for CIDv1, base58 for CIDv0, `""` for the empty ID. */
  toString(): string {
    this.#text ??= this.#parts === undefined ? "" : formatCid(this.bytes, this.#parts.version);
    return this.#text;
  }

  /** The text, as in JSON. */
  toJSON(): string {
    return this.toString();
  }

  /** Whether both are the same ID. */
  equals(other: ID): boolean {
    return this === other || other instanceof ID && equalBytes(this.bytes, other.bytes);
  }

  /** The order of IDs in snapshots and parent lists; it is not that of the texts. */
  static compare(this: void, a: ID, b: ID): number {
    const left = a.#parts;
    const right = b.#parts;
    if (left === undefined || right === undefined) return a.bytes.length - b.bytes.length;
    if (left === right) return compareBytes(a.bytes, b.bytes);
    return left.version - right.version || left.codec - right.codec || left.hash - right.hash ||
      left.end - left.digestStart - (right.end - right.digestStart) ||
      compareBytes(a.bytes, b.bytes);
  }

  /** The order in which entries of one height are folded: that of the texts in ASCII. */
  static compareFold(this: void, a: ID, b: ID): number {
    const short = a.#parts?.version === 1 && b.#parts?.version === 1;
    if (short && a.bytes.length === b.bytes.length) return compareBase32(a.bytes, b.bytes);
    const left = a.toString();
    const right = b.toString();
    return left < right ? -1 : left > right ? 1 : 0;
  }

  /** Bytes whose order among IDs of one length is that of {@link compareFold}. */
  foldKey(): Uint8Array {
    return toFoldKey(this.bytes);
  }

  /** The ID of a {@link foldKey}. */
  static fromFoldKey(key: Uint8Array): ID {
    requireBytes(key, READ, "the key");
    return ID.fromBytes(fromFoldKey(key));
  }

  static {
    setInspection(ID, "ID", (id) => [id]);
  }
}
