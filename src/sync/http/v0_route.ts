import { piecesOf, streamOf } from "../../transport/silence.ts";
import { SyncError } from "../../util/errors.ts";
import { MAX_HTTP_REQUEST_BYTES } from "../access/limits.ts";
import type { V0Handler } from "../v0/handler.ts";
import type { NativeOffer } from "../v0/messages.ts";
import { countedHost } from "./connection_info.ts";
import { empty, plain, type Route } from "./fetch_handler.ts";

const JSON_TYPE = /^application\/(?:[^/;\s]+\+)?json\s*(?:;|$)/i;

/** Status for each kind of fault of what is no request. */
const STATUS: Readonly<Record<string, number>> = { syntax: 400, shape: 422, size: 413 };

/** What the route asks of the handler behind it. */
export type Exchange = Pick<V0Handler, "exchange">;

/** Protocol v0 over HTTP: one request of JSON by `POST`, one answer. Whoever asks is told of the native protocol. */
export function v0Route(handler: Exchange, native?: NativeOffer): Route {
  return async (request, { remoteAddress }) => {
    const remote = countedHost(remoteAddress);
    if (request.method !== "POST") return await discarding(request, empty(405, { allow: "POST" }));
    if (!JSON_TYPE.test(request.headers.get("content-type")?.trim() ?? "")) {
      const text = "Expected request with `Content-Type: application/json`";
      return await discarding(request, plain(415, text));
    }
    const length = Number(request.headers.get("content-length") ?? 0);
    if (length > MAX_HTTP_REQUEST_BYTES) return await discarding(request, tooLarge());
    return await answer(handler, request, { native, remote });
  };
}

async function answer(
  handler: Exchange,
  request: Request,
  way: { readonly native: NativeOffer | undefined; readonly remote: string | undefined },
): Promise<Response> {
  try {
    const limits = { maxBytes: MAX_HTTP_REQUEST_BYTES, ...way };
    // Where the request comes from is a port of that connection alone: nobody can be reached there.
    const pieces = await handler.exchange(piecesOf(request.body), undefined, limits);
    const headers = { "content-type": "application/json", "cache-control": "no-store" };
    return new Response(streamOf(pieces), { headers });
  } catch (error) {
    if (error instanceof SyncError && error.code === "TooBusy") {
      return await discarding(request, plain(429, error.message));
    }
    const status = error instanceof SyncError ? STATUS[String(error.fields["fault"])] : undefined;
    if (status === undefined) throw error;
    return status === 413 ? tooLarge() : plain(status, (error as Error).message);
  }
}

function tooLarge(): Response {
  return plain(413, `The request has more than ${MAX_HTTP_REQUEST_BYTES} bytes: send it in parts`);
}

/** The body is not read: servers that keep a connection open must not take it for the next request. */
async function discarding(request: Request, response: Response): Promise<Response> {
  await request.body?.cancel().catch(() => {});
  return response;
}
