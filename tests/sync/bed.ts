/** What the tests of synchronisation begin with. */

import { ID, Instance, NewUser, ready, type User } from "../../mod.ts";
import { loadIdentity, userHost } from "../../src/instance/bootstrap.ts";
import type { SyncHost } from "../../src/sync/host.ts";
import { SyncDatabase } from "../../src/sync/sync_database.ts";
import { SyncRecords } from "../../src/sync/sync_records.ts";
import { newStorage } from "../helpers/storages.ts";

/** An instance as its synchronisation sees it. */
export async function syncHostOf(instance: Instance): Promise<SyncHost> {
  return userHost(instance.host, (await loadIdentity(instance.host.backend))!) as SyncHost;
}

/** An instance with a user, and what it keeps about peers. */
export interface Bed {
  readonly instance: Instance;
  readonly user: User;
  readonly host: SyncHost;
  readonly records: SyncRecords;
}

/** Runs `test` on a new instance. */
export async function withRecords(test: (bed: Bed) => Promise<void>): Promise<void> {
  await ready();
  const storage = await newStorage();
  const { instance, user } = await Instance.createBackend(storage, NewUser.passwordless("ada"));
  try {
    const host = await syncHostOf(instance);
    const records = new SyncRecords(await SyncDatabase.of(host), host);
    await test({ instance, user, host, records });
  } finally {
    await instance.close();
  }
}

/** An ID that names nothing. */
export function anyId(text: string): ID {
  return ID.ofDagCbor(new TextEncoder().encode(text));
}
