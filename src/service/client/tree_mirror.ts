import { setInspection } from "#inspect";
import { compareInTree } from "../../backend/tree/walk.ts";
import type { WriteCallback } from "../../database/host.ts";
import { SETTINGS } from "../../entry/constants.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import type { EventHandler } from "../../instance/write_events.ts";
import { BackendError, ServiceError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import type { DatabaseWrite } from "../protocol/messages.ts";
import type { RemoteTree } from "./remote_tree.ts";
import type { TreeCopy } from "./tree_copy.ts";
import { entriesLacking } from "./tree_filling.ts";

const log = new Logger("service");

/** How long the end of a subscription may take, in milliseconds. */
const UNSUBSCRIBE_MS = 5_000;

/**
 * Keeps the copy of one database of a daemon as new as the daemon's. Whatever the daemon calls Verified is believed,
 * and as long as it has told of nothing that is not here, reads ask nobody.
 */
export class TreeMirror {
  /** Root of the database. */
  readonly tree: ID;
  readonly #copy: TreeCopy;
  readonly #remote: RemoteTree;
  /** Whether the daemon tells of every write. */
  #isLive = false;
  /** Whether the settings were written since it was asked to: it tells nothing any more to who has lost access. */
  #isAccessDoubted = false;
  /** Why the daemon does not tell. */
  #refusal: ServiceError | undefined;
  /** How often the daemon has forgotten what it was asked for. */
  #epoch = 0;
  /** How many writes the daemon has told of, and up to which of them all is here. */
  #heard = 0;
  #covered = 0;
  /** What the daemon is asked for now. */
  #asking: Promise<void> | undefined;
  #notices: Promise<void> = Promise.resolve();
  #wasUsed = true;
  #idleSince = 0;

  /** Keeps `copy` up with what `remote` reads. */
  constructor(tree: ID, copy: TreeCopy, remote: RemoteTree) {
    this.tree = tree;
    this.#copy = copy;
    this.#remote = remote;
  }

  // --- reading -------------------------------------------------------------------------------

  /** Whether all is here that the daemon has told of. */
  get isCurrent(): boolean {
    if (!this.#isTold || this.#covered !== this.#heard) return false;
    this.#wasUsed = true;
    return true;
  }

  get #isTold(): boolean {
    return this.#isLive && !this.#isAccessDoubted;
  }

  /** Makes the copy as new as what the daemon holds now. */
  async settle(): Promise<void> {
    while (this.#asking !== undefined) await this.#asking.catch(() => undefined);
    if (!this.isCurrent) await this.#alone(() => this.#refresh());
  }

  /** One at a time asks the daemon, so that nobody unsubscribes while another subscribes. */
  async #alone(work: () => Promise<void>): Promise<void> {
    this.#wasUsed = true;
    this.#asking = work().finally(() => this.#asking = undefined);
    await this.#asking;
  }

  async #refresh(): Promise<void> {
    const heard = this.#heard;
    const tips = await this.#remote.tips();
    // What the daemon does not hold it may get, of which it would tell nobody.
    if (tips === undefined) return;
    if (touchSettings(await this.#fill(tips))) this.#isAccessDoubted = true;
    if (this.#isTold) this.#covered = Math.max(this.#covered, heard);
    else await this.#goLive();
  }

  /** From the subscription on the daemon tells of writes; those before it are in the tips asked for after it. */
  async #goLive(): Promise<void> {
    const [heard, epoch] = [this.#heard, this.#epoch];
    this.#isLive = this.#isAccessDoubted = false;
    const [refusal, tips] = await Promise.all([this.#subscribe(), this.#remote.tips()]);
    await this.#fill(tips ?? Snapshot.EMPTY);
    this.#covered = Math.max(this.#covered, heard);
    this.#refusal = refusal;
    // A subscription that was made before the daemon has forgotten it is none.
    this.#isLive = refusal === undefined && epoch === this.#epoch;
  }

  /** Subscribes; whoever has too many subscriptions can read still, and asks each time. */
  async #subscribe(): Promise<ServiceError | undefined> {
    try {
      await this.#remote.subscribe();
      return undefined;
    } catch (error) {
      if (error instanceof ServiceError && error.code === "LimitExceeded") return error;
      throw error;
    }
  }

  async #fill(tips: Snapshot): Promise<readonly Entry[]> {
    const isNew = await this.#copy.isEmpty();
    const lacking = (ids: readonly ID[]) => this.#copy.lacking(ids);
    const entries = await entriesLacking(this.#remote, tips.tips, lacking, isNew);
    if (entries.length > 0) await this.#copy.add(entries);
    return entries;
  }

  /** Notes that the daemon holds something newer, of which it has not told yet. */
  doubt(): void {
    this.#covered = this.#heard - 1;
  }

  /** Forgets what the daemon was asked for: it has begun to treat this client as somebody else. */
  forget(): void {
    this.#epoch++;
    this.#isLive = false;
  }

  // --- writes --------------------------------------------------------------------------------

  /**
   * Adds an entry of this process when `submit` says that the daemon calls it Verified, and then calls `written`.
   * Resolves when the handlers have settled, unless they are at work on something earlier.
   */
  async write(
    entry: Entry,
    submit: () => Promise<boolean>,
    written: (() => void) | undefined,
  ): Promise<void> {
    await this.#copy.awaitingOwn(entry, async () => {
      if (!await submit()) return;
      // What stands on something that was not read here is fetched with that, by whoever reads next.
      if (await this.#copy.holds(Snapshot.of(entry.parents))) await this.#copy.add([entry]);
      // The daemon has told of the write before it has answered; whoever reads next finds that taken in.
      await this.#notices;
      written?.();
    });
  }

  /** Whether an entry that was submitted is Verified to the daemon, which says so by its tips alone. */
  async looksFor(id: ID): Promise<boolean> {
    const tips = await this.#remote.tips();
    if (tips === undefined) return false;
    if (tips.tips.some((tip) => tip.equals(id))) return true;
    await this.#fill(tips);
    return (await this.#copy.lacking([id])).length === 0;
  }

  /** The daemon tells of a write. */
  heard(write: DatabaseWrite<Entry>): void {
    const number = ++this.#heard;
    this.#notices = this.#notices.then(() => this.#take(write, number)).catch((error) => {
      const fields = { tree: this.tree.toString(), error };
      log.debug("What was written to {tree} was not read; the next read tries again", fields);
    });
  }

  async #take(write: DatabaseWrite<Entry>, number: number): Promise<void> {
    const { entries, verifiedTips } = write;
    const covered = () => void (this.#covered = Math.max(this.#covered, number));
    if (entries !== undefined && verifiedTips !== undefined) {
      const verified = await this.#verifiedOf(entries, verifiedTips);
      this.#isAccessDoubted ||= touchSettings(verified);
      if (verified.length > 0) return await this.#copy.add(verified, covered);
    }
    // What is held stands on what is held: nothing up to this write is missing.
    if (await this.#copy.holds(verifiedTips ?? write.postTips)) covered();
    else if (this.#copy.isHeard) await this.settle();
  }

  /** Those of the entries that the Verified tips reach, if that leads to what is held; parents first. */
  async #verifiedOf(entries: readonly Entry[], tips: Snapshot): Promise<Entry[]> {
    const given = new Map(entries.map((entry) => [entry.id.toString(), entry]));
    const reached = new Map<string, Entry>();
    const beyond: ID[] = [];
    const walk = [...tips.tips];
    for (let id = walk.pop(); id !== undefined; id = walk.pop()) {
      const name = id.toString();
      if (reached.has(name)) continue;
      const entry = given.get(name);
      if (entry === undefined) beyond.push(id);
      else {
        reached.set(name, entry);
        walk.push(...entry.parents);
      }
    }
    if ((await this.#copy.lacking(beyond)).length > 0) return [];
    return [...reached.values()].sort(compareInTree);
  }

  // --- handlers ------------------------------------------------------------------------------

  /** Registers a handler whose first event begins at `at`, or now. The daemon tells of writes from then on. */
  async register(handler: EventHandler, at: Snapshot | undefined): Promise<WriteCallback> {
    for (let epoch = -1; !this.#isTold && epoch !== this.#epoch;) {
      epoch = this.#epoch;
      await this.settle();
    }
    if (!this.#isLive) throw this.#refusal ?? absent(this.tree);
    return await this.#copy.register(handler, at);
  }

  /**
   * Ends the subscription when nobody has listened or read for `graceMs`. A round trip that is under way says
   * that somebody does. A daemon that does not answer in time is given up.
   */
  async sweep(now: number, graceMs: number, cut: () => void): Promise<void> {
    if (!this.#isLive || this.#asking !== undefined) return;
    if (this.#wasUsed || this.#copy.isHeard) this.#idleSince = now;
    this.#wasUsed = false;
    if (now - this.#idleSince < graceMs) return;
    this.#isLive = false;
    await this.#alone(() => answered(this.#remote.unsubscribe(), cut));
    this.#wasUsed = false;
  }
}

setInspection(TreeMirror, "TreeMirror", ({ tree, isCurrent }) => [tree, isCurrent]);

function touchSettings(entries: readonly Entry[]): boolean {
  return entries.some(({ subtrees }) => subtrees.includes(SETTINGS));
}

async function answered(answer: Promise<void>, cut: () => void): Promise<void> {
  const timer = setTimeout(cut, UNSUBSCRIBE_MS);
  try {
    await answer;
  } finally {
    clearTimeout(timer);
  }
}

function absent(tree: ID): BackendError {
  const message = `Cannot listen to database "${tree}": the daemon does not hold it`;
  return new BackendError("EntryNotFound", message, { fields: { id: tree } });
}
