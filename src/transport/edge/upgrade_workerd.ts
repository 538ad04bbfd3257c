/** EDGE: WebSockets of workerd and of hosts that are like it. */

import { OwnRequest } from "../../util/own_request.ts";
import type { Upgraded } from "../port.ts";
import { NATIVE_SUBPROTOCOL, type WebSocketLike, WebSocketLink } from "../web_socket_link.ts";

interface WorkerdSocket extends WebSocketLike {
  accept(): void;
}

interface WorkerdHost {
  readonly WebSocketPair: new () => Readonly<Record<0 | 1, WorkerdSocket>>;
}

/** Turns a request for a WebSocket into a live connection. */
export function upgrade(_request: Request): Upgraded {
  const { WebSocketPair } = globalThis as unknown as WorkerdHost;
  const pair = new WebSocketPair();
  const link = new WebSocketLink(new SocketOfRequest(pair[1]));
  pair[1].accept();
  const headers = { "sec-websocket-protocol": NATIVE_SUBPROTOCOL };
  const init = { status: 101, webSocket: pair[0], headers };
  return { link, response: new Response(null, init as ResponseInit) };
}

/**
 * A socket of the request that it was made in: no other request may use it. What others have to send, such as what came
 * in over their own connection, waits here and is sent by the request itself.
 */
class SocketOfRequest implements WebSocketLike {
  readonly #socket: WorkerdSocket;
  readonly #request = new OwnRequest(() => this.#doAll());
  #waiting: (() => void)[] = [];
  #bufferedAmount = 0;

  /** Must be called in the request to which the socket belongs. */
  constructor(socket: WorkerdSocket) {
    this.#socket = socket;
    for (const type of ["close", "error"]) {
      socket.addEventListener(type, () => this.#request.end());
    }
  }

  /** See {@link WebSocketLike.binaryType}. */
  set binaryType(type: string) {
    this.#socket.binaryType = type;
  }

  /** Bytes that wait for the request; what does not end with it is bounded by that. */
  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  /** See {@link WebSocketLike.send}. */
  send(data: Uint8Array<ArrayBuffer>): void {
    this.#bufferedAmount += data.length;
    this.#later(() => {
      this.#bufferedAmount -= data.length;
      this.#socket.send(data);
    });
  }

  /** See {@link WebSocketLike.close}. */
  close(code?: number, reason?: string): void {
    this.#later(() => {
      this.#request.end();
      this.#socket.close(code, reason);
    });
  }

  /** See {@link WebSocketLike.addEventListener}. */
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void {
    this.#socket.addEventListener(type, listener);
  }

  #later(work: () => void): void {
    this.#waiting.push(work);
    this.#request.ask();
  }

  #doAll(): void {
    try {
      for (const work of this.#waiting.splice(0)) work();
    } catch {
      // The other side is gone, of which `close` tells.
    }
  }
}
