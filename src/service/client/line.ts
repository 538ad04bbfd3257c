import type { InstanceMetadata } from "../../backend/backend.ts";
import type { Entry } from "../../entry/entry.ts";
import { type EideticaError, InstanceError, ServiceError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import type { Features } from "../protocol/features.ts";
import type { DatabaseWrite, ReceivedResponse, ServiceRequest } from "../protocol/messages.ts";
import { Connection } from "./connection.ts";
import type { ClientPlace } from "./port.ts";
import { expected } from "./expected.ts";

const log = new Logger("service");

/** How long a request waits for a daemon that has gone to come back, in milliseconds. */
export const PATIENCE_MS = 30_000;
/** The first pause before a daemon that has gone is tried again, and the longest, in milliseconds. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

/** Who is told of what becomes of a line. */
export interface LineListener {
  /** A database was written. */
  wrote(write: DatabaseWrite<Entry>): void;
  /** The connection has ended: the daemon has forgotten this client. */
  lost(): void;
  /** There is another connection. What is asked next waits for what this does at once. */
  restored(): void;
}

/** How a line is made. */
export interface LineOptions {
  /** Where the client runs. */
  readonly place: ClientPlace;
  /** Path of the socket. */
  readonly path: string;
  /** Whether another connection is made when one has ended. */
  readonly reconnect?: boolean | undefined;
  /** See {@link PATIENCE_MS}. */
  readonly patienceMs?: number;
}

/** The way to a daemon: one connection, and, where that is wished, another one when it has ended. */
export class Line {
  readonly #options: LineOptions;
  readonly #listener: LineListener;
  #connection!: Connection;
  #metadata!: InstanceMetadata;
  #restoring: Promise<void> | undefined;
  readonly #end = new AbortController();

  private constructor(options: LineOptions, listener: LineListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** Connects to a daemon, as `Connection.open` does; `DeviceKeyNotFound` when it has no instance. */
  static async open(
    options: LineOptions,
    listener: LineListener,
    signal?: AbortSignal,
  ): Promise<Line> {
    const line = new Line(options, listener);
    const { connection, metadata } = await line.#connect(signal);
    [line.#connection, line.#metadata] = [connection, metadata];
    return line;
  }

  /** Public identity of the daemon's instance. */
  get metadata(): InstanceMetadata {
    return this.#metadata;
  }

  /** What both ends have agreed on, the last time that they did. */
  get features(): Features {
    return this.#connection.features;
  }

  /** Whether requests can be sent now. */
  get isUp(): boolean {
    return this.#connection.closed === undefined;
  }

  /** Whether another connection is about to be made, or was just made. */
  get isRestoring(): boolean {
    return this.#restoring !== undefined || this.isUp;
  }

  /** Sends a request; see `Connection.request`. */
  request(request: ServiceRequest): Promise<ReceivedResponse> {
    return this.#connection.request(request);
  }

  async #connect(
    signal?: AbortSignal,
  ): Promise<{ readonly connection: Connection; readonly metadata: InstanceMetadata }> {
    const { place, path } = this.#options;
    let made: Connection | undefined;
    const connection = made = await Connection.open(place, path, {
      wrote: (write) => this.#listener.wrote(write),
      ended: () => this.#ended(made),
    }, signal);
    const giveUp = () => connection.close();
    signal?.addEventListener("abort", giveUp);
    try {
      const asked = await connection.request({ type: "GetInstanceMetadata" });
      const { metadata } = expected(asked, "InstanceMetadata");
      if (metadata === undefined) throw noInstance();
      // The end may have come along with the answer.
      if (connection.closed !== undefined) throw connection.closed;
      return { connection, metadata };
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  // --- another connection ----------------------------------------------------------------------

  /** One that has ended before it was this line's is no loss. */
  #ended(connection: Connection | undefined): void {
    if (connection === undefined || connection !== this.#connection) return;
    this.#listener.lost();
    if (this.#options.reconnect !== true || this.#end.signal.aborted) return;
    this.#restoring = this.#restore().finally(() => this.#restoring = undefined);
    this.#restoring.catch((error) => log.error("The daemon was given up", { error }, this));
  }

  async #restore(): Promise<void> {
    for (let pause = FIRST_PAUSE_MS;; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      await this.#options.place.pause(pause * (0.5 + Math.random() / 2));
      if (this.#end.signal.aborted) return;
      const found = await this.#tryAgain();
      // It may have gone again meanwhile.
      if (found === undefined || found.closed !== undefined) continue;
      this.#connection = found;
      this.#listener.restored();
      return;
    }
  }

  /** Another connection to the same instance; undefined while there is none. */
  async #tryAgain(): Promise<Connection | undefined> {
    let found: { readonly connection: Connection; readonly metadata: InstanceMetadata };
    try {
      found = await this.#connect(this.#end.signal);
    } catch {
      return undefined;
    }
    const { connection, metadata } = found;
    const isSame = metadata.id === this.#metadata.id;
    if (isSame && !this.#end.signal.aborted) return connection;
    connection.close();
    if (!isSame) throw otherInstance(this.#metadata.id, metadata.id);
    return undefined;
  }

  /** Resolves when requests can be sent. Fails with why the connection has ended, or with how long was waited. */
  async ready(): Promise<void> {
    if (this.isUp) return;
    const restoring = this.#restoring;
    if (restoring === undefined) throw this.#connection.closed;
    const patience = this.#options.patienceMs ?? PATIENCE_MS;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const impatient = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(notBack(patience, this.#connection.closed)), patience);
    });
    try {
      await Promise.race([restoring, impatient]);
    } finally {
      clearTimeout(timer);
    }
    if (!this.isUp) throw this.#connection.closed;
  }

  /** Gives up the connection, as if the daemon had ended it. */
  cut(): void {
    this.#connection.close();
  }

  /** Ends it. */
  close(): void {
    this.#end.abort();
    this.#connection.close();
  }
}

function noInstance(): InstanceError {
  return new InstanceError(
    "DeviceKeyNotFound",
    "Cannot connect: the daemon's storage holds no instance; start the daemon on one that does",
  );
}

function otherInstance(ours: string, theirs: string): InstanceError {
  const message =
    `Cannot go on with the daemon: it serves the instance "${theirs}" now, and this client is one of "${ours}"; connect anew`;
  return new InstanceError("DeviceKeyMismatch", message, { fields: { ours, theirs } });
}

function notBack(waitedMs: number, cause: EideticaError | undefined): ServiceError {
  const message = `Cannot reach the daemon: it has gone, and was not back within ${waitedMs} ms`;
  return new ServiceError("ConnectionAborted", message, { cause, fields: { waitedMs } });
}
