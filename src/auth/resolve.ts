import type { KeyHint, SigKey } from "../entry/sig_info.ts";
import { hintType } from "../entry/sig_info.ts";
import type { ID } from "../entry/id.ts";
import { PublicKey } from "../keys/public_key.ts";
import { AuthError } from "../util/errors.ts";
import type { KeyStatus } from "./auth_key.ts";
import { clampPermission, combineBounds, type PermissionBounds } from "./delegation.ts";
import type { Permission } from "./permission.ts";
import type { Outcome, SettingsReader } from "./port.ts";
import { damaged, keyNotFound } from "./auth_errors.ts";
import type { AuthSettings } from "./settings.ts";

/** Most steps of a delegation path. */
export const MAX_DELEGATION_STEPS = 10;
/** Most claimed tips of one step. */
export const MAX_CLAIMED_TIPS = 64;

/** A key that an identity may stand for. Only `Active` ones grant anything. */
export interface ResolvedAuth {
  /** The key. */
  readonly publicKey: PublicKey;
  /** What it may do. */
  readonly permission: Permission;
  /** Whether it counts. */
  readonly status: KeyStatus;
}

/** The keys that a hint stands for in one database, of any status. Throws `AuthError`. */
export function resolveHint(settings: AuthSettings, hint: KeyHint): ResolvedAuth[] {
  if (hint.isGlobal === true) return [resolveGlobal(settings, hint)];
  switch (hintType(hint)) {
    case "pubkey": {
      const { permissions, status } = settings.getKeyByPubkey(hint.pubkey!);
      return [{ publicKey: hint.pubkey!, permission: permissions, status }];
    }
    case "name":
      return resolveName(settings, hint.name!);
    default:
      return [];
  }
}

function resolveGlobal(settings: AuthSettings, hint: KeyHint): ResolvedAuth {
  let key;
  try {
    key = settings.getGlobalKey();
  } catch {
    throw damaged("nothing is granted to everybody");
  }
  if (hint.pubkey === undefined) throw damaged("a global hint does not say which key has signed");
  return { publicKey: hint.pubkey, permission: key.permissions, status: key.status };
}

function resolveName(settings: AuthSettings, name: string): ResolvedAuth[] {
  const keys = settings.findKeysByName(name);
  if (keys.length === 0) throw keyNotFound(name);
  return keys.map(([text, { permissions, status }]) => ({
    publicKey: PublicKey.parse(text),
    permission: permissions,
    status,
  }));
}

/** The keys that an identity stands for; delegations are followed through `reader`. */
export async function resolveSigKey(
  sigKey: SigKey,
  settings: AuthSettings,
  reader?: SettingsReader,
): Promise<Outcome<ResolvedAuth[]>> {
  try {
    if (sigKey.path === undefined) return known(resolveHint(settings, sigKey.hint));
    if (reader === undefined) throw databaseRequired();
    return await resolvePath(sigKey, settings, reader);
  } catch (error) {
    if (error instanceof AuthError) return { outcome: "refused", error };
    throw error;
  }
}

function known<T>(value: T): Outcome<T> {
  return { outcome: "known", value };
}

function databaseRequired(): AuthError {
  const operation = "follow a delegation";
  return new AuthError(
    "DatabaseRequired",
    `Cannot ${operation} without access to other databases`,
    {
      fields: { operation },
    },
  );
}

/** Bounds are collected over all steps and applied once: step by step gives other results. */
async function resolvePath(
  sigKey: SigKey,
  settings: AuthSettings,
  reader: SettingsReader,
): Promise<Outcome<ResolvedAuth[]>> {
  const path = sigKey.path!;
  refuseBadPath(sigKey);
  let current = settings;
  let bounds: PermissionBounds | undefined;
  for (const { tree, tips } of path) {
    refuseManyTips(tree, tips);
    const reference = current.getDelegatedTree(tree);
    const next = await reader.delegatedSettings(tree, tips, reference.tree.tips);
    if (next.outcome !== "known") return next;
    current = next.value;
    const own = reference.permissionBounds;
    bounds = bounds === undefined ? own : combineBounds(bounds, own);
  }
  const found = resolveHint(current, sigKey.hint);
  if (found.length === 0) throw keyNotFound(sigKey.displayId());
  return known(found.map((auth) => ({
    ...auth,
    permission: clampPermission(auth.permission, bounds!),
  })));
}

function refuseBadPath(sigKey: SigKey): void {
  const len = sigKey.path!.length;
  if (len === 0) {
    throw new AuthError("EmptyDelegationPath", "Cannot follow a delegation without steps");
  }
  if (len > MAX_DELEGATION_STEPS) {
    throw new AuthError(
      "DelegationPathTooLong",
      `Cannot follow a delegation of ${len} steps, at most ${MAX_DELEGATION_STEPS} are allowed`,
      { fields: { len, max: MAX_DELEGATION_STEPS } },
    );
  }
  if (!sigKey.isGlobal) return;
  const reason = "the last step uses the grant to everybody";
  throw new AuthError("InvalidDelegationStep", `Cannot follow a delegation: ${reason}`, {
    fields: { reason },
  });
}

function refuseManyTips(tree: ID, tips: readonly ID[]): void {
  if (tips.length <= MAX_CLAIMED_TIPS) return;
  throw new AuthError(
    "DelegationTipsTooMany",
    `Cannot follow a delegation with ${tips.length} claimed tips, at most ${MAX_CLAIMED_TIPS} are allowed`,
    { fields: { treeId: tree, len: tips.length, max: MAX_CLAIMED_TIPS } },
  );
}
