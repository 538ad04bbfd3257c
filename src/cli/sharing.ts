import type { Instance } from "../instance/instance.ts";
import type { Sync } from "../sync/port.ts";
import type { User } from "../user/user.ts";
import type { ID } from "../entry/id.ts";
import { isConnected } from "./connected.ts";
import type { Run } from "./frame/command.ts";
import { Failure } from "./frame/failure.ts";
import { acting } from "./session.ts";

/** Opens the storage, logs in who acts, and enables synchronisation as long as `act` works. */
export async function syncing<T>(
  run: Run,
  act: (user: User, sync: Sync, instance: Instance) => Promise<T>,
): Promise<T> {
  return await acting(run, async (user, instance) => {
    requireOwn(instance);
    return await act(user, await instance.enableSync(), instance);
  });
}

/** Synchronisation where there was any before; undefined where there was none, so that looking makes nothing. */
export async function knownSync(instance: Instance): Promise<Sync | undefined> {
  requireOwn(instance);
  const metadata = await instance.backend.getInstanceMetadata();
  return metadata?.sync_db ? await instance.enableSync() : undefined;
}

function requireOwn(instance: Instance): void {
  if (!isConnected(instance)) return;
  throw new Failure(
    "Cannot synchronise through a daemon: that is for the process that has the storage.",
    {
      code: "OperationNotSupported",
      next: "run it on the storage itself: --connect off",
    },
  );
}

/** Lets synchronisation of a database act with the key of a user, where the user has one for it. */
export function useKeyOf(user: User, sync: Sync, root: ID): void {
  const key = user.findKey(root);
  if (key !== undefined) sync.useKey(root, user.signingKey(key));
}
