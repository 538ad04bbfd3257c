import type { DatabaseKey } from "../../auth/database_key.ts";
import type { ID } from "../../entry/id.ts";
import { SigKey } from "../../entry/sig_info.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import { EideticaError } from "../../util/errors.ts";
import { LruMap } from "../../util/lru.ts";

/** Handles' keys that are remembered for a database, at most: those named last. */
const KEPT_PER_TREE = 16;

/** Databases for which it is known who is accepted, at most. */
const KEPT_ACCEPTED = 1_024;

/** Who a request can be made as: an identity, and the key that proves it. */
export interface Actor {
  /** The identity. */
  readonly identity: SigKey;
  /** The key. */
  readonly key: PrivateKey;
}

/** Who the requests about each database can be made as. */
export class Identities {
  readonly #handles = new Map<string, Actor[]>();
  #accepted = new LruMap<Actor | undefined>(KEPT_ACCEPTED);
  readonly #users = new Map<string, () => Iterable<PrivateKey>>();
  #login: Actor | undefined;

  /** Who is logged in. */
  get login(): Actor | undefined {
    return this.#login;
  }

  /** Notes who has logged in; who was accepted before must prove it anew. */
  loggedIn(key: PrivateKey): void {
    this.#login = { identity: SigKey.fromPubkey(key.publicKey), key };
    this.#accepted = new LruMap(KEPT_ACCEPTED);
  }

  /** Adds the keys that the newest session of a user holds, now and later. */
  addUser(uuid: string, keys: () => Iterable<PrivateKey>): void {
    this.#users.set(uuid, keys);
  }

  /** Notes that a handle acts as `key` on a database. */
  note(tree: ID, { identity, signingKey }: DatabaseKey): void {
    const name = tree.toString();
    const known = this.#handles.get(name) ?? [];
    if (known[0]?.key === signingKey && known[0].identity === identity) return;
    const text = JSON.stringify(identity);
    const others = known.filter((actor) => JSON.stringify(actor.identity) !== text);
    this.#handles.set(name, [{ identity, key: signingKey }, ...others].slice(0, KEPT_PER_TREE));
  }

  /** Who was accepted last for a database. */
  accepted(tree: ID): Actor | undefined {
    return this.#accepted.get(tree.toString());
  }

  /** Notes who was accepted for a database, or that nobody is any more. */
  accept(tree: ID, actor: Actor | undefined): void {
    this.#accepted.set(tree.toString(), actor);
  }

  /** Everybody that a request about a database can be made as, in the order to try them in. */
  *candidates(tree: ID): Generator<Actor> {
    const tried = new Set<string>();
    for (const actor of this.#all(tree)) {
      const name = JSON.stringify(actor.identity);
      if (tried.has(name)) continue;
      tried.add(name);
      yield actor;
    }
  }

  *#all(tree: ID): Generator<Actor> {
    yield* this.#handles.get(tree.toString()) ?? [];
    if (this.#login !== undefined) yield this.#login;
    for (const keys of this.#users.values()) {
      for (const key of keys()) yield { identity: SigKey.fromPubkey(key.publicKey), key };
    }
  }
}

/** Codes by which a daemon refuses an identity. */
const REFUSALS: ReadonlySet<string> = new Set(["PermissionDenied", "SigningKeyMismatch"]);

/** Whether a daemon has refused an identity, so that another may do. */
export function isRefusal(error: unknown): boolean {
  return error instanceof EideticaError && error.module === "auth" && REFUSALS.has(error.code);
}

/** Whether a daemon has refused a request because nobody is logged in. */
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof EideticaError && error.module === "auth" &&
    error.code === "InvalidAuthConfiguration";
}
