/**
 * EDGE: the service on a socket of this machine: a Unix socket, or a named pipe on Windows.
 *
 * @module
 */

import { net } from "#node-net";
import { process, timers } from "#node";
import type { Server, Socket } from "node:net";
import { Instance } from "../../instance/instance.ts";
import { endedBy, requireNotAborted } from "../../util/abort.ts";
import { optionsOf, requireInstance, wrongNumber } from "../../util/arguments.ts";
import { InstanceError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import { requireSignal } from "../../util/work.ts";
import { ConnectedBackend } from "../client/connected_backend.ts";
import { ServiceServer } from "../server/server.ts";
import { MAX_CONNECTIONS, STOP_GRACE_MS } from "../server/limits.ts";
import { carry } from "./carry.ts";
import { serviceError, SocketClaim } from "./socket_claim.ts";
import { socketPath } from "./socket_path.ts";

const log = new Logger("service");
const ACTION = "serve an instance";

/** How an instance is served. */
export interface ServeSocketOptions {
  /** Path of the socket; on Windows that of a named pipe. */
  readonly path: string;
  /** Ends the service when it is aborted, as `close` does. */
  readonly signal?: AbortSignal | undefined;
}

/** A service that runs. */
export interface SocketService extends AsyncDisposable {
  /** Absolute path of the socket. */
  readonly path: string;
  /**
   * Ends the service: nobody can connect any more, what clients have begun is finished and answered, and all
   * connections are ended. The instance stays open. Resolves when nobody is connected, after `graceMs` milliseconds
   * at most, ten seconds unless told: what was begun and is not done then goes on for itself.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves an instance to the other programs of this user on this machine, which open it with
 * `Instance.connect("unix:///…")`. When this resolves, they can connect.
 *
 * A folder that is missing is made for this user alone, and the socket is. `AddressInUse` when somebody serves the
 * path, `NotASocket` when something else is there, `InvalidPath`, `BindFailed`.
 *
 * @example
 * ```ts
 * import { Instance, NewUser } from "eidetica";
 * import { serveSocket } from "eidetica/service";
 *
 * const { instance } = await Instance.connectOrCreate("sqlite://./notes.db", NewUser.passwordless("ada"));
 * const service = await serveSocket(instance, { path: "./notes.sock" });
 * const client = await Instance.connect(`unix://${service.path}`);
 * await client.loginUser("ada");
 * await client.close();
 * await service.close();
 * await instance.close();
 * ```
 */
export async function serveSocket(
  instance: Instance,
  options: ServeSocketOptions,
): Promise<SocketService> {
  requireInstance(instance, Instance, ACTION, "the instance");
  const { path: given, signal } = optionsOf(options, ACTION);
  requireSignal(signal, ACTION);
  requireNotAborted({ signal, action: ACTION });
  const path = socketPath(given as string, ACTION);
  if (instance.host.backend instanceof ConnectedBackend) throw notHere();
  const core = await ServiceServer.of(instance.host, timers.setImmediate);
  const service = await Service.begin(core, path);
  if (signal !== undefined) await service.endWith(signal);
  return service;
}

class Service implements SocketService {
  readonly path: string;
  readonly #core: ServiceServer;
  readonly #server: Server;
  readonly #claim: SocketClaim | undefined;
  readonly #sockets = new Set<Socket>();
  #closing: Promise<void> | undefined;
  #unhear = (): void => undefined;

  private constructor(core: ServiceServer, path: string, claim: SocketClaim | undefined) {
    this.path = path;
    this.#core = core;
    this.#claim = claim;
    this.#server = net.createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  static async begin(core: ServiceServer, path: string): Promise<Service> {
    const isPipe = process.platform === "win32";
    const claim = isPipe ? undefined : await SocketClaim.take(path);
    const service = new Service(core, path, claim);
    try {
      await service.#listen();
      return service;
    } catch (error) {
      claim?.release();
      throw serviceError(path, error);
    }
  }

  async #listen(): Promise<void> {
    const claim = this.#claim;
    if (claim === undefined) return await listening(this.#server, this.path);
    const temporary = claim.temporary();
    await withMask(() => listening(this.#server, temporary));
    try {
      claim.place(temporary);
    } catch (error) {
      this.#server.close();
      throw error;
    }
  }

  /** Ends the service with a signal, which may be aborted by now. */
  async endWith(signal: AbortSignal): Promise<void> {
    const end = () => void this.close();
    signal.addEventListener("abort", end, { once: true });
    this.#unhear = () => signal.removeEventListener("abort", end);
    if (!signal.aborted) return;
    await this.close();
    throw endedBy(signal, ACTION);
  }

  #accept(socket: Socket): void {
    try {
      const connection = this.#core.accept();
      this.#sockets.add(socket);
      void carry(socket, connection).catch((error) => {
        log.error("A connection was given up", { error }, socket);
        socket.destroy();
      }).finally(() => {
        this.#sockets.delete(socket);
        this.#core.lost(connection);
      });
    } catch (error) {
      log.warn("A connection was refused: {error}", { error });
      socket.destroy();
    }
  }

  async close(graceMs: number = STOP_GRACE_MS): Promise<void> {
    requireGrace(graceMs);
    await (this.#closing ??= this.#close(graceMs));
  }

  async #close(graceMs: number): Promise<void> {
    this.#unhear();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
    try {
      await Promise.race([late, this.#core.stop().then(() => closed)]);
      for (const socket of this.#sockets) socket.destroy();
      await closed;
    } finally {
      clearTimeout(timer);
      this.#claim?.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  toString(): string {
    return `SocketService(${this.path}, ${this.#closing === undefined ? "open" : "closed"})`;
  }
}

/** Lets the socket that `bind` makes be for this user alone from the start, where the mask can be set. */
async function withMask(bind: () => Promise<void>): Promise<void> {
  let before: number | undefined;
  try {
    before = process.umask(0o177);
  } catch {
    // Workers share the mask of their process: the mode is set before the socket gets its name.
  }
  let bound: Promise<void>;
  try {
    bound = bind();
  } finally {
    if (before !== undefined) process.umask(before);
  }
  await bound;
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: MAX_CONNECTIONS }, () => {
      server.off("error", reject);
      server.on(
        "error",
        (error) => log.error("The service has failed to accept", { error }, server),
      );
      resolve();
    });
  });
}

/** Longer than timers can be set for is not waited. */
const MAX_GRACE_MS = 2 ** 31 - 1;

function requireGrace(graceMs: number): void {
  if (graceMs >= 0 && graceMs <= MAX_GRACE_MS) return;
  throw wrongNumber("end a service", "the grace", `0 to ${MAX_GRACE_MS} milliseconds`, graceMs);
}

function notHere(): InstanceError {
  const message = "Cannot serve an instance that itself is a client of a service";
  return new InstanceError("OperationNotSupported", message);
}
