// Stands for a host that forbids compiling WASM from bytes, as edge isolates do.
import { forbidCompiling } from "./forbid_compiling.ts";

forbidCompiling();

const { loadCore } = await import("../../wasm/load.ts");
const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16)).join("");

const core = await loadCore({}, null);
const seed = new Uint8Array(32);
const signed = core.ed25519.verify(
  core.ed25519.publicKey(seed),
  seed,
  core.ed25519.sign(seed, seed),
);
const costs = { memoryKiB: 8, iterations: 1, parallelism: 1, length: 4 };
const derived = await core.argon2id(seed, seed, costs);
console.log(core.engine, signed, hex(core.blake3(seed)).slice(0, 8), derived.length);

for (const options of [{ engine: "wasm" }, { wasm: "embedded" }] as const) {
  const outcome = await loadCore(options, null).catch((error) => error);
  console.log(outcome.code);
}
