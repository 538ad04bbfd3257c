/** A node on which strangers' entries pile up, and what they send. */
import { DocStore, Entry, ID, Snapshot, type StorageDriver } from "../../mod.ts";
import { BACKLOG_LIMITS, type BacklogLimits } from "../../src/backend/backlog/limits.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import type { Database } from "../../src/database/database.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { WriteCoordinator } from "../../src/instance/write_coordinator.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { withDb } from "./bed.ts";

/** Commits one key, on the tips or elsewhere. */
export async function commit(db: Database, key: string, at?: Snapshot): Promise<Entry> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await (await tx.getStore(DocStore, "s")).set(key, "v");
  return await db.getEntry(await tx.commit());
}

/** Entries of a stranger, each on top of the one before, the first on top of what nobody has. */
export function junk(root: Entry, count: number, label = "junk"): Entry[] {
  const made: Entry[] = [];
  let parent = ID.ofRaw(utf8(`${label} nobody has`));
  for (let at = 0; at < count; at++) {
    const builder = Entry.builder(root.id).setParents([parent]).setHeight(10 + at)
      .setMetadata(new EntryMetadata(Snapshot.of([root.id])).encode())
      .setSubtreeData("s", utf8(`{"children":{"${label}":{"Int":${at}}}}`))
      .setSubtreeParents("s", at === 0 ? [] : [parent]);
    const entry = builder.build();
    made.push(entry);
    parent = entry.id;
  }
  return made;
}

/** A storage that counts what is asked of it. */
export function counting(
  driver: StorageDriver,
  capabilities: Partial<StorageDriver["capabilities"]> = {},
): {
  driver: StorageDriver;
  reads: () => number;
} {
  let reads = 0;
  const counted: StorageDriver = {
    name: driver.name,
    capabilities: { ...driver.capabilities, ...capabilities },
    get: (key) => (reads++, driver.get(key)),
    getMany: (keys) => (reads += keys.length, driver.getMany(keys)),
    async *list(range) {
      reads++;
      for await (const page of driver.list(range)) {
        reads += page.length;
        yield page;
      }
    },
    commit: (batch) => {
      reads += (batch.set?.length ?? 0) + (batch.delete?.length ?? 0);
      return driver.commit(batch);
    },
    close: () => driver.close(),
  };
  return {
    driver: counted,
    reads: () => {
      const before = reads;
      reads = 0;
      return before;
    },
  };
}

/** A node without users. */
export interface BacklogNode {
  readonly backend: LocalBackend;
  readonly writes: WriteCoordinator;
  readonly driver: StorageDriver;
  /** How many pairs were read or written since this was asked last. */
  readonly reads: () => number;
  readonly close: () => Promise<void>;
}

/** A node without users that holds a root, and its storage. */
export async function node(
  root: Entry,
  limits: Partial<BacklogLimits> = {},
  storage: StorageDriver = memoryStorage(),
): Promise<BacklogNode> {
  const { driver, reads } = counting(storage);
  const backend = new LocalBackend(driver, { ...BACKLOG_LIMITS, ...limits });
  const writes = new WriteCoordinator(backend);
  await writes.putRemoteEntries(root.id, [root]);
  const close = async () => {
    await writes.close();
    await backend.close();
  };
  return { backend, writes, driver: storage, reads, close };
}

/** The statuses of entries, in their order. */
export async function statuses(
  backend: LocalBackend,
  entries: readonly Entry[],
): Promise<string[]> {
  const found: string[] = [];
  for (const { id } of entries) found.push(await backend.getVerificationStatus(id));
  return found;
}

/** A database with one branch of data and its entries, in fold order. */
export async function source(test: (root: Entry, honest: Entry[]) => Promise<void>): Promise<void> {
  await withDb(async ({ db }) => {
    for (let at = 0; at < 12; at++) await commit(db, `k${at}`);
    const [root, ...honest] = await db.getAllEntries();
    await test(root!, honest);
  });
}
