import type { ID } from "../../entry/id.ts";
import type { Entry } from "../../entry/entry.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { isNotFound, ServiceError } from "../../util/errors.ts";
import type { DaemonSession } from "./session.ts";

/** How many entries one request asks for, at most. */
export const MAX_BATCH = 512;

/** What is read of one database of a daemon. */
export class RemoteTree {
  readonly #tree: ID;
  readonly #session: DaemonSession;

  /** Reads of `tree`. */
  constructor(tree: ID, session: DaemonSession) {
    this.#tree = tree;
    this.#session = session;
  }

  /** Verified tips; undefined when the daemon does not hold the database. */
  async tips(): Promise<Snapshot | undefined> {
    try {
      const { ids } = await this.#session.ask(this.#tree, { type: "GetVerifiedTips" }, "Ids");
      return Snapshot.of(ids);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Asks to be told of writes. */
  async subscribe(): Promise<void> {
    const op = { type: "SubscribeWrites", tips: Snapshot.EMPTY } as const;
    await this.#session.ask(this.#tree, op, "Ok");
  }

  /** Asks not to be told of writes any more. */
  async unsubscribe(): Promise<void> {
    await this.#session.ask(this.#tree, { type: "UnsubscribeWrites" }, "Ok");
  }

  /** Entries of the database, in any order; fails when one is not held. */
  async entries(ids: readonly ID[]): Promise<Entry[]> {
    const batches: Promise<readonly Entry[]>[] = [];
    const isBatched = this.#session.features.has("batches");
    const size = isBatched ? MAX_BATCH : 1;
    for (let at = 0; at < ids.length; at += size) {
      const some = ids.slice(at, at + size);
      batches.push(isBatched ? this.#many(some) : this.#one(some[0]!));
    }
    const found = (await Promise.all(batches)).flat();
    requireAll(ids, found);
    return found;
  }

  async #one(id: ID): Promise<Entry[]> {
    return [(await this.#session.ask(this.#tree, { type: "GetEntry", id }, "Entry")).entry];
  }

  /** Many entries at once, or in halves where that is more than a frame takes. */
  async #many(ids: readonly ID[]): Promise<readonly Entry[]> {
    try {
      return (await this.#session.ask(this.#tree, { type: "GetEntries", ids }, "Entries")).entries;
    } catch (error) {
      if (!isTooLarge(error) || ids.length === 1) throw error;
    }
    const middle = ids.length >> 1;
    const halves = [ids.slice(0, middle), ids.slice(middle)];
    return (await Promise.all(halves.map((half) => this.#many(half)))).flat();
  }

  /** The entries of a store below tips, in any order. */
  async store(store: string, tips: readonly ID[]): Promise<readonly Entry[]> {
    const op = { type: "GetStoreEntries", store, tips, scope: "Verified" } as const;
    return (await this.#session.ask(this.#tree, op, "Entries")).entries;
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "FrameTooLarge";
}

function requireAll(ids: readonly ID[], found: readonly Entry[]): void {
  const names = new Set(found.map(({ id }) => id.toString()));
  const missing = ids.find((id) => !names.has(id.toString()));
  if (missing === undefined) return;
  const message = `Cannot read entry "${missing}": the daemon names it and does not give it`;
  throw new ServiceError("EntryMissing", message, { fields: { id: missing } });
}
