/**
 * Puts a core together: for every operation the fastest engine that passes its self-test.
 *
 * @module
 */

import { open, seal } from "./aes_gcm.ts";
import { anyArgon2id, boundedArgon2id, javascriptArgon2id } from "./argon2id.ts";
import { Argon2idThreads } from "./argon2id_threads.ts";
import { BatchVerifier } from "./batch.ts";
import { chooseBlake3, chooseEd25519, chooseSha256 } from "./choose.ts";
import { type NativeEngines, nativeEngines } from "./native.ts";
import { passesArgon2idTest } from "./self_test.ts";
import { checkOptions } from "./options.ts";
import { ed25519With } from "./signatures.ts";
import type { Argon2id, CryptoCore, ReadyOptions } from "./types.ts";

/** Loads a new core; see `ready`, which shares one. */
export async function loadCore(
  options: ReadyOptions = {},
  host: NativeEngines | null = nativeEngines(),
): Promise<CryptoCore> {
  checkOptions(options);
  const native = options.engine === "wasm" ? null : host;
  const [engine, blake3, sha256] = await Promise.all([
    chooseEd25519(options, native),
    chooseBlake3(options),
    chooseSha256(options, native),
  ]);
  const argon2id = options.wasm === "none" ? javascriptArgon2id : threadedArgon2id;
  return Object.freeze({
    engine: engine.name,
    ed25519: ed25519With(engine, (verify) => {
      const batches = new BatchVerifier(verify, options);
      return (items) => batches.verifyBatch(items);
    }),
    blake3,
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

/** The native derivation once its self-test passed, which is made by the first derivation. */
function testedArgon2id(native: Argon2id | undefined, other: Argon2id): Argon2id {
  if (native === undefined) return other;
  let passed: boolean | undefined;
  return async (password, salt, options) => {
    passed ??= await passesArgon2idTest(native);
    return await (passed ? native : other)(password, salt, options);
  };
}
