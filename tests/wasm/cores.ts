import { loadCore } from "../../wasm/load.ts";
import type { CryptoCore, WasmModules } from "../../wasm/mod.ts";

/** The modules as a host hands them in that imports them. */
export async function compiledModules(): Promise<Required<WasmModules>> {
  const compiled = async ({ BASE64 }: { readonly BASE64: string }) => {
    return await WebAssembly.compile(Uint8Array.from(atob(BASE64), (one) => one.charCodeAt(0)));
  };
  return {
    ed25519: await compiled(await import("../../wasm/modules/ed25519.ts")),
    blake3: await compiled(await import("../../wasm/modules/blake3.ts")),
    sha256: await compiled(await import("../../wasm/modules/sha256.ts")),
  };
}

/** The ways to load a core: a name, the engine, and how. */
export const CORES: readonly (readonly [
  name: string,
  load: () => Promise<CryptoCore>,
])[] = [
  ["wasm", once(() => loadCore({ engine: "wasm" }))],
  ["native", once(() => loadCore({ engine: "native" }))],
  ["javascript", once(() => loadCore({ wasm: "none" }, null))],
];

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => loading ??= load();
}
