import { setInspection } from "#inspect";
import type { Entry } from "../../entry/entry.ts";
import { joined } from "../../util/bytes.ts";
import { EideticaError, ServiceError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import { encodeClientFrame } from "../protocol/client_out.ts";
import type { Feature, Features } from "../protocol/features.ts";
import { encodeFrame, FrameReader } from "../protocol/frames.ts";
import { decodeHandshake, encodeHandshake } from "../protocol/handshake.ts";
import {
  type DatabaseWrite,
  PROTOCOL_VERSION,
  type ReceivedResponse,
  type ServiceRequest,
} from "../protocol/messages.ts";
import { decodeServerFrame } from "../protocol/server_in.ts";
import { fromWireError } from "../protocol/wire_error.ts";
import type { ClientPlace, DaemonSocket } from "./port.ts";

const log = new Logger("service");

/** What this client offers: all that saves it a request, and errors that are as good as local ones. */
const OFFERED: Features = new Set<Feature>([
  "errors",
  "verdicts",
  "batches",
  "contents",
  "binary",
]);

/** Who is told of what comes without having been asked for. */
export interface ConnectionListener {
  /** A database was written. */
  wrote(write: DatabaseWrite<Entry>): void;
  /** The connection has ended; nothing more comes. */
  ended(error: EideticaError): void;
}

/** Who waits for a response. */
interface Waiter {
  readonly done: (response: ReceivedResponse) => void;
  readonly failed: (error: EideticaError) => void;
}

/**
 * One connection to a daemon (11 §7.1). Requests are pipelined: the daemon answers them in their order, so the
 * first waiter in the queue belongs to the next response. Nobody waits for each other.
 */
export class Connection {
  readonly #listener: ConnectionListener;
  readonly #frames = new FrameReader();
  readonly #socket: DaemonSocket;
  #features: Features = new Set();
  readonly #waiters: Waiter[] = [];
  #out: Uint8Array[] = [];
  #handshake: Omit<Waiter, "done"> & { readonly done: () => void } | undefined;
  #closed: EideticaError | undefined;

  private constructor(socket: DaemonSocket, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
  }

  /**
   * Connects to the daemon whose socket is at `path`. Throws `ServiceError`: `ConnectionFailed` when nobody
   * listens there, `VersionMismatch` when it speaks another version.
   */
  static async open(
    place: Pick<ClientPlace, "connectSocket">,
    path: string,
    listener: ConnectionListener,
    signal?: AbortSignal,
  ): Promise<Connection> {
    let connection!: Connection;
    await place.connectSocket(path, (socket) => {
      connection = new Connection(socket, listener);
      return {
        received: (piece) => connection.#received(piece),
        ended: (cause) => connection.fail(lost(cause)),
      };
    });
    // Whoever has given up waiting for a daemon that says nothing leaves no connection behind.
    const giveUp = () => connection.close();
    signal?.addEventListener("abort", giveUp);
    try {
      if (signal?.aborted) giveUp();
      await connection.#greet();
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    return connection;
  }

  /** What both ends have agreed on. */
  get features(): Features {
    return this.#features;
  }

  /** Why the connection has ended; undefined while it lives. */
  get closed(): EideticaError | undefined {
    return this.#closed;
  }

  async #greet(): Promise<void> {
    await new Promise<void>((done, failed) => {
      if (this.#closed !== undefined) return failed(this.#closed);
      this.#handshake = { done, failed };
      this.#socket.write(encodeFrame(encodeHandshake(OFFERED)));
    });
    this.#socket.hold(false);
  }

  /**
   * Sends a request and waits for its response; one that is an error is thrown as the error that it stands for.
   * Throws `ServiceError` `ConnectionAborted` when the connection ends, or has ended.
   */
  request(request: ServiceRequest): Promise<ReceivedResponse> {
    return new Promise((done, failed) => {
      if (this.#closed !== undefined) return failed(this.#closed);
      try {
        this.#send(encodeFrame(encodeClientFrame({ type: "Plain", request }, this.#features)));
      } catch (error) {
        return failed(error as EideticaError);
      }
      if (this.#waiters.length === 0) this.#socket.hold(true);
      this.#waiters.push({ done, failed });
    });
  }

  /** What is sent in one turn of the program leaves in one piece. */
  #send(frame: Uint8Array): void {
    this.#out.push(frame);
    if (this.#out.length > 1) return;
    queueMicrotask(() => {
      const frames = this.#out;
      this.#out = [];
      if (this.#closed !== undefined) return;
      this.#socket.write(frames.length === 1 ? frames[0]! : joined(frames));
    });
  }

  #received(piece: Uint8Array): void {
    try {
      for (const payload of this.#frames.push(piece)) {
        if (this.#closed !== undefined) return;
        this.#read(payload);
      }
    } catch (error) {
      this.fail(error instanceof EideticaError ? error : lost(error));
    }
  }

  #read(payload: Uint8Array): void {
    if (this.#handshake !== undefined) return this.#greeted(payload);
    const frame = decodeServerFrame(payload, this.#features);
    switch (frame.type) {
      case "Response":
        return this.#answer(frame.response);
      case "Notification":
        return this.#listener.wrote(frame.write);
      case "Closing":
        return this.fail(lost(fromWireError(frame.error)));
      case "Reply":
        return log.warn("The daemon has answered a request {id} that was not made", {
          id: frame.id,
        });
    }
  }

  #greeted(payload: Uint8Array): void {
    const { version, features } = decodeHandshake(payload);
    if (version !== PROTOCOL_VERSION) throw otherVersion(version);
    this.#features = features;
    const { done } = this.#handshake!;
    this.#handshake = undefined;
    done();
  }

  #answer(response: ReceivedResponse): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      return log.warn("The daemon has sent a {type} that nobody has asked for", {
        type: response.type,
      });
    }
    if (this.#waiters.length === 0) this.#socket.hold(false);
    if (response.type === "Error") waiter.failed(fromWireError(response.error));
    else waiter.done(response);
  }

  /** Ends the connection for a reason, which all who wait are given. */
  fail(error: EideticaError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    const waiting = this.#waiters.splice(0);
    this.#socket.close();
    this.#handshake?.failed(error);
    for (const { failed } of waiting) failed(error);
    this.#listener.ended(error);
  }

  /** Ends the connection. */
  close(): void {
    this.fail(
      new ServiceError("ConnectionAborted", "Cannot go on: the connection was closed here"),
    );
  }
}

setInspection(Connection, "Connection", ({ closed }) => [closed === undefined ? "open" : "closed"]);

function lost(cause: unknown): ServiceError {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  const message =
    `Cannot reach the daemon: it has closed the connection unexpectedly${why}; connect again when it runs`;
  return new ServiceError("ConnectionAborted", message, { cause });
}

function otherVersion(theirs: number): ServiceError {
  const fields = { ours: PROTOCOL_VERSION, theirs };
  return new ServiceError(
    "VersionMismatch",
    `Cannot connect to the daemon: it speaks version ${theirs} of the protocol, this client version ${PROTOCOL_VERSION}; use the same version of both`,
    { fields },
  );
}
