import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Database,
  Doc,
  DocStore,
  Entry,
  ID,
  Instance,
  NewUser,
  ready,
  Snapshot,
} from "../../mod.ts";
import { decodeHex, ingest, shuffled, vector, withInstance } from "./replay.ts";
import { newUrl, STORAGE, STORAGES } from "../helpers/storages.ts";

interface History {
  readonly root: string;
  readonly entries: readonly { readonly cbor: string; readonly json: unknown }[];
  readonly steps: readonly {
    readonly id: string;
    readonly tips_after: readonly string[];
    readonly state?: Readonly<Record<string, { readonly error?: string }>>;
  }[];
  readonly store_entries_in_fold_order_at_end: Readonly<Record<string, readonly string[]>>;
}

const { cases } = vector<{ cases: History[] }>("histories.json");

for (const [number, history] of cases.entries()) {
  const root = () => ID.parse(history.root);
  const decoded = () => history.entries.map(({ cbor }) => decodeHex(cbor));
  const recordedOrders = Object.entries(history.store_entries_in_fold_order_at_end)
    .filter(([, ids]) => ids.length > 0);

  describe(`recorded history ${number}, in order`, () => {
    it("01#8 the recorded JSON is the same entry", async () => {
      await ready();
      for (const { cbor, json } of history.entries) {
        const entry = decodeHex(cbor);
        const parsed = Entry.fromJSON(JSON.stringify(json));
        assert.ok(parsed.id.equals(entry.id));
        assert.deepEqual(JSON.parse(JSON.stringify(entry)), json);
      }
    });

    for (const storage of STORAGES) {
      it(`00 §B2 stores list their entries in the recorded fold order, on ${storage}`, async () => {
        await withInstance(storage, async (instance) => {
          await ingest(instance, root(), shuffled(decoded(), 17), 5);
          assert.ok(recordedOrders.length > 0);
          for (const [store, ids] of recordedOrders) {
            const held = await instance.backend.getStore(root(), store);
            assert.deepEqual(held.map((entry) => `${entry.id}`), ids);
          }
        });
      });
    }

    it("06#66 brackets between recorded frontiers hold each entry once, parents first", async () => {
      await withInstance(STORAGE, async (instance) => {
        await ingest(instance, root(), decoded(), 50);
        const database = await Database.open(instance, root());
        let before = Snapshot.of([root()]);
        for (const { id, tips_after: tips } of history.steps) {
          const after = Snapshot.fromJSON(tips);
          assert.deepEqual((await database.idsAdded(before, after)).map(String), [id]);
          before = after;
        }
        const all = await database.idsAdded(Snapshot.EMPTY, before);
        assert.deepEqual(all.map(String), (await database.getAllEntries()).map((e) => `${e.id}`));
      });
    });

    it("06#41 a real file keeps verdicts, frontier and state", async () => {
      const url = await newUrl();
      const { instance } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
      await ingest(instance, root(), shuffled(decoded(), 3), 4);
      await instance.close();
      const again = await Instance.connect(url);
      const database = await Database.open(again, root());
      const last = history.steps.at(-1)!;
      assert.deepEqual((await database.snapshot()).toJSON(), [...last.tips_after].sort(byId));
      for (const [store, recorded] of Object.entries(last.state ?? {})) {
        if (recorded.error !== undefined) continue;
        const state = await (await database.getStoreViewer(DocStore, store)).getAll();
        assert.ok(state.equals(Doc.parse(JSON.stringify(recorded))), store);
      }
      await again.close();
    });
  });
}

function byId(a: string, b: string): number {
  return ID.compare(ID.parse(a), ID.parse(b));
}
