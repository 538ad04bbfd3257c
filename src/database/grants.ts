import { AuthKey } from "../auth/auth_key.ts";
import { Permission } from "../auth/permission.ts";
import type { AuthSettings } from "../auth/settings.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { SettingsStore } from "../store/settings_store.ts";
import { optionsOf, requireText, wrongArgument } from "../util/arguments.ts";
import { tryRead } from "../util/try_read.ts";

/** Who is granted something: a key, or whoever has any key. */
export type Grantee = PublicKey | "everyone";

/** What is granted: a permission, its text such as `"write:5"`, or its level with the usual priority. */
export type Grantable =
  | Permission
  | "read"
  | "write"
  | "admin"
  | `write:${number}`
  | `admin:${number}`;

/** What else is said of a grant. */
export interface GrantOptions {
  /** Label of the key in the settings; the one that it has stays when absent. */
  readonly name?: string;
}

/** Priority of grants that name none: weaker than that of who has made the database, which is 0. */
export const USUAL_PRIORITY = 10;

const GRANT = "grant a permission";
const REVOKE = "revoke a permission";

/** A permission out of what callers write. */
export function permissionOf(granted: Grantable, action: string = GRANT): Permission {
  if (granted instanceof Permission) return granted;
  if (granted === "write") return Permission.write(USUAL_PRIORITY);
  if (granted === "admin") return Permission.admin(USUAL_PRIORITY);
  if (typeof granted === "string") return Permission.parse(granted);
  throw wrongArgument(action, "the permission", "a Permission or its text", granted);
}

function requireGrantee(grantee: unknown, action: string): asserts grantee is Grantee {
  if (grantee === "everyone" || grantee instanceof PublicKey) return;
  throw wrongArgument(action, "whom it is for", 'a PublicKey or "everyone"', grantee);
}

/** What a grantee has now, if it is listed and can be read. */
function grantOf(auth: AuthSettings, grantee: Grantee): AuthKey | undefined {
  return tryRead(() => grantee === "everyone" ? auth.getGlobalKey() : auth.getKeyByPubkey(grantee));
}

/** A change of settings that grants something; nothing is staged when that is granted already. */
export function granting(
  grantee: Grantee,
  granted: Grantable,
  options?: GrantOptions,
): (settings: SettingsStore) => Promise<void> {
  requireGrantee(grantee, GRANT);
  const permission = permissionOf(granted);
  const { name } = optionsOf(options, GRANT);
  if (name !== undefined) requireText(name, GRANT, "the name");
  return async (settings) => {
    const before = grantOf(await settings.authSnapshot(), grantee);
    const key = AuthKey.active(name ?? before?.name, permission);
    if (before !== undefined && isSame(before, key)) return;
    if (grantee === "everyone") await settings.setGlobalAuthKey(key);
    else await settings.setAuthKey(grantee, key);
  };
}

function isSame(one: AuthKey, other: AuthKey): boolean {
  return one.name === other.name && one.status === other.status &&
    one.permissions.equals(other.permissions);
}

/** A change of settings that revokes what a grantee has; auth `KeyNotFound` when it is not listed. */
export function revoking(grantee: Grantee): (settings: SettingsStore) => Promise<void> {
  requireGrantee(grantee, REVOKE);
  return async (settings) => {
    if (grantee !== "everyone") {
      if ((await settings.getAuthKey(grantee)).isActive) await settings.revokeAuthKey(grantee);
      return;
    }
    const { name, permissions, isActive } = await settings.getGlobalAuthKey();
    if (isActive) await settings.setGlobalAuthKey(new AuthKey(name, permissions, "Revoked"));
  };
}
