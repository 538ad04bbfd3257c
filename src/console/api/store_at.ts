import type { Doc } from "../../crdt/doc.ts";
import type { Database } from "../../database/database.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { DocStore } from "../../store/doc_store.ts";
import { notFound, refuse } from "./api_answers.ts";
import { kindOf } from "./databases_api.ts";

/** A store as it was at a point in time. */
export interface StoreAt {
  /** What it holds, as a document. */
  readonly doc: Doc;
  /** What kind of store it is. */
  readonly kind: string;
}

const SHOWN = new Set(["docstore", "table", "counter"]);
const WHY: Readonly<Record<string, string>> = {
  "encrypted:password": "it is encrypted, and opens with its own password",
  ydoc: "its text is kept as changes of Yjs",
};

/** A store at a point in time; else the answer that says why it is not shown. */
export async function storeAt(
  database: Database,
  name: string,
  at: Snapshot,
): Promise<StoreAt | Response> {
  const registry = (await database.newTransaction({ at })).getIndex();
  const info = await registry.find(name);
  if (info === undefined) return notFound();
  const kind = kindOf(info);
  if (!SHOWN.has(kind)) {
    const why = WHY[kind] ?? "nobody knows it";
    return refuse(422, "NotShown", `A store of the kind "${kind}" is not shown here: ${why}`);
  }
  const viewer = await database.getStoreViewer(DocStore, name, { at });
  return { doc: await viewer.getAll(), kind };
}
