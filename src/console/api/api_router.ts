import { setInspection } from "#inspect";
import { EideticaError } from "../../util/errors.ts";
import { tryDecode } from "./try_decode.ts";
import { empty, headOf } from "../replies.ts";
import type { Exchange } from "../router.ts";
import type { WebSession } from "../sessions.ts";
import { json, noSession, notFound, refuse } from "./api_answers.ts";

/** Where all routes of the API are. */
export const API_ROOT = "/api/console/";

/** One request of who is logged in. */
export interface ApiCall {
  /** The session. */
  readonly session: WebSession;
  /** Parts of the path that the route leaves open, by name. */
  readonly params: Readonly<Record<string, string>>;
  /** The query. */
  readonly query: URLSearchParams;
  /** The request. */
  readonly request: Request;
}

/** Answers a call with a value, which becomes JSON, or with a whole response. */
export type ApiHandler = (call: ApiCall) => Promise<unknown> | unknown;

/** Handlers by `METHOD path`; a part of a path that begins with `:` is left open. */
export type ApiRoutes = Readonly<Record<string, ApiHandler>>;

interface Route {
  readonly method: string;
  readonly parts: readonly string[];
  readonly handler: ApiHandler;
}

/** Leads calls of the JSON API to handlers. Everything needs a session; what changes something needs its token, too. */
export class ApiRouter {
  readonly #routes: readonly Route[];

  /** A router of these routes. */
  constructor(routes: ApiRoutes) {
    this.#routes = Object.entries(routes).map(([route, handler]) => {
      const [method, path] = route.split(" ") as [string, string];
      return { method, parts: path.split("/"), handler };
    });
  }

  /** Whether a path is one of the API. */
  static isFor(pathname: string): boolean {
    return pathname.startsWith(API_ROOT);
  }

  /** Answers a request; its body is left to the handler. */
  async answer({ request, url, session }: Exchange): Promise<Response> {
    const parts = url.pathname.slice(API_ROOT.length).split("/").map(tryDecode);
    const fitting = this.#routes.filter((route) => fits(route, parts));
    const isHead = request.method === "HEAD";
    const route = fitting.find(({ method }) => method === (isHead ? "GET" : request.method));
    const refusal = fitting.length === 0
      ? notFound()
      : route === undefined
      ? empty(405, { allow: fitting.map(({ method }) => method).join() })
      : refusalOf(request, session);
    if (refusal !== undefined) {
      await request.body?.cancel().catch(() => {});
      return refusal;
    }
    const params = paramsOf(route!, parts as string[]);
    const response = await answered(route!.handler, {
      session: session!,
      params,
      query: url.searchParams,
      request,
    });
    return isHead ? await headOf(response) : response;
  }

  static {
    setInspection(this, "ApiRouter", (router) => [`${router.#routes.length} routes`]);
  }
}

function fits({ parts }: Route, given: readonly (string | undefined)[]): boolean {
  return parts.length === given.length &&
    parts.every((part, at) =>
      part.startsWith(":") ? given[at] !== undefined && given[at] !== "" : part === given[at]
    );
}

function paramsOf({ parts }: Route, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    parts.flatMap((part, at) => part.startsWith(":") ? [[part.slice(1), given[at]!]] : []),
  );
}

function refusalOf({ method, headers }: Request, session: WebSession | undefined) {
  if (session === undefined || session.ended.aborted) return noSession();
  if (method === "GET" || method === "HEAD") return undefined;
  if (headers.get("x-eidetica-csrf") === session.csrf) return undefined;
  return refuse(403, "ForeignRequest", "Send the token of the session as X-Eidetica-CSRF");
}

/** Whether something was changed, which is told even after the end of the session: a change that was made stays. */
function isDone({ method }: Request, value: unknown): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return !isRead && !(value instanceof Response && !value.ok);
}

/** What is refused by rules of ours is told; all else is the node's affair. */
async function answered(handler: ApiHandler, call: ApiCall): Promise<Response> {
  try {
    const value = await handler(call);
    if (call.session.ended.aborted && !isDone(call.request, value)) return noSession();
    return value instanceof Response ? value : json(value);
  } catch (error) {
    // Its keys were wiped while this was answered.
    if (call.session.ended.aborted) return noSession();
    const isOurs = error instanceof EideticaError && error.code !== "InstanceDropped" &&
      error.module !== "storage";
    if (!isOurs) throw error;
    return refuse(422, error.code, error.message);
  }
}
