/** EDGE: WebSockets of servers on `node:http`, by the package `ws`, which is loaded when the first one is asked for. */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocketServer } from "ws";
import type { OpenLinks } from "../open_links.ts";
import type { ConnectionInfo, FetchHandler, Upgraded } from "../port.ts";
import {
  MAX_MESSAGE_BYTES,
  NATIVE_SUBPROTOCOL,
  type WebSocketLike,
  WebSocketLink,
} from "../web_socket_link.ts";

/** A request that wants to become something else. */
export interface Asked {
  /** Answers requests. */
  readonly handler: FetchHandler;
  /** Where connections stand. */
  readonly links: OpenLinks;
  /** Makes the request; throws when it is none that can be answered, such as one for an address that is no URL. */
  readonly request: () => Request;
  /** Where it comes from. */
  readonly info: ConnectionInfo;
}

/** Requests for anything but WebSockets are answered as if they asked for nothing; Node ≥ 24.9 asks. */
export function shouldUpgradeCallback({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** Answers a request for a WebSocket: it becomes a live connection, or is told why not. */
export async function respondToUpgrade(
  { handler, links, request, info }: Asked,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
): Promise<void> {
  // Whoever asked may be gone before there is an answer.
  const ignore = () => {};
  socket.on("error", ignore);
  const server = await webSockets();
  let isUpgraded = false;
  const upgrade = (): Upgraded | undefined => {
    let link: WebSocketLink | undefined;
    server!.handleUpgrade(incoming, socket, head as Buffer, (it) => {
      const socket = it as unknown as WebSocketLike;
      link = links.add((onEnd) => new WebSocketLink(socket, onEnd));
    });
    // When it asks for no proper WebSocket, it is told so by `ws`.
    isUpgraded = true;
    return link === undefined ? undefined : { link, response: new Response(null) };
  };
  try {
    const response = await handler(request(), server === undefined ? info : { ...info, upgrade });
    if (!isUpgraded) await refuse(socket, response);
  } catch {
    socket.destroy();
  }
}

let servers: Promise<WebSocketServer | undefined> | undefined;

/** Undefined where the package is not installed, or is another version than is wanted. */
function webSockets(): Promise<WebSocketServer | undefined> {
  return servers ??= import("ws").then(({ WebSocketServer }) =>
    new WebSocketServer({
      noServer: true,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      handleProtocols: (offered) => offered.has(NATIVE_SUBPROTOCOL) ? NATIVE_SUBPROTOCOL : false,
    })
  ).catch(() => undefined);
}

/** Says no, and ends the connection. */
async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const fields = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const status = `HTTP/1.1 ${response.status} ${response.statusText || "Refused"}\r\n`;
  const length = `content-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  socket.write(status + fields + length);
  // Whoever asked may never end its side.
  socket.once("finish", () => socket.destroy());
  socket.end(body);
}
