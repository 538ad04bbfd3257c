import { core, ready } from "../../wasm/mod.ts";
import { toHex } from "../../src/util/hex.ts";

const data = new Uint8Array(100).fill(3);
const seed = new Uint8Array(32).fill(7);
const outputs = () =>
  [
    toHex(core().blake3(data)),
    toHex(core().sha256(data)),
    toHex(core().ed25519.sign(seed, data)),
  ].join();

const before = core().engine;
const early = outputs();
await ready();
console.log(before, core().engine, outputs() === early);
