import type { Entry } from "../../entry/entry.ts";
import { SETTINGS } from "../../entry/constants.ts";
import type { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import type { WriteCallback, WriteEvent } from "../../database/host.ts";
import { Logger } from "../../util/log.ts";
import type { DatabaseWrite } from "../protocol/messages.ts";
import { type Actor, isHeld, requireAccess } from "./gate.ts";
import { MAX_CONTENT_BYTES } from "./limits.ts";
import type { ServedHost } from "./port.ts";

const log = new Logger("service");

/** Who listens to what. */
export interface Listener {
  /** The instance. */
  readonly host: ServedHost;
  /** Root of the tree. */
  readonly tree: ID;
  /** Who listens. */
  readonly actor: Actor;
  /** Whether it is known that they may read; they are told of nothing before. */
  readonly mayRead: boolean;
}

/** Takes notifications while the tree is locked: what it does at once is in the order of the writes. */
export type Notify = (write: DatabaseWrite) => void;

/**
 * One connection's interest in one tree (11 §8.2).
 *
 * Notifications are handed on while the tree is locked, so that all who listen see them in one order. Whoever has
 * lost access with a write is told of that write and of no further one; whoever asked before the tree was there is
 * told of nothing until it is known that it may read.
 */
export class Subscription {
  readonly #host: ServedHost;
  readonly #tree: ID;
  readonly #actor: Actor;
  readonly #notify: Notify;
  #cursor: Snapshot;
  #callback: WriteCallback | undefined;
  /** Notifications of somebody whose access is not known yet. */
  #held: DatabaseWrite[] | undefined;
  #isEnded = false;

  private constructor(listener: Listener, cursor: Snapshot, notify: Notify) {
    const { host, tree, actor, mayRead } = listener;
    this.#host = host;
    this.#tree = tree;
    this.#actor = actor;
    this.#held = mayRead ? undefined : [];
    this.#cursor = cursor;
    this.#notify = notify;
  }

  /** Begins to listen; the first notification begins at `tips`, or at what is held now. */
  static async begin(listener: Listener, tips: Snapshot, notify: Notify): Promise<Subscription> {
    const { host, tree } = listener;
    const current = await host.backend.snapshot(tree);
    const cursor = tips.tips.length > 0 ? tips : current;
    const subscription = new Subscription(listener, cursor, notify);
    subscription.#callback = await host.onWrite(tree, (event) => subscription.#written(event));
    if (subscription.#isEnded) subscription.end();
    return subscription;
  }

  /** Whether it listens no longer. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Listens no longer. */
  end(): void {
    this.#isEnded = true;
    this.#held = undefined;
    this.#callback?.[Symbol.dispose]();
  }

  /** Hands a write on at once; what it gives is waited for by the writer, whose write is done. */
  #written(event: WriteEvent): void | Promise<void> {
    if (this.#isEnded) return;
    const write = this.#next(event);
    if (this.#held === undefined) this.#notify(write);
    else this.#held.push(write);
    if (this.#held !== undefined || this.#mayLoseAccess(event)) return this.#check();
  }

  #next({ entries, postTips: verifiedTips, source }: WriteEvent): DatabaseWrite {
    const previousTips = this.#cursor;
    const postTips = this.#cursor = this.#rawTips() ?? verifiedTips;
    const contents = isSmall(entries) ? entries : undefined;
    return { rootId: this.#tree, previousTips, postTips, source, verifiedTips, entries: contents };
  }

  /** All tips of the tree, whatever their status: in memory, since the tree was just written. */
  #rawTips(): Snapshot | undefined {
    const cached = this.#host.backend.trees.peek(this.#tree);
    return cached && Snapshot.of(cached.head.raw);
  }

  /** A grant through another database may end at any time. */
  #mayLoseAccess({ entries }: WriteEvent): boolean {
    return !this.#actor.identity.isDirect ||
      entries.some((entry) => entry.subtrees.includes(SETTINGS));
  }

  /** Ends the subscription of somebody who may not read, and tells everybody else what was held back. */
  async #check(): Promise<void> {
    try {
      if (!await isHeld(this.#host, this.#tree)) return;
      await requireAccess(this.#host, this.#tree, this.#actor, "Read");
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const write of held) this.#notify(write);
    } catch (error) {
      log.debug("A subscription to {tree} has ended", { tree: this.#tree.toString(), error });
      this.end();
    }
  }
}

function isSmall(entries: readonly Entry[]): boolean {
  let bytes = 0;
  return entries.every((entry) => (bytes += entry.bytes.length) <= MAX_CONTENT_BYTES);
}
