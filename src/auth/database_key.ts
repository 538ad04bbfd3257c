import { setInspection } from "#inspect";
import { SigKey } from "../entry/sig_info.ts";
import { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { requireInstance } from "../util/arguments.ts";

const ACT = "act on a database";

/**
 * A private key with the identity that it acts under: what `database.withKey` takes where a key is not to act
 * simply as itself, but by the grant to everybody, under its label, or through a delegation. Nothing is checked
 * before a commit.
 */
export class DatabaseKey {
  /** The private key, which signs entries. */
  readonly signingKey: PrivateKey;
  /** The identity, which is written into entries. */
  readonly identity: SigKey;

  /** A key that acts as itself, or as `identity`. */
  constructor(signingKey: PrivateKey, identity?: SigKey) {
    requireInstance(signingKey, PrivateKey, ACT, "the key");
    if (identity !== undefined) requireInstance(identity, SigKey, ACT, "the identity");
    this.signingKey = signingKey;
    this.identity = identity ?? SigKey.fromPubkey(signingKey.publicKey);
  }

  /** A key that acts under the grant to everybody. */
  static global(signingKey: PrivateKey): DatabaseKey {
    requireInstance(signingKey, PrivateKey, ACT, "the key");
    return new DatabaseKey(signingKey, SigKey.global(signingKey.publicKey));
  }

  /** A key that acts under a name. */
  static withName(signingKey: PrivateKey, name: string): DatabaseKey {
    return new DatabaseKey(signingKey, SigKey.fromName(name));
  }

  /** A key that acts under any identity. */
  static withIdentity(signingKey: PrivateKey, identity: SigKey): DatabaseKey {
    return new DatabaseKey(signingKey, identity);
  }

  /** The public half. */
  get publicKey(): PublicKey {
    return this.signingKey.publicKey;
  }
}

setInspection(DatabaseKey, "DatabaseKey", ({ identity }) => [identity.displayId()]);
