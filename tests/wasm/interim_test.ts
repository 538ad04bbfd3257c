import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { blake3 as theirs } from "@noble/hashes/blake3.js";
import fc from "fast-check";
import { blake3 } from "../../wasm/blake3.ts";
import { interimCore } from "../../wasm/interim.ts";
import { loadCore } from "../../wasm/load.ts";
import { ready } from "../../wasm/mod.ts";
import { nativeEngines } from "../../wasm/native.ts";
import { runMain } from "./run_main.ts";

const NATIVE = nativeEngines()!;
const data = new Uint8Array(100).fill(3);
const seed = new Uint8Array(32).fill(7);
const costs = { memoryKiB: 8, iterations: 1, parallelism: 1, length: 16 };

describe("before ready", () => {
  test("the runtime's engine signs, and all results stay the same; a fresh process proves it", async () => {
    assert.equal((await runMain("not_ready_main.ts")).trim(), "native native true");
  });

  test("a host without an engine of its own hashes, and says that it needs ready", async () => {
    const [early, loaded] = [interimCore(ready, null), await loadCore({}, NATIVE)];
    assert.equal(early.engine, "none");
    assert.deepEqual(early.blake3(data), loaded.blake3(data));
    const { publicKey } = loaded.ed25519.signer(seed);
    const signature = loaded.ed25519.sign(seed, data);
    for (
      const refused of [
        () => early.sha256(data),
        () => early.ed25519.sign(seed, data),
        () => early.ed25519.publicKey(seed),
        () => early.ed25519.verify(publicKey, data, signature),
      ]
    ) assert.throws(refused, { name: "CryptoError", code: "NotReady", message: /await ready\(\)/ });
    assert.equal(early.ed25519.verify(publicKey, data, new Uint8Array(64).fill(255)), false);
  });

  test("an engine that fails its self-test is not used", () => {
    const ed25519 = { ...NATIVE.ed25519, sha512: () => new Uint8Array(64) };
    const sha256 = () => new Uint8Array(32);
    const early = interimCore(ready, { ...NATIVE, ed25519, sha256 });
    assert.equal(early.engine, "none");
    assert.throws(() => early.sha256(data), { code: "NotReady" });
  });

  test("what waits anyway loads the core", async () => {
    const early = interimCore(() => loadCore({ wasm: "none" }, null), null);
    const loaded = await loadCore({}, NATIVE);
    const item = {
      publicKey: loaded.ed25519.publicKey(seed),
      data,
      signature: loaded.ed25519.sign(seed, data),
    };
    assert.deepEqual(await early.ed25519.verifyBatch([item]), [true]);
    assert.deepEqual(
      await early.argon2id(data, data, costs),
      await loaded.argon2id(data, data, costs),
    );
    const sealed = await early.seal(seed, new Uint8Array(12), data);
    assert.deepEqual(await early.open(seed, new Uint8Array(12), sealed), data);
  });
});

test("BLAKE3 in JavaScript is that of @noble/hashes, for any bytes and across all borders", () => {
  for (const length of [0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 3073, 8192, 31_745]) {
    const bytes = Uint8Array.from({ length }, (_, index) => index * 7 + length);
    assert.deepEqual(blake3(bytes), theirs(bytes), `${length} bytes`);
  }
  const property = fc.property(fc.uint8Array({ maxLength: 5000, size: "max" }), (bytes) => {
    assert.deepEqual(blake3(bytes), theirs(bytes));
  });
  fc.assert(property, { numRuns: 30 });
});
