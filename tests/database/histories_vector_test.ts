import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, Doc, DocStore, type Entry, ID, PrivateKey, Snapshot } from "../../mod.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { fromHex } from "../../src/util/hex.ts";
import { decodeHex, ingest, shuffled, vector, withInstance } from "./replay.ts";
import { STORAGE, STORAGES } from "../helpers/storages.ts";

type Change = readonly [store: string, key: string, value: unknown];

interface Step {
  readonly at: readonly string[] | null;
  readonly id: string;
  readonly ops: readonly Change[];
  readonly state?: Readonly<Record<string, { readonly error?: string }>>;
  readonly tips_before: readonly string[];
  readonly tips_after: readonly string[];
}

interface History {
  readonly root: string;
  readonly seed_of_signing_key: string;
  readonly stores_created_before_branching: boolean;
  readonly entries: readonly {
    readonly id: string;
    readonly cbor: string;
    readonly status: string;
  }[];
  readonly steps: readonly Step[];
}

const { cases } = vector<{ cases: History[] }>("histories.json");
const sorted = (texts: Iterable<string>): string[] => [...texts].sort();

/** What the recorded value of an operation is, as something that a store takes. */
function valueOf(recorded: unknown): unknown {
  if (typeof recorded !== "object") return recorded;
  return Doc.parse(JSON.stringify({ children: { value: recorded } })).get("value");
}

/** The slow, obvious fold: every delta of a store below some tips, in fold order. */
function oracle(entries: ReadonlyMap<string, Entry>, tips: readonly string[], store: string): Doc {
  const reached = new Map<string, Entry>();
  const queue = [...tips];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (reached.has(id)) continue;
    reached.set(id, entries.get(id)!);
    queue.push(...entries.get(id)!.parents.map(String));
  }
  const members = [...reached.values()].filter((entry) => entry.inSubtree(store));
  members.sort((a, b) => {
    const heights = a.subtreeHeight(store) - b.subtreeHeight(store);
    return heights || (`${a.id}` < `${b.id}` ? -1 : 1);
  });
  return members.reduce((state, entry) => {
    const data = entry.findData(store);
    return data === undefined ? state : state.merge(Doc.parseBytes(data));
  }, new Doc());
}

