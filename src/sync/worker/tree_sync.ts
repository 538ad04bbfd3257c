import { ArrivalLog } from "../../backend/log/arrival_log.ts";
import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address } from "../../transport/port.ts";
import { SyncError } from "../../util/errors.ts";
import type { SyncHost } from "../host.ts";
import {
  type EntrySink,
  refused,
  type TreeQuestion,
  unexpected,
  type V0Client,
} from "../v0/client.ts";
import type { OutgoingEntry } from "../v0/messages.ts";
import { Inlet, type Stored } from "./inlet.ts";

/** Most bytes of entries in one push, as they are stored: as JSON they are twice to four times as many, and at most 1 MiB. */
export const PUSH_BYTES: number = 256 * 1024;
/** Most entries of one push. */
export const PUSH_ENTRIES = 512;

/** Largest entry that is sent twice, in bytes, to learn whether it was taken. Larger ones are believed to be. */
const REPEATED_BYTES: number = 16 * 1024;

/** What came of one round. */
export interface TreeReport {
  /** Entries that arrived, those held before included. */
  readonly received: number;
  /** Entries that became Verified here. */
  readonly verified: number;
  /** Entries that were sent. */
  readonly sent: number;
  /** Entries that were sent, and that the other side did not take. */
  readonly untaken: number;
  /** Bytes of the answers and pushes. */
  readonly bytes: number;
  /** Requests that were made. */
  readonly rounds: number;
  /** Entries of the other side that were refused here. */
  readonly refused: number;
}

/** How one round is made. */
export interface RoundOptions {
  /** Whether to ask for what the other side has. */
  readonly pull?: boolean | undefined;
  /** Whether to send what it lacks. */
  readonly push?: boolean | undefined;
  /** Key that may read the tree. */
  readonly key: PrivateKey;
  /** Set to ask for access as well. */
  readonly access?: TreeQuestion["access"];
  /** Ends the round. */
  readonly signal?: AbortSignal | undefined;
  /** Asked before each message that is sent: fails when the peer may have no more. */
  readonly permit?: (() => Promise<void>) | undefined;
  /** Told of what arrives and what is sent. */
  readonly onProgress?: ((report: TreeReport) => void) | undefined;
}

/** A round in which nothing was done. */
export const NOTHING: TreeReport = {
  received: 0,
  verified: 0,
  sent: 0,
  untaken: 0,
  bytes: 0,
  rounds: 0,
  refused: 0,
};

/** Brings one tree in step with one peer at one address, over protocol v0. */
export class TreeSync {
  readonly #host: SyncHost;
  readonly #client: V0Client;

  /** Rounds for an instance. */
  constructor(host: SyncHost, client: V0Client) {
    this.#host = host;
    this.#client = client;
  }

  /** Asks for what the peer has, then sends what it lacks. */
  async round(
    address: Address,
    server: PublicKey,
    tree: ID,
    options: RoundOptions,
  ): Promise<TreeReport & { readonly reached: LogCursor | undefined }> {
    const tally = new Tally(options.onProgress);
    const theirTips = await this.#pull(address, server, tree, options, tally);
    const reached = options.push === false
      ? undefined
      : await this.#pushMissing(address, tree, theirTips, options, tally);
    return { ...tally.report, reached };
  }

