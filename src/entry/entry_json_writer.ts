import { mostCidText, writeCidText } from "../codec/cid.ts";
import { malformed } from "../codec/dag_cbor.ts";
import { DagCborReader } from "../codec/dag_cbor_reader.ts";
import { utf8 } from "../util/bytes.ts";
import { JsonBytesWriter } from "../util/json_bytes_writer.ts";
import { MAX_PARENTS, MAX_PATH_STEPS, MAX_SUBTREES } from "./constants.ts";
import { K, TRUE } from "./entry_codec.ts";

/**
 * Writes the JSON form of an entry straight from its canonical bytes: nothing in it becomes an object, a
 * number or a string on the way. Throws {@link EntryError} for bytes of another shape; what was decoded once and
 * stored is taken as it is.
 */
export function writeEntryJson(bytes: Uint8Array, out: JsonBytesWriter): void {
  new Transcoder(bytes, out).entry();
}

/** The key of the entry at hand, which comes first in the bytes and last in JSON. */
const keyOut: JsonBytesWriter = new JsonBytesWriter();

const J = {
  tree: utf8('{"tree":{'),
  root: utf8('"root":'),
  parents: utf8('"parents":['),
  metadata: utf8(',"metadata":'),
  height: utf8(',"h":'),
  subtrees: utf8(',"subtrees":['),
  name: utf8('{"name":'),
  data: utf8(',"data":'),
  sigInfo: utf8('],"sig":{'),
  sig: utf8('"sig":'),
  key: utf8('"key":{'),
  direct: utf8('"Direct":{'),
  delegation: utf8('"Delegation":{"path":['),
  step: utf8('{"tree":'),
  tips: utf8(',"tips":['),
  hint: utf8('"hint":{'),
  pubkey: utf8('"pubkey":'),
  hintName: utf8('"name":'),
  isGlobal: utf8('"is_global":true'),
  comma: utf8(","),
  closeArray: utf8("]"),
  closeObject: utf8("}"),
  closeTwo: utf8("}}"),
  closeThree: utf8("}}}"),
};

/** From where to where something stands in the bytes; both 0 when it is not there. */
interface Span {
  from: number;
  to: number;
}

class Transcoder {
  readonly #bytes: Uint8Array;
  readonly #in: DagCborReader;
  readonly #out: JsonBytesWriter;
  readonly #name: Span = { from: 0, to: 0 };
  readonly #pubkey: Span = { from: 0, to: 0 };
  #isGlobal = false;

  constructor(bytes: Uint8Array, out: JsonBytesWriter) {
    this.#bytes = bytes;
    this.#in = new DagCborReader(bytes);
    this.#out = out;
  }

  entry(): void {
    const reader = this.#in;
    this.#map(3, "the entry");
    reader.expect(K.sig, "the member `sig`");
    const size = reader.map("`sig`");
    reader.expect(K.key, "the signature's key");
    keyOut.clear();
    this.#key(keyOut);
    const from = size === 2 && reader.accept(K.sig) ? reader.skipText("the signature") : 0;
    const to = reader.position;
    reader.expect(K.tree, "the member `tree`");
    this.#tree();
    reader.expect(K.subtrees, "the member `subtrees`");
    this.#nodes();
    this.#sig(from, to);
    reader.end();
  }

