import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lanesOf, type Node } from "../../src/console/page/lanes.ts";
import fc from "../helpers/fast_check.ts";

/** A history, newest first: each entry follows some of those after it. */
const histories = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 40 })
  .map((picks): Node[] =>
    picks.map((parents, at) => {
      const older = picks.length - at - 1;
      const ids = older === 0 ? [] : parents.map((pick) => `e${at + 1 + pick % older}`);
      return { id: `e${at}`, parents: [...new Set(ids)] };
    })
  );

describe("lanes of a history", () => {
  it("are one for a line", () => {
    const line = ["c", "b", "a"].map((id, at, all) => ({ id, parents: all.slice(at + 1, at + 2) }));
    assert.deepEqual(lanesOf(line).map(({ lane }) => lane), [0, 0, 0]);
  });

  it("part at a merge and meet where it began", () => {
    const places = lanesOf([
      { id: "merge", parents: ["left", "right"] },
      { id: "left", parents: ["base"] },
      { id: "right", parents: ["base"] },
      { id: "base", parents: [] },
    ]);
    assert.deepEqual(places.map(({ lane }) => lane), [0, 0, 1, 0]);
    assert.deepEqual(places[0]!.from, [0, 1]);
    assert.deepEqual(places[2]!.from, [0]);
    assert.deepEqual(places[3]!.below, []);
  });

  it("lead every entry to its parents, and hold no two things at once", () => {
    fc.assert(fc.property(histories, (entries) => {
      const places = lanesOf(entries);
      for (const [at, { lane, into, from, above, below }] of places.entries()) {
        const { id, parents } = entries[at]!;
        assert.deepEqual(above, at === 0 ? [] : places[at - 1]!.below);
        assert.deepEqual(into.map((it) => above[it]), into.map(() => id));
        assert.ok(into.length === 0 ? above[lane] === undefined : into[0] === lane);
        assert.deepEqual(from.map((it) => below[it]), [...parents]);
        const wanted = below.filter((it) => it !== undefined);
        assert.equal(new Set(wanted).size, wanted.length);
        assert.ok(!wanted.includes(id));
      }
    }));
  });
});
