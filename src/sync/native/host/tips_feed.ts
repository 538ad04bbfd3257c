import { core } from "../../../../wasm/mod.ts";
import { ArrivalLog } from "../../../backend/log/arrival_log.ts";
import type { ID } from "../../../entry/id.ts";
import { Snapshot } from "../../../entry/snapshot.ts";
import { concat } from "../../../util/bytes.ts";
import { toHex } from "../../../util/hex.ts";
import { reasonOf } from "../served_trees.ts";
import type { NativeHost } from "./native_host.ts";
import type { Reading } from "../../access/reading.ts";

/** Milliseconds of silence after which a sign of life is due. Bun's server closes what is silent for ten seconds. */
export const FEED_SILENCE_MS = 8000;
/** Trees of a feed whose events have IDs, which grow with their number. */
export const MAX_NAMED_TREES = 64;
/** Tips that an event lists. */
export const MAX_LISTED_TIPS = 64;

/** Bytes of a mark. */
const MARK_BYTES = 6;
/** The mark of a tree of which nothing was told. */
const UNTOLD = "0".repeat(2 * MARK_BYTES);

/** A tree in a feed. */
export interface FedTree {
  /** Its root. */
  readonly tree: ID;
  /** Who reads it. */
  readonly reading: Reading;
  /** Tips that the reader has; it is told of others at once. */
  readonly tips: readonly ID[];
}

/** What a reader is told. */
export type FeedEvent =
  /** The tips of a tree. */
  | {
    readonly type: "tips";
    readonly tree: ID;
    readonly tips: readonly ID[];
    readonly count: number;
    readonly id: string | undefined;
  }
  /** A tree may not be read, and no more is told of it. */
  | { readonly type: "deny"; readonly tree: ID; readonly code: string; readonly message: string }
  /** Nothing has happened. */
  | { readonly type: "alive" };

/**
 * Tells one reader of the tips of trees: at once where it has others, then whenever they change. Who may read is judged
 * again before each event, and with each sign of life.
 */
export class TipsFeed {
  readonly #host: NativeHost;
  /** Trees, until they are denied; in the order in which they were asked for. */
  readonly #trees: (FedTree | undefined)[];
  /** What was told last of each: a mark of its tips. */
  readonly #told: string[];
  /** Numbers of trees that may have changed. */
  readonly #due = new Set<number>();
  readonly #leave: (() => void)[] = [];
  #wake: () => void = () => {};
  #isOver = false;

  /** A feed of trees; `after` is the ID of the last event that the reader had, if it had any. */
  constructor(host: NativeHost, trees: readonly FedTree[], after?: string) {
    this.#host = host;
    this.#trees = [...trees];
    this.#told = marksOf(after, trees.length) ?? trees.map(({ tips }) => markOf(tips));
  }

  /** Begins to watch. Rejects with the first refusal, and is over, when none of the trees may be read. */
  async begin(): Promise<void> {
    try {
      const refusals = await Promise.all(this.#trees.map((_, at) => this.#watch(at)));
      if (refusals.every((it) => it !== undefined)) throw refusals[0]!.error;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #watch(at: number): Promise<{ readonly error: unknown } | undefined> {
    this.#due.add(at);
    const { tree, reading } = this.#trees[at]!;
    try {
      await reading.require();
    } catch (error) {
      return { error };
    }
    this.onEnd(await this.#host.growth.watch(tree, () => this.#grown(at)));
    return undefined;
  }

  /** Calls once when it is over, which may be now. */
  onEnd(call: () => void): void {
    if (this.#isOver) call();
    else this.#leave.push(call);
  }

  #grown(at: number): void {
    this.#due.add(at);
    this.#wake();
  }

  /** The next event; undefined when there are no more. */
  async next(): Promise<FeedEvent | undefined> {
    const silence = { isOver: false };
    const cancel = this.#host.timers.after(FEED_SILENCE_MS, () => {
      silence.isOver = true;
      this.#wake();
    });
    const event = await this.#next(silence).finally(cancel);
    if (event === undefined) this.close();
    return event;
  }

  /** Trees may be looked at in vain as often as one likes: the reader hears nothing of that. */
  async #next(silence: { readonly isOver: boolean }): Promise<FeedEvent | undefined> {
    while (!this.#isOver && this.#trees.some((it) => it !== undefined)) {
      const [at] = this.#due;
      if (at === undefined && silence.isOver) return this.#alive();
      if (at === undefined) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      this.#due.delete(at);
      const event = await this.#look(at);
      if (event !== undefined && !this.#isOver) return event;
    }
    return undefined;
  }

  /** Peers may have been blocked, and trees may not be shared any more: of that trees know nothing. */
  #alive(): FeedEvent {
    this.#trees.forEach((tree, at) => tree !== undefined && this.#due.add(at));
    return { type: "alive" };
  }

  async #look(at: number): Promise<FeedEvent | undefined> {
    const { tree, reading } = this.#trees[at] ?? {};
    if (tree === undefined) return undefined;
    try {
      const { backend } = this.#host.serving.host.host;
      const { tips } = await backend.verifiedSnapshot(tree);
      const count = (await ArrivalLog.of(backend).head(tree))?.count ?? 0;
      // Last: they may have become what the reader may not be told.
      await reading!.require();
      return this.#tell(at, tree, tips, count);
    } catch (error) {
      this.#trees[at] = undefined;
      const [code, message] = reasonOf(error);
      return { type: "deny", tree, code, message };
    }
  }

  #tell(at: number, tree: ID, tips: readonly ID[], count: number): FeedEvent | undefined {
    const mark = markOf(tips);
    if (mark === this.#told[at]) return undefined;
    this.#told[at] = mark;
    const id = this.#told.length <= MAX_NAMED_TREES ? this.#told.join("") : undefined;
    return { type: "tips", tree, tips: tips.slice(0, MAX_LISTED_TIPS), count, id };
  }

  /** Ends it; whoever waits for an event gets none. */
  close(): void {
    this.#isOver = true;
    for (const leave of this.#leave.splice(0)) leave();
    this.#wake();
  }
}

/** What stands for tips: the beginning of a digest of them. */
function markOf(tips: readonly ID[]): string {
  if (tips.length === 0) return UNTOLD;
  const all = concat(...Snapshot.of(tips).tips.map(({ bytes }) => bytes));
  return toHex(core().blake3(all).subarray(0, MARK_BYTES));
}

/** The marks of an ID, if it is one of a feed of so many trees. */
function marksOf(id: string | undefined, count: number): string[] | undefined {
  if (id === undefined || count > MAX_NAMED_TREES || id.length !== count * UNTOLD.length) return;
  if (!/^[0-9a-f]+$/.test(id)) return undefined;
  return Array.from({ length: count }, (_, at) => {
    return id.slice(at * UNTOLD.length, (at + 1) * UNTOLD.length);
  });
}
