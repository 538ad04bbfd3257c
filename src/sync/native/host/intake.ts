import { CheckedSignatures } from "../../../database/checked_signatures.ts";
import { Entry } from "../../../entry/entry.ts";
import type { ID } from "../../../entry/id.ts";
import { EideticaError, SyncError } from "../../../util/errors.ts";
import type { VerifyMeter } from "../../access/verify_time.ts";
import type { SyncWrites } from "../../host.ts";
import type { StoreReport } from "../actions.ts";
import { unpackBlock } from "../block.ts";
import { INFLATED_BYTES } from "../limits.ts";
import type { Entries } from "../messages.ts";
import { inflate } from "./deflate.ts";
import type { RecentIds } from "./recent.ts";

/** Most IDs that are remembered because entries wait for them. */
const MAX_MISSING = 4096;

/** Stores what one peer sends of one tree. */
export class Intake {
  readonly #host: SyncWrites;
  readonly #tree: ID;
  readonly #recent: RecentIds;
  readonly #meter: VerifyMeter | undefined;
  readonly #missing = new Map<string, ID>();

  /** Takes entries of a tree; notes in `recent` which. `meter` has the time of whoever sends them, where that is bounded. */
  constructor(host: SyncWrites, tree: ID, recent: RecentIds, meter?: VerifyMeter) {
    this.#meter = meter;
    this.#host = host;
    this.#tree = tree;
    this.#recent = recent;
  }

  /** Stores blocks; when it resolves, everything is durable. */
  async store(blocks: readonly Entries[], signal: AbortSignal): Promise<StoreReport> {
    const entries: Entry[] = [];
    let [foreign, code] = [0, ""];
    for (const block of blocks) {
      const own: Entry[] = [];
      for (const bytes of await unpack(block)) {
        const read = this.#read(bytes);
        if (read instanceof Entry) own.push(read);
        else [foreign, code] = [foreign + 1, read.code];
      }
      await this.#meter?.spend(own.length, signal);
      // Threads are at work on these while the next block is unpacked.
      CheckedSignatures.begin(own);
      entries.push(...own);
    }
    const report = await this.#host.putRemoteEntries(this.#tree, entries, { signal });
    const { verified, failed, unverified, rejected } = report;
    const never = rejected.filter(({ error }) => error.code === "EntryInvalid").length;
    return {
      verified,
      waiting: unverified,
      failed,
      refused: rejected.length + foreign,
      invalid: never + foreign + (failed === 0 ? 0 : await this.#failed(entries)),
      again: rejected.length - never,
      code: code === "" ? rejected[0]?.error.code ?? "" : code,
      missing: await this.#stillMissing(entries, unverified),
    };
  }

  #read(bytes: Uint8Array): Entry | EideticaError {
    try {
      const entry = Entry.decode(bytes);
      if (!(entry.root ?? entry.id).equals(this.#tree)) return foreignEntry();
      this.#recent.add(entry.id);
      return entry;
    } catch (error) {
      if (error instanceof EideticaError) return error;
      throw error;
    }
  }

  /** How many of these entries have failed: those of others may have waited for them, and failed now. */
  async #failed(entries: readonly Entry[]): Promise<number> {
    const rows = await this.#host.backend.loadRows(entries.map(({ id }) => id));
    return rows.filter((row) => row?.status === "Failed").length;
  }

  /** What entries of the peer wait for, and nobody holds. */
  async #stillMissing(entries: readonly Entry[], waiting: number): Promise<ID[]> {
    if (waiting === 0) this.#missing.clear();
    else for (const parent of entries.flatMap(({ parents }) => parents)) this.#note(parent);
    const ids = [...this.#missing.values()];
    if (ids.length === 0) return ids;
    const rows = await this.#host.backend.loadRows(ids);
    ids.forEach((id, at) => rows[at] !== undefined && this.#missing.delete(id.toString()));
    return [...this.#missing.values()];
  }

  #note(id: ID): void {
    if (this.#missing.size < MAX_MISSING) this.#missing.set(id.toString(), id);
  }
}

async function unpack({ deflated, count, body }: Entries): Promise<Uint8Array[]> {
  const plain = deflated ? await inflate(body, INFLATED_BYTES) : body;
  return unpackBlock({ count, body: plain });
}

function foreignEntry(): SyncError {
  return new SyncError("EntryOfOtherTree", "Cannot take an entry: it is of another tree");
}
