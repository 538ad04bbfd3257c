import { LocalBackend } from "../../backend/local.ts";
import type { InstanceMetadata, InstanceSecrets } from "../../backend/backend.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { MemoryStorage } from "../../storage/memory.ts";
import { InstanceError, isNotFound } from "../../util/errors.ts";
import type { RandomSource } from "../../util/random.ts";

/** What the backend of a connected instance asks of the daemon. */
export interface BackendSource {
  /** Public identity of the daemon's instance, as it was when this client connected. */
  readonly metadata: InstanceMetadata;
  /** Makes the copy of a database as new as the daemon's. */
  settle(tree: ID): Promise<void>;
  /** Reads an entry of any database; `EntryNotFound` when the daemon does not hold it. */
  read(id: ID): Promise<Entry>;
  /** Stores an entry. */
  submit(entry: Entry): Promise<void>;
  /** Ends the connection. */
  hangUp(): void;
  /** Replaces the public identity. */
  setMetadata(metadata: InstanceMetadata): Promise<void>;
}

/** Memory that is a copy of what a daemon holds, and is saved by nobody. */
class CopyStorage extends MemoryStorage {
  override readonly name: string = "daemon";
  readonly #hangUp: () => void;

  constructor(hangUp: () => void) {
    super();
    this.#hangUp = hangUp;
  }

  override async close(): Promise<void> {
    this.#hangUp();
    await super.close();
  }
}

/**
 * The engine of a connected instance (11 §7): copies in memory of what was read of the daemon's databases, on which
 * everything works as on a storage of its own. What is not held is asked for; what only the owner of the storage can
 * do fails with `OperationNotSupported`.
 */
export class ConnectedBackend extends LocalBackend {
  readonly #source: BackendSource;

  /** A backend that holds nothing yet. */
  constructor(source: BackendSource, random: RandomSource | undefined) {
    super(new CopyStorage(() => source.hangUp()), undefined, random);
    this.#source = source;
  }

  /** The entry with this ID, which the daemon is asked for when it was not read yet. */
  override async get(id: ID): Promise<Entry> {
    const held = await this.find(id);
    if (held !== undefined) return held;
    const entry = await this.#source.read(id);
    await this.#source.settle(entry.root ?? entry.id);
    return entry;
  }

  /** Whether the daemon holds an entry with this ID, and this client may read it. */
  override async hasEntry(id: ID): Promise<boolean> {
    try {
      await this.get(id);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Tips of the Verified entries: the daemon tells of no others. */
  override async snapshot(tree: ID): Promise<Snapshot> {
    return await this.verifiedSnapshot(tree);
  }

  /** See `Backend.verifiedSnapshot`. */
  override async verifiedSnapshot(tree: ID): Promise<Snapshot> {
    await this.#source.settle(tree);
    return await super.verifiedSnapshot(tree);
  }

  /** Tips of a store among the Verified entries. */
  override async storeSnapshot(tree: ID, store: string): Promise<Snapshot> {
    await this.#source.settle(tree);
    return await super.storeSnapshot(tree, store);
  }

  /** Every Verified entry of a store, in fold order of the store. */
  override async getStore(tree: ID, store: string): Promise<Entry[]> {
    await this.#source.settle(tree);
    return await super.getStore(tree, store);
  }

  /** Submits an entry to the daemon, which judges it. */
  override async put(entry: Entry): Promise<void> {
    await this.#source.submit(entry);
  }

  /** See `BackendSource.metadata`. */
  override getInstanceMetadata(): Promise<InstanceMetadata | undefined> {
    return Promise.resolve(this.#source.metadata);
  }

  /** Replaces the public identity at the daemon; for administrators alone. */
  override async setInstanceMetadata(metadata: InstanceMetadata): Promise<void> {
    await this.#source.setMetadata(metadata);
  }

  /** None: the secrets of the device never leave the daemon. */
  override getInstanceSecrets(): Promise<InstanceSecrets | undefined> {
    return Promise.resolve(undefined);
  }

  /** Not supported. */
  override setInstanceSecrets(): Promise<void> {
    return refuse("replace the secrets of the device");
  }

  /** Not supported. */
  override updateVerificationStatus(): Promise<void> {
    return refuse("overwrite a verdict");
  }

  /** Not supported. */
  override demoteToUnverified(): Promise<void> {
    return refuse("take back a verdict");
  }

  /** Not supported. */
  override getEntriesByVerificationStatus(): Promise<ID[]> {
    return refuse("list entries by their verdict");
  }

  /** Not supported. */
  override allRoots(): Promise<ID[]> {
    return refuse("list all databases");
  }

  /** Not supported. */
  override allTrees(): Promise<ID[]> {
    return refuse("list all databases");
  }

  /** Not supported. */
  override getTree(): Promise<Entry[]> {
    return refuse("list all entries of a database");
  }
}

function refuse(action: string): Promise<never> {
  return Promise.reject(notSupported(action));
}

/** The error for what only the owner of the storage can do. */
export function notSupported(action: string): InstanceError {
  const message =
    `Cannot ${action} through a daemon: only the process that owns the storage can do that`;
  return new InstanceError("OperationNotSupported", message, { fields: { operation: action } });
}
