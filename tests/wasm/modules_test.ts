import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ReadyOptions } from "../../wasm/mod.ts";
import { ready } from "../../wasm/mod.ts";
import { loadCore } from "../../wasm/load.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { compiledModules } from "./cores.ts";
import { oneByOne } from "./counted.ts";
import { expectedVerdicts, SIGNATURE_FILES, SIGNATURES, skip } from "./signature_vectors.ts";
import { runMain } from "./run_main.ts";

const data = utf8("abc");
const seed = new Uint8Array(32).fill(7);
const refused = { name: "CryptoError", code: "EngineUnavailable", engine: "wasm" };

describe("compiled modules (00 §D4)", () => {
  test("serve a host that compiles no bytes", async () => {
    const lines = (await runMain("given_modules_main.ts")).trim().split(/\r?\n/);
    assert.deepEqual(lines, ["wasm true true", "EngineUnavailable"]);
  });

  for (const [file] of SIGNATURE_FILES) {
    test(`give the reference's verdicts on ${file}`, { skip }, async () => {
      const core = await loadCore({ engine: "wasm", wasm: await compiledModules() });
      assert.deepEqual(oneByOne(core, SIGNATURES[file]), expectedVerdicts(file));
    });
  }

  test("are loaded once for one object", async () => {
    const wasm = await compiledModules();
    const before = await ready();
    const core = await ready({ wasm });
    assert.equal(await ready({ wasm }), core);
    assert.notEqual(await ready({ wasm: { ...wasm } }), core);
    assert.notEqual(core, before);
  });

  test("may be some of them: JavaScript computes what is left out", async () => {
    const { ed25519 } = await compiledModules();
    const core = await loadCore({ wasm: { ed25519 } }, null);
    const whole = await loadCore({ engine: "wasm" });
    assert.equal(core.engine, "wasm");
    assert.deepEqual(core.blake3(data), whole.blake3(data));
    assert.deepEqual(core.sha256(data), whole.sha256(data));
    assert.deepEqual(core.ed25519.sign(seed, data), whole.ed25519.sign(seed, data));
    assert.equal((await loadCore({ wasm: {} }, null)).engine, "javascript");
    await assert.rejects(loadCore({ engine: "wasm", wasm: {} }), refused);
  });

  test("that are others are refused, also where JavaScript could take their place", async () => {
    const { ed25519, blake3, sha256 } = await compiledModules();
    await assert.rejects(loadCore({ wasm: { ed25519: blake3 } }, null), refused);
    await assert.rejects(loadCore({ wasm: { blake3: sha256 } }, null), refused);
    await assert.rejects(loadCore({ wasm: { sha256: ed25519 } }, null), refused);
  });
});

describe("options", () => {
  const bad: readonly (readonly [string, object])[] = [
    ["wasm", { wasm: null }],
    ["wasm", { wasm: "given" }],
    ["wasm", { wasm: 1 }],
    ["wasm.ed25519", { wasm: { ed25519: new Uint8Array(8) } }],
    ["wasm.sha256", { wasm: { sha256: null } }],
    ["engine", { engine: "javascript" }],
    ["engine", { engine: null }],
  ];
  for (const [option, options] of bad) {
    test(`${JSON.stringify(options)} is refused by name`, async () => {
      const error = { name: "CryptoError", code: "InvalidOption", option };
      await assert.rejects(ready(options as ReadyOptions), error);
    });
  }

  test("undefined is as good as left out", async () => {
    assert.equal(await ready({ wasm: undefined, engine: undefined }), await ready());
  });
});
