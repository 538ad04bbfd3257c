import type { DatabaseKey } from "../../auth/database_key.ts";
import type { ID } from "../../entry/id.ts";
import { SigKey } from "../../entry/sig_info.ts";
import { createChallengeResponse } from "../../keys/challenge.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import { CryptoError } from "../../util/errors.ts";
import type { DatabaseOp, LoginChallenge, ReceivedResponse } from "../protocol/messages.ts";
import { expected, isUnanswered, type ResponseType } from "./expected.ts";
import { type Actor, Identities, isRefusal, isUnauthenticated } from "./identities.ts";
import type { Line } from "./line.ts";

/** Makes the root key out of what a daemon tells of a user. */
export type OpenRootKey = (login: LoginChallenge) => Promise<PrivateKey>;

/**
 * What a connection may do: who is logged in, and which keys it has proved to hold (11 §4). Keys are proved when
 * they are needed; the daemon forgets them at every login, and so does this.
 */
export class DaemonSession {
  readonly #line: Line;
  readonly #identities = new Identities();
  /** Keys that were proved, or are about to be: whoever needs one waits for the same attempt. */
  readonly #proved = new Map<string, Promise<void>>();
  #loggingIn: Promise<unknown> | undefined;
  /** How many logins were begun, and on how many further connections. */
  #logins = 0;
  #connections = 0;
  /** Root keys of those who have logged in, the last one last. */
  readonly #users = new Map<string, PrivateKey>();

  /** Nobody is logged in at first. */
  constructor(line: Line) {
    this.#line = line;
  }

  /** What both ends can do. */
  get features(): Line["features"] {
    return this.#line.features;
  }

  /** See `Line.isUp`. */
  get isUp(): boolean {
    return this.#line.isUp;
  }

  /** See `Line.isRestoring`. */
  get isRestoring(): boolean {
    return this.#line.isRestoring;
  }

  /** See `Line.ready`. */
  async ready(): Promise<void> {
    await this.#line.ready();
  }

  /** See `Identities.note`. */
  actAs(tree: ID, key: DatabaseKey): void {
    this.#identities.note(tree, key);
  }

  /** See `Identities.addUser`. */
  addUser(uuid: string, keys: () => Iterable<PrivateKey>): void {
    this.#identities.addUser(uuid, keys);
  }

  // --- login ---------------------------------------------------------------------------------

  /**
   * Logs a user in. A login that fails has ended the session of whoever was logged in before, who is then logged
   * in again. What is asked meanwhile waits.
   */
  async login(
    username: string,
    open: OpenRootKey,
  ): Promise<LoginChallenge & { rootKey: PrivateKey }> {
    if (!this.#line.isUp) await this.#line.ready();
    while (this.#loggingIn !== undefined) await this.#loggingIn.catch(() => undefined);
    this.#logins++;
    const login = this.#login(username, open);
    this.#loggingIn = login;
    try {
      return await login;
    } finally {
      if (this.#loggingIn === login) this.#loggingIn = undefined;
    }
  }

  async #login(
    username: string,
    open: OpenRootKey,
  ): Promise<LoginChallenge & { rootKey: PrivateKey }> {
    try {
      const connection = this.#connections;
      const login = await this.#challenge(username);
      const rootKey = await open(login);
      await this.#prove(await this.#stillAsked(login, username, connection), rootKey);
      this.#users.delete(username);
      this.#users.set(username, rootKey);
      return { ...login, rootKey };
    } catch (error) {
      await this.#loginAgain();
      throw error;
    }
  }

  /** The challenge, or that of another connection, which knows nothing of the first one. */
  async #stillAsked(
    login: LoginChallenge,
    username: string,
    connection: number,
  ): Promise<LoginChallenge> {
    if (!this.#line.isUp) await this.#line.ready();
    return connection === this.#connections ? login : await this.#challenge(username);
  }

  async #challenge(username: string): Promise<LoginChallenge> {
    const response = await this.#line.request({ type: "TrustedLoginUser", username });
    return expected(response, "TrustedLoginChallenge").login;
  }

  async #prove({ challenge }: LoginChallenge, rootKey: PrivateKey): Promise<void> {
    const signature = createChallengeResponse(challenge, rootKey);
    const response = await this.#line.request({ type: "TrustedLoginProve", signature });
    expected(response, "TrustedLoginOk");
    this.#proved.clear();
    this.#proved.set(rootKey.publicKey.toString(), Promise.resolve());
    this.#identities.loggedIn(rootKey);
  }

