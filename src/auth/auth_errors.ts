import type { PublicKey } from "../keys/public_key.ts";
import { AuthError } from "../util/errors.ts";

/** Refuses a public key under which signatures are not unique. */
export function requireStrong(publicKey: PublicKey): void {
  if (!publicKey.isWeak) return;
  const reason = "its point has a small order, or its encoding is not canonical";
  throw new AuthError(
    "InvalidKeyFormat",
    `Cannot grant anything to the key "${publicKey}": ${reason}`,
    {
      fields: { reason },
    },
  );
}

/** The error for a key, a name or a grant that is not there. */
export function keyNotFound(keyName: string): AuthError {
  return new AuthError(
    "KeyNotFound",
    `Cannot find the key "${keyName}" among the grants of the database: it has none`,
    { fields: { keyName } },
  );
}

/** The error for a grant that is damaged. */
export function invalidKey(keyName: string): AuthError {
  const reason = "the stored grant cannot be read";
  return new AuthError("InvalidKeyFormat", `Cannot use the key "${keyName}": ${reason}`, {
    fields: { keyName, reason },
  });
}

/** The error for access rules that make no sense. */
export function damaged(reason: string): AuthError {
  return new AuthError("InvalidAuthConfiguration", `Cannot decide on access: ${reason}`, {
    fields: { reason },
  });
}
