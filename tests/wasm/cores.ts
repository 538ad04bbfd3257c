import { loadCore } from "../../wasm/load.ts";
import type { CryptoCore } from "../../wasm/mod.ts";

/** The three ways to load a core. */
export const CORES: readonly (readonly [name: string, load: () => Promise<CryptoCore>])[] = [
  ["wasm", once(() => loadCore({ engine: "wasm" }))],
  ["native", once(() => loadCore({ engine: "native" }))],
  ["javascript", once(() => loadCore({ wasm: "none" }, null))],
];

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => loading ??= load();
}
