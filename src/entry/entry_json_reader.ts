import { USUAL_TEXT } from "../codec/cid.ts";
import { DagCborAssembler } from "../codec/dag_cbor_assembler.ts";
import { TextCache } from "../codec/text_cache.ts";
import { PublicKey } from "../keys/public_key.ts";
import { utf8 } from "../util/bytes.ts";
import { EntryError } from "../util/errors.ts";
import { JsonBytes } from "../util/json_bytes.ts";
import {
  endVariant,
  Members,
  nextMember,
  openStruct,
  openVariant,
  orUnlike,
} from "../util/json_struct.ts";
import { ENTRY_VERSION } from "./constants.ts";
import { Entry } from "./entry.ts";
import { K, TRUE } from "./entry_codec.ts";
import { ID } from "./id.ts";

/**
 * Reads the JSON form of an entry as peers send it, in the forms that `json_struct.ts` tells of, straight
 * into DAG-CBOR. Whether that is canonical is up to the decoder: lists stay as they were sent.
 *
 * Throws {@link SerializeError} for what is no entry in JSON. What is one that can have no canonical bytes is an
 * {@link EntryError}, thrown when all of it was read: the reader then stands behind it.
 */
export function readEntryJson(reader: JsonBytes): Entry {
  return Entry.adopt(transcoder.read(reader));
}

const QUOTE = 0x22;
const MAX_U8 = 255;

/** An object: its members in JSON, and where each of them comes in the canonical map. */
interface Shape {
  readonly members: Members;
  /** For each member in JSON its place in the map, −1 for one that is not written. */
  readonly ranks: readonly number[];
  readonly keys: readonly Uint8Array[];
  readonly size: number;
}

function shape(what: string, json: readonly string[], map: readonly (keyof typeof K)[]): Shape {
  const members = new Members(what, json);
  const ranks = members.names.map((name) => (map as readonly string[]).indexOf(name));
  return { members, ranks, keys: ranks.map((rank) => K[map[rank]!]), size: map.length };
}

const ENTRY = shape("an entry", ["_v??", "tree", "subtrees", "sig"], ["sig", "tree", "subtrees"]);
const TREE = shape(
  "the tree of an entry",
  ["root?", "parents", "metadata??", "h??"],
  ["h", "root", "parents", "metadata"],
);
const NODE = shape(
  "a subtree",
  ["name", "parents", "data??", "h??"],
  ["h", "data", "name", "parents"],
);
const SIG_INFO = shape("the signature of an entry", ["sig?", "key"], ["key", "sig"]);
const VARIANTS = ["Direct", "Delegation"];
const DIRECT = shape("a direct key", ["hint"], ["hint"]);
const DELEGATION = shape("a delegation", ["path", "hint"], ["hint", "path"]);
const STEP = shape("a delegation step", ["tree", "tips"], ["tips", "tree"]);
const HINT = shape("a hint", ["pubkey??", "name??", "is_global??"], [
  "name",
  "pubkey",
  "is_global",
]);

/** Texts that are known to be keys. */
const KEYS = new TextCache();

/** Reads one entry after the other; all share a buffer. The methods for members say whether they wrote a value. */
class EntryTranscoder {
  readonly #out = new DagCborAssembler();
  #in: JsonBytes = new JsonBytes(new Uint8Array(0));
  #refusal: string | undefined;

  read(reader: JsonBytes): Uint8Array {
    this.#in = reader;
    this.#refusal = undefined;
    this.#out.reset();
    const entry = this.#members(ENTRY, this.#entryMember);
    if (this.#refusal !== undefined) throw refused(this.#refusal);
    return this.#out.finishMap(entry);
  }

  /** The first reason counts; reading goes on, since the message may be broken further on. */
  #refuse(reason: string): void {
    this.#refusal ??= reason;
  }

