/** Random documents for laws: deep enough to meet every merge rule, with few keys so that they clash. */
import fc from "../helpers/fast_check.ts";
import { Doc } from "../../src/crdt/doc.ts";
import { List, Position } from "../../src/crdt/list.ts";
import { DELETED, type Value } from "../../src/crdt/value.ts";

const key = fc.constantFrom("a", "b", "c", "", "d e", "x.y", "__proto__", "ключ");

const uuid = fc.constantFrom(
  "00000000-0000-4000-8000-000000000001",
  "00000000-0000-4000-8000-000000000002",
  "67e55044-10b1-426f-9247-bb680e5fe0c8",
);

/** Positions that often are equal, or equal as fractions only. */
export const position: fc.Arbitrary<Position> = fc.oneof(
  fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: 1, max: 3 })),
  fc.tuple(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
  ),
).chain(([n, d]) => uuid.map((id) => Position.fromParts(n, d, id)));

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.constant(DELETED),
  fc.boolean(),
  fc.maxSafeInteger().map((n) => n + 0),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.string({ unit: "grapheme", maxLength: 8 }),
);

const tied = fc.letrec((tie) => {
  const any = tie("value") as fc.Arbitrary<Value>;
  return {
    value: fc.oneof({ maxDepth: 3 }, leaf, tie("doc"), tie("list")),
    doc: fc.tuple(fc.boolean(), fc.array(fc.tuple(key, any), { maxLength: 4 }))
      .map(([atomic, pairs]) => {
        const doc = atomic ? Doc.atomic() : new Doc();
        for (const [k, v] of pairs) doc.set([k], v);
        return doc;
      }),
    list: fc.array(fc.tuple(position, any), { maxLength: 3 }).map((items) => {
      const list = new List();
      for (const [p, v] of items) list.insertAtPosition(p, v);
      return list;
    }),
  };
});

/** Any value. */
export const value: fc.Arbitrary<Value> = tied.value as fc.Arbitrary<Value>;

/** Any document. */
export const doc: fc.Arbitrary<Doc> = tied.doc;

/** Any list. */
export const list: fc.Arbitrary<List> = tied.list;
