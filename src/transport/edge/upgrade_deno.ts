/** EDGE: WebSockets of Deno's server. */

import type { OpenLinks } from "../open_links.ts";
import type { Upgraded } from "../port.ts";
import { NATIVE_SUBPROTOCOL, type WebSocketLike, WebSocketLink } from "../web_socket_link.ts";

interface DenoHost {
  upgradeWebSocket(
    request: Request,
    options: { readonly protocol: string },
  ): { readonly socket: WebSocketLike; readonly response: Response };
}

/** Turns a request for a WebSocket into a live connection, which stands in `links`. */
export function upgrade(request: Request, links?: OpenLinks): Upgraded {
  const host = (globalThis as unknown as { readonly Deno: DenoHost }).Deno;
  const { socket, response } = host.upgradeWebSocket(request, { protocol: NATIVE_SUBPROTOCOL });
  const make = (onEnd?: () => void) => new WebSocketLink(socket, onEnd);
  return { link: links?.add(make) ?? make(), response };
}
