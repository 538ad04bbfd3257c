/**
 * EDGE: a stream socket on this machine: a Unix domain socket, on Windows a named pipe.
 *
 * @module
 */

import { net } from "#node-net";
import type { Socket } from "node:net";
import { ServiceError } from "../../util/errors.ts";
import type { DaemonSocket, SocketListener } from "../client/port.ts";
import { socketPath } from "./socket_path.ts";

/**
 * Connects to whoever listens at `path`, and tells `listen` at once, which says who is told of what comes. Throws
 * `ServiceError` `ConnectionFailed`, `InvalidPath` for a path that sockets cannot have.
 */
export async function connectSocket(
  path: string,
  listen: (socket: DaemonSocket) => SocketListener,
): Promise<void> {
  const place = socketPath(path, "connect to the daemon");
  const socket = new net.Socket();
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (cause) => reject(notConnected(path, cause)));
    socket.once("connect", () => {
      attach(socket, listen(ownSocket(socket)));
      resolve();
    });
    try {
      socket.connect(place);
    } catch (cause) {
      reject(notConnected(path, cause));
    }
  });
}

function ownSocket(socket: Socket): DaemonSocket {
  return {
    write: (bytes) => void socket.write(bytes),
    hold: (isAwaited) => void (isAwaited ? socket.ref() : socket.unref()),
    close: () => void socket.destroy(),
  };
}

function attach(socket: Socket, listener: SocketListener): void {
  let cause: unknown;
  socket.removeAllListeners("error");
  socket.on("error", (error) => cause = error);
  socket.on("data", (piece) => listener.received(piece as Uint8Array));
  // The other side has ended, and hears nothing either.
  socket.on("end", () => socket.destroy());
  socket.once("close", () => listener.ended(cause));
}

/** What stands behind the codes of the system that are met most. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no socket; start the daemon, or correct the path"],
  ["ECONNREFUSED", "no daemon listens at the socket any more; start it"],
  ["EACCES", "this user may not use the socket; it belongs to who has started the daemon"],
  ["ENOTSOCK", "what is there is no socket"],
]);

function notConnected(path: string, cause: unknown): ServiceError {
  const { code, message } = cause as { readonly code?: string; readonly message?: string };
  const why = REASONS.get(code ?? "") ?? message ?? String(cause);
  return new ServiceError("ConnectionFailed", `Cannot connect to the daemon at "${path}": ${why}`, {
    cause,
    fields: { path },
  });
}
