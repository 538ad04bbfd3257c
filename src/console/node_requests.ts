import { setInspection } from "#inspect";
import { connectionInfo } from "../sync/http/connection_info.ts";
import type { Origins } from "../sync/http/origins.ts";
import type { Sync } from "../sync/port.ts";
import { V0_PATH } from "../transport/http_transport.ts";
import type { WebHandler } from "../transport/port.ts";
import { addressBlock } from "../transport/address_block.ts";
import { NATIVE_PATH } from "../transport/web_socket_link.ts";
import { EideticaError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import { sessionToken } from "./cookies.ts";
import { goesOn } from "./active_users.ts";
import { noSession, refuse } from "./api/api_answers.ts";
import { ApiRouter } from "./api/api_router.ts";
import { consoleApi } from "./api/console_api.ts";
import { isFromOwnSite, isOwnName } from "./own_site.ts";
import { empty, plain, safe, seeOther } from "./replies.ts";
import { type Exchange, type NodeContext, Router } from "./router.ts";
import { accountRoutes } from "./routes/account.ts";
import { consoleRoutes } from "./routes/console.ts";
import { databaseRoutes } from "./routes/databases.ts";
import { healthRoutes } from "./routes/health.ts";
import { trackRoutes } from "./routes/track.ts";

const log = new Logger("console");

/** Who may ask how. */
export interface RequestRules {
  /** Hosts by which the pages may be addressed; all unless told. */
  readonly hosts?: readonly string[];
  /** Whether browsers reach the node over TLS; as URLs say unless told. */
  readonly secure?: boolean;
  /** Origins of pages elsewhere that may synchronise. */
  readonly origins?: Origins;
}

/** Answers the requests of a node: those of other instances go to synchronisation, all others to its own routes. */
export class NodeRequests {
  readonly #node: NodeContext;
  readonly #rules: RequestRules;
  readonly #router: Router;
  readonly #api: ApiRouter;
  #sync: { readonly of: Sync; readonly fetch: WebHandler } | undefined;

  /** The requests of a node. */
  constructor(node: NodeContext, rules: RequestRules) {
    this.#node = node;
    this.#rules = rules;
    this.#api = consoleApi(node);
    this.#router = new Router({
      ...accountRoutes(node),
      ...databaseRoutes(node),
      ...trackRoutes(node),
      ...healthRoutes(node),
      ...consoleRoutes(),
    });
  }

  /** Answers one. */
  async answer(request: Request, info?: object): Promise<Response> {
    const url = new URL(request.url);
    if (isForSync(url.pathname)) return await this.#exchange(request, info);
    return safe(await this.#page(request, url, connectionInfo(info).remoteAddress));
  }

  async #exchange(request: Request, info?: object): Promise<Response> {
    const { sync } = this.#node.instance;
    if (sync === undefined || sync.isClosed) {
      await request.body?.cancel().catch(() => {});
      return plain(503, "This node does not synchronise now");
    }
    if (this.#sync?.of !== sync) {
      const { origins } = this.#rules;
      const fetch = sync.fetchHandler(origins === undefined ? {} : { origins });
      this.#sync = { of: sync, fetch };
    }
    return await this.#sync.fetch(request, info);
  }

  async #page(request: Request, url: URL, remote: string | undefined): Promise<Response> {
    const refusal = this.#refusal(request, url);
    if (refusal !== undefined) {
      await request.body?.cancel().catch(() => {});
      return refusal;
    }
    const exchange = this.#exchangeOf(request, url, remote);
    try {
      const router = ApiRouter.isFor(url.pathname) ? this.#api : this.#router;
      return await router.answer(await this.#ofActiveUser(exchange));
    } catch (error) {
      return this.#failed(exchange, error);
    }
  }

  /** Nothing is done for a session that has ended meanwhile. */
  async #ofActiveUser(exchange: Exchange): Promise<Exchange> {
    const { session } = exchange;
    const isValid = session === undefined || await goesOn(this.#node, session);
    return isValid ? exchange : { ...exchange, session: undefined };
  }

  #refusal(request: Request, url: URL): Response | undefined {
    const { hosts = [] } = this.#rules;
    if (hosts.length > 0 && !hosts.includes(url.host)) {
      return plain(421, "This node is not addressed by that name");
    }
    if (request.method === "GET" || request.method === "HEAD") return undefined;
    return isFromOwnSite(request, url, hosts)
      ? undefined
      : plain(403, "Forms of other sites are refused");
  }

  #exchangeOf(request: Request, url: URL, remote: string | undefined): Exchange {
    return {
      request,
      url,
      host: remote === undefined ? undefined : addressBlock(remote),
      isOwnName: isOwnName(url, this.#rules.hosts ?? []),
      isSecure: this.#rules.secure ?? url.protocol === "https:",
      session: this.#node.sessions.use(sessionToken(request)),
    };
  }

  /** What went wrong is for the log: pages do not tell how a node is made. */
  #failed({ request, url, session }: Exchange, error: unknown): Response {
    const isApi = ApiRouter.isFor(url.pathname);
    // Somebody has logged out while this was answered.
    if (session !== undefined && this.#node.sessions.peek(session.token) === undefined) {
      return isApi ? noSession() : seeOther("/login");
    }
    if (request.signal.aborted) return empty(499);
    const answer = isApi ? refuseFailed : plain;
    if (error instanceof EideticaError && error.code === "InstanceDropped") {
      return answer(503, "This node is closing");
    }
    log.error("{method} {path} failed: {error}", {
      method: request.method,
      path: url.pathname,
      error,
    }, this);
    return answer(500, "The node could not do that; its log says why");
  }

  static {
    setInspection(this, "NodeRequests", (requests) => [`${requests.#node.sessions.size} sessions`]);
  }
}

/** A refusal by the API that no rule of its own is the reason of. */
function refuseFailed(status: number, message: string): Response {
  return refuse(status, status === 503 ? "NodeClosing" : "NodeFailed", message);
}

/** Whether a path is one of other instances. */
function isForSync(pathname: string): boolean {
  return pathname === V0_PATH || pathname === NATIVE_PATH || pathname.startsWith(`${NATIVE_PATH}/`);
}
