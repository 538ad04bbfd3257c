import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import type { StorageDriver, Version } from "../../storage/driver.ts";
import { tasksEndWithRequests } from "../../util/isolate.ts";
import { LruMap } from "../../util/lru.ts";
import { tryRead } from "../../util/try_read.ts";
import { turns } from "../../util/turns.ts";
import { EMPTY_BUFFER } from "../records/change_buffer.ts";
import { ForeignWrites } from "../records/foreign_writes.ts";
import { INDEX, SETTINGS } from "../../entry/constants.ts";
import { headKey, storeTipsKey } from "../records/keys.ts";
import {
  decodeHead,
  decodeStoreTips,
  type Frontiers,
  type TreeHead,
} from "../records/tree_records.ts";

/** How many trees a backend keeps the head of in memory. */
const CACHED_TREES = 1024;

/**
 * What is done when a tree is read that was not in memory: begun while its head is read, and gone on with when it
 * is there. `stores` are some that will be asked for.
 */
type Met = (tree: ID, stores: readonly string[]) => (cached: CachedTree) => Promise<void>;

/** Head of a tree that no write has touched yet. */
export const EMPTY_HEAD: TreeHead = Object.freeze({
  sequence: 0,
  verified: [],
  raw: [],
  unverified: 0,
  unverifiedBytes: 0,
  failed: 0,
  failedBytes: 0,
  waiting: 0,
  awaitedAbroad: 0,
  abroad: [],
  log: undefined,
  buffer: EMPTY_BUFFER,
});

/** Frontiers of a store that no write has touched yet. */
export const EMPTY_TIPS: Frontiers = Object.freeze({ sequence: 0, verified: [], raw: [] });

/** The head of a tree as storage held it at one version, with store frontiers read since. */
export interface CachedTree {
  /** The head. */
  readonly head: TreeHead;
  /** Storage version of the head; undefined when the tree is unknown to storage. */
  readonly version: Version | undefined;
  /**
   * Frontiers of stores. The heads that follow share it: one that a later write than this head's has
   * changed does not belong to this head.
   */
  readonly stores: Map<string, Frontiers>;
  /** The Verified tips of the head, once they were asked for. */
  snapshot?: Snapshot;
}

/**
 * Heads and store frontiers, read through to storage.
 *
 * A write builds on what is cached here and commits under a check of the head's version, so a stale
 * head costs a retry and never a lost write.
 */
export class TreeCache {
  readonly #driver: StorageDriver;
  readonly #trees = new Map<string, CachedTree>();
  readonly #foreign: ForeignWrites;
  readonly #met: Met | undefined;
  readonly #known = new LruMap<true>(CACHED_TREES);
  readonly #meetings = new Map<string, Promise<CachedTree>>();

  /** Reads through to `driver`; `met` is waited for when a tree is read that was not in memory. */
  constructor(driver: StorageDriver, met?: Met) {
    this.#driver = driver;
    this.#foreign = new ForeignWrites(driver);
    this.#met = met;
  }

  /** The tree as last seen by this process, which may be behind other processes. */
  async lastSeen(tree: ID): Promise<CachedTree> {
    return this.peek(tree) ?? await this.read(tree);
  }

  /** As {@link lastSeen}, if it is in memory. */
  peek(tree: ID): CachedTree | undefined {
    return this.#trees.get(tree.toString());
  }

  /** The tree as storage holds it now, if that is known without reading it. */
  peekCurrent(tree: ID): CachedTree | undefined {
    const cached = this.peek(tree);
    return cached !== undefined && this.#isCurrent() ? cached : undefined;
  }

  /** The tree as storage holds it now. */
  async read(tree: ID): Promise<CachedTree> {
    if (turns.isOver) await turns.next();
    const cached = this.peek(tree);
    if (cached !== undefined && this.#isCurrent()) return cached;
    if (this.#met !== undefined) return await this.#readFar(tree, cached);
    return await this.#readHead(tree, cached);
  }

  async #readHead(tree: ID, cached: CachedTree | undefined): Promise<CachedTree> {
    const stored = await this.#driver.get(headKey(tree));
    if (cached !== undefined && cached.version === stored?.version) return cached;
    const head = stored === undefined ? EMPTY_HEAD : decodeHead(stored.value);
    const stores = new Map(head.buffer.stores);
    const fresh: CachedTree = { head, version: stored?.version, stores };
    if (stored === undefined) return fresh;
    this.replace(tree, fresh);
    return this.peek(tree)!;
  }

  async #readFar(tree: ID, cached: CachedTree | undefined): Promise<CachedTree> {
    const meeting = this.#meetings.get(tree.toString());
    if (this.#isNew(tree)) return await this.#meet(tree, []);
    // The head that somebody else has asked for before may be older than what is asked for now.
    const [head] = await Promise.all([
      this.#readHead(tree, cached),
      meeting?.catch(() => undefined),
    ]);
    return head;
  }

  /**
   * Begins to read a tree from a far storage, with what will be asked for besides; `stores` are some that
   * will be. Nobody waits for it but those who read the tree meanwhile.
   */
  meet(tree: ID, stores: readonly string[] = []): void {
    if (this.#met !== undefined && this.#isNew(tree)) {
      this.#meet(tree, stores).catch(() => undefined);
    }
  }

  /** Whether nobody has asked for a tree yet: one that was forgotten is only read again. */
  #isNew(tree: ID): boolean {
    return this.#known.get(tree.toString()) === undefined;
  }

