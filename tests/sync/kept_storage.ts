/** Storages in memory that outlive the instances on them. */

import { MemoryStorage } from "../../src/storage/memory.ts";
import type { Range, StorageDriver } from "../../src/storage/driver.ts";

/** Told of how many records a storage was asked for. */
export type OnRead = (peer: number, records: number) => void;

/** A storage for each peer, the same whenever it is asked for. */
export function keptStorages(onRead: OnRead = () => {}): (peer: number) => StorageDriver {
  const kept = new Map<number, StorageDriver>();
  return (peer) => {
    const known = kept.get(peer) ?? keep(new MemoryStorage(), (count) => onRead(peer, count));
    kept.set(peer, known);
    return known;
  };
}

async function* counted(storage: StorageDriver, range: Range, read: (count: number) => void) {
  for await (const page of storage.list(range)) {
    read(page.length);
    yield page;
  }
}

function keep(storage: MemoryStorage, read: (count: number) => void): StorageDriver {
  return new Proxy<MemoryStorage>(storage, {
    get(target, name) {
      if (name === "close") return () => Promise.resolve();
      if (name === "list") return (range: Range) => counted(target, range, read);
      if (name === "get" || name === "getMany") read(1);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
