/**
 * The compiled code of the WASM engines: the modules that the host hands in, or the bytes that the package
 * brings along.
 *
 * @module
 */

import { decodeBase64 } from "../src/util/base64.ts";
import { CryptoError } from "../src/util/errors.ts";
import type { ReadyOptions, WasmModules } from "./types.ts";

/** The name of a module. */
export type ModuleName = keyof WasmModules;

/** The bytes of each module, which are loaded when they are needed. */
const EMBEDDED: { readonly [Name in ModuleName]: () => Promise<{ readonly BASE64: string }> } = {
  blake3: () => import("./modules/blake3.ts"),
  ed25519: () => import("./modules/ed25519.ts"),
  sha256: () => import("./modules/sha256.ts"),
};

/** Makes an engine of a running module; undefined when its self-test passed, else what it got wrong. */
export interface Making<Engine> {
  /** The engine over what the module exports. */
  readonly make: (exports: WebAssembly.Exports) => Engine;
  /** What the engine gets wrong. */
  readonly failure: (engine: Engine) => string | undefined;
}

/**
 * The engine of the module `name`; undefined when plain JavaScript is to take its place. Rejects with
 * `CryptoError` `EngineUnavailable` when WASM was demanded and cannot be had.
 */
export async function wasmEngine<Engine>(
  name: ModuleName,
  options: ReadyOptions,
  { make, failure }: Making<Engine>,
): Promise<Engine | undefined> {
  try {
    const engine = make(await exportsOf(name, options.wasm));
    const reason = failure(engine);
    if (reason === undefined) return engine;
    throw unavailable("wasm", `${name}: ${reason}`);
  } catch (error) {
    if (!isDemanded(name, options)) return undefined;
    throw error instanceof CryptoError ? error : unavailable("wasm", refusal(name, error), error);
  }
}

/** The error for an engine that cannot be had. */
export function unavailable(
  engine: string,
  reason: string | undefined,
  cause?: unknown,
): CryptoError {
  const message = `Cannot use the ${engine} crypto engine: ${reason}`;
  return new CryptoError("EngineUnavailable", message, { fields: { engine, reason }, cause });
}

function isDemanded(name: ModuleName, { wasm, engine }: ReadyOptions): boolean {
  if (typeof wasm === "object" && wasm[name] !== undefined) return true;
  if (engine === "wasm") return typeof wasm !== "object" || name === "ed25519";
  return wasm === "embedded";
}

function refusal(name: ModuleName, error: unknown): string {
  return `this host does not run its module ${name} (${(error as Error).message}); ` +
    "where bytes may not be compiled, hand in compiled modules as `wasm`";
}

async function exportsOf(
  name: ModuleName,
  wasm: ReadyOptions["wasm"] = "embedded",
): Promise<WebAssembly.Exports> {
  if (wasm === "none") throw unavailable("wasm", "WASM was switched off");
  const module = wasm === "embedded" ? await embedded(name) : wasm[name];
  if (module === undefined) throw unavailable("wasm", `no module ${name} was handed in`);
  return (await WebAssembly.instantiate(module)).exports;
}

/** A module without content. */
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

/** Whether this host compiles bytes: edge isolates do not, nor do pages under a strict security policy. */
export async function compilesBytes(): Promise<boolean> {
  try {
    await WebAssembly.compile(EMPTY);
    return true;
  } catch {
    return false;
  }
}

async function embedded(name: ModuleName): Promise<WebAssembly.Module> {
  const { BASE64 } = await EMBEDDED[name]();
  return await WebAssembly.compile(decodeBase64(BASE64) as BufferSource);
}
