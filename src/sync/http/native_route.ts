/**
 * The native protocol over HTTP: `GET` with an upgrade to a WebSocket; `POST` of frames where that cannot be.
 *
 * @module
 */

import type { Link, LinkInfo, Upgrade, Upgraded } from "../../transport/port.ts";
import { NATIVE_SUBPROTOCOL } from "../../transport/web_socket_link.ts";
import { countedHost } from "./connection_info.ts";
import { empty, plain, type Route } from "./fetch_handler.ts";

/** What the route asks of whoever runs sessions. */
export interface NativeDoor {
  /** How this runtime makes live connections of requests, where it needs no server for that. */
  upgradeHere(): Promise<Upgrade | undefined>;
  /** Runs a session over a connection that somebody else has made. */
  accept(link: Link, info: LinkInfo): void;
  /** Answers a request that is a body of frames; `remote` is the host that it comes from, where that is known. */
  post(request: Request, remote: string | undefined): Promise<Response>;
  /** Answers a request for a stream of events; `remote` as before. */
  events(request: Request, remote: string | undefined): Promise<Response>;
}

/** Answers requests for streams of events. */
export function eventsRoute(door: NativeDoor): Route {
  return (request, { remoteAddress }) => door.events(request, countedHost(remoteAddress));
}

/** Answers requests for sessions of the native protocol. */
export function nativeRoute(door: NativeDoor): Route {
  return async (request, { upgrade: ofServer, remoteAddress }) => {
    if (request.method === "POST") return await door.post(request, countedHost(remoteAddress));
    if (request.method !== "GET") return empty(405, { allow: "GET, POST" });
    const { headers } = request;
    if (headers.get("upgrade")?.toLowerCase() !== "websocket") return upgradeRequired();
    if (!offersProtocol(headers)) {
      return plain(400, `Expected the subprotocol ${NATIVE_SUBPROTOCOL}`);
    }
    const upgrade = ofServer ?? await door.upgradeHere();
    if (upgrade === undefined) return plain(501, NO_UPGRADE);
    const made = upgraded(upgrade, request);
    if (made === undefined) return plain(400, "Expected a proper request for a WebSocket");
    door.accept(made.link, { binding: NATIVE_SUBPROTOCOL, remote: countedHost(remoteAddress) });
    return made.response;
  };
}

function upgraded(upgrade: Upgrade, request: Request): Upgraded | undefined {
  try {
    return upgrade(request);
  } catch {
    return undefined;
  }
}

function offersProtocol(headers: Headers): boolean {
  const offered = headers.get("sec-websocket-protocol")?.split(",") ?? [];
  return offered.some((name) => name.trim() === NATIVE_SUBPROTOCOL);
}

function upgradeRequired(): Response {
  const text = `Expected a WebSocket with the subprotocol ${NATIVE_SUBPROTOCOL}`;
  return withHeaders(plain(426, text), { upgrade: "websocket", connection: "upgrade" });
}

function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

const NO_UPGRADE =
  "This server cannot make WebSockets of requests: give Bun `bunServer(sync)`, or listen with `sync.serve`";
