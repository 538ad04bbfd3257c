import type { ID } from "../entry/id.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { allOf, prefixRange, readId } from "./keys.ts";

/**
 * Which trees hold Unverified entries: those that may wait for what another tree gets. The markers are
 * written with the heads of these trees. They are kept in memory as long as no other process can have
 * changed them, so that a storage without such trees, which is the usual one, is not asked.
 */
export class BacklogTrees {
  readonly #driver: StorageDriver;
  #known: Map<string, ID> | undefined;
  #token: unknown;
  #notes = 0;

  /** The trees in `driver`. */
  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  /** All of them but one. */
  async others(tree: ID): Promise<ID[]> {
    const known = this.#isCurrent() ? this.#known! : await this.#read();
    return [...known.values()].filter((other) => !other.equals(tree));
  }

  #isCurrent(): boolean {
    if (this.#known === undefined) return false;
    if (!this.#driver.capabilities.multiWriter) return true;
    return this.#driver.changeToken !== undefined && this.#driver.changeToken() === this.#token;
  }

  async #read(): Promise<ReadonlyMap<string, ID>> {
    const token = this.#driver.changeToken?.();
    const notes = this.#notes;
    const found = new Map<string, ID>();
    for await (const page of this.#driver.list(prefixRange(allOf("backlog")))) {
      for (const { key } of page) {
        const tree = readId(key);
        found.set(tree.toString(), tree);
      }
    }
    // What this process has written meanwhile may be missing; it looks again after writing it.
    this.#known = notes === this.#notes ? found : undefined;
    this.#token = token;
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
    if (unverified > 0) this.#known?.set(tree.toString(), tree);
    else if (this.#known !== undefined && this.#known.size > 0) this.#known.delete(tree.toString());
  }
}
