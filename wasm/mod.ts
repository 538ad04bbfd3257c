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

import { tasksEndWithRequests } from "../src/util/isolate.ts";
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
const cores = new Map<string, CryptoCore>();
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
  const known = anyWillDo ? latestOf() : undefined;
  if (known !== undefined) return known;
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

/** What was asked for last; where promises end with their request, only if it is loaded. */
function latestOf(): Promise<CryptoCore> | undefined {
  if (!tasksEndWithRequests) return latest;
  const current = loadedCore();
  return current && Promise.resolve(current);
}

/** One load for each wish; a failed one may be tried again, and one of another request may never end. */
function load(options: ReadyOptions): Promise<CryptoCore> {
  const wish = `${options.engine} ${nameOf(options.wasm)}`;
  const core = cores.get(wish);
  if (core !== undefined) return Promise.resolve(core);
  let loading = tasksEndWithRequests ? undefined : loads.get(wish);
  if (loading === undefined) {
    loading = loadAs(wish, options);
    loading.catch(() => loads.delete(wish));
    loads.set(wish, loading);
  }
  return loading;
}

async function loadAs(wish: string, options: ReadyOptions): Promise<CryptoCore> {
  const { loadCore } = await import("./load.ts");
  const core = await loadCore(options);
  cores.set(wish, core);
  return core;
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
