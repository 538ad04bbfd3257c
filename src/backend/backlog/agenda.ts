import type { ID } from "../../entry/id.ts";
import { ID as IdClass } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { Heap } from "../../util/heap.ts";
import { AGENDA_KEY, type ChangeSize, times } from "../records/commit_room.ts";
import { prefixRange, readPosition, unverifiedKey, unverifiedPrefix } from "../records/keys.ts";

const NOTHING = new Uint8Array(0);

/** An entry by its place in the fold order. */
export interface Placed {
  /** The entry. */
  readonly id: ID;
  /** Its height in the tree. */
  readonly height: number;
}

/** What is to be done about an entry. */
export interface AgendaItem extends Placed {
  /** It is to be judged, unless it has its verdict. */
  judge: boolean;
  /** It has arrived or has got its verdict, so who waits for it is to be judged. */
  wake: boolean;
}

/**
 * What is to be looked at in a tree: entries that nobody has judged since they came, and entries that
 * others may wait for. What one pass does not come to is stored, and the next one begins with it; a
 * tree in which all is settled, or waits, has nothing on it.
 */
export class Agenda {
  readonly #driver: StorageDriver;
  readonly #tree: ID;
  readonly #items = new Map<string, AgendaItem>();
  readonly #queue = new Heap<AgendaItem>((a, b) =>
    a.height < b.height || (a.height === b.height && IdClass.compareFold(a.id, b.id) < 0)
  );
  /** What was put off: it counts as being there, and comes when nothing else does. */
  readonly #later = new Map<string, AgendaItem>();
  readonly #laterQueue: AgendaItem[] = [];
  /** What storage holds of it and was read. */
  readonly #stored = new Map<string, Placed>();
  /** How many items are not stored, and how many stored ones are done. */
  #added = 0;
  #done = 0;

  /** The agenda of `tree`. */
  constructor(driver: StorageDriver, tree: ID) {
    this.#driver = driver;
    this.#tree = tree;
  }

  /** Whether nothing is left to do, of what this update knows and was not put off. */
  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  /** How many things are left to do, of what this update knows and were not put off. */
  get length(): number {
    return this.#items.size;
  }

  /** Whether it will be stored otherwise than it was read. */
  get isChanged(): boolean {
    return this.#added + this.#done > 0;
  }

  /** How much storing it changes. */
  get changes(): ChangeSize {
    return times(AGENDA_KEY, this.#added + this.#done);
  }

  /** Adds something to do. */
  add({ id, height }: Placed, todo: { readonly judge?: boolean; readonly wake?: boolean }): void {
    const key = id.toString();
    let item = this.#items.get(key) ?? this.#later.get(key);
    if (item === undefined) {
      item = { id, height, judge: false, wake: false };
      this.#isBack(key);
      this.#enter(key, item);
    }
    item.judge ||= todo.judge === true;
    item.wake ||= todo.wake === true;
  }

  /** Reads what earlier passes did not come to. */
  async load(): Promise<void> {
    const prefix = unverifiedPrefix(this.#tree);
    for await (const page of this.#driver.list(prefixRange(prefix))) {
      for (const { key } of page) {
        const place = readPosition(key, prefix.length);
        const text = place.id.toString();
        if (this.#stored.has(text)) continue;
        this.#stored.set(text, place);
        if (this.#items.has(text)) this.#added--;
        else this.#done++;
        this.add(place, { judge: true, wake: true });
      }
    }
  }

  #enter(key: string, item: AgendaItem): void {
    this.#items.set(key, item);
    this.#queue.push(item);
  }

  #isBack(key: string): void {
    if (this.#stored.has(key)) this.#done--;
    else this.#added++;
  }

  /** Takes the first thing to do, parents before children, what was put off last; undefined when there is none. */
  next(): AgendaItem | undefined {
    const item = this.#queue.pop() ?? this.#laterQueue.pop();
    if (item === undefined) return undefined;
    const key = item.id.toString();
    this.#items.delete(key);
    this.#later.delete(key);
    if (this.#stored.has(key)) this.#done++;
    else this.#added--;
    return item;
  }

  /**
   * Puts something back that {@link next} gave, behind all else. It changes nothing of what is stored, so that
   * any number of these leaves room for the rest.
   */
  putOff(item: AgendaItem): void {
    const key = item.id.toString();
    this.#isBack(key);
    this.#later.set(key, item);
    this.#laterQueue.push(item);
  }

  /** Takes what was put off back among the rest. */
  resume(): void {
    for (const [key, item] of this.#later) this.#enter(key, item);
    this.#later.clear();
    this.#laterQueue.length = 0;
  }

  /** Adds what is left to a storage batch, and removes what is done. */
  write(set: [Uint8Array, Uint8Array][], remove: Uint8Array[]): void {
    for (const [key, { id, height }] of this.#items) {
      if (!this.#stored.has(key)) set.push([unverifiedKey(this.#tree, height, id), NOTHING]);
    }
    for (const [key, { id, height }] of this.#stored) {
      if (!this.#items.has(key)) remove.push(unverifiedKey(this.#tree, height, id));
    }
  }
}