  #struct(of: Shape, read: (member: number) => boolean): void {
    this.#out.closeMap(this.#members(of, read));
  }

  #members({ members, ranks, keys, size }: Shape, read: (member: number) => boolean): number {
    const out = this.#out;
    const closing = openStruct(this.#in, members);
    const map = out.openMap(size);
    for (
      let seen = 0, at;
      (at = nextMember(this.#in, members, closing, seen)) >= 0;
      seen |= 1 << at
    ) {
      const rank = ranks[at]!;
      if (rank < 0) read(at);
      else {
        out.openMember(map, rank, keys[at]!);
        out.closeMember(map, rank, read(at));
      }
    }
    return map;
  }

  #list(what: string, read: () => void): void {
    const reader = this.#in;
    const array = this.#out.openArray();
    let length = 0;
    if (reader.array(what)) {
      do {
        read();
        length++;
      } while (reader.more());
    }
    this.#out.closeArray(array, length);
  }

  // --- tree and stores -------------------------------------------------------------------------

  readonly #entryMember = (member: number): boolean => {
    if (member === 0) this.#version();
    else if (member === 1) this.#struct(TREE, this.#treeMember);
    else if (member === 2) this.#list("the subtrees", this.#node);
    else this.#struct(SIG_INFO, this.#sigMember);
    return true;
  };

  #version(): void {
    const version = this.#in.smallUint(MAX_U8, "a version");
    if (version !== ENTRY_VERSION) this.#in.unlike(`an entry of version ${version}`);
  }

  readonly #treeMember = (member: number): boolean => {
    if (member === 1) this.#list("the parents", this.#id);
    else if (member === 3) return this.#height() !== 0;
    else if (this.#in.acceptNull()) return false;
    else if (member === 0) this.#id();
    else this.#payload("the metadata");
    return true;
  };

  readonly #node = (): void => this.#struct(NODE, this.#nodeMember);

  readonly #nodeMember = (member: number): boolean => {
    if (member === 0) this.#text("the name of a subtree");
    else if (member === 1) this.#list("the parents of a subtree", this.#id);
    else if (this.#in.acceptNull()) return false;
    else if (member === 2) this.#payload("the payload");
    else this.#height();
    return true;
  };

  #height(): number {
    const height = this.#in.uint("a height");
    if (typeof height === "bigint") this.#refuse("a height exceeds 2^53 - 1");
    else this.#out.uint(height);
    return Number(height);
  }

  /** Bytes as an array of numbers; a text stands for its UTF-8 bytes. */
  #payload(what: string): void {
    const reader = this.#in;
    if (reader.peek() === QUOTE) this.#out.bytes(utf8(reader.string(what)));
    else {
      const length = reader.scanByteList(what);
      this.#out.byteString(reader.scannedBytes, 0, length);
    }
  }

  #text(what: string): void {
    const reader = this.#in;
    const isPlain = reader.scanText(what);
    if (isPlain) this.#out.ascii(reader.bytes, reader.textStart, reader.textEnd);
    else this.#out.text(reader.text(), Infinity, what);
  }

  readonly #id = (): void => {
    const reader = this.#in;
    const start = reader.textOf(USUAL_TEXT);
    if (start >= 0 && this.#out.entryId(reader.bytes, start)) reader.acceptTextOf(USUAL_TEXT);
    else this.#unusualId();
  };

  #unusualId(): void {
    const reader = this.#in;
    const text = reader.string("an ID");
    const id = orUnlike(reader, () => ID.parse(text));
    if (id.toString() !== text) this.#refuse(`the ID "${text}" must be spelled "${id}"`);
    this.#out.cid(id.bytes);
  }

  // --- the signature ---------------------------------------------------------------------------

  readonly #sigMember = (member: number): boolean => {
    if (member === 1) this.#key();
    else if (this.#in.acceptNull()) return false;
    else this.#text("a signature");
    return true;
  };

  /** A map of one member, which is the variant. */
  #key(): void {
    const out = this.#out;
    const variant = openVariant(this.#in, VARIANTS, "a key");
    if (variant < 0) this.#in.unlike("a key without a payload");
    out.map(1);
    out.raw(variant === 0 ? K.Direct : K.Delegation);
    if (variant === 0) this.#struct(DIRECT, this.#hint);
    else this.#struct(DELEGATION, this.#delegationMember);
    endVariant(this.#in);
  }

  readonly #delegationMember = (member: number): boolean => {
    if (member === 1) return this.#hint();
    this.#list("a delegation path", this.#step);
    return true;
  };

  readonly #step = (): void => this.#struct(STEP, this.#stepMember);

  readonly #stepMember = (member: number): boolean => {
    if (member === 0) this.#id();
    else this.#list("the tips of a step", this.#id);
    return true;
  };

  readonly #hint = (): boolean => {
    this.#struct(HINT, this.#hintMember);
    return true;
  };

  readonly #hintMember = (member: number): boolean => {
    const reader = this.#in;
    if (member === 2) return this.#flag();
    if (reader.acceptNull()) return false;
    this.#text("a key or a name");
    if (member === 0) this.#checkKey();
    return true;
  };

  #flag(): boolean {
    if (!this.#in.boolean("a flag")) return false;
    this.#out.raw(TRUE);
    return true;
  }

  /** Makes sure that the text read last is a key. */
  #checkKey(): void {
    const { bytes, textStart, textEnd } = this.#in;
    if (KEYS.get(bytes, textStart, textEnd) !== undefined) return;
    const text = this.#in.text();
    orUnlike(this.#in, () => PublicKey.parse(text));
    KEYS.set(bytes, textStart, textEnd, text);
  }
}

const transcoder = new EntryTranscoder();

function refused(reason: string): EntryError {
  const message = `Cannot take an entry from JSON: ${reason}`;
  return new EntryError("InvalidStructure", message, { fields: { reason } });
}