for (const [number, history] of cases.entries()) {
  const root = () => ID.parse(history.root);
  const decoded = () => history.entries.map(({ cbor }) => decodeHex(cbor));

  describe(`recorded history ${number}`, () => {
    it("01#8 every entry decodes, encodes to the same bytes and has the recorded ID", async () => {
      await withInstance(STORAGE, () => {
        for (const { cbor, id } of history.entries) {
          const entry = decodeHex(cbor);
          assert.equal(`${entry.id}`, id);
          assert.deepEqual(entry.bytes, fromHex(cbor));
          const key = PrivateKey.fromSeed(fromHex(history.seed_of_signing_key)).publicKey;
          assert.ok(entry.verifySignature(key), id);
        }
        return Promise.resolve();
      });
    });

    for (const storage of STORAGES) {
      it(`06#41 every arrival order gives the recorded statuses, on ${storage}`, async () => {
        const entries = await withInstance(STORAGE, () => Promise.resolve(decoded()));
        const orders = [
          entries,
          [...entries].reverse(),
          ...[1, 2, 3].map((seed) => shuffled(entries, seed)),
        ];
        for (const [at, order] of orders.entries()) {
          await withInstance(storage, async (instance) => {
            await ingest(instance, root(), order, [1, 100, 3, 7, 20][at]!);
            for (const { id, status } of history.entries) {
              assert.equal(
                await instance.backend.getVerificationStatus(ID.parse(id)),
                status,
                `order ${at}`,
              );
            }
          });
        }
      });

      it(`06#33,#36 frontiers and merged documents are those recorded, on ${storage}`, async () => {
        await withInstance(storage, async (instance) => {
          const entries = new Map(decoded().map((entry) => [`${entry.id}`, entry]));
          await ingest(instance, root(), [entries.get(history.root)!], 1);
          const database = await Database.open(instance, root());
          let compared = 0;
          for (const step of history.steps) {
            await ingest(instance, root(), [entries.get(step.id)!], 1);
            const tips = (await database.snapshot()).toJSON();
            assert.deepEqual(sorted(tips), sorted(step.tips_after), step.id);
            for (const [store, recorded] of Object.entries(step.state ?? {})) {
              const state = await (await database.getStoreViewer(DocStore, store)).getAll();
              // Where the reference finds no common ancestor, ours merges from the empty state.
              const wanted = recorded.error === undefined
                ? Doc.parse(JSON.stringify(recorded))
                : oracle(entries, tips, store);
              assert.ok(state.equals(wanted), `${store} after ${step.id}: ${state.stringify()}`);
              assert.ok(state.equals(oracle(entries, tips, store)), "and the slow fold agrees");
              compared++;
            }
          }
          assert.ok(compared > 20);
        });
      });

      it(`06#36 the state at every recorded anchor is the slow fold's, on ${storage}`, async () => {
        await withInstance(storage, async (instance) => {
          const entries = new Map(decoded().map((entry) => [`${entry.id}`, entry]));
          await ingest(instance, root(), shuffled([...entries.values()], 5), 9);
          const database = await Database.open(instance, root());
          for (const { tips_after: tips } of history.steps) {
            const at = Snapshot.fromJSON(tips);
            for (const store of ["alpha", "beta", "gamma"]) {
              const viewer = await database.getStoreViewer(DocStore, store, { at });
              assert.ok((await viewer.getAll()).equals(oracle(entries, tips, store)));
            }
          }
        });
      });
    }

    it("06#6 our own commits at the recorded anchors are the recorded entries", async () => {
      await withInstance(STORAGE, async (instance) => {
        const entries = new Map(decoded().map((entry) => [`${entry.id}`, entry]));
        await ingest(instance, root(), [entries.get(history.root)!], 1);
        const key = PrivateKey.fromSeed(fromHex(history.seed_of_signing_key));
        const database = (await Database.open(instance, root())).withKey(key);
        let equal = 0;
        for (const step of history.steps) {
          const at = Snapshot.fromJSON(step.at ?? step.tips_before);
          const transaction = await database.newTransaction({ at });
          for (const [store, name, value] of step.ops) {
            const doc = await transaction.getStore(DocStore, store);
            if (value === null) await doc.delete(name);
            else await doc.set(name, valueOf(value) as object);
          }
          const ours = await database.getEntry(await transaction.commit());
          const theirs = entries.get(step.id)!;
          if (ours.id.equals(theirs.id)) {
            equal++;
            continue;
          }
          assertSameButPayloads(ours, theirs);
          // Go on from the recorded entry, so that the next anchors exist.
          await ingest(instance, root(), [theirs], 1);
          await instance.backend.updateVerificationStatus(ours.id, "Failed");
        }
        assert.ok(equal > 0, "some IDs are equal");
      });
    });
  });
}

/** The reference writes the members of documents in random order, which alone may differ. */
function assertSameButPayloads(ours: Entry, theirs: Entry): void {
  const context = `${theirs.id}`;
  assert.deepEqual(ours.parents.map(String), theirs.parents.map(String), context);
  assert.equal(ours.height, theirs.height, context);
  assert.deepEqual(
    EntryMetadata.parse(ours.metadata!).settingsTips.toJSON(),
    EntryMetadata.parse(theirs.metadata!).settingsTips.toJSON(),
    context,
  );
  assert.deepEqual([...ours.subtrees], [...theirs.subtrees], context);
  for (const store of ours.subtrees) {
    assert.deepEqual(
      ours.subtreeParents(store).map(String),
      theirs.subtreeParents(store).map(String),
    );
    const [left, right] = [ours.findData(store), theirs.findData(store)];
    assert.equal(left === undefined, right === undefined, context);
    if (left !== undefined) assert.ok(Doc.parseBytes(left).equals(Doc.parseBytes(right!)), context);
  }
}
