import { BTree } from "../../util/btree.ts";
import { compareBytes } from "../../util/bytes.ts";
import type { Range } from "../driver.ts";
import {
  type Change,
  encodeFrame,
  type FrameVisitor,
  type Journal,
  type Located,
} from "./journal.ts";

/** What a pair takes in a journal besides its key and value, in bytes. */
const PAIR_OVERHEAD_BYTES = 17;
/** About how long the frames of a new journal are, in bytes. */
const FRAME_BYTES = 1 << 20;

/** Where the value of every key is: what a journal says when it is read from the beginning. */
export class FileIndex implements FrameVisitor {
  readonly #pairs: BTree<Uint8Array, Located> = new BTree<Uint8Array, Located>(compareBytes);
  /** The highest version given so far. */
  highestVersion: number = 0;
  /** How many bytes a journal without anything out of date would have. */
  liveBytes: number = 0;

  /** See {@link FrameVisitor.lastVersion}. */
  lastVersion(version: number): void {
    this.highestVersion = Math.max(this.highestVersion, version);
  }

  /** See {@link FrameVisitor.set}. */
  set(key: Uint8Array, located: Located): void {
    this.#forget(key);
    this.#pairs.set(key, located);
    this.liveBytes += key.length + located.length + PAIR_OVERHEAD_BYTES;
  }

  /** See {@link FrameVisitor.delete}. */
  delete(key: Uint8Array): void {
    if (this.#forget(key)) this.#pairs.delete(key);
  }

  #forget(key: Uint8Array): boolean {
    const old = this.#pairs.get(key);
    if (old === undefined) return false;
    this.liveBytes -= key.length + old.length + PAIR_OVERHEAD_BYTES;
    return true;
  }

  /** Where the value of a key is. */
  get(key: Uint8Array): Located | undefined {
    return this.#pairs.get(key);
  }

  /** The first pairs of a range, at most `limit`, in its order. */
  range({ start, end, reverse }: Range, limit: number): [Uint8Array, Located][] {
    const found: [Uint8Array, Located][] = [];
    const pairs = reverse ? this.#pairs.entriesReversed(end) : this.#pairs.entries(start);
    for (const pair of pairs) {
      const [key] = pair;
      const isOutside = reverse ? compareBytes(key, start) < 0 : compareBytes(key, end) >= 0;
      if (isOutside || found.length === limit) break;
      found.push(pair);
    }
    return found;
  }

  /** Frames that hold all pairs, and nothing out of date; at least one, for the highest version. */
  *frames(journal: Journal): Generator<Uint8Array> {
    let changes: Change[] = [];
    let bytes = 0;
    for (const [key, located] of this.#pairs.entries()) {
      changes.push({ key, value: journal.read(located), version: located.version });
      bytes += key.length + located.length;
      if (bytes < FRAME_BYTES) continue;
      yield encodeFrame(this.highestVersion, changes);
      changes = [];
      bytes = 0;
    }
    yield encodeFrame(this.highestVersion, changes);
  }
}
