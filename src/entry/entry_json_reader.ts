import { TextCache } from "../codec/text_cache.ts";
import { PublicKey } from "../keys/public_key.ts";
import { copyOf } from "../util/allocate.ts";
import { utf8 } from "../util/bytes.ts";
import { EntryError } from "../util/errors.ts";
import type { JsonBytes } from "../util/json_bytes.ts";
import {
  endVariant,
  Members,
  nextMember,
  openStruct,
  openVariant,
  orUnlike,
} from "../util/json_struct.ts";
import {
  ENTRY_VERSION,
  MAX_NAME_BYTES,
  MAX_PARENTS,
  MAX_PATH_STEPS,
  MAX_SUBTREES,
} from "./constants.ts";
import { compareNames, type EntryModel, type SubtreeNode } from "./entry_codec.ts";
import { ID } from "./id.ts";
import { type DelegationStep, type KeyHint, SigInfo, SigKey } from "./sig_info.ts";

/**
 * Reads the JSON form of an entry (01 §5) as peers send it: straight from UTF-8 bytes, with the array forms that
 * `json_struct.ts` tells of.
 *
 * Throws {@link SerializeError} for what is no entry in JSON. What is one, but not in the one form that entries
 * have here (lists that are not sorted, IDs spelled in another way, limits), is an {@link EntryError}, thrown when
 * the whole entry was read: the reader then stands behind it.
 */
export function readEntryJson(reader: JsonBytes): EntryModel {
  return new EntryReader(reader).entry();
}

const ENTRY = new Members("an entry", ["_v??", "tree", "subtrees", "sig"]);
const TREE = new Members("the tree of an entry", ["root?", "parents", "metadata??", "h??"]);
const NODE = new Members("a subtree", ["name", "parents", "data??", "h??"]);
const SIG_INFO = new Members("the signature of an entry", ["sig?", "key"]);
const KEYS = ["Direct", "Delegation"];
const DIRECT = new Members("a direct key", ["hint"]);
const DELEGATION = new Members("a delegation", ["path", "hint"]);
const STEP = new Members("a delegation step", ["tree", "tips"]);
const HINT = new Members("a hint", ["pubkey??", "name??", "is_global??"]);
const MAX_U8 = 255;
const QUOTE = 0x22;

/** Names and keys come again and again. */
const KNOWN = new TextCache();

class EntryReader {
  readonly #in: JsonBytes;
  #refusal: string | undefined;
  #root: ID | undefined;
  #parents: readonly ID[] = [];
  #metadata: Uint8Array | undefined;
  #height = 0;

  constructor(reader: JsonBytes) {
    this.#in = reader;
  }

  entry(): EntryModel {
    const reader = this.#in;
    const closing = openStruct(reader, ENTRY);
    let nodes: readonly SubtreeNode[] = [];
    let sig = SigInfo.UNSIGNED;
    for (let seen = 0, at; (at = nextMember(reader, ENTRY, closing, seen)) >= 0; seen |= 1 << at) {
      if (at === 0) this.#version();
      else if (at === 1) this.#tree();
      else if (at === 2) nodes = this.#nodes();
      else sig = this.#sigInfo();
    }
    if (this.#refusal !== undefined) throw refused(this.#refusal);
    return {
      root: this.#root,
      parents: this.#parents,
      metadata: this.#metadata,
      height: this.#height,
      nodes,
      sig,
    };
  }

  /** The first reason counts; reading goes on, since the message may be broken further on. */
  #refuse(reason: string): void {
    this.#refusal ??= reason;
  }

