import { setPrinter } from "#inspect";
import { ready } from "../../wasm/mod.ts";
import type { Backend } from "../backend/backend.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { HasHost } from "../database/database.ts";
import type { PutOptions } from "../transaction/host.ts";
import { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { login, openSession } from "../user/login.ts";
import { User } from "../user/user.ts";
import {
  optionsOf,
  requireInstance,
  requireInstances,
  requireMethod,
  requireText,
  wrongArgument,
} from "../util/arguments.ts";
import { abortable } from "../util/abort.ts";
import { InstanceError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import { type WorkOptions, workOptions } from "../util/work.ts";
import type { Sync, SyncOptions } from "../sync/port.ts";
import { bootstrap, type InstanceIdentity, loadIdentity, userHost } from "./bootstrap.ts";
import { enableSync } from "./enable_sync.ts";
import { alreadyExists, foreignSnapshot, notInitialized } from "./instance_errors.ts";
import type { InstanceHost } from "./instance_host.ts";
import { type NewUser, requireNewUser } from "../user/new_user.ts";
import { loadRest } from "../backend/load_rest.ts";
import { opened, type OpenedStorage } from "./opened_storage.ts";
import { guarded, type InstanceOptions, instanceOptions, newHost, openUrl } from "./opening.ts";
import type { Engine } from "./port.ts";
import type { SnapshotWriter } from "./snapshot_writer.ts";
import { WeakInstance } from "./weak_instance.ts";
import type { RemoteWriteReport } from "./tree_judge.ts";

const log = new Logger("instance");

/** What an engine in this process does. */
const LOCAL: Omit<Engine, "writes"> = { login, enableSync };

const WRITE = "write a snapshot";

/** An instance, with the session of the user that was created with it. */
export interface ConnectedInstance {
  /** The instance. */
  readonly instance: Instance;
  /** The first user, logged in; undefined when the instance existed before. */
  readonly user?: User;
}

/**
 * The owner of one storage: device identity, system databases, the one path that all writes take, and
 * the write handlers (07).
 *
 * An instance stays open until {@link close}. Afterwards every handle that came from it fails with
 * the code `InstanceDropped`.
 *
 * @example
 * ```ts
 * import { Instance, NewUser } from "eidetica";
 *
 * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const notes = await user!.createDatabase({ name: "notes" });
 * if (await notes.getName() !== "notes") throw new Error("no name");
 * await instance.close();
 * ```
 */
export class Instance implements AsyncDisposable, HasHost {
  /** What databases work with. */
  readonly host: InstanceHost;
  readonly #identity: InstanceIdentity;
  readonly #engine: Omit<Engine, "writes">;
  #snapshots: SnapshotWriter | undefined;
  /** Snapshots that are being written. */
  #writing: Promise<unknown> = Promise.resolve();
  #enabling: Promise<Sync> | undefined;
  #sync: Sync | undefined;

  private constructor(
    host: InstanceHost,
    identity: InstanceIdentity,
    { engine, save }: OpenedStorage,
  ) {
    this.host = host;
    host.belongTo(this);
    this.#identity = identity;
    this.#engine = engine ?? LOCAL;
    // Armed last, so that what failed to open or to be created never writes a file.
    this.#snapshots = save?.();
  }

  // --- opening -------------------------------------------------------------------------------

  /** Opens an instance that exists; `NotInitialized` when there is none. Creates nothing. */
  static async connect(url: string, given?: InstanceOptions): Promise<Instance> {
    const options = instanceOptions(given);
    const storage = await openUrl(url, options, false);
    return await guarded(storage.driver, options, async () => {
      return await Instance.#open(storage, options);
    });
  }

  /**
   * Opens the instance at `url`, or creates it with a first user, who is then logged in. The user is
   * ignored when the instance exists: log in with `loginUser`.
   */
  static async connectOrCreate(
    url: string,
    initial: NewUser,
    given?: InstanceOptions,
  ): Promise<ConnectedInstance> {
    const options = instanceOptions(given);
    requireNewUser(initial);
    const storage = await openUrl(url, options, true);
    return await guarded(storage.driver, options, async () => {
      if (storage.foreignSnapshot !== undefined) throw foreignSnapshot(storage.foreignSnapshot);
      return await Instance.#openOrCreate(storage, initial, options);
    });
  }

  /**
   * Opens, in memory, the instance that the text of a snapshot holds, for example one that was kept
   * where there are no files: the counterpart of {@link snapshotText}. Nothing is saved by itself.
   * Throws `InvalidSnapshot` for what is none, `NotInitialized` for one without an instance.
   */
  static async fromSnapshotText(text: string, given?: InstanceOptions): Promise<Instance> {
    const options = instanceOptions(given);
    const wait = { signal: options.signal, action: "open the text of a snapshot" };
    const open = async () => {
      return await (await loadRest(wait.action)).openSnapshotText(text, options);
    };
    const storage = await abortable(wait, open);
    return await guarded(storage.driver, options, () => Instance.#open(storage, options));
  }

  /** As {@link connect}, on a storage driver of your own, which the instance then owns. */
  static async openBackend(
    storage: StorageDriver,
    given?: InstanceOptions,
  ): Promise<Instance> {
    const options = instanceOptions(given);
    requireDriver(storage);
    return await guarded(storage, options, () => Instance.#open(opened(storage, options), options));
  }

  /** Creates an instance on an empty storage; `InstanceAlreadyExists` when it is not empty. */
  static async createBackend(
    storage: StorageDriver,
    initial: NewUser,
    given?: InstanceOptions,
  ): Promise<{ instance: Instance; user: User }> {
    const options = instanceOptions(given);
    requireDriver(storage);
    requireNewUser(initial);
    return await guarded(storage, options, async () => {
      const made = await Instance.#openOrCreate(opened(storage, options), initial, options);
      const { instance, user } = made;
      if (user !== undefined) return { instance, user };
      throw alreadyExists();
    });
  }

  /** As {@link connectOrCreate}, on a storage driver of your own, which the instance then owns. */
  static async connectOrCreateBackend(
    storage: StorageDriver,
    initial: NewUser,
    given?: InstanceOptions,
  ): Promise<ConnectedInstance> {
    const options = instanceOptions(given);
    requireDriver(storage);
    requireNewUser(initial);
    return await guarded(storage, options, async () => {
      return await Instance.#openOrCreate(opened(storage, options), initial, options);
    });
  }

  static async #open(storage: OpenedStorage, options: InstanceOptions): Promise<Instance> {
    await ready();
    const instance = await Instance.#find(storage, options);
    if (instance === undefined) throw notInitialized();
    return instance;
  }

  /** The instance in a storage; undefined when there is none. */
  static async #find(
    storage: OpenedStorage,
    options: InstanceOptions,
  ): Promise<Instance | undefined> {
    const identity = await loadIdentity(storage.backend);
    return identity &&
      new Instance(newHost(storage, options), identity, storage);
  }

  static async #openOrCreate(
    storage: OpenedStorage,
    initial: NewUser,
    options: InstanceOptions,
  ): Promise<ConnectedInstance> {
    await ready();
    const found = await Instance.#find(storage, options);
    if (found !== undefined) {
      log.debug("The instance exists; the initial user is ignored");
      return { instance: found };
    }
    const host = newHost(storage, options);
    const made = await bootstrap(host, initial);
    if (made === undefined) return { instance: await Instance.#open(storage, options) };
    const { identity, created } = made;
    const instance = new Instance(host, identity, storage);
    const { uuid, info, rootKey, derived } = created;
    const session = await openSession(userHost(host, identity), uuid, info, rootKey, derived);
    return { instance, user: new User(userHost(host, identity), session) };
  }

  // --- identity ------------------------------------------------------------------------------

  /** Public key of the device, which identifies the instance. */
  get id(): PublicKey {
    return PublicKey.parse(this.#identity.metadata.id);
  }

  /** The storage engine, for what the API above it does not offer: single entries, verdicts, all trees. */
  get backend(): Backend {
    return this.host.backend;
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.host.isClosed;
  }

  /**
   * Logs a user in. It is refused with `UserNotFound`, `UserDisabled`, `PasswordRequired` when there is a password
   * and none was given, `InvalidPassword` when one was given and there is none, or `DecryptionFailed` when it is
   * the wrong one.
   */
  async loginUser(name: string, password?: string): Promise<User> {
    const action = "log in";
    requireText(name, action, "the name");
    if (password !== undefined) requireText(password, action, "the password");
    void this.host.backend;
    const host = userHost(this.host, this.#identity);
    return new User(host, await this.#engine.login(host, name, password));
  }

  // --- entries -------------------------------------------------------------------------------

  /** Whether an entry is held. */
  async hasEntry(id: ID): Promise<boolean> {
    requireInstance(id, ID, "look for an entry", "the ID");
    return await this.host.backend.hasEntry(id).catch(rethrowDropped);
  }

  /** Whether anything of the database with this root is held. */
  async hasDatabase(root: ID): Promise<boolean> {
    requireInstance(root, ID, "look for a database", "the root");
    const tips = await this.host.backend.snapshot(root).catch(rethrowDropped);
    return tips !== false && tips.tips.length > 0;
  }

  /**
   * Stores an entry and tells the write handlers of its tree. Resolves when it is durable
   * and the handlers have settled. Only pass `Verified` for what this process has validated itself.
   */
  async putEntry(tree: ID, entry: Entry, options: PutOptions): Promise<void> {
    const action = "store an entry";
    requireInstance(tree, ID, action, "the root of its tree");
    requireInstance(entry, Entry, action, "the entry");
    await this.host.putEntry(tree, entry, putOptions(options, action));
  }

  /**
   * Stores entries from elsewhere, judges them, and tells the handlers what became Verified. Large
   * batches are stored in parts; `signal` ends the batch after the part that is under way, and `onProgress`
   * is told after each how many entries were taken or refused.
   */
  async putRemoteEntries(
    tree: ID,
    entries: readonly Entry[],
    options?: WorkOptions,
  ): Promise<RemoteWriteReport> {
    const action = "store entries";
    requireInstance(tree, ID, action, "the root of their tree");
    requireInstances(entries, Entry, action, "the entries");
    return await this.host.putRemoteEntries(tree, entries, workOptions(options, action));
  }

  // --- synchronisation -----------------------------------------------------------------------

  /**
   * Begins to keep databases in step with other instances, and to serve them; doing it again changes nothing.
   * Over HTTP unless `options` name other transports. Nobody can connect before `serve` is called.
   */
  async enableSync(options: SyncOptions = {}): Promise<Sync> {
    void this.host.backend;
    // Only once: whoever asks while it is enabled again waits for that.
    if (this.#sync?.isClosed) [this.#sync, this.#enabling] = [undefined, undefined];
    this.#enabling ??= this.#engine.enableSync(
      userHost(this.host, this.#identity),
      this.host,
      options,
    )
      .then((sync) => this.#sync = sync);
    try {
      return await this.#enabling;
    } catch (error) {
      this.#enabling = undefined;
      throw error;
    }
  }

  /** Synchronisation, once it is enabled. */
  get sync(): Sync | undefined {
    return this.#sync;
  }

  /** See `Sync.flush`; nothing to wait for while synchronisation is not enabled. */
  async flushSync(): Promise<void> {
    await this.#sync?.flush();
  }

  // --- life ----------------------------------------------------------------------------------

  /** Writes the snapshot of a `memory:///path` instance; does nothing on any other storage. */
  async flush(): Promise<void> {
    void this.host.backend;
    await this.#snapshots?.flush();
  }

  /** Writes a snapshot of an in-memory instance elsewhere; `SnapshotNotSupported` on others. */
  async snapshotToPath(path: string): Promise<void> {
    requireText(path, WRITE, "the path");
    await this.#withWriter((writer) => writer.writeTo(path));
  }

  /** The snapshot as text; `SnapshotNotSupported` when the storage is not in memory. */
  async snapshotText(): Promise<string> {
    return await this.#withWriter((writer) => writer.text());
  }

  /** What is begun here is finished before the storage is released. */
  #withWriter<T>(work: (writer: SnapshotWriter) => Promise<T>): Promise<T> {
    const { backend } = this.host;
    const writer = this.#snapshots;
    const working = writer === undefined ? this.#loadWriter(backend).then(work) : work(writer);
    this.#writing = Promise.allSettled([this.#writing, working]);
    return working;
  }

  async #loadWriter(backend: LocalBackend): Promise<SnapshotWriter> {
    const { SnapshotWriter } = await loadRest(WRITE);
    return this.#snapshots ??= new SnapshotWriter(backend, undefined);
  }

  /** A reference that does not keep the instance alive. */
  downgrade(): WeakInstance {
    return new WeakInstance(this);
  }

  /**
   * Finishes the writes that were begun, ends all handlers, saves the snapshot where there is one, and
   * releases the storage. A failed snapshot is thrown, with the storage released.
   */
  async close(): Promise<void> {
    await (await this.#enabling?.catch(() => undefined))?.close();
    await this.host.close(async () => {
      await this.#writing;
      await this.#snapshots?.close();
    });
  }

  /** The device's public key and whether the instance is open; nothing that is secret. */
  toString(): string {
    return `Instance(${this.id}, ${this.isClosed ? "closed" : "open"})`;
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

setPrinter(Instance, "Instance", String);

function requireDriver(storage: StorageDriver): void {
  requireMethod(storage, "commit", "open an instance", "the storage");
}

const STATUSES: readonly unknown[] = ["Unverified", "Verified", "Failed"];
const SOURCES: readonly unknown[] = ["local", "remote"];

function putOptions(options: PutOptions, action: string): PutOptions {
  const { verification, source } = optionsOf(options, action);
  if (STATUSES.includes(verification) && SOURCES.includes(source)) return options;
  throw wrongArgument(action, "the options", "{ verification, source }", options);
}

function rethrowDropped(error: unknown): false {
  if (error instanceof InstanceError && error.code === "InstanceDropped") throw error;
  return false;
}
