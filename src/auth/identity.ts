import type { SigKey } from "../entry/sig_info.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { AuthError } from "../util/errors.ts";
import type { Permission } from "./permission.ts";
import type { SettingsReader } from "./port.ts";
import { type ResolvedAuth, resolveHint, resolveSigKey } from "./resolve.ts";
import { damaged, keyNotFound } from "./auth_errors.ts";
import type { AuthSettings } from "./settings.ts";

/**
 * What somebody who has proven to hold `proven` may do under an identity. Throws
 * {@link AuthError}.
 */
export async function resolveIdentityPermission(
  proven: PublicKey,
  identity: SigKey,
  settings: AuthSettings,
  reader?: SettingsReader,
): Promise<Permission> {
  if (identity.path !== undefined) return await delegated(proven, identity, settings, reader);
  const { hint } = identity;
  if (hint.pubkey !== undefined && !hint.pubkey.equals(proven)) throw mismatch();
  if (hint.isGlobal === true) {
    const global = settings.getGlobalPermission();
    if (global === undefined) throw damaged("nothing is granted to everybody");
    return global;
  }
  if (hint.pubkey === undefined && hint.name === undefined) {
    throw damaged("the identity names nobody");
  }
  const own = strongest(candidates(settings, identity), proven) ?? settings.getGlobalPermission();
  if (own === undefined) throw keyNotFound(hint.name ?? proven.toString());
  return own;
}

function candidates(settings: AuthSettings, identity: SigKey): ResolvedAuth[] {
  try {
    return resolveHint(settings, identity.hint);
  } catch (error) {
    if (error instanceof AuthError) return [];
    throw error;
  }
}

function strongest(auths: readonly ResolvedAuth[], proven: PublicKey): Permission | undefined {
  return auths.filter(({ publicKey, status }) => status === "Active" && publicKey.equals(proven))
    .map(({ permission }) => permission).sort((a, b) => b.compare(a))[0];
}

async function delegated(
  proven: PublicKey,
  identity: SigKey,
  settings: AuthSettings,
  reader: SettingsReader | undefined,
): Promise<Permission> {
  const outcome = await resolveSigKey(identity, settings, reader);
  if (outcome.outcome === "refused") {
    throw new AuthError(
      "InvalidAuthConfiguration",
      `Cannot decide on access: ${outcome.error.message}`,
      {
        cause: outcome.error,
        fields: { reason: outcome.error.message },
      },
    );
  }
  if (outcome.outcome === "undecided") throw unsynced(identity, outcome.missing.map(String));
  const permission = strongest(outcome.value, proven);
  if (permission === undefined) throw mismatch();
  return permission;
}

function mismatch(): AuthError {
  const reason = "the identity is not one of the proven key";
  return new AuthError("SigningKeyMismatch", `Cannot act under this identity: ${reason}`, {
    fields: { reason },
  });
}

function unsynced(identity: SigKey, missing: readonly string[]): AuthError {
  const treeId = identity.path![0]!.tree;
  const message =
    `Cannot follow the delegation to "${treeId}" yet: ${missing.length} entries are missing`;
  return new AuthError("DelegatedTreeUnsynced", message, { fields: { treeId, missing } });
}
