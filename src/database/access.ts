import type { DatabaseKey } from "../auth/database_key.ts";
import type { Permission } from "../auth/permission.ts";
import type { AuthSettings } from "../auth/settings.ts";
import { resolveIdentityPermission } from "../auth/identity.ts";
import { MAX_CLAIMED_TIPS, resolveSigKey } from "../auth/resolve.ts";
import type { TreeReference } from "../auth/delegation.ts";
import type { SettingsReader } from "../auth/port.ts";
import type { LocalBackend } from "../backend/local.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { SigKey } from "../entry/sig_info.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { delegatedSettings } from "../settings/delegated_settings.ts";
import { authAt } from "../settings/pinned_settings.ts";
import { AuthError } from "../util/errors.ts";
import type { DatabaseHost } from "./host.ts";

/** A key's identity on a database with what it may do under it. */
export type SigkeyGrant = readonly [SigKey, Permission];

function reader(host: DatabaseHost): SettingsReader {
  return {
    delegatedSettings: (tree, claimed, floor) =>
      delegatedSettings(host.backend, undefined, tree, claimed, floor),
  };
}

/** The access rules that this node knows for a database. */
export async function currentAuth(host: DatabaseHost, root: ID): Promise<AuthSettings> {
  await host.settle(root);
  const { backend } = host;
  const tips = await backend.verifiedStoreSnapshot(root, SETTINGS);
  return await authAt(backend, backend.states, root, tips);
}

/** What a key may do now. */
export async function currentPermission(
  host: DatabaseHost,
  root: ID,
  key: DatabaseKey | undefined,
): Promise<Permission> {
  if (key === undefined) {
    const reason = "no key is attached to this handle";
    throw new AuthError("InvalidAuthConfiguration", `Cannot tell the permission: ${reason}`, {
      fields: { reason },
    });
  }
  return await permissionUnder(host, root, key.publicKey, key.identity);
}

/** What somebody who has proven to hold a key may do now under an identity. */
export async function permissionUnder(
  host: DatabaseHost,
  root: ID,
  publicKey: PublicKey,
  identity: SigKey,
): Promise<Permission> {
  const settings = await currentAuth(host, root);
  return await resolveIdentityPermission(publicKey, identity, settings, reader(host));
}

/** Identities under which a key may act, strongest first; one-hop delegations included. */
export async function findSigkeys(
  host: DatabaseHost,
  root: ID,
  publicKey: PublicKey,
): Promise<SigkeyGrant[]> {
  const settings = await currentAuth(host, root);
  const grants: SigkeyGrant[] = settings.findAllSigkeysForPubkey(publicKey);
  for (const { tree } of settings.getAllDelegatedTrees()) {
    grants.push(...await delegatedGrants(host, tree, settings, publicKey));
  }
  return grants.sort(([, a], [, b]) => b.compare(a));
}

/** Identities that a key has through one delegated database; none while it is not held. */
async function delegatedGrants(
  host: DatabaseHost,
  { root: tree, tips: floor }: TreeReference,
  settings: AuthSettings,
  publicKey: PublicKey,
): Promise<SigkeyGrant[]> {
  const tips = await tipsToClaim(host.backend, tree, floor);
  if (tips.length === 0 || tips.length > MAX_CLAIMED_TIPS) return [];
  const grants: SigkeyGrant[] = [];
  for (const [own] of (await currentAuth(host, tree)).findAllSigkeysForPubkey(publicKey)) {
    const sigKey = SigKey.delegation([{ tree, tips }], own.hint);
    const permission = await strongest(host, sigKey, settings, publicKey);
    if (permission !== undefined) grants.push([sigKey, permission]);
  }
  return grants;
}

/**
 * The tips of a delegated database. When they are more than an identity may claim, what has the
 * same settings and reaches the floor: the tips of the settings and the floor itself.
 */
async function tipsToClaim(
  backend: LocalBackend,
  tree: ID,
  floor: readonly ID[],
): Promise<readonly ID[]> {
  const { tips } = await backend.verifiedSnapshot(tree);
  if (tips.length <= MAX_CLAIMED_TIPS) return tips;
  const settings = await backend.verifiedStoreSnapshot(tree, SETTINGS);
  return Snapshot.of([...settings.tips, ...floor]).tips;
}

async function strongest(
  host: DatabaseHost,
  sigKey: SigKey,
  settings: AuthSettings,
  publicKey: PublicKey,
): Promise<Permission | undefined> {
  const outcome = await resolveSigKey(sigKey, settings, reader(host));
  if (outcome.outcome !== "known") return undefined;
  const active = outcome.value.filter((auth) =>
    auth.status === "Active" && auth.publicKey.equals(publicKey)
  );
  return active.map((auth) => auth.permission).sort((a, b) => b.compare(a))[0];
}

/** Whether the strongest identity of a key has at least the wanted permission. */
export async function canAccess(
  host: DatabaseHost,
  root: ID,
  publicKey: PublicKey,
  wanted: Permission,
): Promise<boolean> {
  const [best] = await findSigkeys(host, root, publicKey);
  return best !== undefined && best[1].compare(wanted) >= 0;
}
