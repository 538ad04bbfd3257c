/**
 * Pages of other origins: browsers ask whether they may speak to a server, and let none speak that is not told so.
 *
 * @module
 */

import type { WebHandler } from "../../transport/port.ts";
import { wrongArgument } from "../../util/arguments.ts";
import { empty } from "./fetch_handler.ts";

/** Pages of which origins may speak to a server, such as `["https://app.example"]`; `"*"` for all. */
export type Origins = "*" | readonly string[];

/** How long a browser need not ask again, in seconds. */
const MAX_AGE_SECONDS = "86400";

/** A handler that answers pages of some origins as well. */
export function withOrigins(handler: WebHandler, origins: Origins | undefined): WebHandler {
  if (origins === undefined) return handler;
  return async (request, info) => {
    const origin = request.headers.get("origin");
    const allowed = origin === null ? undefined : allowedBy(origins, origin);
    if (allowed === undefined) return await handler(request, info);
    if (request.method === "OPTIONS") return empty(204, { ...allowed, ...PREFLIGHT });
    const response = await handler(request, info);
    // What has become a WebSocket is not the browser's to keep from a page.
    if (response.status !== 101 && request.headers.get("upgrade") === null) {
      for (const [name, value] of Object.entries(allowed)) response.headers.set(name, value);
    }
    return response;
  };
}

function allowedBy(origins: Origins, origin: string): Readonly<Record<string, string>> | undefined {
  const exposed = { "access-control-expose-headers": "eidetica-proof" };
  if (origins === "*") return { "access-control-allow-origin": "*", ...exposed };
  if (!origins.includes(origin)) return undefined;
  return { "access-control-allow-origin": origin, vary: "origin", ...exposed };
}

const PREFLIGHT = {
  "access-control-allow-methods": "POST",
  "access-control-allow-headers": "content-type, authorization",
  "access-control-max-age": MAX_AGE_SECONDS,
};

/** The origins of an option; `InvalidArgument` when they are none. */
export function requireOrigins(origins: unknown, action: string): void {
  if (origins === undefined || origins === "*") return;
  const isList = Array.isArray(origins) && origins.every((it) => typeof it === "string");
  if (!isList) throw wrongArgument(action, "`origins`", '"*" or a list of texts', origins);
}
