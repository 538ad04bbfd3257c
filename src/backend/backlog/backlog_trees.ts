import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { ForeignWrites } from "../records/foreign_writes.ts";
import { allOf, prefixRange, readId } from "../records/keys.ts";
import type { TreeHead } from "../records/tree_records.ts";
import type { Backlog } from "./backlog.ts";

/**
 * Which trees hold Unverified entries: those that may wait for what another tree gets. The markers are
 * written with the heads of these trees. They are kept in memory as long as no other process can have
 * changed them, so that a storage without such trees, which is the usual one, is not asked.
 */
export class BacklogTrees {
  readonly #driver: StorageDriver;
  readonly #foreign: ForeignWrites;
  readonly #load: () => Promise<typeof Backlog>;
  #backlog: typeof Backlog | undefined;
  #known: Set<string> | undefined;
  #notes = 0;

  /** The trees in `driver`. What changes their backlogs is loaded by `load` when there is one. */
  constructor(driver: StorageDriver, load: () => Promise<typeof Backlog>) {
    this.#driver = driver;
    this.#load = load;
    this.#foreign = new ForeignWrites(driver);
  }

  /** Whether {@link open} can be called. */
  get isReady(): boolean {
    return this.#backlog !== undefined;
  }

  /** Loads what {@link open} needs, if that was not done yet. */
  async ready(): Promise<void> {
    this.#backlog ??= await this.#load();
  }

  /** The backlog of a tree whose head was read, for one update. */
  open(tree: ID, head: TreeHead): Backlog {
    if (this.#backlog === undefined) throw new Error("not ready");
    return new this.#backlog(this.#driver, tree, head);
  }

  /** Whether there is any but one. */
  async hasOthers(tree: ID): Promise<boolean> {
    if (this.#foreign.mayBe()) this.forget();
    const known = this.#known ?? await this.#read();
    return known.size > (known.has(tree.toString()) ? 1 : 0);
  }

  async #read(): Promise<ReadonlySet<string>> {
    const notes = this.#notes;
    const found = new Set<string>();
    for await (const page of this.#driver.list(prefixRange(allOf("backlog")))) {
      for (const { key } of page) found.add(readId(key).toString());
    }
    // What this process has written meanwhile may be missing; it looks again after writing it.
    this.#known = notes === this.#notes ? found : undefined;
    return found;
  }

  /** Forgets what is known. */
  forget(): void {
    this.#notes++;
    this.#known = undefined;
  }

  /** Notes what this process has written. */
  note(tree: ID, unverified: number): void {
    this.#notes++;
    if (unverified > 0) this.#known?.add(tree.toString());
    else this.#known?.delete(tree.toString());
  }
}
