import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BackendError, EideticaError, isNotFound } from "../../mod.ts";
import { statusFromInteger, statusToInteger } from "../../src/backend/records/tree_records.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { ids, makeEntry, makeRoot, names, putAll, withBackend } from "./helpers.ts";
import { STORAGES } from "../helpers/storages.ts";

const unknown = () => ID.ofRaw(utf8("nobody has this"));
const hasCode = (code: string) => (error: unknown) =>
  error instanceof EideticaError && error.code === code;

for (const place of STORAGES) {
  describe(`engine on ${place}`, () => {
    it("05#1 an entry that was never stored is not found", () =>
      withBackend(place, async (backend) => {
        const id = unknown();
        await assert.rejects(backend.get(id), isNotFound);
        await assert.rejects(backend.getVerificationStatus(id), isNotFound);
        await assert.rejects(backend.updateVerificationStatus(id, "Failed"), isNotFound);
        assert.equal(await backend.hasEntry(id), false);
      }));

    it("05#2,#3,#4 put leaves an entry Unverified and keeps the status of a held one", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        await backend.put(root);
        assert.equal(await backend.getVerificationStatus(root.id), "Unverified");
        assert.deepEqual(names(await backend.getEntriesByVerificationStatus("Unverified")), [
          `${root.id}`,
        ]);
        assert.deepEqual(await backend.getEntriesByVerificationStatus("Verified"), []);
        await backend.put(root);
        assert.equal(await backend.getVerificationStatus(root.id), "Unverified");
        await backend.updateVerificationStatus(root.id, "Verified");
        await backend.put(root);
        assert.equal(await backend.getVerificationStatus(root.id), "Verified");
        assert.deepEqual(await backend.getEntriesByVerificationStatus("Unverified"), []);
        assert.deepEqual(names(await backend.getEntriesByVerificationStatus("Verified")), [
          `${root.id}`,
        ]);
      }));

    it("05#6,#7,#8 put refuses what is not sound and stores nothing", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        await backend.put(root);
        const good = makeEntry(root, { parents: [root], label: "good" });
        const { model } = good;
        // A builder refuses such entries too, so they are made behind its back.
        const bad = [
          { ...model, parents: [] },
          {
            ...model,
            nodes: [{ name: "_root", parents: [], data: utf8('""'), height: undefined }],
          },
          { ...model, nodes: [{ name: "", parents: [], data: undefined, height: undefined }] },
        ];
        for (const change of bad) {
          const entry = Object.create(good, {
            model: { value: change },
            id: { value: ID.ofRaw(utf8(JSON.stringify(change.nodes) + change.parents.length)) },
          });
          await assert.rejects(backend.put(entry), hasCode("EntryValidationFailed"));
        }
        assert.equal((await backend.getTree(root.id)).length, 1);
      }));

    it("05#6 put refuses a height that does not exceed a held parent's (00 §B5)", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const low = makeEntry(root, { parents: [root], height: 0 });
        await backend.put(root);
        await assert.rejects(backend.put(low), hasCode("EntryValidationFailed"));
        assert.equal(await backend.hasEntry(low.id), false);
      }));

    it("05#9 an unknown tree is empty everywhere", () =>
      withBackend(place, async (backend) => {
        const tree = unknown();
        assert.equal((await backend.snapshot(tree)).length, 0);
        assert.equal((await backend.verifiedSnapshot(tree)).length, 0);
        assert.equal((await backend.storeSnapshot(tree, "s")).length, 0);
        assert.deepEqual(await backend.getTree(tree), []);
        assert.deepEqual(await backend.getStore(tree, "s"), []);
      }));

    it("05#10 all_roots grows with roots and not with children", () =>
      withBackend(place, async (backend) => {
        const [one, two] = [makeRoot(), makeRoot()];
        await putAll(backend, one, makeEntry(one, { parents: [one] }), two);
        assert.deepEqual(names(await backend.allRoots()), names(ids([one, two])));
      }));

    it("05#11,#15 tips follow main parents; a store's follow its own", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const a = makeEntry(root, { parents: [root], stores: { s: [] }, label: "a" });
        const b = makeEntry(root, { parents: [a], label: "b" });
        const c = makeEntry(root, { parents: [root], label: "c" });
        await putAll(backend, root, a, b, c);
        assert.deepEqual(names(await backend.snapshot(root.id)), names(ids([b, c])));
        assert.deepEqual(names(await backend.storeSnapshot(root.id, "s")), names([a.id]));
      }));

    it("05#12 a parent that arrives after its child is no tip", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const a = makeEntry(root, { parents: [root], stores: { s: [] }, label: "a" });
        const b = makeEntry(root, { parents: [a], stores: { s: [a] }, label: "b" });
        const c = makeEntry(root, { parents: [b], stores: { s: [b] }, label: "c" });
        await putAll(backend, root, a, c);
        assert.deepEqual(names(await backend.snapshot(root.id)), names(ids([a, c])));
        await backend.put(b);
        assert.deepEqual(names(await backend.snapshot(root.id)), names([c.id]));
        assert.deepEqual(names(await backend.storeSnapshot(root.id, "s")), names([c.id]));
      }));

    it("05#13,#14 diamonds and chains with gaps", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const a = makeEntry(root, { parents: [root], label: "a" });
        const b = makeEntry(root, { parents: [a], label: "b" });
        const c = makeEntry(root, { parents: [a], label: "c" });
        const d = makeEntry(root, { parents: [b, c], label: "d" });
        await putAll(backend, root, a, d);
        assert.deepEqual(names(await backend.snapshot(root.id)), names(ids([a, d])));
        for (const late of [b, c]) {
          await backend.put(late);
          assert.deepEqual(names(await backend.snapshot(root.id)), names([d.id]));
        }
        const e = makeEntry(root, { parents: [d], label: "e" });
        const f = makeEntry(root, { parents: [e], label: "f" });
        const g = makeEntry(root, { parents: [f], label: "g" });
        const h = makeEntry(root, { parents: [g], label: "h" });
        await putAll(backend, f, h, g);
        assert.deepEqual(names(await backend.snapshot(root.id)), names(ids([d, h])));
      }));

    it("05#16,#17,#18,#19 store tips at a snapshot", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const a = makeEntry(root, { parents: [root], stores: { s: [] }, label: "a" });
        const b = makeEntry(root, { parents: [a], label: "b" });
        const c = makeEntry(root, { parents: [a], stores: { s: [a] }, label: "c" });
        const d = makeEntry(root, { parents: [b, c], stores: { s: [c] }, label: "d" });
        await putAll(backend, root, a, b, c, d);
        const at = async (...tips: ID[]) =>
          names(await backend.storeSnapshotAt(root.id, "s", Snapshot.of(tips)));
        assert.deepEqual(await at(), []);
        assert.deepEqual(await at(b.id), names([a.id]));
        assert.deepEqual(await at(b.id, c.id), names([c.id]));
        assert.deepEqual(await at(a.id, d.id), names([d.id]));
        assert.equal(
          (await backend.storeSnapshotAt(root.id, "other", Snapshot.of([d.id]))).length,
          0,
        );
        const now = await backend.storeSnapshotAt(root.id, "s", await backend.snapshot(root.id));
        assert.ok(now.equals(await backend.storeSnapshot(root.id, "s")));
      }));

    it("05#20,#21 histories from tips", () =>
      withBackend(place, async (backend) => {
        const [root, other] = [makeRoot(), makeRoot()];
        const a = makeEntry(root, { parents: [root], stores: { s: [] }, label: "a" });
        const b = makeEntry(root, { parents: [a], label: "b" });
        await putAll(backend, root, other, b, a);
        const from = (...tips: ID[]) => backend.getTreeFromTips(root.id, Snapshot.of(tips));
        assert.deepEqual(ids(await from(b.id)).map(String), ids([root, a, b]).map(String));
        assert.deepEqual(await from(), []);
        await assert.rejects(from(unknown()), hasCode("EntryNotFound"));
        await assert.rejects(from(other.id), hasCode("EntryNotInTree"));
        const store = await backend.storeAt(
          root.id,
          "s",
          Snapshot.of([a.id, b.id, other.id, unknown()]),
        );
        assert.deepEqual(ids(store).map(String), [`${a.id}`]);
      }));

    it("05#22,#29 equal heights come in the order of the CIDs' texts", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const many = Array.from({ length: 60 }, (_, at) => {
          return makeEntry(root, { parents: [root], stores: { s: [] }, label: `${at}` });
        });
        const last = makeEntry(root, { parents: many, stores: { s: many }, label: "last" });
        await putAll(backend, root, ...many, last);
        const expected = [...many].map((entry) => `${entry.id}`).sort();
        const byBytes = [...many].sort((a, b) => ID.compare(a.id, b.id)).map((entry) =>
          `${entry.id}`
        );
        assert.notDeepEqual(expected, byBytes, "60 IDs tell the two orders apart");
        assert.deepEqual(ids(await backend.getTree(root.id)).slice(1, -1).map(String), expected);
        assert.deepEqual(
          ids(await backend.getStore(root.id, "s")).slice(0, -1).map(String),
          expected,
        );
        const parents = await backend.getSortedStoreParents(root.id, last.id, "s");
        assert.deepEqual(parents.map(String), expected);
      }));

    it("05#23,#24,#25,#27 merge bases", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const entry = (label: string, ...parents: (typeof root)[]) => {
          const inStore = parents.filter((parent) => parent !== root);
          return makeEntry(root, { parents, stores: { s: inStore }, label });
        };
        const r = entry("r", root);
        const [a, x] = [entry("a", r), entry("x", r)];
        const [b, c] = [entry("b", a), entry("c", a, x)];
        const d = entry("d", b);
        const [e, f] = [entry("e", d), entry("f", c)];
        const other = makeEntry(root, { parents: [root], stores: { s: [] }, label: "other" });
        await putAll(backend, root, r, a, x, b, c, d, e, f, other);
        const base = (...of: ID[]) => backend.findMergeBase(root.id, "s", of);
        await assert.rejects(base(), hasCode("EmptyEntryList"));
        assert.ok((await base(e.id)).equals(e.id));
        assert.ok((await base(a.id, x.id)).equals(r.id), "the fork point of a diamond");
        assert.ok((await base(e.id, f.id)).equals(r.id), "the bypass over x avoids a");
        assert.ok((await base(b.id, d.id)).equals(b.id), "one that dominates is the base");
        await assert.rejects(base(e.id, other.id), hasCode("NoCommonAncestor"));
        await assert.rejects(base(e.id, unknown()), hasCode("EntryNotFound"));
      }));

    it("05#26,#28 long arms, and the path between", () =>
      withBackend(place, async (backend) => {
        const root = makeRoot();
        const fork = makeEntry(root, { parents: [root], stores: { s: [] }, label: "fork" });
        await putAll(backend, root, fork);
        for (const length of [50, 250]) {
          const arms = ["left", "right"].map((side) => {
            const chain = [fork];
            for (let at = 0; at < length; at++) {
              const parent = chain.at(-1)!;
              const label = `${side} ${length} ${at}`;
              chain.push(makeEntry(root, { parents: [parent], stores: { s: [parent] }, label }));
            }
            return chain;
          });
          for (const chain of arms) await putAll(backend, ...chain.slice(1));
          const tips = arms.map((chain) => chain.at(-1)!.id);
          assert.ok((await backend.findMergeBase(root.id, "s", tips)).equals(fork.id));
          const path = await backend.getPathFromTo(root.id, "s", fork.id, tips);
          assert.deepEqual(names(path), names(ids(arms.flatMap((chain) => chain.slice(1)))));
          assert.deepEqual(await backend.getPathFromTo(root.id, "s", fork.id, []), []);
        }
      }));

    it("05#30,#31,#32 bounded reachability", () =>
      withBackend(place, async (backend) => {
        const [root, other] = [makeRoot(), makeRoot()];
        const a = makeEntry(root, { parents: [root], label: "a" });
        const b = makeEntry(root, { parents: [root], label: "b" });
        const gap = makeEntry(root, { parents: [a], label: "gap" });
        const far = makeEntry(root, { parents: [gap], label: "far" });
        await putAll(backend, root, other, a, b, far);
        const reach = async (from: ID[], targets: ID[]) =>
          await backend.checkTargetsReachableFrom(root.id, from, targets);
        assert.equal((await reach([a.id], [root.id])).verdict, "Reachable");
        assert.equal((await reach([a.id], [b.id])).verdict, "Unreachable");
        assert.equal((await reach([a.id], [a.id])).verdict, "Reachable");
        assert.equal((await reach([], [])).verdict, "Reachable");
        assert.equal((await reach([a.id, b.id], [b.id])).verdict, "Reachable");
        assert.equal((await reach([], [a.id])).verdict, "Unreachable");
        assert.deepEqual(await reach([unknown()], [a.id]), {
          verdict: "Indeterminate",
          missing: [unknown()],
        });
        assert.deepEqual(await reach([far.id], [a.id]), {
          verdict: "Indeterminate",
          missing: [gap.id],
        });
        await assert.rejects(reach([other.id], []), hasCode("EntryNotInTree"));
      }));
  });
}