  #version(): void {
    const version = this.#in.smallUint(MAX_U8, "a version");
    if (version !== ENTRY_VERSION) this.#in.unlike(`an entry of version ${version}`);
  }

  // --- tree and stores -------------------------------------------------------------------------

  #tree(): void {
    const reader = this.#in;
    const closing = openStruct(reader, TREE);
    for (let seen = 0, at; (at = nextMember(reader, TREE, closing, seen)) >= 0; seen |= 1 << at) {
      if (at === 0) this.#root = reader.acceptNull() ? undefined : this.#id("the root");
      else if (at === 1) this.#parents = this.#sortedIds("the parents");
      else if (at === 2) this.#metadata = this.#payload("the metadata");
      else this.#height = this.#readHeight();
    }
  }

  #readHeight(): number {
    const height = this.#in.uint("a height");
    if (typeof height === "number") return height;
    this.#refuse("a height exceeds 2^53 - 1");
    return 0;
  }

  /** Bytes as an array of numbers; a text stands for its UTF-8 bytes. */
  #payload(what: string): Uint8Array | undefined {
    const reader = this.#in;
    if (reader.acceptNull()) return undefined;
    return reader.peek() === QUOTE ? utf8(reader.string(what)) : reader.byteList(what);
  }

  #nodes(): SubtreeNode[] {
    const reader = this.#in;
    const nodes: SubtreeNode[] = [];
    if (!reader.array("the subtrees")) return nodes;
    do {
      const node = this.#node();
      const last = nodes.at(-1);
      if (nodes.length === MAX_SUBTREES) this.#refuse(`it has more than ${MAX_SUBTREES} subtrees`);
      else nodes.push(node);
      if (last !== undefined && compareNames(last.name, node.name) >= 0) {
        this.#refuse("the subtrees are not sorted by name, each once");
      }
    } while (reader.more());
    return nodes;
  }

  #node(): SubtreeNode {
    const reader = this.#in;
    const closing = openStruct(reader, NODE);
    let name = "";
    let parents: readonly ID[] = [];
    let data: Uint8Array | undefined;
    let height: number | undefined;
    for (let seen = 0, at; (at = nextMember(reader, NODE, closing, seen)) >= 0; seen |= 1 << at) {
      if (at === 0) name = this.#name("the name of a subtree");
      else if (at === 1) parents = this.#sortedIds("the parents of a subtree");
      else if (at === 2) data = this.#payload("the payload");
      else height = reader.acceptNull() ? undefined : this.#readHeight();
    }
    return { name, parents, data, height };
  }

  #name(what: string): string {
    const reader = this.#in;
    const isPlain = reader.scanText(what);
    if (isPlain) return this.#known();
    const name = reader.text();
    if (utf8(name).length > MAX_NAME_BYTES) this.#refuse(`${what} is too long`);
    return name;
  }

  /** The plain text that was stepped over last. */
  #known(): string {
    const { bytes, textStart, textEnd } = this.#in;
    const known = KNOWN.get(bytes, textStart, textEnd);
    if (known !== undefined) return known;
    if (textEnd - textStart > MAX_NAME_BYTES) this.#refuse("a name is too long");
    const text = this.#in.text();
    KNOWN.set(bytes, textStart, textEnd, text);
    return text;
  }

  #id(what: string): ID {
    const reader = this.#in;
    const isPlain = reader.scanText(what);
    const usual = isPlain && ID.readText(reader.bytes, reader.textStart, reader.textEnd);
    return usual || this.#unusualId(reader.text());
  }

  #unusualId(text: string): ID {
    const id = orUnlike(this.#in, () => ID.parse(text));
    if (id.toString() !== text) this.#refuse(`the ID "${text}" must be spelled "${id}"`);
    return id;
  }

  #ids(what: string): ID[] {
    const reader = this.#in;
    const ids: ID[] = [];
    if (!reader.array(what)) return ids;
    do {
      const id = this.#id("an ID");
      if (ids.length === MAX_PARENTS) this.#refuse(`${what} are more than ${MAX_PARENTS}`);
      else ids.push(id);
    } while (reader.more());
    return ids;
  }

  #sortedIds(what: string): ID[] {
    const ids = this.#ids(what);
    for (let at = 1; at < ids.length; at++) {
      if (ID.compare(ids[at - 1]!, ids[at]!) >= 0) {
        this.#refuse(`${what} are not sorted, each once`);
      }
    }
    return ids;
  }

  // --- the signature ---------------------------------------------------------------------------

  #sigInfo(): SigInfo {
    const reader = this.#in;
    const closing = openStruct(reader, SIG_INFO);
    let key = SigKey.NONE;
    let sig: string | Uint8Array | undefined;
    for (
      let seen = 0, at;
      (at = nextMember(reader, SIG_INFO, closing, seen)) >= 0;
      seen |= 1 << at
    ) {
      if (at === 1) key = this.#sigKey();
      else sig = reader.acceptNull() ? undefined : this.#signature();
    }
    return new SigInfo(key, sig);
  }

  #signature(): string | Uint8Array {
    const reader = this.#in;
    if (!reader.scanText("a signature")) return reader.text();
    return copyOf(reader.bytes, reader.textStart, reader.textEnd);
  }

  #sigKey(): SigKey {
    const reader = this.#in;
    const { number, isUnit } = openVariant(reader, KEYS, "a key");
    if (isUnit) return reader.unlike("a key without a payload");
    const key = number === 0 ? this.#direct() : this.#delegation();
    endVariant(reader);
    return key;
  }

  #direct(): SigKey {
    const reader = this.#in;
    const closing = openStruct(reader, DIRECT);
    let hint: KeyHint = {};
    for (let seen = 0, at; (at = nextMember(reader, DIRECT, closing, seen)) >= 0; seen |= 1 << at) {
      hint = this.#hint();
    }
    return SigKey.direct(hint);
  }

  #delegation(): SigKey {
    const reader = this.#in;
    const closing = openStruct(reader, DELEGATION);
    let path: readonly DelegationStep[] = [];
    let hint: KeyHint = {};
    for (
      let seen = 0, at;
      (at = nextMember(reader, DELEGATION, closing, seen)) >= 0;
      seen |= 1 << at
    ) {
      if (at === 0) path = this.#path();
      else hint = this.#hint();
    }
    return SigKey.delegation(path, hint);
  }

  #path(): DelegationStep[] {
    const reader = this.#in;
    const path: DelegationStep[] = [];
    if (!reader.array("a delegation path")) return path;
    do {
      const step = this.#step();
      if (path.length === MAX_PATH_STEPS) {
        this.#refuse(`it delegates over more than ${MAX_PATH_STEPS} steps`);
      } else path.push(step);
    } while (reader.more());
    return path;
  }

  #step(): DelegationStep {
    const reader = this.#in;
    const closing = openStruct(reader, STEP);
    let tree = ID.EMPTY;
    let tips: readonly ID[] = [];
    for (let seen = 0, at; (at = nextMember(reader, STEP, closing, seen)) >= 0; seen |= 1 << at) {
      if (at === 0) tree = this.#id("the tree of a step");
      else tips = this.#ids("the tips of a step");
    }
    return { tree, tips };
  }

  #hint(): KeyHint {
    const reader = this.#in;
    const closing = openStruct(reader, HINT);
    let name: string | undefined;
    let pubkey: PublicKey | undefined;
    let isGlobal: true | undefined;
    for (let seen = 0, at; (at = nextMember(reader, HINT, closing, seen)) >= 0; seen |= 1 << at) {
      if (at === 2) isGlobal = reader.boolean("a flag") || undefined;
      else if (reader.acceptNull()) continue;
      else if (at === 1) name = this.#name("the name of a key");
      else pubkey = this.#pubkey();
    }
    return { name, pubkey, isGlobal };
  }

  #pubkey(): PublicKey {
    const text = this.#in.scanText("a key") ? this.#known() : this.#in.text();
    return orUnlike(this.#in, () => PublicKey.parse(text));
  }
}

function refused(reason: string): EntryError {
  const message = `Cannot take an entry from JSON: ${reason}`;
  return new EntryError("InvalidStructure", message, { fields: { reason } });
}
