import type { ID } from "../../entry/id.ts";
import { SyncError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import type { GatePort } from "./port.ts";

const log = new Logger("sync");

/**
 * Comes before everything else that is done with a database for others. One error for those that are
 * not known and those that are not shared: nobody is told which databases there are.
 *
 * Throws `SyncError` `TreeNotFound`.
 */
export async function requireShared(port: GatePort, tree: ID): Promise<void> {
  if (await isShared(port, tree)) return;
  throw treeNotFound(tree);
}

async function isShared(port: GatePort, tree: ID): Promise<boolean> {
  try {
    return await port.isShared(tree) === true;
  } catch (error) {
    log.warn("cannot tell whether {tree} is shared: {error}", { tree: String(tree), error });
    return false;
  }
}

/** The error for a database that others may not know of. */
export function treeNotFound(tree: ID): SyncError {
  return new SyncError("TreeNotFound", `Tree not found: ${tree}`, { fields: { tree } });
}
