/**
 * An isolate at the edge whose first request ends while it reads a database from a far storage, which never answers
 * it; a second request reads the same.
 */

import type { StorageDriver } from "../../src/storage/driver.ts";

Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Cloudflare-Workers" } });

const { Database, Instance, NewUser } = await import("../../mod.ts");
const { memoryStorage } = await import("../../src/storage/memory.ts");

const storage = memoryStorage();
let isLost = false;
let lost = () => {};
const answer = <T>(read: () => Promise<T>): Promise<T> => {
  if (!isLost) return read();
  lost();
  return new Promise(() => {});
};
const far: StorageDriver = {
  name: storage.name,
  capabilities: { ...storage.capabilities, multiWriter: true, isFar: true },
  get: (key) => answer(() => storage.get(key)),
  getMany: (keys) => answer(() => storage.getMany(keys)),
  list: (range) => storage.list(range),
  commit: (batch) => storage.commit(batch),
  close: () => Promise.resolve(),
};

const made = await Instance.createBackend(far, NewUser.passwordless("ada"));
const { rootId } = await made.user!.createDatabase({ name: "x" });
await made.instance.close();

const instance = await Instance.openBackend(far);
const read = async () => (await (await Database.open(instance, rootId)).snapshot()).length;
await new Promise<void>((resolve) => {
  [isLost, lost] = [true, resolve];
  void read();
});
isLost = false;
console.log(await read(), "tip");
await instance.close();
