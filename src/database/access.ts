import type { Permission } from "../auth/permission.ts";
import { resolveIdentityPermission } from "../auth/identity.ts";
import { resolveSigKey } from "../auth/resolve.ts";
import type { SettingsReader } from "../auth/port.ts";
import { SigKey } from "../entry/sig_info.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { delegatedSettings } from "../settings/delegated_settings.ts";
import { AuthError, BackendError } from "../util/errors.ts";
import { Database } from "./database.ts";
import type { DatabaseHost } from "./host.ts";

/** A key's identity on a database with what it may do under it. */
export type SigkeyGrant = readonly [SigKey, Permission];

function reader(host: DatabaseHost): SettingsReader {
  return {
    delegatedSettings: (tree, claimed, floor) =>
      delegatedSettings(host.backend, undefined, tree, claimed, floor),
  };
}

/** What the attached key may do now (06 §3). */
export async function currentPermission(
  host: DatabaseHost,
  database: Database,
): Promise<Permission> {
  if (database.key === undefined) {
    const reason = "no key is attached to this handle";
    throw new AuthError("InvalidAuthConfiguration", `Cannot tell the permission: ${reason}`, {
      fields: { reason },
    });
  }
  const settings = await (await database.getSettings()).authSnapshot();
  const { publicKey, identity } = database.key;
  return await resolveIdentityPermission(publicKey, identity, settings, reader(host));
}

/** Identities under which a key may act, strongest first; one-hop delegations included (02 §11.2). */
export async function findSigkeys(
  host: DatabaseHost,
  database: Database,
  publicKey: PublicKey,
): Promise<SigkeyGrant[]> {
  const settings = await (await database.getSettings()).authSnapshot();
  const grants: SigkeyGrant[] = settings.findAllSigkeysForPubkey(publicKey);
  for (const reference of settings.getAllDelegatedTrees()) {
    const delegated = await Database.open({ host }, reference.tree.root).catch(notHeld);
    if (delegated === undefined) continue;
    const inner = (await (await delegated.getSettings()).authSnapshot())
      .findAllSigkeysForPubkey(publicKey);
    const tips = (await delegated.snapshot()).tips;
    for (const [own] of inner) {
      const sigKey = SigKey.delegation([{ tree: reference.tree.root, tips }], own.hint);
      const permission = await strongest(host, sigKey, settings, publicKey);
      if (permission !== undefined) grants.push([sigKey, permission]);
    }
  }
  return grants.sort(([, a], [, b]) => b.compare(a));
}

function notHeld(error: unknown): undefined {
  if (error instanceof BackendError && error.code === "EntryNotFound") return undefined;
  throw error;
}

async function strongest(
  host: DatabaseHost,
  sigKey: SigKey,
  settings: Parameters<typeof resolveSigKey>[1],
  publicKey: PublicKey,
): Promise<Permission | undefined> {
  const outcome = await resolveSigKey(sigKey, settings, reader(host));
  if (outcome.outcome !== "known") return undefined;
  const active = outcome.value.filter((auth) =>
    auth.status === "Active" && auth.publicKey.equals(publicKey)
  );
  return active.map((auth) => auth.permission).sort((a, b) => b.compare(a))[0];
}

/** Whether the strongest identity of a key has at least the wanted permission (02 §11.3). */
export async function canAccess(
  host: DatabaseHost,
  database: Database,
  publicKey: PublicKey,
  wanted: Permission,
): Promise<boolean> {
  const [best] = await findSigkeys(host, database, publicKey);
  return best !== undefined && best[1].compare(wanted) >= 0;
}

