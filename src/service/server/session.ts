import { Database } from "../../database/database.ts";
import type { SigKey } from "../../entry/sig_info.ts";
import { generateChallenge, verifyChallengeResponse } from "../../keys/challenge.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { findUser } from "../../user/login.ts";
import { userInfoRow } from "../../user/records.ts";
import { AuthError, ServiceError } from "../../util/errors.ts";
import type { LoginChallenge } from "../protocol/messages.ts";
import type { Actor } from "./gate.ts";
import { MAX_SESSION_KEYS } from "./limits.ts";
import type { ServedNode } from "./port.ts";

/** Nobody has begun to log in; a challenge was given; or a user is logged in. */
type State =
  | { readonly name: "PreAuth" }
  | {
    readonly name: "AwaitingProof";
    readonly userUuid: string;
    readonly challenge: Uint8Array;
    readonly expected: PublicKey;
  }
  | {
    readonly name: "Authenticated";
    readonly userUuid: string;
    readonly login: PublicKey;
    /** Keys that the connection has proven to hold, by their texts. */
    readonly keys: Set<string>;
    /** Open challenges of further keys. */
    readonly challenges: Map<string, Uint8Array>;
  };

const PRE_AUTH: State = { name: "PreAuth" };

/** Who a connection has proven to be (11 §4). It holds no private key. */
export class Session {
  readonly #node: ServedNode;
  #state: State = PRE_AUTH;

  /** A session with nobody, on `node`. */
  constructor(node: ServedNode) {
    this.#node = node;
  }

  /**
   * Begins the login of a user, and ends any session before. `UserNotFound`, `DuplicateUsersDetected`,
   * `UserDisabled`.
   */
  async begin(username: string): Promise<LoginChallenge> {
    this.#state = PRE_AUTH;
    const { host, usersDbId } = this.#node;
    const users = await Database.open({ host }, usersDbId);
    const { uuid, info } = await findUser(users, username);
    const userInfo = await userInfoRow.write(info, (reason) => unreadable(username, reason));
    const challenge = generateChallenge(host.random);
    const expected = info.credentials.rootKeyId;
    this.#state = { name: "AwaitingProof", userUuid: uuid, challenge, expected };
    return { challenge, userUuid: uuid, userInfo };
  }

  /** Logs in with the signature of the challenge, which counts once. */
  prove(signature: Uint8Array): void {
    const state = this.#state;
    if (state.name !== "AwaitingProof") throw unexpectedProof();
    this.#state = PRE_AUTH;
    const { challenge, expected, userUuid } = state;
    verifyChallengeResponse(challenge, signature, expected);
    const keys = new Set([expected.toString()]);
    const challenges = new Map<string, Uint8Array>();
    this.#state = { name: "Authenticated", userUuid, login: expected, keys, challenges };
  }

  /** A challenge for a further key, in place of an older one. */
  challengeKey(pubkey: PublicKey): Uint8Array {
    const { keys, challenges } = this.#require("SessionKeyChallenge requires");
    const text = pubkey.toString();
    const count = keys.size + challenges.size;
    if (count >= MAX_SESSION_KEYS && !keys.has(text) && !challenges.has(text)) throw manyKeys();
    const challenge = generateChallenge(this.#node.host.random);
    challenges.set(text, challenge);
    return challenge;
  }

  /** Takes a further key with the signature of its challenge, which counts once. */
  registerKey(pubkey: PublicKey, signature: Uint8Array): void {
    const { keys, challenges } = this.#require("SessionKeyRegister requires");
    const text = pubkey.toString();
    const challenge = challenges.get(text);
    if (challenge === undefined) {
      throw notConfigured(
        `no outstanding SessionKeyChallenge for pubkey '${text}'; issue the challenge before registering`,
      );
    }
    challenges.delete(text);
    verifyChallengeResponse(challenge, signature, pubkey);
    keys.add(text);
  }

  /** The key of the user that is logged in; row key of the user. */
  get userUuid(): string {
    return this.#require("database operation requires").userUuid;
  }

  /** Who acts under an identity: the key that it names, which must have been proven, or the one of the login. */
  actor(identity: SigKey): Actor {
    const { login, keys } = this.#require("database operation requires");
    const { pubkey } = identity.hint;
    if (pubkey === undefined) return { key: login, identity };
    if (keys.has(pubkey.toString())) return { key: pubkey, identity };
    throw notRegistered(pubkey);
  }

  #require(who: string): Extract<State, { name: "Authenticated" }> {
    if (this.#state.name === "Authenticated") return this.#state;
    throw notConfigured(`${who} an authenticated connection; complete TrustedLogin* first`);
  }
}

function unreadable(username: string, reason: string): ServiceError {
  const message = `Cannot pass on the record of the user "${username}": ${reason}`;
  return new ServiceError("InvalidRecord", message, { fields: { username, reason } });
}

function unexpectedProof(): ServiceError {
  const reason = "TrustedLoginProve received outside of AwaitingProof state";
  const message = `Cannot take the proof of a login: ${reason}`;
  return new ServiceError("UnexpectedProof", message, { fields: { reason } });
}

function notConfigured(reason: string): AuthError {
  return new AuthError("InvalidAuthConfiguration", `Cannot serve the request: ${reason}`, {
    fields: { reason },
  });
}

function notRegistered(pubkey: PublicKey): AuthError {
  const reason =
    `request identity claims pubkey '${pubkey}' but it is not in the session keyset; ` +
    "register it first via SessionKeyChallenge/SessionKeyRegister";
  return new AuthError("SigningKeyMismatch", `Cannot serve the request: ${reason}`, {
    fields: { reason },
  });
}

function manyKeys(): ServiceError {
  const message = `Cannot take a further session key: a connection may have ${MAX_SESSION_KEYS}`;
  return new ServiceError("LimitExceeded", message, { fields: { limit: MAX_SESSION_KEYS } });
}
