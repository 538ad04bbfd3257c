/**
 * Pages of other origins: browsers ask whether they may speak to a server, and let none speak that is not told so. About
 * WebSockets they ask nobody, and only say where the page is from: there the server itself lets none speak.
 *
 * @module
 */

import type { WebHandler } from "../../transport/port.ts";
import { wrongArgument } from "../../util/arguments.ts";
import { empty, plain } from "./fetch_handler.ts";

/** Pages of which origins may speak to a server, such as `["https://app.example"]`; `"*"` for all. */
export type Origins = "*" | readonly string[];

/** How long a browser need not ask again, in seconds. */
const MAX_AGE_SECONDS = "86400";

/** A handler that answers pages of its own origin, and of some others as well. */
export function withOrigins(handler: WebHandler, origins: Origins | undefined): WebHandler {
  return async (request, info) => {
    const origin = request.headers.get("origin");
    const allowed = origin === null ? undefined : allowedBy(origins, origin);
    if (request.headers.get("upgrade") !== null) {
      const mayOpen = origin === null || allowed !== undefined || isOwn(origin, request);
      return mayOpen ? await handler(request, info) : plain(403, FOREIGN);
    }
    if (allowed === undefined) return await handler(request, info);
    if (request.method === "OPTIONS") return empty(204, { ...allowed, ...PREFLIGHT });
    const response = await handler(request, info);
    for (const [name, value] of Object.entries(allowed)) response.headers.set(name, value);
    return response;
  };
}

/** Whether a page is from where it connects to, as the server is known there: a proxy may have asked it by another name. */
function isOwn(origin: string, request: Request): boolean {
  const host = hostOf(origin);
  const forwarded = request.headers.get("x-forwarded-host")?.split(",")[0]?.trim();
  return host !== undefined && (host === hostOf(request.url) || host === forwarded);
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host || undefined : undefined;
}

function allowedBy(
  origins: Origins | undefined,
  origin: string,
): Readonly<Record<string, string>> | undefined {
  const exposed = { "access-control-expose-headers": "eidetica-proof" };
  if (origins === "*") return { "access-control-allow-origin": "*", ...exposed };
  if (origins?.includes(origin) !== true) return undefined;
  return { "access-control-allow-origin": origin, vary: "origin", ...exposed };
}

const FOREIGN =
  "This server opens no WebSockets for pages of other origins, unless `origins` allows them";

const PREFLIGHT = {
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers": "content-type, authorization, last-event-id",
  "access-control-max-age": MAX_AGE_SECONDS,
};

/** The origins of an option; `InvalidArgument` when they are none. */
export function requireOrigins(origins: unknown, action: string): void {
  if (origins === undefined || origins === "*") return;
  const isList = Array.isArray(origins) && origins.every((it) => typeof it === "string");
  if (!isList) throw wrongArgument(action, "`origins`", '"*" or a list of texts', origins);
}