  /** Sends what the log has beyond a place; the place that was reached. */
  async pushLog(
    address: Address,
    tree: ID,
    from: LogCursor | undefined,
    options: Pick<RoundOptions, "signal" | "permit" | "onProgress">,
  ): Promise<{ readonly report: TreeReport; readonly reached: LogCursor | undefined }> {
    const tally = new Tally(options.onProgress);
    const log = ArrivalLog.of(this.#host.host.backend);
    let reached = from;
    for (;;) {
      const page = await log.entriesAfter(tree, reached, {
        count: PUSH_ENTRIES,
        bytes: PUSH_BYTES,
      });
      if (page === undefined) return { report: tally.report, reached: undefined };
      const isTaken = await this.#send(address, page.entries, options, tally);
      if (isTaken) reached = page.next;
      if (!isTaken || page.left === 0) return { report: tally.report, reached };
    }
  }

  /**
   * The tips of the peer, once what it had is stored here; none when it sent everything. What it has more is passed
   * over unless it is asked for: without its tips nobody knows what it lacks.
   */
  async #pull(
    address: Address,
    server: PublicKey,
    tree: ID,
    { key, access, signal, pull = true }: RoundOptions,
    tally: Tally,
  ): Promise<readonly ID[] | undefined> {
    const tips = await this.#host.host.backend.verifiedSnapshot(tree);
    if (!pull && tips.tips.length === 0) return undefined;
    const question = {
      server,
      tree,
      tips: tips.tips.length === 0 ? Snapshot.EMPTY : tips,
      key,
      access,
    };
    const stored = (part: Stored) => tally.add(part);
    const inlet = new Inlet(this.#host.host, { tree, signal, stored });
    const sink: EntrySink = pull
      ? (entries, bytes) => inlet.put(entries, bytes)
      : () => Promise.resolve();
    tally.add({ rounds: 1 });
    const asking = this.#client.syncTree(address, question, sink, { signal });
    // What has come is stored, also where the rest does not come.
    const answer = await asking.finally(() => inlet.end());
    switch (answer.type) {
      case "Incremental":
        return answer.body.theirTips;
      case "Bootstrap":
        requireRoot(answer.body.treeId, tree);
        return undefined;
      case "BootstrapPending":
        throw pending(answer.body.requestId, answer.body.message);
      case "Error":
        throw refused(answer.body);
      default:
        throw unexpected("Bootstrap or Incremental", answer.type);
    }
  }

  /** Sends what the tips of the peer do not reach; the end of the log up to which it has everything then. */
  async #pushMissing(
    address: Address,
    tree: ID,
    theirTips: readonly ID[] | undefined,
    options: RoundOptions,
    tally: Tally,
  ): Promise<LogCursor | undefined> {
    const { backend } = this.#host.host;
    const end = await ArrivalLog.of(backend).cursor(tree);
    if (theirTips === undefined) return end;
    const { lacking } = await ArrivalLog.of(backend).difference(tree, theirTips);
    if (lacking === undefined) {
      const { report, reached } = await this.pushLog(address, tree, undefined, options);
      tally.add(report);
      return reached;
    }
    for (let at = 0; at < lacking.length; at += PUSH_ENTRIES) {
      const ids = lacking.slice(at, at + PUSH_ENTRIES).map(({ id }) => id);
      const entries = await Promise.all(ids.map((id) => backend.get(id)));
      if (!await this.#send(address, entries, options, tally)) return undefined;
    }
    return end;
  }

  /**
   * Sends entries in messages that the peer takes, parents first. False when it took nothing of one: then no more are
   * sent.
   */
  async #send(
    address: Address,
    entries: readonly OutgoingEntry[],
    { signal, permit }: Pick<RoundOptions, "signal" | "permit">,
    tally: Tally,
  ): Promise<boolean> {
    for (const part of parts(entries)) {
      await permit?.();
      const message = countable(part);
      const count = await this.#client.sendEntries(address, message, { signal });
      const taken = Math.floor(count * part.length / message.length);
      tally.add({
        rounds: 1,
        sent: part.length,
        untaken: Math.max(0, part.length - taken),
        bytes: part.reduce((sum, { bytes }) => sum + bytes.length, 0),
      });
      if (taken === 0) return false;
    }
    return true;
  }
}

/**
 * A message of one entry is acknowledged whatever becomes of it; one of several is answered with how many were taken,
 * each as often as it was sent.
 */
function countable(part: OutgoingEntry[]): OutgoingEntry[] {
  const isLone = part.length === 1 && part[0]!.bytes.length <= REPEATED_BYTES;
  return isLone ? [...part, ...part] : part;
}

/** Entries cut into messages. An entry that is too large alone makes one of its own. */
function* parts(entries: readonly OutgoingEntry[]): Generator<OutgoingEntry[]> {
  let part: OutgoingEntry[] = [];
  let size = 0;
  for (const entry of entries) {
    if (part.length > 0 && size + entry.bytes.length > PUSH_BYTES) {
      yield part;
      [part, size] = [[], 0];
    }
    part.push(entry);
    size += entry.bytes.length;
  }
  if (part.length > 0) yield part;
}

/** What came of two rounds together. */
export function plus(report: TreeReport, more: Partial<TreeReport>): TreeReport {
  return changed(report, (name) => more[name] ?? 0);
}

/** What came of the rest, when a part of it was told before. */
export function minus(report: TreeReport, before: TreeReport): TreeReport {
  return changed(report, (name) => -before[name]);
}

function changed(report: TreeReport, by: (name: keyof TreeReport) => number): TreeReport {
  const result = { ...report };
  for (const name of Object.keys(NOTHING) as (keyof TreeReport)[]) result[name] += by(name);
  return result;
}

class Tally {
  #report: TreeReport = NOTHING;
  readonly #told: ((report: TreeReport) => void) | undefined;

  constructor(told: ((report: TreeReport) => void) | undefined) {
    this.#told = told;
  }

  get report(): TreeReport {
    return this.#report;
  }

  add(more: Partial<TreeReport>): void {
    this.#report = plus(this.#report, more);
    this.#told?.(this.#report);
  }
}

function requireRoot(told: ID, tree: ID): void {
  if (told.equals(tree)) return;
  const reason = "the whole of another tree was sent";
  throw new SyncError("InvalidEntry", `Cannot take what a peer has sent: ${reason}`, {
    fields: { reason },
  });
}

function pending(requestId: string, message: string): SyncError {
  return new SyncError(
    "BootstrapPending",
    `Cannot read the database yet: access was asked for, and waits for an answer (${message})`,
    {
      fields: { requestId, message },
    },
  );
}
