/**
 * Somebody between a client and a daemon, who listens, and can do harm.
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { decodeClientFrame } from "../../src/service/protocol/client_in.ts";
import { type Features, NO_FEATURES } from "../../src/service/protocol/features.ts";
import { encodeFrame, FrameReader } from "../../src/service/protocol/frames.ts";
import { decodeHandshake, encodeHandshake } from "../../src/service/protocol/handshake.ts";
import { newPath } from "../helpers/shared.ts";

/** How a tap behaves. */
export interface TapOptions {
  /** Keeps both ends from agreeing on anything beyond the reference's protocol. */
  readonly isPlain?: boolean;
  /** What the daemon is asked instead of a request, which is given with its name. */
  readonly instead?: (name: string, payload: Uint8Array) => Uint8Array;
}

/** A socket of its own in front of a daemon. */
export class Tap {
  /** The address that clients connect to. */
  readonly url: string;
  /** The address of the daemon. */
  readonly daemon: string;
  /** What clients have asked for, by its name. */
  readonly asked: string[] = [];
  /** Whether answers are kept back, until {@link release}. */
  isHeld = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];

  private constructor(server: Server, path: string, daemon: string) {
    this.#server = server;
    this.url = `unix://${path}`;
    this.daemon = daemon;
  }

  /** Listens in front of the daemon at `url`. */
  static async open(url: string, options: TapOptions = {}): Promise<Tap> {
    const path = newPath();
    const server = createServer((client) =>
      tap.#join(client, url.slice("unix://".length), options)
    );
    const tap = new Tap(server, path, url);
    server.listen(path);
    await once(server, "listening");
    return tap;
  }

  #join(client: Socket, path: string, { isPlain = false, instead }: TapOptions): void {
    const daemon = connect(path);
    for (const [socket, other] of [[client, daemon], [daemon, client]] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => other.destroy());
    }
    let features: Features | undefined;
    daemon.on("data", (piece) => {
      features ??= firstFeatures(piece);
      this.#pass(() => client.write(piece));
    });
    const frames = new FrameReader();
    client.on("data", (piece) => {
      for (const payload of frames.push(piece as Uint8Array)) {
        if (features === undefined) {
          daemon.write(encodeFrame(isPlain ? encodeHandshake(NO_FEATURES) : payload));
          continue;
        }
        const name = nameOf(payload, features);
        this.asked.push(name);
        daemon.write(encodeFrame(instead?.(name, payload) ?? payload));
      }
    });
  }

  #pass(pass: () => void): void {
    if (this.isHeld) this.#held.push(pass);
    else pass();
  }

  /** Lets through what was kept back. */
  release(): void {
    this.isHeld = false;
    for (const pass of this.#held.splice(0)) pass();
  }

  /** Ends all connections, and what was kept back with them. */
  cut(): void {
    this.isHeld = false;
    this.#held.length = 0;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** How often something was asked for. */
  count(name: string): number {
    return this.asked.filter((asked) => asked === name).length;
  }

  /** Ends all connections, and takes no more. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function firstFeatures(piece: Uint8Array): Features {
  const [payload] = new FrameReader().push(piece);
  return decodeHandshake(payload!).features;
}

function nameOf(payload: Uint8Array, features: Features): string {
  const frame = decodeClientFrame(payload, features);
  if (frame.type === "Cancel") return frame.type;
  const { request } = frame;
  return request.type === "AuthenticatedDb" ? request.op.type : request.type;
}
