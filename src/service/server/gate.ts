import type { Permission } from "../../auth/permission.ts";
import { permissionUnder } from "../../database/access.ts";
import type { ID } from "../../entry/id.ts";
import type { SigKey } from "../../entry/sig_info.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { AuthError, TransactionError } from "../../util/errors.ts";
import type { ServedHost } from "./port.ts";

/** Who acts: a key that the connection has proven, under an identity. */
export interface Actor {
  /** The key. */
  readonly key: PublicKey;
  /** Under which grant. */
  readonly identity: SigKey;
}

/** What an operation needs. */
export type Level = "Read" | "Admin";

/**
 * Returns if somebody may read, or administer, a tree that is held (11 §5.2). Every reason why not gives the same
 * `AuthError` `PermissionDenied`; a tree of which nothing is visible gives the error of whoever reads it.
 */
export async function requireAccess(
  host: ServedHost,
  tree: ID,
  actor: Actor,
  level: Level,
): Promise<void> {
  const permission = await permissionOf(host, tree, actor);
  if (permission === undefined || level === "Admin" && permission.level !== "Admin") {
    throw denied(tree, actor, level);
  }
}

/**
 * As {@link requireAccess}; of a tree that is not held there is nothing to read, and anybody may know that. Says
 * whether it is held: one that comes right after this was looked at by nobody.
 */
export async function requireAccessIfHeld(
  host: ServedHost,
  tree: ID,
  actor: Actor,
): Promise<boolean> {
  if (!await isHeld(host, tree)) return false;
  await requireAccess(host, tree, actor, "Read");
  return true;
}

/** Whether anything of a tree is held. */
export async function isHeld(host: ServedHost, tree: ID): Promise<boolean> {
  return (await host.backend.snapshot(tree)).tips.length > 0;
}

/** What somebody may do; undefined for nothing. */
async function permissionOf(
  host: ServedHost,
  tree: ID,
  { key, identity }: Actor,
): Promise<Permission | undefined> {
  await requireVisible(host, tree);
  try {
    return await permissionUnder(host, tree, key, identity);
  } catch (error) {
    if (error instanceof AuthError) return undefined;
    throw error;
  }
}

/** While the root of a tree is not Verified it has no access rules that could be trusted. */
async function requireVisible(host: ServedHost, tree: ID): Promise<void> {
  await host.backend.get(tree);
  await host.settle(tree);
  if ((await host.backend.tips.seen(tree)).tips.length > 0) return;
  const message = `Cannot read database "${tree}": nothing of it is Verified`;
  throw new TransactionError("EmptyTipsNotAllowed", message, { fields: { databaseId: tree } });
}

function denied(tree: ID, { key }: Actor, level: Level): AuthError {
  const needed = level === "Admin" ? "Admin(0)" : level;
  const reason = `tree ${tree}: pubkey ${key} not permitted for ${needed}`;
  const verb = level === "Admin" ? "administer" : "read";
  const message = `Cannot ${verb} database "${tree}": key "${key}" is not permitted to`;
  return new AuthError("PermissionDenied", message, { fields: { reason, tree, key } });
}
