import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { type Database, Doc, DocStore, List, Table, type VisibleValue } from "../../mod.ts";
import { doc, value } from "../crdt/arbitraries.ts";
import { withDb } from "../database/bed.ts";
import { cases } from "../helpers/thorough.ts";

/** Changes a value that was handed out in every way there is. */
function spoil(handed: VisibleValue): void {
  if (handed instanceof Doc) {
    for (const [key, child] of [...handed.entries()]) {
      if (child instanceof Doc || child instanceof List) spoil(child);
      if (child instanceof Doc) handed.set([key, "spoilt"], true);
      else handed.remove([key]);
    }
    handed.set("spoilt", { deep: ["x"] });
  } else if (handed instanceof List) {
    for (const child of [...handed]) spoil(child);
    handed.insert(0, "spoilt");
    handed.remove(handed.len() - 1);
    handed.push(Doc.from({ spoilt: true }));
  }
}

async function text(db: Database): Promise<string> {
  return (await (await db.getStoreViewer(DocStore, "s")).getAll()).stringify();
}

it("law 13 §5: a document handed out never changes, and changing it changes nothing stored", () =>
  withDb(async ({ db }) => {
    await fc.assert(
      fc.asyncProperty(doc, doc, value, async (first, second, some) => {
        await db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("a", first));
        const viewer = await db.getStoreViewer(DocStore, "s");
        const all = await viewer.getAll();
        const part = await viewer.getOption("a");
        const stored = all.stringify();
        await db.withTransaction(async (tx) => {
          const store = await tx.getStore(DocStore, "s");
          await store.set("a", second);
          await store.set("b", [some]);
          const inside = await store.getAll();
          const staged = inside.stringify();
          spoil(inside);
          for (const key of ["a", "b"]) spoil((await store.getOption(key))!);
          for await (const [, child] of store.entries()) spoil(child);
          assert.equal((await store.getAll()).stringify(), staged);
        });
        assert.equal(all.stringify(), stored, "later commits do not show");
        const now = await text(db);
        spoil(all);
        if (part !== undefined) spoil(part);
        for await (const [, child] of viewer.entries()) spoil(child);
        assert.equal((await viewer.getAll()).stringify(), stored);
        assert.equal(await text(db), now);
      }),
      { numRuns: cases(40) },
    );
  }));

it("law 13 §5: what is put into a document or table stays the caller's own", () =>
  withDb(async ({ db }) => {
    await fc.assert(
      fc.asyncProperty(doc, fc.json(), async (given, json) => {
        const row = { cell: JSON.parse(json) as unknown, list: [1, { deep: 2 }] };
        const before = [given.stringify(), JSON.stringify(row)];
        await db.withTransaction(async (tx) => {
          const store = await tx.getStore(DocStore, "mine");
          const table = await tx.getStore(Table, "rows");
          await store.set("given", given);
          await table.set("row", row);
          const staged = (await store.getAll()).stringify();
          spoil(given);
          row.list.push(3);
          assert.equal((await store.getAll()).stringify(), staged);
          assert.equal(JSON.stringify(await table.get("row")), before[1]);
        });
        const table = await db.getStoreViewer(Table, "rows");
        for await (const [, handed] of table.search(() => true)) {
          (handed.list as unknown[]).length = 0;
          handed.spoilt = true;
        }
        assert.equal(JSON.stringify(await table.get("row")), before[1]);
      }),
      { numRuns: cases(40) },
    );
  }));
