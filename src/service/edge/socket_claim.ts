/**
 * EDGE: that one process alone serves a path, and that nothing there is harmed that is not its own.
 *
 * ```text
 * PATH        the socket: made beside it with mode 0600 while it listens already, then renamed
 * PATH.lock   who serves it; a mark of a process that is gone means nothing
 * ```
 *
 * A folder that is missing is made with mode 0700; one that is there stays as it is. What is at the path and
 * answers, or is no socket, is left alone, whoever it belongs to.
 *
 * @module
 */

import { net } from "#node-net";
import { fs, paths } from "#node";
import { FileHold } from "../../storage/shared/file_hold.ts";
import { codeOf } from "../../storage/shared/paths.ts";
import { EideticaError, ServiceError } from "../../util/errors.ts";
import { permissionProblem } from "../../util/permission.ts";

/** How long somebody at the path may take to answer, in milliseconds; who takes longer is there. */
const PROBE_MS = 2000;

/** A path that this process alone may serve. */
export class SocketClaim {
  /** The path. */
  readonly path: string;
  readonly #hold: FileHold;
  #mine: string | undefined;

  private constructor(path: string, hold: FileHold) {
    this.path = path;
    this.#hold = hold;
  }

  /** Claims a path: `AddressInUse` when somebody serves it, `NotASocket` when something else is there. */
  static async take(path: string): Promise<SocketClaim> {
    const hold = attempt(path, () => {
      fs.mkdirSync(paths.dirname(path), { recursive: true, mode: 0o700 });
      return new FileHold(path);
    });
    try {
      await makeRoom(path);
      return new SocketClaim(path, hold);
    } catch (error) {
      hold.release();
      throw error;
    }
  }

  /** A name beside the path that nobody uses, and that is no longer than it. */
  temporary(): string {
    const room = Math.max(1, paths.basename(this.path).length - 1);
    const name = crypto.randomUUID().replaceAll("-", "").slice(0, Math.min(12, room));
    return paths.join(paths.dirname(this.path), `.${name}`);
  }

  /** Puts a socket that listens at `temporary` in its place. */
  place(temporary: string): void {
    attempt(this.path, () => {
      fs.chmodSync(temporary, 0o600);
      this.#mine = identityOf(temporary);
      fs.renameSync(temporary, this.path);
    });
  }

  /** Gives the path up. The socket is taken away if it is still the one that was placed there. */
  release(): void {
    try {
      if (this.#mine !== undefined && identityOf(this.path) === this.#mine) {
        fs.unlinkSync(this.path);
      }
    } catch {
      // What stays is a socket that nobody serves.
    }
    this.#hold.release();
  }
}

/** Device and number of what is at a path; undefined when nothing is. */
function identityOf(path: string): string | undefined {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return stats && `${stats.dev}:${stats.ino}`;
}

/** Takes away a socket that nobody serves any more. */
async function makeRoom(path: string): Promise<void> {
  const stats = attempt(path, () => fs.lstatSync(path, { throwIfNoEntry: false }));
  if (stats === undefined) return;
  if (!stats.isSocket()) throw notASocket(path);
  if (await isServed(path)) throw inUse(path, undefined);
  attempt(path, () => fs.unlinkSync(path));
}

/** Whether anybody answers at a socket; only one who refuses is known not to be there. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path });
    const end = (isServed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isServed);
    };
    const timer = setTimeout(() => end(true), PROBE_MS);
    socket.once("connect", () => end(true));
    socket.once("error", (error) => end(codeOf(error) !== "ECONNREFUSED"));
  });
}

/** Does something at the path; its failure becomes one of ours. */
function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw serviceError(path, error);
  }
}

/** Why a path cannot be served. */
export function serviceError(path: string, cause: unknown): EideticaError {
  if (cause instanceof EideticaError) {
    return cause.code === "Busy" ? inUse(path, cause.fields.holder, cause) : cause;
  }
  if (codeOf(cause) === "EADDRINUSE") return inUse(path, undefined, cause);
  const reason = permissionProblem(cause) ??
    (cause instanceof Error ? cause.message : String(cause));
  return new ServiceError("BindFailed", `Cannot serve the socket "${path}": ${reason}`, {
    cause,
    fields: { path, reason },
  });
}

function inUse(path: string, pid: unknown, cause?: unknown): ServiceError {
  const who = typeof pid === "number" ? `process ${pid}` : "somebody else";
  const message =
    `Cannot serve the socket "${path}": ${who} serves it; stop that, or take another path`;
  return new ServiceError("AddressInUse", message, { cause, fields: { path, pid } });
}

function notASocket(path: string): ServiceError {
  const message =
    `Cannot serve the socket "${path}": something else is there, which is left as it is; ` +
    "remove it if it is not needed, or take another path";
  return new ServiceError("NotASocket", message, { fields: { path } });
}
