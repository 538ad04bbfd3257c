import { deriveKey } from "../../keys/sealed.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import { openRootKey } from "../../user/credentials.ts";
import type { UserHost } from "../../user/host.ts";
import { openSession } from "../../user/login.ts";
import { type UserInfo, userInfoRow } from "../../user/records.ts";
import type { Session } from "../../user/session.ts";
import { ServiceError, UserError } from "../../util/errors.ts";
import type { Mirrors } from "./mirrors.ts";

/**
 * Logs a user in at a daemon (11 §4.1): the user's row comes with the challenge, the root key is opened here and
 * signs it. Neither the password nor a key leaves this process.
 */
export async function loginAtDaemon(
  mirrors: Mirrors,
  host: UserHost,
  username: string,
  password: string | undefined,
): Promise<Session> {
  const action = `log in as "${username}"`;
  let found: { info: UserInfo; derived: Uint8Array | undefined } | undefined;
  const loggedIn = mirrors.session.login(username, async ({ userInfo }) => {
    const info = await userInfoRow.read(userInfo, (reason) => unreadable(action, reason));
    const derived = await derivedKey(info, password, action);
    found = { info, derived };
    return await openOrWipe(info, derived, action);
  });
  // Whether it succeeds or not, the daemon has forgotten what it was to tell.
  const { userUuid, rootKey } = await loggedIn.finally(() => mirrors.loggedIn());
  const { info, derived } = found!;
  const session = await openSession(host, userUuid, info, rootKey, derived);
  mirrors.session.addUser(userUuid, () => heldKeys(session));
  return session;
}

function unreadable(action: string, reason: string): ServiceError {
  const message = `Cannot ${action}: the daemon tells of the user what cannot be read: ${reason}`;
  return new ServiceError("Undecodable", message);
}

/** The key of the password; there must be one exactly when the root key is encrypted. */
async function derivedKey(
  { credentials: { rootKey, passwordSalt } }: UserInfo,
  password: string | undefined,
  action: string,
): Promise<Uint8Array | undefined> {
  const isEncrypted = rootKey.type === "encrypted";
  if (isEncrypted && password !== undefined && passwordSalt !== undefined) {
    return await deriveKey(password, passwordSalt);
  }
  if (!isEncrypted && password === undefined && passwordSalt === undefined) return undefined;
  const why = password === undefined
    ? "the user has a password, and none was given"
    : "the user has no password, and one was given";
  throw new UserError("InvalidPassword", `Cannot ${action}: ${why}`);
}

async function openOrWipe(
  info: UserInfo,
  derived: Uint8Array | undefined,
  action: string,
): Promise<PrivateKey> {
  try {
    return await openRootKey(info, derived, action);
  } catch (error) {
    derived?.fill(0);
    throw error;
  }
}

/** The keys of a session, none after its end. */
function* heldKeys({ keys }: Session): Generator<PrivateKey> {
  for (const id of keys.listKeyIds()) {
    const key = keys.getSigningKey(id);
    if (key !== undefined) yield key;
  }
}
