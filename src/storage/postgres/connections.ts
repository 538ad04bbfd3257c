import { timers } from "#node";
import { net } from "#node-net";
import type { Socket } from "node:net";
import type { ServerPlace } from "./url.ts";

/** How many connections may be begun of which the server answers nothing: more than the client has at once. */
const MAX_FRUITLESS = 30;

/** A socket as the client wants it: where it leads is used for names of certificates, and in errors. */
type NamedSocket = Socket & { host?: string; port?: number };

/**
 * The connections of one storage. The client is given its sockets, so that all of them can be ended at
 * once, whatever it is doing with them; and so that it is told of a server that ends them again and
 * again, for which it would try anew without a pause and without an end.
 */
export class Connections {
  readonly #places: readonly ServerPlace[];
  readonly #sockets = new Set<Socket>();
  #next = 0;
  #fruitless = 0;
  #isEnded = false;

  /** Connects to the places in turn. */
  constructor(places: readonly ServerPlace[]) {
    this.#places = places;
  }

  /** A socket that is about to be connected. */
  open(): Socket {
    for (const old of this.#sockets) if (old.destroyed) this.#sockets.delete(old);
    if (this.#isEnded) return broken("CONNECTION_ENDED");
    if (++this.#fruitless > MAX_FRUITLESS) {
      this.#fruitless = 0;
      return broken("SERVER_ENDS");
    }
    const socket = this.#connect(this.#places[this.#next++ % this.#places.length]!);
    this.#sockets.add(socket);
    // Whoever waits for an answer waits for a time as well, which keeps the process alive; listening does not.
    socket.unref();
    return socket.once("error", (error) => this.#failed(socket, error));
  }

  /** The client tells its query of an error, and does not try again by itself. */
  #failed(socket: Socket, error: Error): void {
    this.#fruitless = Math.max(0, this.#fruitless - 1);
    if (socket.listenerCount("error") > 0) return;
    // What Deno refuses fails before the client listens.
    setImmediate(() => {
      socket.emit("error", error);
      socket.emit("close", true);
    });
  }

  #connect(place: ServerPlace): Socket {
    const socket: NamedSocket = new net.Socket();
    if ("path" in place) return socket.connect(place.path);
    [socket.host, socket.port] = [place.host, place.port];
    return socket.connect(place.port, place.host);
  }

  /** Takes note that a server has answered. */
  answered(): void {
    this.#fruitless = 0;
  }

  /** Ends all connections, and those to come. */
  end(): void {
    this.#isEnded = true;
    for (const socket of this.#sockets) socket.destroy(failure("CONNECTION_ENDED"));
  }
}

/** A socket that fails once the client has had the time to listen to it. */
function broken(code: string): Socket {
  const socket = new net.Socket();
  timers.setImmediate(() => socket.destroy(failure(code)));
  return socket;
}

function failure(code: string): Error {
  return Object.assign(new Error(`the connection was given up: ${code}`), { code });
}
