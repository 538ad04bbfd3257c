import { empty, plain } from "../sync/http/fetch_handler.ts";
import type { Html } from "./html.ts";

export { empty, plain };

/** Headers of every answer that is not for other instances. */
const SAFE: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "style-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  // Not `no-referrer`: browsers would then say that forms of ours come from nowhere (`Origin: null`).
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Headers of the console, which is a program: it loads its own parts, and asks the node that it came from. */
export const CONSOLE_POLICY: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** A page. */
export function page(content: Html, status = 200, headers: HeadersInit = {}): Response {
  const response = new Response(content.toString(), { status, headers });
  response.headers.set("content-type", "text/html; charset=utf-8");
  response.headers.set("cache-control", "no-store");
  return response;
}

/** Leads elsewhere, by `GET`. */
export function seeOther(location: string): Response {
  return empty(303, { location });
}

/** The same answer with the headers that keep a browser from doing what pages of ours never ask for. */
export function safe(response: Response): Response {
  for (const [name, value] of Object.entries(SAFE)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}

/** The answer to `HEAD`: the head of the answer to `GET`. */
export async function headOf(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
}
