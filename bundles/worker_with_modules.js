import blake3 from "eidetica/wasm/blake3.wasm";
import ed25519 from "eidetica/wasm/ed25519.wasm";
import sha256 from "eidetica/wasm/sha256.wasm";
import { ready } from "eidetica/wasm";
import worker from "./worker.js";

// Compiled by the isolate before any request: the bytes of a module may not be compiled there.
await ready({ wasm: { blake3, ed25519, sha256 } });

export default worker;
