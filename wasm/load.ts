/**
 * Puts a core together: for every operation the fastest engine that passes its self-test.
 *
 * @module
 */

import { CryptoError } from "../src/util/errors.ts";
import { acceptanceRule } from "./acceptance.ts";
import { open, seal } from "./aes_gcm.ts";
import { boundedArgon2id, wasmArgon2id } from "./argon2id.ts";
import { Argon2idThreads } from "./argon2id_threads.ts";
import { BatchVerifier } from "./batch.ts";
import { type Hashes, loadWasmHashes } from "./blake3.ts";
import { loadSodiumEngine } from "./ed25519.ts";
import { javascriptArgon2id, javascriptEngine, javascriptHashes } from "./javascript.ts";
import { checkSeed } from "./lengths.ts";
import { type NativeEngines, nativeEngines } from "./native.ts";
import { failedEd25519Test, passesArgon2idTest, passesSha256Test } from "./self_test.ts";
import type {
  Argon2id,
  CryptoCore,
  Ed25519,
  Ed25519Engine,
  ReadyOptions,
  Signer,
} from "./types.ts";

/** A core in plain JavaScript, which needs no loading: what works until a faster one is loaded. */
export function javascriptCore(): CryptoCore {
  return Object.freeze({
    engine: javascriptEngine.name,
    ed25519: ed25519With(javascriptEngine, { wasm: "none" }),
    blake3: javascriptHashes.blake3,
    sha256: javascriptHashes.sha256,
    argon2id: boundedArgon2id(javascriptArgon2id),
    seal,
    open,
  });
}

/** Loads a new core; see `ready`, which shares one. */
export async function loadCore(
  options: ReadyOptions = {},
  host: NativeEngines | null = nativeEngines(),
): Promise<CryptoCore> {
  const native = options.engine === "wasm" ? null : host;
  const [engine, hashes] = await Promise.all([
    chooseEd25519(options, native?.ed25519),
    chooseHashes(options),
  ]);
  const sha256 = native !== null && passesSha256Test(native.sha256) ? native.sha256 : undefined;
  const compiled = hashes.compiled ? threadedArgon2id : javascriptArgon2id;
  return Object.freeze({
    engine: engine.name,
    ed25519: ed25519With(engine, options),
    blake3: hashes.blake3,
    sha256: sha256 ?? hashes.sha256,
    argon2id: boundedArgon2id(testedArgon2id(native?.argon2id, compiled)),
    seal,
    open,
  });
}

let threads: Argon2idThreads | undefined;

/** Argon2id by WASM in threads that all cores share, since each takes much memory. */
const threadedArgon2id: Argon2id = (password, salt, options) => {
  threads ??= new Argon2idThreads(wasmArgon2id);
  return threads.derive(password, salt, options);
};

async function chooseEd25519(
  options: ReadyOptions,
  native: Ed25519Engine | undefined,
): Promise<Ed25519Engine> {
  const failure = native === undefined
    ? "this runtime has none that works synchronously"
    : failedEd25519Test(native);
  if (native !== undefined && failure === undefined) return native;
  if (options.engine === "native") throw unavailable("native", failure);
  const compiled = options.wasm === "none"
    ? unavailable("wasm", "WASM was switched off")
    : await loadTestedSodium();
  if (!(compiled instanceof CryptoError)) return compiled;
  if (options.engine === "wasm" || options.wasm === "embedded") throw compiled;
  return javascriptEngine;
}

async function loadTestedSodium(): Promise<Ed25519Engine | CryptoError> {
  try {
    const engine = await loadSodiumEngine();
    const failure = failedEd25519Test(engine);
    return failure === undefined ? engine : unavailable("wasm", failure);
  } catch (cause) {
    return unavailable("wasm", "this host does not compile it", cause);
  }
}

async function chooseHashes(options: ReadyOptions): Promise<Hashes & { compiled: boolean }> {
  if (options.wasm === "none") return { ...javascriptHashes, compiled: false };
  try {
    return { ...await loadWasmHashes(), compiled: true };
  } catch (cause) {
    if (options.wasm === "embedded" || options.engine === "wasm") {
      throw unavailable("wasm", "this host does not compile it", cause);
    }
    return { ...javascriptHashes, compiled: false };
  }
}

function unavailable(engine: string, reason: string | undefined, cause?: unknown): CryptoError {
  const message = `Cannot use the ${engine} crypto engine: ${reason}`;
  return new CryptoError("EngineUnavailable", message, { fields: { engine, reason }, cause });
}

/** The native derivation once its self-test passed, which is made by the first derivation. */
function testedArgon2id(native: Argon2id | undefined, other: Argon2id): Argon2id {
  if (native === undefined) return other;
  let passed: Promise<boolean> | undefined;
  return async (password, salt, options) => {
    passed ??= passesArgon2idTest(native);
    return await ((await passed) ? native : other)(password, salt, options);
  };
}

function ed25519With(engine: Ed25519Engine, options: ReadyOptions): Ed25519 {
  const verify = acceptanceRule(engine);
  const batches = new BatchVerifier(verify, options);
  const signer = (seed: Uint8Array): Signer => {
    checkSeed(seed);
    return engine.signer(seed);
  };
  return Object.freeze({
    signer,
    publicKey: (seed: Uint8Array) => once(signer(seed), (one) => one.publicKey),
    sign: (seed: Uint8Array, data: Uint8Array) => once(signer(seed), (one) => one.sign(data)),
    verify,
    verifyBatch: (items: Parameters<Ed25519["verifyBatch"]>[0]) => batches.verifyBatch(items),
  });
}

function once<T>(signer: Signer, use: (signer: Signer) => T): T {
  try {
    return use(signer);
  } finally {
    signer.wipe();
  }
}