  /** There is another connection: whoever was logged in is so again, before anything else is asked. */
  async restored(): Promise<void> {
    this.#connections++;
    if (this.#users.size === 0) return;
    this.#logins++;
    this.#proved.clear();
    const before = this.#loggingIn?.catch(() => undefined);
    const login = (before?.then(() => this.#loginAgain()) ?? this.#loginAgain()).finally(() => {
      if (this.#loggingIn === login) this.#loggingIn = undefined;
    });
    this.#loggingIn = login;
    await login;
  }

  /** Logs in whoever was logged in last and may be still; else whoever asks next is told that nobody is. */
  async #loginAgain(): Promise<void> {
    for (const [username, rootKey] of [...this.#users].reverse()) {
      try {
        return await this.#prove(await this.#challenge(username), rootKey);
      } catch (error) {
        if (isUnanswered(error)) return;
        this.#users.delete(username);
      }
    }
    this.#proved.clear();
  }

  // --- keys ----------------------------------------------------------------------------------

  /** Proves to the daemon that this process holds a key, unless it has done that. */
  async #register(key: PrivateKey): Promise<void> {
    const name = key.publicKey.toString();
    let proof = this.#proved.get(name);
    if (proof === undefined) {
      proof = this.#registerNow(key);
      this.#proved.set(name, proof);
      const forget = () => this.#proved.get(name) === proof && this.#proved.delete(name);
      proof.catch(forget);
    }
    await proof;
  }

  async #registerNow(key: PrivateKey): Promise<void> {
    const pubkey = key.publicKey;
    const asked = await this.#line.request({ type: "SessionKeyChallenge", pubkey });
    const { challenge } = expected(asked, "SessionKeyChallenge");
    const signature = createChallengeResponse(challenge, key);
    const done = { type: "SessionKeyRegister", pubkey, signature } as const;
    expected(await this.#line.request(done), "Ok");
  }

  // --- requests ------------------------------------------------------------------------------

  /**
   * Asks something about a database, as whoever the daemon has accepted for it before, else as each of those who
   * may be: handles' keys, the user, and the keys of all users who are logged in here. A refusal of all of them is
   * told as it was of the first.
   */
  async ask<T extends ResponseType>(
    tree: ID,
    op: DatabaseOp,
    type: T,
  ): Promise<Extract<ReceivedResponse, { type: T }>> {
    return expected(await this.#betweenLogins(() => this.#ask(tree, op), true), type);
  }

  /**
   * What is sent while somebody logs in is refused, and is sent again afterwards; so is what has no answer since
   * the connection has ended, if it may be repeated.
   */
  async #betweenLogins(
    send: () => Promise<ReceivedResponse>,
    isRepeatable: boolean,
  ): Promise<ReceivedResponse> {
    for (;;) {
      if (!this.#line.isUp) await this.#line.ready();
      while (this.#loggingIn !== undefined) await this.#loggingIn.catch(() => undefined);
      const logins = this.#logins;
      try {
        return await send();
      } catch (error) {
        const isRefused = isUnauthenticated(error) && this.#logins !== logins;
        const isLost = isRepeatable && isUnanswered(error) && this.#line.isRestoring;
        if (!isRefused && !isLost) throw error;
      }
    }
  }

  async #ask(tree: ID, op: DatabaseOp): Promise<ReceivedResponse> {
    const accepted = this.#identities.accepted(tree);
    if (accepted !== undefined) {
      try {
        return await this.#askAs(tree, accepted.identity, op);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.#identities.accept(tree, undefined);
      }
    }
    return await this.#askAsAny(tree, op);
  }

  async #askAsAny(tree: ID, op: DatabaseOp): Promise<ReceivedResponse> {
    let refusal: unknown;
    for (const actor of this.#identities.candidates(tree)) {
      try {
        const response = await this.#tryAs(actor, tree, op);
        this.#identities.accept(tree, actor);
        return response;
      } catch (error) {
        // A key that was wiped by a logout proves nothing any more.
        if (!isRefusal(error) && !(error instanceof CryptoError)) throw error;
        refusal ??= error;
      }
    }
    if (refusal !== undefined) throw refusal;
    return await this.#askAs(tree, SigKey.NONE, op);
  }

  async #tryAs({ identity, key }: Actor, tree: ID, op: DatabaseOp): Promise<ReceivedResponse> {
    await this.#register(key);
    return await this.#askAs(tree, identity, op);
  }

  #askAs(rootId: ID, identity: SigKey, op: DatabaseOp): Promise<ReceivedResponse> {
    return this.#line.request({ type: "AuthenticatedDb", rootId, identity, op });
  }

  /** Submits an entry, which the daemon takes from everybody who is logged in, whoever has signed it. */
  async submit(tree: ID, op: DatabaseOp): Promise<ReceivedResponse> {
    const actor = this.#identities.accepted(tree) ?? this.#identities.login;
    const identity = actor?.identity ?? SigKey.NONE;
    return await this.#betweenLogins(() => this.#askAs(tree, identity, op), false);
  }
}
