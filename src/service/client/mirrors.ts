import type { LocalBackend } from "../../backend/local.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { WriteEvents } from "../../instance/write_events.ts";
import type { Clock } from "../../util/clock.ts";
import { environmentVariable } from "../../util/edge_environment.ts";
import { readOnly } from "../../storage/read_only.ts";
import { Logger } from "../../util/log.ts";
import type { DatabaseWrite } from "../protocol/messages.ts";
import type { ClientPlace } from "./port.ts";
import { isUnanswered } from "./expected.ts";
import { RemoteTree } from "./remote_tree.ts";
import type { DaemonSession } from "./session.ts";
import { submitAndLook, submitForVerdict, type Verdict } from "./submit.ts";
import { TreeCopy } from "./tree_copy.ts";
import { TreeMirror } from "./tree_mirror.ts";

const log = new Logger("service");

/** How long the daemon goes on telling of a database that nobody listens to or reads, in milliseconds. */
const IDLE_GRACE_MS = 60_000;
/** How often is looked for such databases. */
const SWEEP_INTERVAL_MS = 30_000;

/** What copies are made with. */
export interface MirrorParts {
  /** Who this client is to the daemon. */
  readonly session: DaemonSession;
  /** Where the copies are. */
  readonly backend: LocalBackend;
  /** Time source. */
  readonly clock: Clock;
  /** Where the client runs. */
  readonly place: Pick<ClientPlace, "every">;
  /** Refuses every write. */
  readonly readOnly: boolean | undefined;
  /** Gives up a connection on which nothing is answered any more. */
  cut(): void;
  /** Ends the line. */
  hangUp(): void;
}

/** The copies of all databases of a daemon that were read. */
export class Mirrors {
  /** Who this client is to the daemon. */
  readonly session: DaemonSession;
  /** Where the copies are. */
  readonly backend: LocalBackend;
  /** Write handlers. */
  readonly events: WriteEvents = new WriteEvents(log);
  readonly #trees = new Map<string, TreeMirror>();
  readonly #graceMs = milliseconds("EIDETICA_TEST_IDLE_GRACE_MS", IDLE_GRACE_MS);
  readonly #clock: Clock;
  readonly #isReadOnly: boolean;
  readonly #cut: () => void;
  readonly #hangUp: () => void;
  readonly #stopSweeping: () => void;

  /** No copies yet. */
  constructor({ session, backend, clock, place, readOnly, cut, hangUp }: MirrorParts) {
    this.session = session;
    this.backend = backend;
    this.#clock = clock;
    this.#isReadOnly = readOnly === true;
    this.#cut = cut;
    this.#hangUp = hangUp;
    const interval = milliseconds("EIDETICA_TEST_SWEEP_INTERVAL_MS", SWEEP_INTERVAL_MS);
    this.#stopSweeping = place.every(interval, () => this.#sweep());
  }

  /** The copy of a database. */
  of(tree: ID): TreeMirror {
    return this.peek(tree) ?? this.#make(tree);
  }

  /** The copy of a database, if there is one. */
  peek(tree: ID): TreeMirror | undefined {
    return this.#trees.get(tree.toString());
  }

  #make(tree: ID): TreeMirror {
    const copy = new TreeCopy(tree, this.backend, this.events);
    const mirror = new TreeMirror(tree, copy, new RemoteTree(tree, this.session));
    this.#trees.set(tree.toString(), mirror);
    return mirror;
  }

  /** Submits an entry, which may have to be `alone` since the tips given, and tells what the daemon makes of it. */
  async submit(tree: ID, entry: Entry, alone?: Snapshot): Promise<Verdict> {
    if (this.#isReadOnly) throw readOnly("daemon's");
    for (;;) {
      try {
        await this.session.ready();
        return await this.#submitOnce(tree, entry, alone);
      } catch (error) {
        if (!isUnanswered(error) || !this.session.isRestoring) throw error;
      }
      // It may have been stored, and would then not be alone any more.
      if (await this.of(tree).looksFor(entry.id)) return { status: "Verified" };
    }
  }

  async #submitOnce(tree: ID, entry: Entry, alone?: Snapshot): Promise<Verdict> {
    return await (this.session.features.has("verdicts")
      ? submitForVerdict(this.session, tree, entry, alone)
      : submitAndLook(this.session, this.of(tree), entry));
  }

  /** The daemon tells of a write. */
  heard(write: DatabaseWrite<Entry>): void {
    this.peek(write.rootId)?.heard(write);
  }

  /** Another user has logged in: what the daemon was asked to tell is asked for anew, for who listens at once. */
  async loggedIn(): Promise<void> {
    const heard: Promise<void>[] = [];
    for (const mirror of this.#trees.values()) {
      mirror.forget();
      if (this.events.has(mirror.tree)) heard.push(mirror.settle());
    }
    const failed = (await Promise.allSettled(heard)).filter(({ status }) => status === "rejected");
    if (failed.length > 0) {
      log.warn("Handlers of {count} databases are told nothing any more", {
        count: failed.length,
      });
    }
  }

  #sweep(): void {
    const now = this.#clock.nowMillis();
    for (const mirror of this.#trees.values()) {
      mirror.sweep(now, this.#graceMs, this.#cut).catch((error) => {
        log.debug("Tree {tree} was not unsubscribed", { tree: mirror.tree.toString(), error });
      });
    }
  }

  /** The connection has ended: nothing is told any more. */
  lost(): void {
    for (const mirror of this.#trees.values()) mirror.forget();
  }

  /** Ends the connection, and all registrations. */
  close(): void {
    this.#stopSweeping();
    this.#hangUp();
    this.events.clear();
  }
}

/** A number of milliseconds out of the environment; what is none counts for nothing. */
function milliseconds(variable: string, usual: number): number {
  const given = environmentVariable(variable);
  return given !== undefined && /^\d{1,9}$/.test(given) ? Number(given) : usual;
}
