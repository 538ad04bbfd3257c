import type { UserInfo, UserKey } from "./records.ts";

/**
 * One record per key out of the rows of `keys`. A key may stand in several rows, of two sessions that both
 * were the first; its identities are then those of all of them, the earlier row's before the later one's.
 */
export function mergedMappings(rows: Iterable<readonly [rowKey: string, UserKey]>): UserKey[] {
  const records = new Map<string, UserKey>();
  for (const [, row] of rows) {
    const id = row.keyId.toString();
    const known = records.get(id);
    records.set(id, known === undefined ? row : withMappings(known, row));
  }
  return [...records.values()];
}

/** A record with its own mappings, and those that another one of the same key has besides. */
export function withMappings(first: UserKey, second: UserKey): UserKey {
  const databaseSigkeys = new Map([...second.databaseSigkeys, ...first.databaseSigkeys]);
  return { ...first, databaseSigkeys };
}

/** What a root key record is made of where it is missing. */
export function rootRecord(info: UserInfo): UserKey {
  return {
    keyId: info.credentials.rootKeyId,
    storage: info.credentials.rootKey,
    displayName: "Root Key",
    createdAt: info.createdAt,
    lastUsed: undefined,
    isDefault: true,
    databaseSigkeys: new Map(),
  };
}

/** Whether a record is that of the user's root key. */
export function isRootOf({ credentials }: UserInfo): (record: UserKey) => boolean {
  return (record) => record.keyId.equals(credentials.rootKeyId);
}
