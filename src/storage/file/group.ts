import type { Batch, CommitResult, Version } from "../driver.ts";
import { nameOf } from "../shared/independent.ts";
import type { FileIndex } from "./index.ts";
import type { Change } from "./journal.ts";

/**
 * The batches that share one frame. A frame counts as a whole or not at all, so nobody ever reads
 * some of a group whose writing then fails.
 */
export class FrameGroup {
  readonly #index: FileIndex;
  /** Versions that the batches so far give, before the index knows them. */
  readonly #versions = new Map<string, Version | undefined>();
  /** What the frame holds. */
  readonly changes: Change[] = [];
  /** The highest version given so far. */
  highestVersion: number;

  /** A group on top of what is stored. */
  constructor(index: FileIndex) {
    this.#index = index;
    this.highestVersion = index.highestVersion;
  }

  /** Decides on one batch, which sees those before it. */
  add({ checks = [], set = [], delete: remove = [] }: Batch): CommitResult {
    if (checks.some(({ key, version }) => this.#versionOf(key) !== version)) return { ok: false };
    const version = ++this.highestVersion;
    for (const key of remove) {
      this.#versions.set(nameOf(key), undefined);
      this.changes.push({ key, version });
    }
    for (const [key, value] of set) {
      this.#versions.set(nameOf(key), version);
      this.changes.push({ key, value, version });
    }
    return { ok: true, version };
  }

  #versionOf(key: Uint8Array): Version | undefined {
    const name = nameOf(key);
    return this.#versions.has(name) ? this.#versions.get(name) : this.#index.get(key)?.version;
  }
}
