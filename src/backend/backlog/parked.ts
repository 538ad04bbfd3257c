import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { equalBytes } from "../../util/bytes.ts";
import {
  AWAITED_KEYS,
  type ChangeSize,
  PARKED_KEY,
  sum,
  times,
  type Waits,
} from "../records/commit_room.ts";
import {
  awaitedKey,
  awaiterKey,
  parkedKey,
  parkedPrefix,
  prefixRange,
  readPosition,
} from "../records/keys.ts";
import { encodeRoles } from "../records/wait_records.ts";
import type { Placed } from "./agenda.ts";
import { isCounted, type Taken } from "./wait_counts.ts";

const NOTHING = new Uint8Array(0);

interface Marker extends Placed {
  readonly awaited: ID;
  /** The value with which storage holds it (`wait_records.ts`), as far as is known; undefined if it does not. */
  stored: Uint8Array | undefined;
  /** The value with which storage is to hold it; undefined if it is not to. */
  wanted: Uint8Array | undefined;
}

/**
 * Who waits for whom: entries that cannot be judged before another one has its verdict, which thus
 * reaches those whom it concerns, and nobody else.
 *
 * What is waited for and not held by anybody is marked besides, under its own ID: it may arrive in
 * another tree, which does not know of this one. Then those who wait for it fail.
 */
export class Parked {
  readonly #driver: StorageDriver;
  readonly #tree: ID;
  readonly #isAnyStored: boolean;
  /** Markers by the text of the awaited ID, then of the one that waits. */
  readonly #markers = new Map<string, Map<string, Marker>>();
  /** Awaited IDs of which all stored markers are known. */
  readonly #listed = new Set<string>();
  /** What is waited for, by the text of its ID: whether storage is to say so under that ID. */
  readonly #awaited = new Map<string, { readonly id: ID; readonly isWanted: boolean }>();
  #isChanged = false;
  /** How many markers storage is to hold otherwise than it does. */
  #changes = 0;

  /** The waiting entries of `tree`; storage is not asked unless it may hold some. */
  constructor(driver: StorageDriver, tree: ID, isAnyStored: boolean) {
    this.#driver = driver;
    this.#tree = tree;
    this.#isAnyStored = isAnyStored;
  }

  /** Whether anything will be stored otherwise than it was. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** How much storing it changes. */
  get changes(): ChangeSize {
    return sum(times(PARKED_KEY, this.#changes), times(AWAITED_KEYS, this.#awaited.size));
  }

  /** What this update waits for that nobody held. */
  get missing(): ID[] {
    return [...this.#awaited.values()].filter(({ isWanted }) => isWanted).map(({ id }) => id);
  }

  /** What storage is not to mark any more as waited for, since those who did are looked at. */
  get unmarked(): ID[] {
    return [...this.#awaited.values()].filter(({ isWanted }) => !isWanted).map(({ id }) => id);
  }

  /** Notes that an entry waits for others. */
  add(entry: Placed, { ids, roles, missing }: Waits): void {
    const values = isCounted(roles) ? encodeRoles(roles) : [];
    for (const [at, id] of ids.entries()) {
      this.#set(this.#marker(id, entry), { wanted: values[at] ?? NOTHING });
    }
    for (const id of missing) this.#awaited.set(id.toString(), { id, isWanted: true });
    this.#isChanged ||= ids.length > 0;
  }

  /** Forgets that a stored entry waits for others, if it does. */
  release(entry: Placed, awaited: readonly ID[]): void {
    for (const id of awaited) {
      const marker = this.#marker(id, entry);
      const stored = marker.stored ?? (this.#isAnyStored ? NOTHING : undefined);
      this.#set(marker, { stored, wanted: undefined });
    }
    this.#isChanged ||= this.#isAnyStored && awaited.length > 0;
  }

  /** Takes up to `most` entries that wait for `awaited`, which is held, and says whether those were all. */
  async take(awaited: ID, most: number): Promise<{ taken: Taken[]; isAll: boolean }> {
    const group = this.#group(awaited);
    if (this.#isAnyStored) await this.#list(awaited, group, most);
    const taken: Taken[] = [];
    for (const marker of group.values()) {
      const { id, height, wanted } = marker;
      if (wanted === undefined) continue;
      if (taken.length === most) return { taken, isAll: false };
      this.#set(marker, { wanted: undefined });
      taken.push({ id, height, value: wanted });
    }
    this.#isChanged ||= taken.length > 0;
    const isAll = !this.#isAnyStored || this.#listed.has(awaited.toString());
    if (isAll) this.#unmark(awaited, group);
    return { taken, isAll };
  }

  /** Whoever has waited for `awaited` is looked at now. */
  #unmark(awaited: ID, group: ReadonlyMap<string, Marker>): void {
    const key = awaited.toString();
    const mayBeStored = [...group.values()].some(({ stored }) => stored !== undefined);
    if (mayBeStored) this.#awaited.set(key, { id: awaited, isWanted: false });
    else this.#awaited.delete(key);
  }

  /** Reads markers of `awaited`, one more than are needed. */
  async #list(awaited: ID, group: Map<string, Marker>, most: number): Promise<void> {
    if (this.#listed.has(awaited.toString())) return;
    const prefix = parkedPrefix(this.#tree, awaited);
    const limit = most + group.size + 1;
    let found = 0;
    for await (const page of this.#driver.list({ ...prefixRange(prefix), limit })) {
      found += page.length;
      for (const { key, value } of page) {
        this.#found(group, awaited, value, readPosition(key, prefix.length));
      }
    }
    if (found < limit) this.#listed.add(awaited.toString());
  }

  /** Storage holds a marker; what this update has changed of it stays so. */
  #found(group: Map<string, Marker>, awaited: ID, value: Uint8Array, { id, height }: Placed): void {
    const known = group.get(id.toString());
    if (known !== undefined) this.#set(known, { stored: value });
    else group.set(id.toString(), { id, height, awaited, stored: value, wanted: value });
  }

  #set(marker: Marker, change: Partial<Pick<Marker, "stored" | "wanted">>): void {
    if (isChanged(marker)) this.#changes--;
    Object.assign(marker, change);
    if (isChanged(marker)) this.#changes++;
  }

  #group(awaited: ID): Map<string, Marker> {
    const key = awaited.toString();
    const known = this.#markers.get(key) ?? new Map<string, Marker>();
    this.#markers.set(key, known);
    return known;
  }

  #marker(awaited: ID, { id, height }: Placed): Marker {
    const group = this.#group(awaited);
    const key = id.toString();
    const known = group.get(key) ??
      { id, height, awaited, stored: undefined, wanted: undefined };
    group.set(key, known);
    return known;
  }

  /** Adds what has changed to a storage batch. */
  write(set: [Uint8Array, Uint8Array][], remove: Uint8Array[]): void {
    for (const group of this.#markers.values()) {
      for (const marker of group.values()) {
        if (!isChanged(marker)) continue;
        const { id, height, awaited, wanted } = marker;
        const key = parkedKey(this.#tree, awaited, height, id);
        if (wanted === undefined) remove.push(key);
        else set.push([key, wanted]);
      }
    }
    for (const { id, isWanted } of this.#awaited.values()) {
      for (const key of [awaitedKey(id), awaiterKey(id, this.#tree)]) {
        if (isWanted) set.push([key, NOTHING]);
        else remove.push(key);
      }
    }
  }
}

/** Whether storage is to hold a marker otherwise than it does. */
function isChanged({ stored, wanted }: Marker): boolean {
  if (stored === undefined || wanted === undefined) return stored !== wanted;
  return !equalBytes(stored, wanted);
}
