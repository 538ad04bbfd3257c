import type { ID } from "../../../entry/id.ts";
import { PublicKey } from "../../../keys/public_key.ts";
import { SyncError } from "../../../util/errors.ts";
import { NodeAccess } from "../../access/node_access.ts";
import type { Reading } from "../../access/reading.ts";
import type { VerifyMeter } from "../../access/verify_time.ts";
import type { Serving } from "../../v0/serving.ts";
import { systemTimers, type Timers } from "../../worker/timers.ts";
import { ArrivalLog, MOST_MET } from "../../../backend/log/arrival_log.ts";
import { AccessRequests } from "./access_requests.ts";
import { type AdmissionLimits, Admissions } from "./admissions.ts";
import { PeerCursors } from "./cursors.ts";
import { EventStreams } from "./event_streams.ts";
import { Growth } from "./growth.ts";
import { RangeTables } from "./tables.ts";
import type { OpenProof } from "../messages.ts";

/** How an instance takes part in sessions. */
export interface NativeHostOptions extends AdmissionLimits {
  /** Waiting; the platform's timers unless told. */
  readonly timers?: Timers | undefined;
  /** Most entries that are met while it is looked for what a peer lacks by its tips. */
  readonly mostMet?: number | undefined;
  /** Bytes of tables that are kept. */
  readonly tableBytes?: number | undefined;
  /** See {@link NativeHost.readingOf}; nobody is judged unless told. */
  readonly readingOf?: ((tree: ID, peer: PublicKey) => Promise<Reading | undefined>) | undefined;
}

/** A session, as far as its end goes. */
export interface OpenSession {
  /** Ends it. */
  close(code: string, message: string): Promise<void>;
}

/** An instance as all its sessions of the native protocol see it. One for each instance. */
export class NativeHost {
  /** The instance, what it keeps about peers, and whom it tells of them. */
  readonly serving: Serving;
  /** Waiting. */
  readonly timers: Timers;
  /** Who may do what. */
  readonly access: NodeAccess;
  /** Up to where this node has the logs of peers. */
  readonly cursors: PeerCursors;
  /** Tables of trees whose ranges are compared. */
  readonly tables: RangeTables;
  /** Tells when trees grow. */
  readonly growth: Growth;
  /** Requests for access that sessions wait for. */
  readonly requests: AccessRequests;
  /** How many sessions are let in, and who is not. */
  readonly admissions: Admissions;
  /** Streams of events that are open. */
  readonly streams: EventStreams = new EventStreams();
  /** Most entries that are met while it is looked for what a peer lacks by its tips. */
  readonly mostMet: number;
  /** Whether a peer that a tree is kept in step with because it has read it still may; undefined for all others. */
  readonly readingOf: (tree: ID, peer: PublicKey) => Promise<Reading | undefined>;

  readonly #sessions = new Set<OpenSession>();
  #isClosed = false;

  /** The sessions' view of the instance that `serving` serves. */
  constructor(serving: Serving, options: NativeHostOptions = {}) {
    const { timers = systemTimers, mostMet = MOST_MET, tableBytes } = options;
    this.serving = serving;
    this.timers = timers;
    this.mostMet = mostMet;
    this.readingOf = options.readingOf ?? (() => Promise.resolve(undefined));
    const { host } = serving.host;
    const node = { host, id: serving.host.deviceKey().publicKey };
    this.access = new NodeAccess(node, { isShared: (tree) => serving.isShared(tree) });
    this.cursors = new PeerCursors(host.backend.driver, timers);
    this.tables = new RangeTables(ArrivalLog.of(host.backend), tableBytes);
    this.admissions = new Admissions(host.clock, options);
    this.growth = new Growth(host, timers);
    this.requests = new AccessRequests(serving);
  }

  /** Whether a peer who has proved its key is registered. `PeerBlocked` or `Banned` when it is not let in. */
  async admit(peer: PublicKey): Promise<boolean> {
    this.admissions.requireWelcome(peer);
    return await this.serving.knows(peer);
  }

  /** How long a peer that has proved its key, and an address, may keep this node verifying. */
  meter(peer: PublicKey | undefined, address: string | undefined): VerifyMeter {
    return this.serving.verifyTime.meter(peer, address);
  }

  /** A session begins; call what it gives when it has ended. `TooManySessions` or `TooBusy` when others may not have any more. */
  enter(session: OpenSession, isOfOther: boolean, address: string | undefined): () => void {
    if (this.#isClosed) {
      throw new SyncError("Closing", "Cannot begin a session: this instance ends");
    }
    // Whoever begins has its proof checked.
    const meter = isOfOther ? this.meter(undefined, address) : undefined;
    meter?.require();
    const leave = isOfOther ? this.admissions.enter(address) : undefined;
    meter?.charge(1);
    this.#sessions.add(session);
    return () => {
      this.#sessions.delete(session);
      leave?.();
    };
  }

  /** Notes that a peer reads a tree, so that it is kept in step with it: its key, and those that it vouches for. */
  async noteReader(tree: ID, keys: readonly PublicKey[]): Promise<void> {
    await this.serving.noteReader(tree, keys);
  }

  /** Ends all sessions, and writes what is still to be written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const sessions = [...this.#sessions];
    await Promise.all(sessions.map((it) => it.close("Closing", "this instance ends")));
    this.requests.close();
    this.growth.close();
    await this.cursors.flush();
  }
}

/** A public key of 32 bytes that proves something; `BadProof` for any other. */
export function provingKey(bytes: Uint8Array): PublicKey {
  const key = PublicKey.fromBytes(bytes);
  if (!key.isWeak) return key;
  throw new SyncError("BadProof", "Cannot begin a session: signatures of this key prove nothing");
}

/** The keys that vouch for reading a tree, each of which has signed `said`; `BadProof` when one has not. */
export function provenKeys(proofs: readonly OpenProof[], said: Uint8Array): PublicKey[] {
  return proofs.map((proof) => {
    const key = provingKey(proof.key);
    if (key.verify(said, proof.signature)) return key;
    throw new SyncError("BadProof", "Cannot open the database: a proof is not that of its key");
  });
}
