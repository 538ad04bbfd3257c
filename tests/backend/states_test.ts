import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StateType } from "../../src/backend/state/state_cache.ts";
import type { Entry } from "../../src/entry/entry.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { STORAGES } from "../helpers/storages.ts";
import { ids, makeRoot, putAll, withBackend } from "./helpers.ts";
import { chain, labelled, slowTrail, STORE, trail } from "./trail.ts";

/** The type of the trail, counting what it parses: one payload for each entry that is folded. */
function counting(): { type: StateType<readonly string[]>; folded: () => number } {
  let parsed = 0;
  const type: StateType<readonly string[]> = {
    ...trail,
    parse: (bytes) => {
      parsed++;
      return trail.parse(bytes);
    },
  };
  const folded = () => {
    const count = parsed;
    parsed = 0;
    return count;
  };
  return { type, folded };
}

for (const place of STORAGES) {
  describe(`materialised states, ${place}`, () => {
    const at = (
      backend: LocalBackend,
      tips: readonly Entry[],
      type: StateType<readonly string[]>,
    ) => backend.stateAt(tips[0]!.root!, STORE, Snapshot.of(ids(tips)), type);

    it("06#32 a commit on top costs one delta, whatever the length of history", () =>
      withBackend(place, async (backend) => {
        const { type, folded } = counting();
        const root = makeRoot();
        const entries = chain(root, [], "a", 600);
        await putAll(backend, root, ...entries.slice(0, 500));
        assert.deepEqual(
          await at(backend, [entries[499]!], type),
          slowTrail(entries.slice(0, 500)),
        );
        assert.equal(folded(), 500);
        for (const entry of entries.slice(500)) {
          await backend.put(entry);
          await at(backend, [entry], type);
          assert.equal(folded(), 1);
        }
      }));

    it("06#33,#34 merging branches costs the branches, however many there are", () =>
      withBackend(place, async (backend) => {
        const { type, folded } = counting();
        const root = makeRoot();
        const main = chain(root, [], "m", 400);
        await putAll(backend, root, ...main);
        await at(backend, [main.at(-1)!], type);
        folded();
        for (const count of [2, 10, 100]) {
          const arms = Array.from({ length: count }, (_, arm) => {
            return chain(root, [main.at(-1)!], `b${count}-${arm}-`, 3);
          });
          await putAll(backend, ...arms.flat());
          const tips = arms.map((arm) => arm.at(-1)!);
          assert.deepEqual(await at(backend, tips, type), slowTrail([...main, ...arms.flat()]));
          assert.equal(folded(), 3 * count);
          const merge = labelled(root, tips, "merge");
          await backend.put(merge);
          await at(backend, [merge], type);
          assert.equal(folded(), 1, "the merged state is known, however wide its frontier");
        }
      }));

    it("06#33 a late branch costs about the way back to where it began", () =>
      withBackend(place, async (backend) => {
        const { type, folded } = counting();
        const root = makeRoot();
        const main = chain(root, [], "m", 1500);
        await putAll(backend, root);
        for (const entry of main) {
          await backend.put(entry);
          await at(backend, [entry], type);
        }
        folded();
        for (const back of [10, 100, 500, 1000]) {
          const late = labelled(root, [main[1499 - back]!], `late${back}`);
          await backend.put(late);
          assert.deepEqual(
            await at(backend, [main[1499]!, late], type),
            slowTrail([...main, late]),
          );
          const count = folded();
          assert.ok(count <= 1.5 * back + 2, `${count} entries for one ${back} back`);
        }
      }));

    it("06#33 after a first read of everything a late branch need not begin anew", () =>
      withBackend(place, async (backend) => {
        const { type, folded } = counting();
        const root = makeRoot();
        const main = chain(root, [], "m", 1000);
        await putAll(backend, root, ...main);
        await at(backend, [main[999]!], type);
        assert.equal(folded(), 1000);
        const late = labelled(root, [main[900]!], "late");
        await backend.put(late);
        assert.deepEqual(await at(backend, [main[999]!, late], type), slowTrail([...main, late]));
        assert.ok(folded() <= 2 * 128);
      }));

    it("05 §6 states on the way are those of their tips, whatever is merged in place later", () =>
      withBackend(place, async (backend) => {
        const { type, folded } = counting();
        const inPlace: StateType<readonly string[]> = {
          ...type,
          apply: (left, right) => {
            (left as string[]).push(...right);
            return left;
          },
        };
        const root = makeRoot();
        const main = chain(root, [], "m", 300);
        await putAll(backend, root, ...main);
        assert.deepEqual(await at(backend, [main[299]!], inPlace), slowTrail(main));
        folded();
        for (const back of [64, 128, 256]) {
          const before = main.slice(0, 300 - back);
          assert.deepEqual(await at(backend, [before.at(-1)!], inPlace), slowTrail(before));
          assert.equal(folded(), 0, "it was kept on the way");
        }
      }));

    it("06#36 store heights that do not grow along the parents change nothing", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const main: Entry[] = [];
        for (let step = 0; step < 200; step++) {
          main.push(labelled(root, main.slice(-1), `m${step}`, 0, step * 7919 % 211));
        }
        await putAll(backend, root, ...main);
        await at(backend, [main[199]!], trail);
        for (const end of [199, 180, 136, 137, 135, 72, 73, 71, 10, 190]) {
          const wanted = slowTrail(main.slice(0, end + 1));
          assert.deepEqual(await at(backend, [main[end]!], trail), wanted, `${end}`);
        }
      }));

    it("05 §6 a state over a gap is not kept: what arrives later shows", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const entries = chain(root, [], "a", 6);
        const late = entries[2]!;
        await putAll(backend, root, ...entries.filter((entry) => entry !== late));
        const tips = [entries[5]!];
        assert.deepEqual(await at(backend, tips, trail), ["a3", "a4", "a5"]);
        await backend.put(late);
        assert.deepEqual(await at(backend, tips, trail), slowTrail(entries));
        const top = labelled(root, tips, "top");
        await backend.put(top);
        assert.deepEqual(await at(backend, [top], trail), slowTrail([...entries, top]));
      }));

    it("05 §6 who asks for a state that is being computed waits for it", () =>
      withBackend(place, async (backend) => {
        const { type, folded } = counting();
        const root = makeRoot();
        const entries = chain(root, [], "a", 300);
        await putAll(backend, root, ...entries);
        const asked = Array.from({ length: 8 }, () => at(backend, [entries.at(-1)!], type));
        for (const state of await Promise.all(asked)) assert.deepEqual(state, slowTrail(entries));
        assert.equal(folded(), 300);
      }));

    it("04 §11 a fold that fails is tried again, and leaves nothing behind", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const entries = chain(root, [], "a", 5);
        await putAll(backend, root, ...entries);
        let fails = true;
        const type: StateType<readonly string[]> = {
          ...trail,
          parse: (bytes) => {
            const [label] = trail.parse(bytes);
            if (fails && label === "a3") throw new Error("cannot be parsed");
            return [label!];
          },
        };
        await assert.rejects(at(backend, [entries[4]!], type), /cannot be parsed/);
        assert.deepEqual(await at(backend, [entries[2]!], type), ["a0", "a1", "a2"]);
        fails = false;
        assert.deepEqual(await at(backend, [entries[4]!], type), slowTrail(entries));
      }));
  });
}