  #map(size: number, what: string): void {
    if (this.#in.map(what) !== size) {
      throw malformed(`${what} has not the members that it must have`);
    }
  }

  #sig(from: number, to: number): void {
    const out = this.#out;
    out.raw(J.sigInfo);
    if (from > 0) {
      out.raw(J.sig);
      out.text(this.#bytes, from, to);
      out.raw(J.comma);
    }
    out.append(keyOut);
    out.raw(J.closeTwo);
  }

  // --- the key ---------------------------------------------------------------------------------

  #key(out: JsonBytesWriter): void {
    this.#map(1, "the key");
    out.raw(J.key);
    const isDirect = this.#in.accept(K.Direct);
    if (!isDirect) this.#in.expect(K.Delegation, "the variant of the key");
    this.#map(isDirect ? 1 : 2, "the variant of the key");
    this.#in.expect(K.hint, "the hint");
    this.#readHint();
    if (isDirect) out.raw(J.direct);
    else this.#path(out);
    this.#writeHint(out);
    out.raw(J.closeThree);
  }

  #readHint(): void {
    const reader = this.#in;
    const size = reader.map("the hint");
    let taken = Number(this.#skipText(K.name, this.#name, "the name"));
    taken += Number(this.#skipText(K.pubkey, this.#pubkey, "the key"));
    this.#isGlobal = reader.accept(K.is_global);
    if (this.#isGlobal) reader.expect(TRUE, "the flag of the hint");
    if (taken + Number(this.#isGlobal) !== size) throw malformed("the hint has unknown members");
  }

  /** Notes where the text of a member stands, if the member is there. */
  #skipText(key: Uint8Array, span: Span, what: string): boolean {
    const isThere = this.#in.accept(key);
    span.from = isThere ? this.#in.skipText(what) : 0;
    span.to = isThere ? this.#in.position : 0;
    return isThere;
  }

  #writeHint(out: JsonBytesWriter): void {
    const { from, to } = this.#pubkey;
    const name = this.#name;
    out.raw(J.hint);
    if (from > 0) {
      out.raw(J.pubkey);
      out.text(this.#bytes, from, to);
    }
    if (name.from > 0) {
      if (from > 0) out.raw(J.comma);
      out.raw(J.hintName);
      out.text(this.#bytes, name.from, name.to);
    }
    if (!this.#isGlobal) return;
    if (from > 0 || name.from > 0) out.raw(J.comma);
    out.raw(J.isGlobal);
  }

  #path(out: JsonBytesWriter): void {
    const reader = this.#in;
    out.raw(J.delegation);
    reader.expect(K.path, "the path");
    const length = reader.array("the path", MAX_PATH_STEPS);
    for (let at = 0; at < length; at++) {
      if (at > 0) out.raw(J.comma);
      this.#step(out);
    }
    out.raw(J.closeArray);
    out.raw(J.comma);
  }

  /** The tips come first in the bytes, the tree in JSON. */
  #step(out: JsonBytesWriter): void {
    const reader = this.#in;
    this.#map(2, "a delegation step");
    reader.expect(K.tips, "the tips of a step");
    const tipsAt = reader.position;
    for (let left = reader.array("the tips of a step", MAX_PARENTS); left > 0; left--) {
      reader.skipCid("a tip");
    }
    reader.expect(K.tree, "the tree of a step");
    out.raw(J.step);
    this.#id(out);
    const end = reader.position;
    reader.seek(tipsAt);
    out.raw(J.tips);
    this.#ids(out);
    out.raw(J.closeObject);
    reader.seek(end);
  }

  // --- tree and stores -------------------------------------------------------------------------

  #tree(): void {
    const reader = this.#in;
    const out = this.#out;
    const size = reader.map("`tree`");
    const height = reader.accept(K.h) ? reader.uint("the height") : 0;
    let taken = 1 + Number(height !== 0);
    out.raw(J.tree);
    if (reader.accept(K.root)) {
      out.raw(J.root);
      this.#id(out);
      out.raw(J.comma);
      taken++;
    }
    reader.expect(K.parents, "the list of parents");
    out.raw(J.parents);
    this.#ids(out);
    if (reader.accept(K.metadata)) {
      this.#payload(J.metadata, reader.skipBytes("the metadata"), reader.position);
      taken++;
    }
    if (height !== 0) this.#height(height);
    out.raw(J.closeObject);
    if (taken !== size) throw malformed("`tree` has unknown members");
  }

  #height(height: number): void {
    this.#out.raw(J.height);
    this.#out.uint(height);
  }

  #payload(name: Uint8Array, from: number, to: number): void {
    this.#out.raw(name);
    this.#out.byteList(this.#bytes, from, to);
  }

  #nodes(): void {
    const length = this.#in.array("`subtrees`", MAX_SUBTREES);
    this.#out.raw(J.subtrees);
    for (let at = 0; at < length; at++) {
      if (at > 0) this.#out.raw(J.comma);
      this.#node();
    }
  }

  #node(): void {
    const reader = this.#in;
    const out = this.#out;
    const size = reader.map("a subtree");
    const height = reader.accept(K.h) ? reader.uint("the height of a subtree") : undefined;
    const from = reader.accept(K.data) ? reader.skipBytes("the payload") : 0;
    const to = reader.position;
    reader.expect(K.name, "the name of a subtree");
    out.raw(J.name);
    out.text(this.#bytes, reader.skipText("the name of a subtree"), reader.position);
    reader.expect(K.parents, "the list of parents of a subtree");
    out.raw(J.comma);
    out.raw(J.parents);
    this.#ids(out);
    if (from > 0) this.#payload(J.data, from, to);
    if (height !== undefined) this.#height(height);
    out.raw(J.closeObject);
    if (2 + Number(from > 0) + Number(height !== undefined) !== size) {
      throw malformed("a subtree has unknown members");
    }
  }

  #id(out: JsonBytesWriter): void {
    const from = this.#in.skipCid("an ID");
    const to = this.#in.position;
    out.encoded(writeCidText, this.#bytes, from, to, mostCidText(to - from));
  }

  /** A list of IDs and the bracket behind it. */
  #ids(out: JsonBytesWriter): void {
    const length = this.#in.array("a list of IDs", MAX_PARENTS);
    for (let at = 0; at < length; at++) {
      if (at > 0) out.raw(J.comma);
      this.#id(out);
    }
    out.raw(J.closeArray);
  }
}
