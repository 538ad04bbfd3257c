/**
 * Puts a core together: for every operation the fastest engine that passes its self-test.
 *
 * @module
 */

import { open, seal } from "./aes_gcm.ts";
import { anyArgon2id, boundedArgon2id, javascriptArgon2id } from "./argon2id.ts";
import { Argon2idThreads } from "./argon2id_threads.ts";
import { BatchVerifier } from "./batch.ts";
import { blake3 } from "./blake3.ts";
import { wasmEd25519 } from "./wasm_ed25519.ts";
import { passesBlake3Test, passesSha256Test } from "./hash_check.ts";
import { wasmBlake3, wasmSha256 } from "./wasm_hash.ts";
import { type Making, unavailable, wasmEngine } from "./modules.ts";
import { type NativeEngines, nativeEngines } from "./native.ts";
import { failedEd25519Test, passesArgon2idTest } from "./self_test.ts";
import { checkOptions } from "./options.ts";
import { ed25519With } from "./signatures.ts";
import type { Argon2id, CryptoCore, Ed25519Engine, Hash, ReadyOptions } from "./types.ts";

const ED25519: Making<Ed25519Engine> = { make: wasmEd25519, failure: failedEd25519Test };
const BLAKE3 = hashing(wasmBlake3, passesBlake3Test);
const SHA256 = hashing(wasmSha256, passesSha256Test);

/** Loads a new core; see `ready`, which shares one. */
export async function loadCore(
  options: ReadyOptions = {},
  host: NativeEngines | null = nativeEngines(),
): Promise<CryptoCore> {
  checkOptions(options);
  const native = options.engine === "wasm" ? null : host;
  const [engine, compiledBlake3, sha256] = await Promise.all([
    chooseEd25519(options, native?.ed25519),
    wasmEngine("blake3", options, BLAKE3),
    chooseSha256(options, native?.sha256),
  ]);
  const argon2id = options.wasm === "none" ? javascriptArgon2id : threadedArgon2id;
  return Object.freeze({
    engine: engine.name,
    ed25519: ed25519With(engine, (verify) => {
      const batches = new BatchVerifier(verify, options);
      return (items) => batches.verifyBatch(items);
    }),
    blake3: compiledBlake3 ?? blake3,
    sha256,
    argon2id: boundedArgon2id(testedArgon2id(native?.argon2id, argon2id)),
    seal,
    open,
  });
}

let threads: Argon2idThreads | undefined;

/** Argon2id in threads that all cores share, since each takes much memory. */
const threadedArgon2id: Argon2id = (password, salt, options) => {
  threads ??= new Argon2idThreads(anyArgon2id);
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
  const compiled = await wasmEngine("ed25519", options, ED25519);
  return compiled ?? (await import("./javascript.ts")).javascriptEngine;
}

async function chooseSha256(options: ReadyOptions, native: Hash | undefined): Promise<Hash> {
  if (native !== undefined && passesSha256Test(native)) return native;
  const compiled = await wasmEngine("sha256", options, SHA256);
  return compiled ?? (await import("./javascript.ts")).javascriptSha256;
}

function hashing(
  make: (exports: WebAssembly.Exports) => Hash,
  passes: (hash: Hash) => boolean,
): Making<Hash> {
  return { make, failure: (hash) => passes(hash) ? undefined : "it hashed wrongly" };
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
