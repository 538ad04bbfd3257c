/**
 * The crypto core: Ed25519, BLAKE3, SHA-256, Argon2id and AES-256-GCM behind one small interface that is
 * synchronous after `await ready()` wherever a hot path calls it.
 *
 * Engines differ in speed, never in results: the runtime's own engine is used where it passes a
 * self-test, libsodium and hash-wasm (WASM) elsewhere, and plain JavaScript where a host compiles no
 * WASM. Which signatures are accepted is one rule on every engine: S < L, no cofactor, R compared byte for
 * byte.
 *
 * ```ts
 * import { ready } from "eidetica/wasm";
 *
 * const core = await ready();
 * const seed = crypto.getRandomValues(new Uint8Array(32));
 * const data = new TextEncoder().encode("hello");
 * const signature = core.ed25519.sign(seed, data);
 * core.ed25519.verify(core.ed25519.publicKey(seed), data, signature); // true
 * ```
 *
 * @module
 */

import { loadedCore, setLoadedCore } from "./hashes.ts";
import { interimCore } from "./interim.ts";
import type { CryptoCore, ReadyOptions } from "./types.ts";

export type {
  Argon2id,
  Argon2idOptions,
  CryptoCore,
  Ed25519,
  EngineName,
  Hash,
  Hashes,
  ReadyOptions,
  Signer,
  VerifyItem,
  WasmModules,
  WasmSource,
} from "./types.ts";
export { isPointEncoding, isUnusualEncoding } from "./acceptance.ts";

const loads = new Map<string, Promise<CryptoCore>>();
const names = new WeakMap<object, string>();
let handedIn = 0;
let latest: Promise<CryptoCore> | undefined;
let interim: CryptoCore | undefined;

/**
 * Loads the crypto core, once: later and concurrent calls share it.
 *
 * Without options it gives the core in use, or loads the fastest one. With options it gives a core that
 * meets them, and {@link core} returns that one from then on. Rejects with `CryptoError`
 * `EngineUnavailable` if a demanded engine cannot be had or fails its self-test.
 */
export function ready(given?: ReadyOptions): Promise<CryptoCore> {
  const options = given ?? {};
  const anyWillDo = options.engine === undefined && options.wasm === undefined;
  if (anyWillDo && latest !== undefined) return latest;
  const request: Promise<CryptoCore> = load(options).then(
    (loaded) => {
      if (latest === request || loadedCore() === undefined) setLoadedCore(loaded);
      return loaded;
    },
    (error) => {
      const current = loadedCore();
      if (latest === request) latest = current && Promise.resolve(current);
      throw error;
    },
  );
  return latest = request;
}

/** One load for each wish; a failed one may be tried again. */
function load(options: ReadyOptions): Promise<CryptoCore> {
  const wish = `${options.engine} ${nameOf(options.wasm)}`;
  let loading = loads.get(wish);
  if (loading === undefined) {
    loading = import("./load.ts").then(({ loadCore }) => loadCore(options));
    loading.catch(() => loads.delete(wish));
    loads.set(wish, loading);
  }
  return loading;
}

/** A name for what is handed in, the same for the same object. */
function nameOf(wasm: unknown): string {
  if (typeof wasm !== "object" || wasm === null) return String(wasm);
  let name = names.get(wasm);
  if (name === undefined) names.set(wasm, name = `modules ${++handedIn}`);
  return name;
}

/**
 * The core that {@link ready} loaded. Before that it is one with the same results that needs no loading: it
 * hashes in plain JavaScript, and signs and verifies with the runtime's own engine. Where there is none, in
 * a browser, signing and verifying throw `CryptoError` `NotReady`.
 */
export function core(): CryptoCore {
  return loadedCore() ?? (interim ??= interimCore(ready));
}
