import { setInspection } from "#inspect";
import type { LocalBackend } from "../backend/local.ts";
import type { DatabaseKey } from "../auth/database_key.ts";
import type { DatabaseHost, VerifyCounts, WriteCallback, WriteEvent } from "../database/host.ts";
import type { Alone, PutOptions } from "../transaction/host.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { DerivedKeys } from "../store/derived_keys.ts";
import type { Clock } from "../util/clock.ts";
import type { RandomSource } from "../util/random.ts";
import type { WorkOptions } from "../util/work.ts";
import { instanceDropped } from "./instance_errors.ts";
import { Lanes } from "./lanes.ts";
import type { RemoteWork, Writes } from "./port.ts";
import type { RemoteWriteReport } from "./tree_judge.ts";
import { WriteCoordinator } from "./write_coordinator.ts";

/** The part of an instance that its databases work with; it ends when the instance is closed. */
export class InstanceHost implements DatabaseHost {
  /** See {@link DatabaseHost.clock}. */
  readonly clock: Clock;
  /** See {@link DatabaseHost.random}. */
  readonly random: RandomSource;
  /** See {@link DatabaseHost.derivedKeys}. */
  readonly derivedKeys: DerivedKeys = new DerivedKeys();
  readonly #backend: LocalBackend;
  readonly #writes: Writes;
  readonly #lanes = new Lanes();
  #instance: object | undefined;
  #closing: Promise<void> | undefined;

  /** A host over `backend`, which it closes when it is closed, that writes by `writes`. */
  constructor(
    backend: LocalBackend,
    clock: Clock,
    random: RandomSource,
    writes: Writes = new WriteCoordinator(backend),
  ) {
    this.#backend = backend;
    this.#writes = writes;
    this.clock = clock;
    this.random = random;
  }

  /**
   * Keeps the instance from being collected while a user or database of it is left, which all keep
   * this host: a weak reference is good until the instance is closed.
   */
  belongTo(instance: object): void {
    this.#instance = instance;
  }

  /** The instance that this host is of. */
  get instance(): object | undefined {
    return this.#instance;
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** See {@link DatabaseHost.backend}. */
  get backend(): LocalBackend {
    if (this.#closing === undefined) return this.#backend;
    throw instanceDropped();
  }

  get #open(): Writes {
    void this.backend;
    return this.#writes;
  }

  /** See {@link DatabaseHost.actAs}. */
  actAs(tree: ID, key: DatabaseKey): void {
    this.#writes.actAs(tree, key);
  }

  /** See {@link DatabaseHost.putEntry}. */
  putEntry(tree: ID, entry: Entry, options: PutOptions, alone?: Alone): Promise<void> {
    return this.#open.putEntry(tree, entry, options, alone);
  }

  /** See {@link DatabaseHost.inTurn}. */
  async inTurn<T>(
    tree: ID,
    work: (leave: () => void) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    void this.backend;
    return await this.#lanes.run(tree.toString(), work, signal);
  }

  /** Stores and judges entries from elsewhere. */
  async putRemoteEntries(
    tree: ID,
    entries: readonly Entry[],
    work?: RemoteWork,
  ): Promise<RemoteWriteReport> {
    return await this.#open.putRemoteEntries(tree, entries, work);
  }

  /** See {@link DatabaseHost.verify}. */
  async verify(tree: ID, work?: WorkOptions): Promise<VerifyCounts> {
    return await this.#open.verify(tree, work);
  }

  /** See {@link DatabaseHost.verifyEntry}. */
  async verifyEntry(entry: Entry): Promise<boolean> {
    return await this.#open.verifyEntry(entry);
  }

  /** See {@link DatabaseHost.settle}. */
  async settle(tree: ID): Promise<void> {
    await this.#open.settle(tree);
  }

  /** See {@link DatabaseHost.isSettled}. */
  isSettled(tree: ID): boolean {
    return this.#open.isSettled(tree);
  }

  /** See {@link DatabaseHost.onWrite}. */
  async onWrite(
    tree: ID,
    handler: (event: WriteEvent) => void | Promise<void>,
    at?: Snapshot,
  ): Promise<WriteCallback> {
    return await this.#open.onWrite(tree, handler, at);
  }

  /** Registers a handler of this process's writes to all trees; what it returns ends that. */
  onAnyWrite(handler: (tree: ID, event: WriteEvent) => void | Promise<void>): () => void {
    return this.#open.onAnyWrite(handler);
  }

  /**
   * Ends the host: from now on every use of it fails with `InstanceDropped`. Writes that were taken
   * before are finished, then `lastly` runs, then the storage is released.
   */
  close(lastly: () => Promise<void>): Promise<void> {
    return this.#closing ??= this.#close(lastly);
  }

  async #close(lastly: () => Promise<void>): Promise<void> {
    try {
      await this.#writes.close();
      await lastly();
    } finally {
      this.derivedKeys.wipe();
      await this.#backend.close();
    }
  }
}

setInspection(InstanceHost, "InstanceHost", ({ isClosed }) => [isClosed ? "closed" : "open"]);
