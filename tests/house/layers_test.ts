import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ImportKind,
  layerOf,
  mayNameRuntime,
  refuseImport,
  resolve,
} from "../../scripts/lint/rules.ts";

interface Diagnostic {
  readonly id: string;
  readonly message: string;
}

interface LintHost {
  readonly lint?: {
    runPlugin(plugin: unknown, file: string, source: string): readonly Diagnostic[];
  };
}

const { lint } = (globalThis as { Deno?: LintHost }).Deno ?? {};
/** Stands at each test: Bun does not tell of a group that is skipped as a whole. */
const onlyDeno = { skip: lint === undefined ? "needs the linter of Deno" : false };

describe("the layer rule", () => {
  const allowed: readonly (readonly [file: string, specifier: string, kind: ImportKind])[] = [
    ["src/entry/entry.ts", "../util/bytes.ts", "value"],
    ["src/entry/entry.ts", "./id.ts", "value"],
    ["src/entry/entry.ts", "@noble/curves/ed25519.js", "value"],
    ["src/backend/tree/walk.ts", "../../storage/driver.ts", "value"],
    ["src/backend/state/state_fold.ts", "../records/keys.ts", "value"],
    ["src/backend/local.ts", "./state/state_cache.ts", "value"],
    ["src/backend/records/keys.ts", "../backend.ts", "type"],
    ["src/auth/resolve.ts", "../backend/backend.ts", "type"],
    ["src/transaction/transaction.ts", "../database/host.ts", "type"],
    ["src/storage/sqlite/database.ts", "node:sqlite", "dynamic"],
    ["src/storage/sqlite/mod.ts", "#node", "value"],
    ["src/storage/shared/node.ts", "node:fs", "value"],
    ["src/storage/shared/node_http.ts", "node:http", "value"],
    ["src/transport/edge/listen_node.ts", "node:http", "type"],
    ["src/storage/shared/node_asked.ts", "node:fs", "type"],
    ["src/storage/sqlite/storage.ts", "../shared/limits.ts", "value"],
    ["src/storage/sqlite/mod.ts", "./errors.ts", "value"],
    ["src/sync/edge_listener.ts", "node:http", "value"],
    ["src/instance/storages.ts", "../storage/sqlite/mod.ts", "dynamic"],
    ["src/cli/main.ts", "../console/pages.ts", "value"],
    ["mod.ts", "./src/core.ts", "value"],
    ["mod.ts", "./src/storage/sqlite/mod.ts", "value"],
    ["tests/util/bytes_test.ts", "node:test", "value"],
  ];
  for (const [file, specifier, kind] of allowed) {
    it(`lets ${file} import "${specifier}" (${kind})`, () => {
      assert.equal(refuseImport(file, specifier, kind), undefined);
    });
  }

  const refused: readonly (readonly [string, string, ImportKind, RegExp])[] = [
    ["src/util/bytes.ts", "../entry/id.ts", "value", /"src\/entry" is not below "src\/util"/],
    ["src/util/bytes.ts", "../entry/id.ts", "type", /not below/],
    ["src/util/bytes.ts", "../entry/id.ts", "dynamic", /not below/],
    ["src/keys/key.ts", "../crdt/doc.ts", "value", /not below/],
    ["wasm/mod.ts", "../src/codec/cid.ts", "value", /not below/],
    ["src/keys/key.ts", "../crdt/doc.ts", "type", /not below/],
    ["src/auth/resolve.ts", "../backend/backend.ts", "value", /not below/],
    ["src/transaction/transaction.ts", "../database/host.ts", "value", /not below/],
    ["src/entry/entry.ts", "../../mod.ts", "value", /is a door/],
    ["src/entry/entry.ts", "../core.ts", "value", /is a door/],
    ["src/entry/entry.ts", "node:crypto", "value", /only EDGE files/],
    ["src/entry/entry.ts", "node:crypto", "type", /only EDGE files/],
    ["src/entry/entry.ts", "bun:sqlite", "dynamic", /only EDGE files/],
    ["src/storage/memory.ts", "./sqlite/mod.ts", "value", /through doors/],
    ["src/storage/sqlite/mod.ts", "node:fs", "value", /from #node/],
    ["src/transport/edge/listen_node.ts", "node:http", "value", /from #node/],
    ["src/storage/sqlite/storage.ts", "../file/lock.ts", "value", /not below/],
    ["src/backend/records/keys.ts", "../tree/walk.ts", "value", /not below/],
    ["src/backend/tree/walk.ts", "../state/state_cache.ts", "type", /not below/],
    ["src/backend/state/state_cache.ts", "../local.ts", "value", /not below/],
    ["src/backend/local.ts", "../storage/sqlite/mod.ts", "dynamic", /through doors/],
    ["src/instance/storages.ts", "../storage/sqlite/mod.ts", "value", /dynamically/],
  ];
  for (const [file, specifier, kind, why] of refused) {
    it(`keeps ${file} from importing "${specifier}" (${kind})`, () => {
      assert.match(refuseImport(file, specifier, kind) ?? "", why);
    });
  }

  it("resolves specifiers as a module loader does", () => {
    assert.equal(resolve("src/entry/id.ts", "../util/bytes.ts"), "src/util/bytes.ts");
    assert.equal(resolve("src/entry/id.ts", "./entry.ts"), "src/entry/entry.ts");
    assert.equal(resolve("src/entry/id.ts", "../../wasm/mod.ts"), "wasm/mod.ts");
  });

  it("knows doors, tests and scripts as files outside of the layers", () => {
    for (const file of ["mod.ts", "src/core.ts", "tests/a_test.ts", "scripts/test.mjs"]) {
      assert.equal(layerOf(file), undefined);
      assert.equal(mayNameRuntime(file), true);
    }
    assert.equal(layerOf("src/utilities/a.ts"), undefined);
    assert.equal(layerOf("src/util/a.ts"), 0);
    assert.ok(layerOf("src/entry/id.ts")! < layerOf("src/instance/instance.ts")!);
    assert.equal(mayNameRuntime("src/util/a.ts"), false);
  });
});

describe("the lint plugin", () => {
  async function messages(file: string, source: string): Promise<string[]> {
    // Computed, so that tools without the types of Deno leave the plugin alone.
    const path = new URL("../../scripts/lint/layers.ts", import.meta.url).href;
    const { default: plugin } = await import(path) as { default: unknown };
    return lint!.runPlugin(plugin, file, source).map(({ id, message }) => `${id}: ${message}`);
  }

  const upward: readonly string[] = [
    `import { ID } from "../entry/id.ts";`,
    `import "../entry/id.ts";`,
    `import type { ID } from "../entry/id.ts";`,
    `import { ID, type Entry } from "../database/host.ts";`,
    `import Host, { type Entry } from "../database/host.ts";`,
    `export { ID } from "../entry/id.ts";`,
    `export * from "../entry/id.ts";`,
    `const lazy = await import("../entry/id.ts");`,
    `type Late = import("../entry/id.ts").ID;`,
  ];
  for (const source of upward) {
    it(`reports ${source}`, onlyDeno, async () => {
      const found = await messages("src/util/a.ts", source);
      assert.equal(found.length, 1);
      assert.match(found[0]!, /^house\/layers: "src\/util\/a.ts" must not import/);
    });
  }

  const fine: readonly string[] = [
    `import type { Host } from "../database/host.ts";`,
    `import { type Host } from "../database/host.ts";`,
    `type Late = import("../database/host.ts").Host;`,
    `import { b } from "./b.ts";`,
    `const name = "../entry/id.ts"; export { name };`,
    `const lazy = (name: string) => import(name);`,
    `const key = Symbol.for("Deno.customInspect");`,
    `const option = host.Deno; const other = { Bun: 1 };`,
  ];
  for (const source of fine) {
    it(`lets ${source} pass`, onlyDeno, async () => {
      assert.deepEqual(await messages("src/util/a.ts", source), []);
    });
  }

  const named: readonly string[] = [
    `Deno.readTextFileSync("a");`,
    `const there = typeof Bun !== "undefined";`,
    `const host = globalThis.Deno;`,
    `const { env } = Deno;`,
    `const all = { Deno };`,
  ];
  for (const source of named) {
    it(`reports a runtime's name in ${source}`, onlyDeno, async () => {
      const found = await messages("src/util/a.ts", source);
      assert.match(found.join("\n"), /^house\/edges: "src\/util\/a.ts" names (Deno|Bun)/);
      assert.deepEqual(await messages("src/storage/sqlite/a.ts", source), []);
      assert.deepEqual(await messages("tests/a_test.ts", source), []);
    });
  }
});
