/**
 * For each operation the fastest engine that passes its self-test.
 *
 * @module
 */

import { blake3 } from "./blake3.ts";
import { passesBlake3Test, passesSha256Test } from "./hash_check.ts";
import { type Making, unavailable, wasmEngine } from "./modules.ts";
import type { NativeEngines } from "./native.ts";
import { failedEd25519Test } from "./self_test.ts";
import type { Ed25519Engine, Hash, ReadyOptions } from "./types.ts";
import { wasmEd25519 } from "./wasm_ed25519.ts";
import { wasmBlake3, wasmSha256 } from "./wasm_hash.ts";

const ED25519: Making<Ed25519Engine> = { make: wasmEd25519, failure: failedEd25519Test };
const BLAKE3 = hashing(wasmBlake3, passesBlake3Test);
const SHA256 = hashing(wasmSha256, passesSha256Test);

/** Ed25519: of the runtime, WASM, or plain JavaScript. */
export async function chooseEd25519(
  options: ReadyOptions,
  native: NativeEngines | null,
): Promise<Ed25519Engine> {
  const failure = native === null
    ? "this runtime has none that works synchronously"
    : failedEd25519Test(native.ed25519);
  if (native !== null && failure === undefined) return native.ed25519;
  if (options.engine === "native") throw unavailable("native", failure);
  const compiled = await wasmEngine("ed25519", options, ED25519);
  return compiled ?? (await import("./javascript.ts")).javascriptEngine;
}

/** BLAKE3: WASM, or plain JavaScript. */
export async function chooseBlake3(options: ReadyOptions): Promise<Hash> {
  return await wasmEngine("blake3", options, BLAKE3) ?? blake3;
}

/** SHA-256: of the runtime, WASM, or plain JavaScript. */
export async function chooseSha256(
  options: ReadyOptions,
  native: NativeEngines | null,
): Promise<Hash> {
  if (native !== null && passesSha256Test(native.sha256)) return native.sha256;
  const compiled = await wasmEngine("sha256", options, SHA256);
  return compiled ?? (await import("./javascript.ts")).javascriptSha256;
}

function hashing(
  make: (exports: WebAssembly.Exports) => Hash,
  passes: (hash: Hash) => boolean,
): Making<Hash> {
  return { make, failure: (hash) => passes(hash) ? undefined : "it hashed wrongly" };
}
