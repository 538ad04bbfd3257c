import { deriveKey, newSalt } from "../keys/sealed.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import { UserError } from "../util/errors.ts";
import type { UserHost } from "./host.ts";
import { openKey, storeKey } from "./key_manager.ts";
import type { UserCredentials, UserInfo } from "./records.ts";

/** A root key under a new salt and the key of a password, or in the open without one. */
export async function makeCredentials(
  host: UserHost,
  rootKey: PrivateKey,
  password: string | undefined,
): Promise<{ credentials: UserCredentials; derived: Uint8Array | undefined }> {
  const { random } = host.host;
  const passwordSalt = password === undefined ? undefined : newSalt(random);
  const derived = password === undefined ? undefined : await deriveKey(password, passwordSalt!);
  const storage = await storeKey(rootKey, derived, random);
  return { credentials: { rootKeyId: rootKey.publicKey, rootKey: storage, passwordSalt }, derived };
}

/** The user's root key. Fails with `DecryptionFailed` when the password it was derived from is another one. */
export async function openRootKey(
  info: UserInfo,
  derived: Uint8Array | undefined,
  action: string,
): Promise<PrivateKey> {
  const opening = openKey(info.credentials.rootKey, derived);
  const rootKey = await opening.catch((cause) => Promise.reject(unopened(cause, action)));
  requireOwnKey(rootKey, info, action);
  return rootKey;
}

/** What was wanted failed, not the decryption that it took. */
function unopened(cause: unknown, action: string): unknown {
  if (!(cause instanceof UserError) || cause.code !== "DecryptionFailed") return cause;
  const message = `Cannot ${action}: ${String(cause.fields.reason)}`;
  return new UserError(cause.code, message, { cause, fields: cause.fields });
}

/** A row whose private key is not that of its public one would act as somebody else. */
function requireOwnKey(rootKey: PrivateKey, { credentials }: UserInfo, action: string): void {
  if (rootKey.publicKey.equals(credentials.rootKeyId)) return;
  rootKey.wipe();
  const reason = "the user's record is inconsistent: its private key has another public key";
  throw new UserError("DecryptionFailed", `Cannot ${action}: ${reason}`, { fields: { reason } });
}

/** The key that opens the user's keys; undefined for a passwordless user. */
export async function derivedKey(
  info: UserInfo,
  password: string | undefined,
  action: string,
): Promise<Uint8Array | undefined> {
  const { passwordSalt, rootKey } = info.credentials;
  if (passwordSalt === undefined) {
    if (password === undefined && rootKey.type === "unencrypted") return undefined;
    throw new UserError(
      "InvalidPassword",
      `Cannot ${action}: the user has no password, and one was given`,
    );
  }
  if (password === undefined) {
    const message = `Cannot ${action}: the user has a password, and none was given`;
    throw new UserError("PasswordRequired", message, { fields: { operation: action } });
  }
  if (rootKey.type !== "encrypted") {
    throw new UserError("InvalidPassword", `Cannot ${action}: the user's record is inconsistent`);
  }
  return await deriveKey(password, passwordSalt);
}
