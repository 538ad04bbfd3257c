import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { FrontierMark, isFrontierOf } from "../../src/backend/tree/frontier.ts";
import { spread } from "../../src/backend/state/spread.ts";
import { StateFamily, type StoreState } from "../../src/backend/state/state_family.ts";
import { ID } from "../../src/entry/id.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { ready } from "../../wasm/mod.ts";

await ready();

const id = (name: string | number): ID => ID.ofRaw(utf8(`${name}`));

/** The state after `entries` entries of `size` bytes each. */
function state(entries: number, size = 100): StoreState {
  const tip = id(entries);
  const last = { height: entries, id: tip };
  return { value: entries, tips: [tip], last, entries, weight: entries * size };
}

function held(family: StateFamily, count: number): number[] {
  const all = Array.from({ length: count }, (_, at) => at + 1);
  return all.filter((entries) => family.at([id(entries)]) !== undefined);
}

describe("the states of one store", () => {
  it("05#34 are found by exactly their tips, in any order", () => {
    const family = new StateFamily();
    const tips = [id("a"), id("b"), id("c")];
    family.add({ ...state(3), tips });
    assert.equal(family.at([tips[2]!, tips[0]!, tips[1]!])?.value, 3);
    assert.equal(family.at(tips.slice(1)), undefined);
    assert.equal(family.at([...tips, id("d")]), undefined);
  });

  it("05#34 are never taken for others whose tips happen to have the same mark", () => {
    const crafted = (last: number): ID => {
      const bytes = id("any").bytes.slice();
      bytes.set([0, 0, 0, 0, 0, 0, 0, last], bytes.length - 8);
      return ID.fromBytes(bytes);
    };
    const [mine, others] = [[crafted(1), crafted(2)], [crafted(4), crafted(7)]];
    assert.equal(FrontierMark.of(mine), FrontierMark.of(others));
    const family = new StateFamily();
    family.add({ ...state(2), tips: mine });
    assert.equal(family.at(others), undefined);
    assert.equal(family.at(mine)?.value, 2);
  });

  it("05#34 stay for having been used last, and farther back ever fewer of them", () => {
    const family = new StateFamily();
    const count = 20_000;
    for (let at = 1; at <= count; at++) family.add(state(at));
    const kept = held(family, count);
    assert.ok(kept.length <= 256);
    assert.ok(kept.includes(count) && kept.includes(count - 100));
    for (const back of [200, 500, 1000, 5000, 15_000]) {
      const below = Math.max(...kept.filter((at) => at <= count - back));
      assert.ok(count - back - below <= back / 4, `${below} for ${count - back}`);
    }
  });

  it("05#34 that replace most of each other are few, so that they do not take much memory", () => {
    const family = new StateFamily();
    for (let at = 1; at <= 100; at++) {
      // Each one is as large as all of history says, and shares nothing with the others.
      family.add(state(at, 4_000_000));
      assert.ok(family.at([id(at)]) !== undefined, "the last one stays");
    }
    assert.ok(family.weight <= 2 * 400_000_000 + 8 * 1024 * 1024);
    family.measured(400_000_000, 1000);
    assert.ok(family.weight < 100 * 1000 + 1000, "small states weigh little, whatever was folded");
  });
});

describe("marks of frontiers", () => {
  const sets = fc.uniqueArray(fc.nat(30), { maxLength: 12 });

  it("law: equal sets have equal marks, whatever came and went", () => {
    fc.assert(fc.property(sets, sets, (final, passing) => {
      const mark = new FrontierMark();
      for (const one of passing) mark.toggle(id(one));
      for (const one of final) mark.toggle(id(one));
      for (const one of [...passing].reverse()) mark.toggle(id(one));
      assert.equal(mark.toString(), FrontierMark.of(final.map(id)));
    }));
  });

  it("law: sets are compared by their members, not by their marks", () => {
    fc.assert(fc.property(sets, sets, (left, right) => {
      const equal = left.length === right.length && left.every((one) => right.includes(one));
      const members = right.map((one) => ({ id: id(one) }));
      assert.equal(isFrontierOf(left.map(id), members), equal);
    }));
  });
});

describe("spread", () => {
  const distances = fc.uniqueArray(fc.nat(5000), { maxLength: 60 })
    .map((all) => all.sort((a, b) => a - b));

  it("law: it keeps as many as it may, in order", () => {
    fc.assert(fc.property(distances, fc.nat(20), (all, count) => {
      const kept = spread(all, (at) => at, 5000, count);
      assert.equal(kept.length, Math.min(all.length, count));
      assert.deepEqual(kept, all.filter((at) => kept.includes(at)));
    }));
  });

  it("of many it keeps some near and some far", () => {
    const all = Array.from({ length: 4096 }, (_, at) => at);
    const kept = spread(all, (at) => at, 4096, 16);
    for (let far = 8; far <= 4096; far *= 4) {
      assert.ok(kept.some((at) => at >= far / 4 && at < far), `${kept.join()} below ${far}`);
    }
  });
});
