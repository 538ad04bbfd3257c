import type { Sync, SyncOptions } from "../sync/port.ts";
import type { ID } from "../entry/id.ts";
import type { UserHost } from "../user/host.ts";
import { usersDb, UsersTable } from "../user/system_databases.ts";
import { loadPart } from "../util/load_part.ts";
import type { InstanceHost } from "./instance_host.ts";

/** Begins to synchronise an instance. The code for it is loaded when it is first asked for. */
export async function enableSync(
  host: UserHost,
  instance: InstanceHost,
  options: SyncOptions,
): Promise<Sync> {
  const { Sync } = await loadPart("enable synchronisation", () => import("../sync/engine.ts"));
  return await Sync.of({ ...host, host: instance, users: () => usersOf(host) }, options);
}

async function usersOf(host: UserHost): Promise<(readonly [string, ID])[]> {
  const table = await (await usersDb(host)).getStoreViewer(UsersTable, "users");
  return (await table.search(() => true)).map(([uuid, user]) => [uuid, user.userDatabaseId]);
}
