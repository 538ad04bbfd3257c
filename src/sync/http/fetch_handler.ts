import type { ConnectionInfo, WebHandler } from "../../transport/port.ts";
import { connectionInfo } from "./connection_info.ts";

/** Answers requests of one path. */
export type Route = (request: Request, info: ConnectionInfo) => Promise<Response>;

/** A web-standard handler that answers by path, what `within` lets in; other paths are not found. */
export function routed(
  routes: Readonly<Record<string, Route>>,
  within: (route: Route, request: Request, info: ConnectionInfo) => Promise<Response>,
): WebHandler {
  return async (request, info) => {
    const { pathname } = new URL(request.url);
    const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
    return route === undefined ? empty(404) : await within(route, request, connectionInfo(info));
  };
}

/** An answer without a body. */
export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers: { "cache-control": "no-store", ...headers } });
}

/** An answer of plain text. */
export function plain(status: number, text: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  return new Response(text, { status, headers });
}
