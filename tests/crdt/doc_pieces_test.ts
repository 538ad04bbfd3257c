import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { Doc } from "../../src/crdt/doc.ts";
import { docPieces } from "../../src/crdt/doc_pieces.ts";
import { List, Position } from "../../src/crdt/list.ts";
import { EideticaError } from "../../src/util/errors.ts";
import { doc, value } from "./arbitraries.ts";
import { cases } from "../helpers/thorough.ts";

/** What a reader makes of a document that was cut into pieces and written. */
function throughPieces(original: Doc): Doc {
  let read = new Doc();
  for (const piece of docPieces(original)) read = read.applyDelta(Doc.parseBytes(piece.toBytes()));
  return read;
}

test("law 05 §6: a document comes back from its pieces, flags, positions and tombstones included", () => {
  fc.assert(fc.property(doc, (original) => {
    const before = original.stringify();
    assert.equal(throughPieces(original).stringify(), before);
    assert.equal(original.stringify(), before);
  }));
});

test("law 05 §6: whatever is merged over it gives the same as over the original", () => {
  fc.assert(fc.property(doc, doc, doc, (base, left, right) => {
    const state = base.merge(left);
    assert.equal(throughPieces(state).merge(right).stringify(), state.merge(right).stringify());
  }));
});

test("law 05 §6: large documents are cut into several pieces", () => {
  fc.assert(
    fc.property(fc.integer({ min: 513, max: 2500 }), fc.boolean(), value, (size, atomic, some) => {
      const original = atomic ? Doc.atomic() : new Doc();
      for (let at = 0; at < size; at++) original.set([`key ${at}`], at % 7 === 0 ? some : at);
      assert.equal([...docPieces(original)].length, Math.ceil(size / 512));
      assert.equal(throughPieces(original).stringify(), original.stringify());
    }),
    { numRuns: cases(20) },
  );
});

test("05 §6 later changes of the document do not show in its pieces", () => {
  const original = new Doc();
  for (let at = 0; at < 1500; at++) original.set([`${at}`], Doc.from({ at }));
  const before = original.stringify();
  const pieces = docPieces(original);
  const first = pieces.next().value as Doc;
  for (let at = 0; at < 1500; at++) original.set([`${at}`, "at"], -1);
  let read = new Doc().merge(first);
  for (const piece of pieces) read = read.merge(piece);
  assert.equal(read.stringify(), before);
});

test("03#37 a list that would be read in another order is refused", () => {
  const [first, second] = [1, 2].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
  const left = new List();
  left.insertAtPosition(Position.fromParts(5, 1, first!), "five");
  const right = new List();
  // 0/0 equals every fraction, so that the merge puts 5/1 where 0/0 was: before 1/1.
  right.insertAtPosition(Position.fromParts(0, 0, first!), "nowhere");
  right.insertAtPosition(Position.fromParts(1, 1, second!), "one");
  const state = new Doc();
  state.set("nested.list", left.merge(right));
  assert.notEqual(Doc.parse(state.stringify()).stringify(), state.stringify());
  assert.throws(() => [...docPieces(state)], (error) => {
    return error instanceof EideticaError && error.code === "SerializationFailed";
  });
  state.set("nested.list", List.from(["one", "five"]));
  assert.equal(throughPieces(state).stringify(), state.stringify());
});
