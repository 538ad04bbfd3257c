import type { ID } from "../../../entry/id.ts";
import { RECENT_IDS } from "../limits.ts";

/** The IDs that were seen last, so that what came from somebody is not sent back. */
export class RecentIds {
  readonly #ids = new Set<string>();

  /** Notes an ID; the oldest one is forgotten. */
  add(id: ID): void {
    this.#ids.add(id.toString());
    if (this.#ids.size <= RECENT_IDS) return;
    const [oldest] = this.#ids;
    this.#ids.delete(oldest!);
  }

  /** Whether an ID was seen. */
  has(id: ID): boolean {
    return this.#ids.has(id.toString());
  }
}
