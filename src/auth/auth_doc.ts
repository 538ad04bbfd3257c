/**
 * The `auth` document in the settings of a database, read member by member. What is damaged costs nobody else.
 *
 * ```text
 * auth = { keys?: { public key: grant }, global?: grant, delegations?: { ID: delegation } }
 * ```
 *
 * @module
 */

import { Doc } from "../crdt/doc.ts";
import { DELETED, type Value } from "../crdt/value.ts";
import { tryRead } from "../util/try_read.ts";
import { AuthKey } from "./auth_key.ts";
import { DelegatedTreeRef } from "./delegation.ts";

/** Whether a key or a grant to everybody was ever listed; what was deleted leaves a tombstone. */
export function wasEverRestricted(auth: Doc): boolean {
  if (auth.peek("global") !== undefined) return true;
  const keys = auth.peek("keys");
  if (!(keys instanceof Doc)) return keys !== undefined;
  return hasMembers(keys);
}

/** Whether a document has members, deleted ones included. */
export function hasMembers(doc: Doc): boolean {
  let has = false;
  doc.peekEach(() => has = true);
  return has;
}

/** What is granted to each key that is listed; undefined for what cannot be read. */
export function parseKeys(value: Value | undefined): ReadonlyMap<string, AuthKey | undefined> {
  const keys = new Map<string, AuthKey | undefined>();
  if (!(value instanceof Doc)) return keys;
  value.peekEach((text, item) => {
    if (item !== DELETED) keys.set(text, tryAuthKey(item));
  });
  return keys;
}

/** A grant; undefined when it cannot be read. */
export function tryAuthKey(value: Value | undefined): AuthKey | undefined {
  return value instanceof Doc ? tryRead(() => AuthKey.fromDoc(value)) : undefined;
}

/** A delegation; undefined when it cannot be read. */
export function tryDelegation(value: Value): DelegatedTreeRef | undefined {
  return value instanceof Doc ? tryRead(() => DelegatedTreeRef.fromDoc(value)) : undefined;
}
