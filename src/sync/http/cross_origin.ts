/**
 * Cross-origin requests of pages. A page of any origin may ask what anybody may: who may read is proved by signatures in
 * what is sent, never by cookies or by where a request comes from.
 *
 * @module
 */

import { empty, type Route } from "./fetch_handler.ts";

/** How long browsers may remember the answer to their question, in seconds. */
const REMEMBERED_SECONDS = 86_400;

const ANY_ORIGIN = { "access-control-allow-origin": "*" };
const ALLOWED = {
  ...ANY_ORIGIN,
  "access-control-allow-methods": "POST",
  "access-control-allow-headers": "content-type",
  "access-control-max-age": String(REMEMBERED_SECONDS),
};

/** Lets pages of other origins ask, and read the answers; whoever is no page of another origin is answered as before. */
export function crossOrigin(route: Route): Route {
  return async (request, info) => {
    if (isPreflight(request)) return empty(204, ALLOWED);
    const response = await route(request, info);
    if (!request.headers.has("origin")) return response;
    for (const [name, value] of Object.entries(ANY_ORIGIN)) response.headers.set(name, value);
    return response;
  };
}

/** Whether a browser asks on behalf of a page whether that may ask. */
function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("origin") &&
    headers.has("access-control-request-method");
}
