/**
 * The shapes of the crypto core (13 §7).
 *
 * @module
 */

/**
 * Who computes Ed25519: libsodium in WASM, the runtime's own engine, or plain JavaScript. `"none"`: nobody
 * before `ready`, where the runtime has no engine of its own.
 */
export type EngineName = "wasm" | "native" | "javascript" | "none";

/**
 * Compiled modules, for hosts that forbid compiling bytes: import the files that the npm package has as
 * `eidetica/wasm/ed25519.wasm`, `blake3.wasm` and `sha256.wasm`. Plain JavaScript computes what is left out.
 */
export interface WasmModules {
  /** Ed25519, from libsodium. */
  readonly ed25519?: WebAssembly.Module;
  /** BLAKE3, from hash-wasm. */
  readonly blake3?: WebAssembly.Module;
  /** SHA-256, from hash-wasm. */
  readonly sha256?: WebAssembly.Module;
}

/**
 * Where WASM code comes from.
 *
 * `"embedded"`: the bytes inside the package, compiled at start. {@link WasmModules}: compiled modules that
 * are handed in. `"none"`: no WASM at all; plain JavaScript computes what the runtime's own engine cannot.
 */
export type WasmSource = "embedded" | "none" | WasmModules;

/** How `ready` chooses engines. */
export interface ReadyOptions {
  /** Where WASM comes from; without it: what is embedded, and none if the host refuses to compile that. */
  readonly wasm?: WasmSource;
  /** Which engine computes Ed25519; `"auto"` (default) takes the fastest that passes its self-test. */
  readonly engine?: "auto" | "wasm" | "native";
}

/** One signature to verify. */
export interface VerifyItem {
  /** The 32 bytes of the public key as given. */
  readonly publicKey: Uint8Array;
  /** The signed bytes. */
  readonly data: Uint8Array;
  /** The 64 bytes R ‖ S. */
  readonly signature: Uint8Array;
}

/** A private key made ready to sign many times. */
export interface Signer {
  /** The 32 bytes of the public key. */
  readonly publicKey: Uint8Array;
  /** The 64-byte signature of `data`. Throws `CryptoError` `KeyWiped` after {@link Signer.wipe}. */
  sign(data: Uint8Array): Uint8Array;
  /** Forgets the private key, overwriting it where the engine's memory can be reached. */
  wipe(): void;
}

/** What an engine must offer; {@link Ed25519} adds the acceptance rule to it. */
export interface Ed25519Engine {
  /** Which engine this is. */
  readonly name: EngineName;
  /** Prepares the private key with this 32-byte seed. */
  signer(seed: Uint8Array): Signer;
  /** Verifies where A and R are ordinary encodings, so that all sound engines agree; may throw. */
  verifyOrdinary(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
  /** The 64-byte SHA-512 hash, for the signatures that are verified exactly. */
  sha512(data: Uint8Array): Uint8Array;
}

/** Ed25519 (RFC 8032, no context, no prehash) with one rule of acceptance on all engines. */
export interface Ed25519 {
  /** The 32-byte public key of a 32-byte seed. Throws `CryptoError` `InvalidSeedLength`. */
  publicKey(seed: Uint8Array): Uint8Array;
  /** The 64-byte signature of `data` under a 32-byte seed. Throws `CryptoError` `InvalidSeedLength`. */
  sign(seed: Uint8Array, data: Uint8Array): Uint8Array;
  /** Prepares a seed to sign often, which halves the cost. Throws `CryptoError` `InvalidSeedLength`. */
  signer(seed: Uint8Array): Signer;
  /**
   * Whether the signature is accepted; a wrong length is not. Throws nothing but `CryptoError`
   * `NotReady`, before `ready`, where the runtime has no engine of its own.
   */
  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
  /** The verdicts of {@link Ed25519.verify} in order; large batches are spread over threads. */
  verifyBatch(items: readonly VerifyItem[]): Promise<boolean[]>;
}

/** Costs and length of an Argon2id hash. */
export interface Argon2idOptions {
  /** Memory in KiB: at least 8 per lane, at most 1,048,576. */
  readonly memoryKiB: number;
  /** Passes over the memory: 1 to 64. */
  readonly iterations: number;
  /** Lanes: 1 to 255. */
  readonly parallelism: number;
  /** Length of the result in bytes: 4 to 1,024. */
  readonly length: number;
}

/** Derives a key from a password with Argon2id, version 0x13. */
export type Argon2id = (
  password: Uint8Array,
  salt: Uint8Array,
  options: Argon2idOptions,
) => Promise<Uint8Array>;

/** A hash function over one message. */
export type Hash = (data: Uint8Array) => Uint8Array;

/** The hash functions. */
export interface Hashes {
  /** The 32-byte BLAKE3 hash. */
  blake3(data: Uint8Array): Uint8Array;
  /** The 32-byte SHA-256 hash. */
  sha256(data: Uint8Array): Uint8Array;
}

/** Everything the house needs of cryptography, ready to use synchronously. */
export interface CryptoCore extends Hashes {
  /** Who computes Ed25519 here. */
  readonly engine: EngineName;
  /** Ed25519 with one verdict everywhere. */
  readonly ed25519: Ed25519;
  /**
   * The Argon2id hash (version 0x13) of a password; the salt has at least 8 bytes.
   *
   * Throws `CryptoError` `InvalidArgon2Parameters` for costs or lengths out of bounds.
   */
  argon2id(
    password: Uint8Array,
    salt: Uint8Array,
    options: Argon2idOptions,
  ): Promise<Uint8Array>;
  /**
   * AES-256-GCM: the ciphertext with its 16-byte tag behind it, no associated data.
   *
   * Throws `CryptoError` `InvalidKeyLength` (32) or `InvalidNonceLength` (12).
   */
  seal(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Promise<Uint8Array>;
  /** Undoes {@link CryptoCore.seal}; also throws `CryptoError` `DecryptionFailed` if the tag differs. */
  open(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Promise<Uint8Array>;
}
