import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStorage } from "../../src/storage/memory.ts";
import { sqliteStorage } from "../../src/storage/drivers/sqlite.ts";
import { testStorage } from "../../src/testing/storage.ts";

const folder = mkdtempSync(join(tmpdir(), "eidetica-storage-"));
let count = 0;

testStorage("memory", () => memoryStorage());
testStorage("sqlite in memory", () => sqliteStorage(":memory:"));
testStorage("sqlite in a file", () => sqliteStorage(join(folder, `${count++}.db`)));
testStorage("sqlite with full durability", () => {
  return sqliteStorage(join(folder, `${count++}.db`), { durability: "full" });
});
