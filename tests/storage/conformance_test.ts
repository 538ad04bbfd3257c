import { join } from "node:path";
import { describe } from "node:test";
import { memoryStorage } from "../../src/storage/memory.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { testStorage } from "../../src/testing/storage.ts";
import { temporaryFolder } from "./child.ts";
import { testModel } from "./model.ts";

const folder = temporaryFolder();
let count = 0;

testStorage("memory", () => memoryStorage());
testStorage("sqlite in memory", () => sqliteStorage(":memory:"));
testStorage("sqlite in a file", () => sqliteStorage(join(folder, `${count++}.db`)));
testStorage("sqlite with full durability", () => {
  return sqliteStorage(join(folder, `${count++}.db`), { durability: "full" });
});

describe("memory", () => testModel(() => Promise.resolve(memoryStorage()), 100));
describe("sqlite in a file", () => testModel(() => sqliteStorage(join(folder, `${count++}.db`))));