describe("engine records", () => {
  it("05#5 statuses have fixed integers, and no others are read", () => {
    assert.deepEqual((["Verified", "Failed", "Unverified"] as const).map(statusToInteger), [
      0,
      1,
      2,
    ]);
    for (const integer of [3, 4, 99, -1]) {
      assert.throws(
        () => statusFromInteger(integer),
        (error: unknown) =>
          error instanceof BackendError && error.code === "TreeIntegrityViolation",
      );
    }
  });

  it("05#12 every arrival order of a random DAG ends with the same tips", async () => {
    await withBackend("memory", async (backend) => {
      const root = makeRoot();
      const made = [root];
      let seed = 7;
      const random = (below: number) => {
        seed = (seed * 48271) % 0x7fffffff;
        return seed % below;
      };
      for (let at = 0; at < 40; at++) {
        const parents = new Set([made[random(made.length)]!, made[random(made.length)]!]);
        made.push(makeEntry(root, { parents: [...parents], label: `${at}` }));
      }
      const listed = new Set(made.flatMap((entry) => entry.parents.map(String)));
      const tips = made.map((entry) => `${entry.id}`).filter((id) => !listed.has(id)).sort();
      const shuffled = [...made];
      for (let at = shuffled.length - 1; at > 0; at--) {
        const other = random(at + 1);
        [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
      }
      await putAll(backend, ...shuffled);
      assert.deepEqual(names(await backend.snapshot(root.id)), tips);
      assert.equal(Entry.builder(root.id).subtrees().length, 0);
    });
  });
});
