/** EDGE: WebSockets of workerd and of hosts that are like it. */

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
  const link = new WebSocketLink(pair[1]);
  pair[1].accept();
  const headers = { "sec-websocket-protocol": NATIVE_SUBPROTOCOL };
  const init = { status: 101, webSocket: pair[0], headers };
  return { link, response: new Response(null, init as ResponseInit) };
}
