import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { layerOf, refuseImport, resolve } from "../../scripts/lint/rules.ts";

describe("layer rule", () => {
  it("knows the layers, and that doors and tests have none", () => {
    assert.ok(layerOf("src/util/bytes.ts")! < layerOf("src/entry/id.ts")!);
    assert.ok(layerOf("src/entry/id.ts")! < layerOf("src/instance/instance.ts")!);
    assert.equal(layerOf("mod.ts"), undefined);
    assert.equal(layerOf("tests/entry/id_test.ts"), undefined);
  });

  it("resolves specifiers as a module loader does", () => {
    assert.equal(resolve("src/entry/id.ts", "../util/bytes.ts"), "src/util/bytes.ts");
    assert.equal(resolve("src/entry/id.ts", "./entry.ts"), "src/entry/entry.ts");
    assert.equal(resolve("src/entry/id.ts", "../../wasm/mod.ts"), "wasm/mod.ts");
  });

  it("lets imports point down and stay in their folder", () => {
    assert.equal(refuseImport("src/entry/id.ts", "../util/bytes.ts", false), undefined);
    assert.equal(refuseImport("src/entry/id.ts", "./entry.ts", false), undefined);
    assert.equal(refuseImport("src/entry/id.ts", "multiformats/bases/base32", false), undefined);
  });

  it("refuses imports that point up or sideways, types included", () => {
    assert.match(refuseImport("src/entry/id.ts", "../backend/local.ts", false)!, /not below/);
    assert.match(refuseImport("src/keys/public_key.ts", "../crdt/doc.ts", false)!, /not below/);
    assert.match(refuseImport("src/keys/public_key.ts", "../crdt/doc.ts", true)!, /not below/);
    assert.match(refuseImport("src/entry/id.ts", "../../mod.ts", false)!, /door/);
  });

  it("lets types come from a port, and values not", () => {
    assert.equal(
      refuseImport("src/transaction/transaction.ts", "../database/host.ts", true),
      undefined,
    );
    assert.match(
      refuseImport("src/transaction/transaction.ts", "../database/host.ts", false)!,
      /not below/,
    );
  });

  it("lets only EDGE files name a runtime", () => {
    assert.equal(refuseImport("src/storage/drivers/sqlite.ts", "node:fs", false), undefined);
    assert.equal(refuseImport("tests/entry/id_test.ts", "node:test", false), undefined);
    assert.match(refuseImport("src/backend/local.ts", "node:fs", false)!, /EDGE/);
    assert.match(refuseImport("src/backend/local.ts", "bun:sqlite", false)!, /EDGE/);
  });
});
