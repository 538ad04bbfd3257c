import type { Instance } from "../instance/instance.ts";
import type { Sync } from "../sync/port.ts";
import type { User } from "../user/user.ts";
import type { ID } from "../entry/id.ts";
import type { Run } from "./frame/command.ts";
import { acting } from "./session.ts";

/** Opens the storage, logs in who acts, and enables synchronisation as long as `act` works. */
export async function syncing<T>(
  run: Run,
  act: (user: User, sync: Sync, instance: Instance) => Promise<T>,
): Promise<T> {
  return await acting(
    run,
    async (user, instance) => act(user, await instance.enableSync(), instance),
  );
}

/** Lets synchronisation of a database act with the key of a user, where the user has one for it. */
export function useKeyOf(user: User, sync: Sync, root: ID): void {
  const key = user.findKey(root);
  if (key !== undefined) sync.useKey(root, user.signingKey(key));
}
