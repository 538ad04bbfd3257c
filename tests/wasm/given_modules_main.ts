// Stands for an edge isolate: it runs compiled modules and compiles no bytes.
import { compiledModules } from "./cores.ts";
import { forbidCompiling } from "./forbid_compiling.ts";

const wasm = await compiledModules();
forbidCompiling();

const { loadCore } = await import("../../wasm/load.ts");
const core = await loadCore({ wasm }, null);
const seed = new Uint8Array(32);
const accepted = core.ed25519.verify(
  core.ed25519.publicKey(seed),
  seed,
  core.ed25519.sign(seed, seed),
);
const costs = { memoryKiB: 8, iterations: 1, parallelism: 1, length: 4 };
const derived = await core.argon2id(seed, seed, costs);
console.log(core.engine, accepted, derived.length === 4);
console.log(await loadCore({ wasm: "embedded" }, null).catch((error) => error.code));
