/**
 * A daemon that says what it is told to, in the reference's messages.
 *
 * @module
 */

import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { encodeFrame, FrameReader } from "../../src/service/protocol/frames.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { newPath } from "../helpers/shared.ts";

/** The handshake of the reference's daemon. */
export const HANDSHAKE = '{"protocol_version":0}';

/** The answer of a daemon to who asks whose it is. */
export const METADATA: string = `{"Response":{"InstanceMetadata":{${
  [
    '"id":"ed25519:zoKvB0ysqHjJRk+89C1/jidXKg0g25akMWCJoHxaB3o="',
    '"users_db":"bafyr4ifk2vo7skqpb33h6nrptc53uublgvv4sfttzabyiadexjjcpxupva"',
    '"databases_db":"bafyr4iew3b3xbuxjf7sjeoxmdvqh5su2rarxgjcl47i53svj7xo5qkcypu"',
    '"sync_db":null',
  ].join(",")
}}}}`;

/** What the daemon does with the message of a client, which it is told with its number on the connection. */
export type Script = (message: string, at: number, socket: Socket) => string | undefined;

/** A socket with a script behind it. */
export class ScriptedDaemon {
  /** The address that clients connect to. */
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.url = `unix://${path}`;
  }

  /** Listens. */
  static async open(script: Script): Promise<ScriptedDaemon> {
    const path = newPath();
    const server = createServer((socket) => daemon.#serve(socket, script));
    const daemon = new ScriptedDaemon(server, path);
    server.listen(path);
    await once(server, "listening");
    return daemon;
  }

  #serve(socket: Socket, script: Script): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    const frames = new FrameReader();
    let at = 0;
    socket.on("data", (piece) => {
      for (const payload of frames.push(piece as Uint8Array)) {
        const answer = script(new TextDecoder().decode(payload), at++, socket);
        if (answer !== undefined) socket.write(encodeFrame(utf8(answer)));
      }
    });
  }

  /** Ends all connections, and takes no more. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The answers to the first messages of a client; `next` says the others. */
export function greeting(next: Script): Script {
  return (message, at, socket) => {
    if (at === 0) return HANDSHAKE;
    return at === 1 ? METADATA : next(message, at, socket);
  };
}
