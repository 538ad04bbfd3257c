/**
 * The runtime's own crypto engine: the synchronous `crypto` module that Node, Deno and Bun share.
 *
 * It is reached without an import, so browsers load this file too and find nothing.
 *
 * @module
 */

import { LruMap } from "../src/util/lru.ts";
import { concat } from "../src/util/bytes.ts";
import { builtinModule } from "../src/util/builtin.ts";
import { keyWiped } from "./lengths.ts";
import { nativeSha256 } from "./native_sha256.ts";
import type { Argon2id, Ed25519Engine, Hash, Signer } from "./types.ts";

/** Imported public keys kept for reuse: importing one costs up to half a verification. */
const KEY_CACHE_LIMIT = 1024;

/** What stands before a raw public key in DER (SubjectPublicKeyInfo, RFC 8410). */
const SPKI_PREFIX: readonly number[] = [48, 42, 48, 5, 6, 3, 43, 101, 112, 3, 33, 0];
/** What stands before a seed in DER (PKCS #8, RFC 8410). */
const PKCS8_PREFIX: readonly number[] = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];

interface KeyObject {
  export(options: { format: "der"; type: "spki" }): Uint8Array;
}

interface DerKey {
  readonly key: Uint8Array;
  readonly format: "der";
  readonly type: "spki" | "pkcs8";
}

interface Argon2Parameters {
  readonly message: Uint8Array;
  readonly nonce: Uint8Array;
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly tagLength: number;
}

interface HostCrypto {
  createPublicKey(key: DerKey | KeyObject): KeyObject;
  createPrivateKey(key: DerKey): KeyObject;
  sign(algorithm: null, data: Uint8Array, key: KeyObject): Uint8Array;
  verify(algorithm: null, data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean;
  createHash(algorithm: string): { update(data: Uint8Array): { digest(): Uint8Array } };
  argon2?(
    algorithm: "argon2id",
    parameters: Argon2Parameters,
    done: (error: unknown, key: Uint8Array) => void,
  ): void;
}

/** What the runtime offers; each part must pass its self-test before it is used. */
export interface NativeEngines {
  /** Ed25519. */
  readonly ed25519: Ed25519Engine;
  /** SHA-256. */
  readonly sha256: Hash;
  /** Argon2id off the main thread, where the runtime has it. */
  readonly argon2id: Argon2id | undefined;
}

/** The runtime's engines, or null in a browser or an isolate without the module. */
export function nativeEngines(): NativeEngines | null {
  const host = builtinModule<HostCrypto>("crypto");
  const sha256 = nativeSha256();
  if (host === undefined || sha256 === null) return null;
  const argon2 = host.argon2?.bind(host);
  return {
    ed25519: nativeEd25519(host),
    sha256,
    argon2id: argon2 === undefined ? undefined : nativeArgon2id(argon2),
  };
}

function nativeEd25519(host: HostCrypto): Ed25519Engine {
  const keys = new LruMap<KeyObject>(KEY_CACHE_LIMIT);
  const imported = (publicKey: Uint8Array): KeyObject => {
    const name = String.fromCharCode.apply(null, publicKey as unknown as number[]);
    let key = keys.get(name);
    if (key === undefined) keys.set(name, key = importPublicKey(host, publicKey));
    return key;
  };
  return {
    name: "native",
    signer: (seed) => nativeSigner(host, seed),
    verifyOrdinary: (publicKey, data, signature) =>
      host.verify(null, data, imported(publicKey), signature),
    sha512: (data) => new Uint8Array(host.createHash("sha512").update(data).digest()),
  };
}

function importPublicKey(host: HostCrypto, publicKey: Uint8Array): KeyObject {
  const key = concat(Uint8Array.from(SPKI_PREFIX), publicKey);
  return host.createPublicKey({ key, format: "der", type: "spki" });
}

function nativeSigner(host: HostCrypto, seed: Uint8Array): Signer {
  let key: KeyObject | undefined = importSeed(host, seed);
  let publicKey: Uint8Array | undefined;
  const held = (): KeyObject => {
    if (key === undefined) throw keyWiped();
    return key;
  };
  return {
    get publicKey(): Uint8Array {
      return publicKey ??= publicKeyOf(host, held());
    },
    sign: (data) => new Uint8Array(host.sign(null, data, held())),
    // The runtime holds the key outside our reach and wipes it when the object is collected.
    wipe: () => {
      key = undefined;
    },
  };
}

function publicKeyOf(host: HostCrypto, key: KeyObject): Uint8Array {
  const spki = host.createPublicKey(key).export({ format: "der", type: "spki" });
  return new Uint8Array(spki).slice(SPKI_PREFIX.length);
}

function importSeed(host: HostCrypto, seed: Uint8Array): KeyObject {
  const key = concat(Uint8Array.from(PKCS8_PREFIX), seed);
  try {
    return host.createPrivateKey({ key, format: "der", type: "pkcs8" });
  } finally {
    key.fill(0);
  }
}

function nativeArgon2id(argon2: NonNullable<HostCrypto["argon2"]>): Argon2id {
  return (message, nonce, options) => {
    const parameters = {
      message,
      nonce,
      memory: options.memoryKiB,
      passes: options.iterations,
      parallelism: options.parallelism,
      tagLength: options.length,
    };
    return new Promise((resolve, reject) => {
      argon2("argon2id", parameters, (error, key) => {
        if (error) reject(error);
        else resolve(new Uint8Array(key));
      });
    });
  };
}
