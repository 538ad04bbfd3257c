import { setInspection } from "#inspect";
import type { Instance } from "../instance/instance.ts";
import type { ActiveUsers } from "./active_users.ts";
import type { LoginAttempts } from "./login_attempts.ts";
import { empty, headOf } from "./replies.ts";
import type { Sessions, WebSession } from "./sessions.ts";

/** What the routes of one node share. */
export interface NodeContext {
  /** The instance. */
  readonly instance: Instance;
  /** Who is logged in. */
  readonly sessions: Sessions;
  /** Who may be. */
  readonly users: ActiveUsers;
  /** Who has tried to. */
  readonly attempts: LoginAttempts;
  /** Name of the storage, as `/health` tells it. */
  readonly storage: string;
}

/** One request, and what is known of it. */
export interface Exchange {
  /** The request. */
  readonly request: Request;
  /** Its URL. */
  readonly url: URL;
  /** The host that it comes from, where that is known. */
  readonly host: string | undefined;
  /** Whether it is addressed by a name that cannot be made to lead here by others: an IP address, `localhost`, or one that was told. */
  readonly isOwnName: boolean;
  /** Whether it came over TLS. */
  readonly isSecure: boolean;
  /** The session that it belongs to; undefined without one that is valid. */
  readonly session: WebSession | undefined;
}

/** Answers requests of one path and method. */
export type Handler = (exchange: Exchange) => Promise<Response> | Response;

/** Handlers of one path, by method. `HEAD` is answered as `GET`, without the body. */
export interface Methods {
  readonly GET?: Handler;
  readonly POST?: Handler;
}

/** Leads requests to handlers by path and method. */
export class Router {
  readonly #routes: ReadonlyMap<string, Methods>;

  /** A router of these paths; one that ends with `/*` stands for all below it. */
  constructor(routes: Readonly<Record<string, Methods>>) {
    this.#routes = new Map(Object.entries(routes));
  }

  /** Answers a request; 404 for other paths, 405 for other methods. */
  async answer(exchange: Exchange): Promise<Response> {
    const { request, url } = exchange;
    const methods = this.#routes.get(url.pathname) ?? this.#below(url.pathname);
    if (methods === undefined) return await discarding(request, empty(404));
    const handler = handlerOf(methods, request.method);
    if (handler === undefined) {
      return await discarding(request, empty(405, { allow: allowed(methods) }));
    }
    const response = await handler(exchange);
    return request.method === "HEAD" ? await headOf(response) : response;
  }

  #below(pathname: string): Methods | undefined {
    const [, first] = pathname.split("/");
    return pathname.endsWith("/") ? undefined : this.#routes.get(`/${first}/*`);
  }

  static {
    setInspection(this, "Router", (router) => [`${router.#routes.size} paths`]);
  }
}

function handlerOf({ GET, POST }: Methods, method: string): Handler | undefined {
  if (method === "GET" || method === "HEAD") return GET;
  return method === "POST" ? POST : undefined;
}

function allowed({ GET, POST }: Methods): string {
  return [...GET === undefined ? [] : ["GET", "HEAD"], ...POST === undefined ? [] : ["POST"]]
    .join();
}

/** A body that nobody reads must not be taken for the next request of its connection. */
async function discarding(request: Request, response: Response): Promise<Response> {
  await request.body?.cancel().catch(() => {});
  return response;
}
