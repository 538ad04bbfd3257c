import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Doc, type ValueInput } from "../../src/core.ts";
import { visibleKeys } from "../../src/crdt/doc_keys.ts";
import { EideticaError } from "../../src/util/errors.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { cases } from "../helpers/thorough.ts";

/** What somebody makes of the bytes: keys, or the error they are refused with. */
function outcome(read: () => Iterable<string>): unknown {
  try {
    return [...read()].sort();
  } catch (error) {
    if (!(error instanceof EideticaError)) throw error;
    return [error.code, error.message];
  }
}

function agree(bytes: Uint8Array): void {
  const wanted = outcome(() => Doc.parseBytes(bytes).keys());
  assert.deepEqual(outcome(() => visibleKeys(bytes)), wanted);
}

const { node } = fc.letrec<{ node: ValueInput }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie("node"), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie("node"), { maxKeys: 4 }),
  ),
}));

const stored = fc.tuple(fc.dictionary(fc.string({ maxLength: 3 }), node, { maxKeys: 5 }), fc.nat(4))
  .map(([content, deleted]) => {
    const doc = Doc.from(content as Parameters<typeof Doc.from>[0]);
    for (const key of [...doc.keys()].slice(0, deleted)) doc.remove([key]);
    return utf8(doc.stringify());
  });

test("01#20 the keys of a stored document are those of the document", () => {
  fc.assert(fc.property(stored, agree), { numRuns: cases(100) });
});

test("01#21 what is no document is refused as the document refuses it", () => {
  const change = fc.tuple(fc.nat(), fc.constantFrom(...'{}[],:"\\0a1-.eE '));
  const property = fc.property(stored, fc.array(change, { maxLength: 3 }), (bytes, changes) => {
    const changed = bytes.slice();
    for (const [at, letter] of changes) changed[at % changed.length] = letter.charCodeAt(0);
    agree(changed);
  });
  fc.assert(property, { numRuns: cases(300) });
});

test("forms that are rare: arrays for objects, keys that stand twice, nested documents last", () => {
  for (
    const text of [
      '[0,true,{"a":"Null","b":"Deleted"}]',
      '{"children":{"a":"Null","a":"Deleted"}}',
      '{"children":{"a":"Deleted","a":"Null"},"_a":true}',
      '{"children":{"x":{"Doc":{"children":{"y":"Null"}}}}}',
      '{"children":{"x":{"List":[[[0,1,"00000000-0000-0000-0000-000000000000"],{"Doc":{"children":{}}}]]}}}',
      '{"children":{"x":{"List":[[{"numerator":0,"denominator":-1,"unique_id":""},"Null"]]}}}',
      '{"_a":true}',
      "",
      "\ufeff{}",
      "?",
    ]
  ) agree(utf8(text));
  agree(Uint8Array.of(0xff));
});
