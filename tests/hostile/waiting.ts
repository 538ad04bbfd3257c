/**
 * Entries that wait for many others, and nodes that get them.
 *
 * @module
 */

import { type Entry, Instance, NewUser } from "../../mod.ts";
import { EntryJudge } from "../../src/database/entry_judge.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { Lie, StoreLie } from "./craft.ts";
import { onTip, type World } from "./world.ts";

/** A payload that changes nothing. */
export const EMPTY = '{"children":{}}';

/** Entries side by side on the tip, members of the store `s`. */
export function siblings(world: World, count: number): Entry[] {
  return Array.from(
    { length: count },
    (_, at) => onTip(world, { stores: { s: { data: EMPTY }, [`s${at}`]: { data: EMPTY } } }),
  );
}

/** Settings of the owner side by side on the tip. */
export function settingsOf(world: World, count: number): Entry[] {
  return Array.from({ length: count }, (_, at) => {
    const data = `{"children":{"n${at}":{"Int":${at}}}}`;
    const stores = { _settings: { data, parents: [world.revoked.id] } };
    return onTip(world, { key: world.people.owner, stores });
  });
}

/** An entry on top of others in the tree, and in the store `s` of others; all the same ones unless said otherwise. */
export function over(
  world: World,
  parents: readonly Entry[],
  label: string,
  lie: Partial<Lie> = {},
  members: readonly Entry[] = parents,
): Entry {
  const stores: Record<string, StoreLie> = {
    s: { data: EMPTY, parents: members.map(({ id }) => id) },
    [label]: { data: EMPTY },
  };
  return onTip(world, { parents, stores, ...lie });
}

/** What is judged while `action` runs, by its ID. */
export async function judgedDuring(action: () => Promise<unknown>): Promise<string[]> {
  const { judge } = EntryJudge.prototype;
  const judged: string[] = [];
  EntryJudge.prototype.judge = function (entry) {
    judged.push(entry.id.toString());
    return judge.call(this, entry);
  };
  try {
    await action();
    return judged;
  } finally {
    EntryJudge.prototype.judge = judge;
  }
}

/** Views of a storage in memory, which outlives the instances that close them. */
export class Kept {
  readonly #storage = memoryStorage();

  /** The storage itself. */
  get storage(): StorageDriver {
    return this.#storage;
  }

  /** A view of it; `changes` are changed or added. */
  view(changes: Partial<StorageDriver> = {}): StorageDriver {
    const storage = this.#storage;
    return {
      name: storage.name,
      capabilities: storage.capabilities,
      get: (key) => storage.get(key),
      getMany: (keys) => storage.getMany(keys),
      list: (range) => storage.list(range),
      commit: (batch) => storage.commit(batch),
      close: () => Promise.resolve(),
      ...changes,
    };
  }

  /** A new node on it that holds the honest entries of a world. */
  async create(world: World, changes: Partial<StorageDriver> = {}): Promise<Instance> {
    const user = NewUser.passwordless("node");
    const { instance } = await Instance.createBackend(this.view(changes), user);
    await instance.putRemoteEntries(world.root.id, world.honest);
    return instance;
  }

  /** The node on it, opened anew. */
  async reopen(changes: Partial<StorageDriver> = {}): Promise<Instance> {
    return await Instance.openBackend(this.view(changes));
  }
}
