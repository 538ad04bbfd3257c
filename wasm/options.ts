import { CryptoError } from "../src/util/errors.ts";
import type { ReadyOptions } from "./types.ts";

/** Throws `CryptoError` `InvalidOption` for what is no {@link ReadyOptions}. */
export function checkOptions({ wasm, engine }: ReadyOptions): void {
  if (!isOneOf(engine, ["auto", "wasm", "native"])) {
    throw invalid("engine", engine, '"auto", "wasm" or "native"');
  }
  if (typeof wasm !== "object" || wasm === null) {
    if (isOneOf(wasm, ["embedded", "none"])) return;
    throw invalid("wasm", wasm, '"embedded", "none" or compiled modules');
  }
  for (const name of ["ed25519", "blake3", "sha256"] as const) {
    if (isOneOf(wasm[name], []) || isModule(wasm[name])) continue;
    throw invalid(`wasm.${name}`, wasm[name], "a WebAssembly.Module");
  }
}

function isOneOf(value: unknown, allowed: readonly unknown[]): boolean {
  return value === undefined || allowed.includes(value);
}

/** Also for a module of another realm. */
function isModule(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object WebAssembly.Module]";
}

function invalid(option: string, value: unknown, allowed: string): CryptoError {
  const shown = typeof value === "string" ? `"${value}"` : Object.prototype.toString.call(value);
  const message =
    `Cannot load the crypto core: the option \`${option}\` is ${shown}; leave it out or give ${allowed}`;
  return new CryptoError("InvalidOption", message, { fields: { option } });
}
