import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { denoKvStorage } from "../../src/storage/deno_kv/mod.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { fileStorage } from "../../src/storage/file/mod.ts";
import { postgresStorage } from "../../src/storage/postgres/mod.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { ArgumentError, type EideticaError } from "../../src/util/errors.ts";
import { temporaryFolder } from "./child.ts";

const folder = temporaryFolder();

type Open = (place: unknown, options?: unknown) => Promise<StorageDriver>;

const DRIVERS: readonly (readonly [name: string, open: unknown, place: string])[] = [
  ["sqlite", sqliteStorage, join(folder, "x.db")],
  ["file", fileStorage, join(folder, "x")],
  ["deno kv", denoKvStorage, join(folder, "x.kv")],
  ["postgres", postgresStorage, "postgres://127.0.0.1:1/x"],
];

const WRONG: readonly unknown[] = [
  5,
  "readOnly",
  { create: "no" },
  { create: null },
  { readOnly: 1 },
  { readOnly: "true" },
  { listen: 0 },
  { isFar: "" },
  { durability: "ful" },
  { durability: null },
  { busyTimeoutMs: NaN },
  { busyTimeoutMs: "50" },
  { busyTimeoutMs: -1 },
  { busyTimeoutMs: null },
  { signal: {} },
  { signal: null },
];

const isRefused = (error: unknown) =>
  error instanceof ArgumentError && error.code === "InvalidArgument";

describe("a driver that is told what it does not understand", () => {
  for (const [name, open, place] of DRIVERS) {
    it(`${name} opens nothing`, async () => {
      for (const options of WRONG) {
        await assert.rejects((open as Open)(place, options), isRefused, JSON.stringify(options));
      }
      for (const wrong of [null, 5, true, {}, []]) {
        await assert.rejects((open as Open)(wrong), isRefused, JSON.stringify(wrong));
      }
      assert.equal(existsSync(place), false);
    });
  }

  it("takes no options for none", async () => {
    for (const options of [undefined, null, {}, { create: undefined, busyTimeoutMs: undefined }]) {
      await (await (sqliteStorage as Open)(":memory:", options)).close();
    }
  });
});

describe("an opening that is aborted", () => {
  const files = DRIVERS.slice(0, "Deno" in globalThis ? 3 : 2);
  for (const [name, open, place] of files) {
    it(`${name} is given up, and nobody is kept from it`, async () => {
      await (await (open as Open)(place)).close();
      for (const readOnly of [false, true]) {
        const controller = new AbortController();
        const opening = (open as Open)(place, { signal: controller.signal, readOnly });
        controller.abort();
        await assert.rejects(opening, (error) => (error as EideticaError).code === "Aborted");
      }
      await (await (open as Open)(place)).close();
    });
  }

  it("deno kv, on a database that is handed in", async () => {
    const kv = { get: () => {}, atomic: () => {}, list: async function* () {} };
    const opening = (denoKvStorage as Open)(kv, { signal: AbortSignal.abort() });
    await assert.rejects(opening, (error) => (error as EideticaError).code === "Aborted");
  });
});