  #meet(tree: ID, stores: readonly string[]): Promise<CachedTree> {
    const key = tree.toString();
    this.#known.set(key, true);
    const meeting = this.#meetOnce(tree, stores).finally(() => this.#meetings.delete(key));
    // What another request waits for may never come.
    if (!tasksEndWithRequests) this.#meetings.set(key, meeting);
    return meeting;
  }

  async #meetOnce(tree: ID, stores: readonly string[]): Promise<CachedTree> {
    const goOn = this.#met!(tree, stores);
    const fresh = await this.#readHead(tree, undefined);
    // What cannot be read ahead is read again by whoever needs it, and fails there.
    if (fresh.version !== undefined) await goOn(fresh).catch(() => undefined);
    return fresh;
  }

  /** Whether no other writer can have changed anything that is cached. */
  #isCurrent(): boolean {
    if (!this.#foreign.mayBe()) return true;
    // Without a change token this may be so at every call, and an unchanged version keeps a head.
    if (this.#driver.changeToken !== undefined) this.#trees.clear();
    return false;
  }

  /** Puts what was read, or what a write has made, in place of what was cached, unless that is newer. */
  replace(tree: ID, fresh: CachedTree): void {
    const key = tree.toString();
    // Reads and writes of one tree may end in another order than they were made in.
    if ((this.#trees.get(key)?.head.sequence ?? 0) > fresh.head.sequence) return;
    this.#trees.delete(key);
    this.#trees.set(key, fresh);
    if (this.#trees.size <= CACHED_TREES) return;
    for (const oldest of this.#trees.keys()) {
      this.#trees.delete(oldest);
      break;
    }
  }

  /** Forgets a tree, so that the next use reads storage. */
  forget(tree: ID): void {
    this.#trees.delete(tree.toString());
  }

  /** Frontiers of a store that belong to the head of `cached`, if they are in memory. */
  peekStore({ head, stores }: CachedTree, store: string): Frontiers | undefined {
    const known = stores.get(store);
    return known !== undefined && known.sequence <= head.sequence ? known : undefined;
  }

  /**
   * Frontiers of a store that belong to the head of `cached`, or undefined when another writer has
   * moved on in between: the caller starts again from a fresh head.
   */
  async store(tree: ID, cached: CachedTree, store: string): Promise<Frontiers | undefined> {
    if (cached.stores.has(store)) return this.peekStore(cached, store);
    const besides = this.#met === undefined ? [] : [SETTINGS, INDEX];
    await this.readStores(tree, cached, [store, ...besides], store);
    return this.peekStore(cached, store);
  }

  /**
   * Reads frontiers of stores that are not in memory, at once; those of a later head are left out. So are damaged ones,
   * but for those of the store that is `needed`: whoever needs another one is told of it then.
   */
  async readStores(
    tree: ID,
    cached: CachedTree,
    stores: readonly string[],
    needed?: string,
  ): Promise<void> {
    const unknown = [...new Set(stores)].filter((store) => !cached.stores.has(store));
    if (unknown.length === 0) return;
    const keys = unknown.map((store) => storeTipsKey(tree, store));
    const found = keys.length === 1
      ? [await this.#driver.get(keys[0]!)]
      : await this.#driver.getMany(keys);
    for (const [at, store] of unknown.entries()) {
      const stored = found[at];
      const read = () => stored === undefined ? EMPTY_TIPS : decodeStoreTips(stored.value);
      const tips = store === needed ? read() : tryRead(read);
      if (tips === undefined) continue;
      // What a write has put there in the meantime is newer.
      const isWanted = tips.sequence <= cached.head.sequence && !cached.stores.has(store);
      if (isWanted) cached.stores.set(store, tips);
    }
  }
}
