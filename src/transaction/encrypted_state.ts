import type { LocalBackend } from "../backend/local.ts";
import type { StateType } from "../backend/state/state_type.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { Encryptor } from "../store/context.ts";
import { turns } from "../util/turns.ts";

/**
 * The state of an encrypted store. It is folded once for each transaction and never cached beyond
 * it, so that no plaintext outlives the transaction that has the key.
 */
export async function foldDecrypted<T>(
  backend: LocalBackend,
  tree: ID,
  store: string,
  tips: Snapshot,
  type: StateType<T>,
  encryptor: Encryptor,
): Promise<T> {
  const merge = type.apply ?? type.merge;
  let state = type.empty();
  for (const entry of await backend.storeAt(tree, store, tips)) {
    const data = entry.findData(store);
    if (data === undefined) continue;
    state = merge(state, type.parse(await encryptor.decrypt(data)));
    if (turns.isOver) await turns.next();
  }
  return state;
}
