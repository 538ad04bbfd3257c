import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type ChangeSize, COUNT_KEY, times } from "../records/commit_room.ts";
import { waitCountKey } from "../records/keys.ts";
import {
  decodeRole,
  decodeWaitCount,
  encodeWaitCount,
  type MarkedRole,
  type Role,
  storeTag,
  type WaitCount,
} from "../records/wait_records.ts";
import type { Placed } from "./agenda.ts";

/** An entry that waits for so many others is counted, and not judged again at each of them. */
export const MIN_COUNTED = 8;
/** Fewest bytes that the pin of an entry takes for each of its tips. */
const TIP_BYTES = 36;

/** An entry that has waited for another one, and the value of the marker that said so. */
export interface Taken extends Placed {
  /** See {@link decodeRole}. */
  readonly value: Uint8Array;
}

/** An entry of the tree that has become Verified. */
export interface Arrived {
  /** Its height. */
  readonly height: number;
  /** Reads it. */
  find(): Promise<Entry | undefined>;
}

interface Known {
  readonly id: ID;
  /** Whether storage has a count, as far as is known. */
  readonly mayBeStored: boolean;
  readonly count: WaitCount | undefined;
  readonly isChanged: boolean;
}

/**
 * For how many others the entries of a tree wait that wait for many. Whoever names thousands that come one by one
 * is not judged at each of them: that would read the whole list every time. It is judged when none is left,
 * and before that when a verdict can decide it: one of them has failed, or is not what the marker says that it must
 * be, or was the last of the parents, which together say what height a child may choose.
 *
 * A count is never higher than the number of markers with a role that its entry has, and both change in the same
 * storage commit, so the last marker that goes finds it at zero. One that is too low, or not there as in storages of
 * earlier versions, costs a judgement, which counts anew.
 */
export class WaitCounts {
  readonly #driver: StorageDriver;
  readonly #tree: ID;
  readonly #isAnyStored: boolean;
  readonly #known = new Map<string, Known>();
  #changes = 0;

  /** The counts of `tree`; storage is not asked unless it may hold some. */
  constructor(driver: StorageDriver, tree: ID, isAnyStored: boolean) {
    this.#driver = driver;
    this.#tree = tree;
    this.#isAnyStored = isAnyStored;
  }

  /** How much storing them changes. */
  get changes(): ChangeSize {
    return times(COUNT_KEY, this.#changes);
  }

  /** Begins to count for an entry that waits for others, if it does for many. */
  begin(entry: Entry, roles: readonly Role[] | undefined): void {
    if (!isCounted(roles)) return this.end(entry);
    const parents = roles.filter(({ isParent }) => isParent).length;
    this.#set(entry.id, { all: roles.length, parents });
  }

  /** Forgets the count of an entry, if it may have one. */
  end(entry: Entry): void {
    if (namesMany(entry)) this.#set(entry.id, undefined);
  }

  /**
   * Those that are to be judged, of some that have waited for an entry; the others go on waiting for the rest.
   * Without `arrived` it has failed, or is not of this tree.
   */
  async ready(taken: readonly Taken[], arrived: Arrived | undefined): Promise<readonly Placed[]> {
    if (arrived === undefined) return taken;
    const roles = taken.map(({ value }) => decodeRole(value));
    await this.#load(taken.filter((_, at) => roles[at] !== undefined));
    const isAsked = roles.some((role) => role !== undefined && role.tags.length > 0);
    const stores = isAsked ? (await arrived.find())?.subtrees ?? [] : [];
    const tags = new Set(stores.map(storeTag));
    return taken.filter((waiter, at) => {
      const role = roles[at];
      if (role === undefined) return true;
      const isIt = (!role.isParent || arrived.height < waiter.height) &&
        role.tags.every((tag) => tags.has(tag));
      return this.#countDown(waiter.id, role, isIt);
    });
  }

  /** One less is waited for; says whether the entry is to be judged. What `isIt` not decides. */
  #countDown(id: ID, { isParent }: MarkedRole, isIt: boolean): boolean {
    const count = this.#known.get(id.toString())?.count;
    if (count === undefined) return true;
    const all = count.all - 1;
    const parents = count.parents - (isParent ? 1 : 0);
    const isReady = !isIt || all <= 0 || (isParent && parents <= 0);
    this.#set(id, isReady ? undefined : { all, parents });
    return isReady;
  }

  async #load(entries: readonly Placed[]): Promise<void> {
    if (!this.#isAnyStored) return;
    const ids = entries.map(({ id }) => id).filter((id) => !this.#known.has(id.toString()));
    if (ids.length === 0) return;
    const found = await this.#driver.getMany(ids.map((id) => waitCountKey(this.#tree, id)));
    for (const [at, id] of ids.entries()) {
      const value = found[at]?.value;
      const count = value && decodeWaitCount(value);
      const mayBeStored = value !== undefined;
      this.#known.set(id.toString(), { id, mayBeStored, count, isChanged: false });
    }
  }

  #set(id: ID, count: WaitCount | undefined): void {
    const key = id.toString();
    const before = this.#known.get(key);
    const mayBeStored = before?.mayBeStored ?? this.#isAnyStored;
    const isChanged = mayBeStored || count !== undefined;
    this.#changes += Number(isChanged) - Number(before?.isChanged === true);
    this.#known.set(key, { id, mayBeStored, count, isChanged });
  }

  /** Adds what has changed to a storage batch. */
  write(set: [Uint8Array, Uint8Array][], remove: Uint8Array[]): void {
    for (const { id, count, isChanged } of this.#known.values()) {
      if (!isChanged) continue;
      const key = waitCountKey(this.#tree, id);
      if (count === undefined) remove.push(key);
      else set.push([key, encodeWaitCount(count)]);
    }
  }
}

/** Whether an entry that waits for others in these roles is counted. */
export function isCounted(roles: readonly Role[] | undefined): roles is readonly Role[] {
  return roles !== undefined && roles.length >= MIN_COUNTED;
}

/** Whether an entry names so many others that it may have been counted. */
function namesMany({ parents, model, metadata }: Entry): boolean {
  let most = parents.length + Math.floor((metadata?.length ?? 0) / TIP_BYTES);
  for (const node of model.nodes) most += node.parents.length;
  return most >= MIN_COUNTED;
}
