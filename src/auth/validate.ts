import { SETTINGS } from "../entry/constants.ts";
import { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { requireInstance } from "../util/arguments.ts";
import { AuthError } from "../util/errors.ts";
import type { Permission } from "./permission.ts";
import type { SettingsReader } from "./port.ts";
import { type ResolvedAuth, resolveHint, resolveSigKey } from "./resolve.ts";
import { AuthSettings } from "./settings.ts";

/** What an entry does: it writes data, or settings. */
export type Operation = "WriteData" | "WriteSettings";

/** Whether an entry is valid under some access rules. */
export type Verdict =
  | { readonly outcome: "valid"; readonly key?: PublicKey; readonly permission?: Permission }
  | { readonly outcome: "invalid"; readonly error: AuthError }
  | { readonly outcome: "undecided"; readonly missing: readonly ID[] };

/** Whether the signature of the entry in question is one by a key. */
export type SignatureCheck = (key: PublicKey) => boolean;

/** What an entry does. Everything but `_settings` counts as data. */
export function operationOf(entry: Entry): Operation {
  return entry.inSubtree(SETTINGS) ? "WriteSettings" : "WriteData";
}

/** Whether a permission covers an operation. */
export function permits(permission: Permission, operation: Operation): boolean {
  return operation === "WriteSettings" ? permission.canAdmin() : permission.canWrite();
}

/** Judges an entry by access rules; synchronous unless a delegation must be followed. */
export function validateEntry(
  entry: Entry,
  settings: AuthSettings,
  reader?: SettingsReader,
): Verdict | Promise<Verdict> {
  requireInstance(entry, Entry, "judge an entry", "it");
  requireInstance(settings, AuthSettings, "judge an entry", "the access rules");
  return judge(entry, settings, reader, (key) => entry.verifySignature(key));
}

/** As {@link validateEntry}, with the check of the signature given. */
export function judge(
  entry: Entry,
  settings: AuthSettings,
  reader: SettingsReader | undefined,
  isSignedBy: SignatureCheck,
): Verdict | Promise<Verdict> {
  const { sig } = entry;
  const malformed = sig.malformedReason;
  if (malformed !== undefined) return invalid("MalformedEntry", malformed);
  if (sig.isUnsigned && !settings.isConfigured) return { outcome: "valid" };
  if (sig.isUnsigned || !settings.isConfigured) return refuseMode(sig.isUnsigned);
  if (sig.key.path !== undefined) return judgeDelegated(entry, settings, reader, isSignedBy);
  try {
    return pick(resolveHint(settings, sig.key.hint), entry, isSignedBy);
  } catch (error) {
    if (error instanceof AuthError) return { outcome: "invalid", error };
    throw error;
  }
}

function invalid(code: string, reason: string): Verdict {
  const error = new AuthError(code, `The entry is not valid: ${reason}`, { fields: { reason } });
  return { outcome: "invalid", error };
}

/** Where nobody is named, nothing may be signed; where somebody ever was, everything must be. */
function refuseMode(isUnsigned: boolean): Verdict {
  return isUnsigned
    ? invalid("InvalidSignature", "it is not signed, and the database has access rules")
    : invalid("NoAuthConfiguration", "it is signed, and the database has no access rules");
}

async function judgeDelegated(
  entry: Entry,
  settings: AuthSettings,
  reader: SettingsReader | undefined,
  isSignedBy: SignatureCheck,
): Promise<Verdict> {
  // Delegations alone are no access rules (02 §10.1), though what was once restricted stays so.
  if (!settings.listsAnybody) return refuseMode(false);
  const resolved = await resolveSigKey(entry.sig.key, settings, reader);
  if (resolved.outcome === "undecided") return resolved;
  if (resolved.outcome === "refused") return { outcome: "invalid", error: resolved.error };
  return pick(resolved.value, entry, isSignedBy);
}

function lack(operation: Operation): string {
  return operation === "WriteSettings"
    ? "does not allow changing settings, which needs Admin"
    : "does not allow changing data, which needs Write or Admin";
}

/** The first active key that has signed the entry and may do what it does. */
function pick(
  candidates: readonly ResolvedAuth[],
  entry: Entry,
  isSignedBy: SignatureCheck,
): Verdict {
  const operation = operationOf(entry);
  let reason = "the signing key is revoked or not listed";
  for (const { publicKey, permission, status } of candidates) {
    if (status !== "Active") continue;
    // The cheap test first; the order of the two does not change the verdict.
    if (!permits(permission, operation)) {
      reason = `the permission ${permission.display()} ${lack(operation)}`;
    } else if (isSignedBy(publicKey)) return { outcome: "valid", key: publicKey, permission };
    else reason = "the signature is not one by the key that it names";
  }
  return invalid("PermissionDenied", reason);
}
