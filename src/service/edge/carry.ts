/**
 * EDGE: carries a connection of the service over a socket.
 *
 * @module
 */

import type { Socket } from "node:net";
import { Logger } from "../../util/log.ts";
import type { ServiceConnection } from "../server/connection.ts";
import { STOP_GRACE_MS } from "../server/limits.ts";

/** How long a client may keep its end of a connection that has ended here, in milliseconds. */
const LINGER_MS = 500;

const log = new Logger("service");

/** Carries bytes both ways until both ends have ended, or the socket is gone. */
export async function carry(socket: Socket, connection: ServiceConnection): Promise<void> {
  const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", (error) => log.debug("A connection has failed", { error }));
  socket.on("data", (bytes: Uint8Array) => {
    try {
      connection.receive(bytes);
    } catch (error) {
      // Whatever a client sends: others go on.
      log.error("A connection was given up", { error }, socket);
      socket.destroy();
    }
    if (connection.isFull) socket.pause();
  });
  socket.on("end", () => connection.receiveEnd());
  connection.onRoom = () => void socket.resume();
  await Promise.race([send(socket, connection), gone]);
  await gone;
}

/** Sends what the connection has to send, then ends the socket. */
async function send(socket: Socket, connection: ServiceConnection): Promise<void> {
  const ending = hurry(socket, connection);
  for await (const frames of connection.outbox.chunks()) {
    if (socket.destroyed) return;
    if (!socket.write(frames)) await drained(socket);
  }
  socket.end(() => linger(socket));
  // What the client sends is read on, and dropped: an end with something unread looks like a failure.
  socket.resume();
  await ending;
}

/** When the connection has ended, the client has some time to read the rest and to end it, too. */
async function hurry(socket: Socket, { outbox }: ServiceConnection): Promise<void> {
  await outbox.ended;
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), STOP_GRACE_MS);
  socket.once("close", () => clearTimeout(timer));
}

/** All was sent: the client may end the connection, too, which it mostly does at once. */
function linger(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
