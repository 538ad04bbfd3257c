/** Storages in memory that outlive the instances on them. */

import { MemoryStorage } from "../../src/storage/memory.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";

/** A storage for each peer, the same whenever it is asked for. */
export function keptStorages(): (peer: number) => StorageDriver {
  const kept = new Map<number, StorageDriver>();
  return (peer) => {
    const known = kept.get(peer) ?? keep(new MemoryStorage());
    kept.set(peer, known);
    return known;
  };
}

function keep(storage: MemoryStorage): StorageDriver {
  return new Proxy<MemoryStorage>(storage, {
    get(target, name) {
      if (name === "close") return () => Promise.resolve();
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
