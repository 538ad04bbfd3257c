/**
 * Short ways to use one store, for the tests of `tests/store`.
 *
 * @module
 */

import { type Database, DocStore, type DocViewer, type Transaction } from "../../mod.ts";

/** Runs `use` on a document store in a transaction of its own. */
export function inStore<R>(
  db: Database,
  use: (store: DocStore, tx: Transaction) => Promise<R>,
  name = "s",
): Promise<R> {
  return db.withTransaction(async (tx) => await use(await tx.getStore(DocStore, name), tx));
}

/** A document store as the database sees it now. */
export async function viewer(db: Database, name = "s"): Promise<DocViewer> {
  return await db.getStoreViewer(DocStore, name);
}
