import { Instance } from "../instance/instance.ts";
import { type Origins, requireOrigins } from "../sync/http/origins.ts";
import type { WebHandler } from "../transport/port.ts";
import { optionsOf, requireInstance, requireText, wrongArgument } from "../util/arguments.ts";
import { ActiveUsers } from "./active_users.ts";
import { LoginAttempts } from "./login_attempts.ts";
import { NodeRequests } from "./node_requests.ts";
import { Sessions } from "./sessions.ts";

const MAKE = "make the handler of a node";

/** What a node does. */
export interface NodeOptions {
  /**
   * Hosts by which browsers may address the pages, with the port where it is not the usual one: `["node.example"]`. Others
   * are refused, so that no foreign name can be made to lead here (DNS rebinding). All unless told; without a password
   * one logs in only by these, by an IP address and by `localhost`.
   */
  readonly hosts?: readonly string[];
  /**
   * Whether browsers reach the node over TLS, as behind a proxy that ends it: cookies are then sent over TLS alone. As the
   * URLs of requests say unless told.
   */
  readonly secure?: boolean;
  /** Name of the storage, for `/health`; that of the driver unless told. */
  readonly storage?: string;
  /** Origins of pages elsewhere that may synchronise with the node; see `sync.fetchHandler`. */
  readonly origins?: Origins;
}

/** A node: the pages of an instance and its synchronisation, as one web-standard handler. */
export interface NodeHandler {
  /** Answers a request, on any server that takes web-standard handlers. */
  readonly fetch: WebHandler;
  /** How many sessions are open. */
  readonly sessions: number;
  /** Ends all sessions: their keys are wiped. The instance goes on. */
  close(): void;
}

/** Names of storages by the names of drivers, where these differ. */
const STORAGES: Readonly<Record<string, string>> = { memory: "inmemory" };

/**
 * The handler of a node: login, dashboard and pages of databases for browsers, `/health` and `/stats` for whoever watches
 * it, and everything that other instances ask for when synchronisation is enabled. Give it to a server, and close it
 * before the instance.
 *
 * @example
 * ```ts
 * import { Instance, NewUser } from "eidetica";
 * import { nodeHandler } from "eidetica/console";
 *
 * const { instance } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const sync = await instance.enableSync();
 * const node = nodeHandler(instance);
 * const server = await sync.serve({ handler: node.fetch });
 * const answer = await fetch(`http://${server.address}/health`);
 * if ((await answer.json()).status !== "healthy") throw new Error("ill");
 * node.close();
 * await instance.close();
 * ```
 */
export function nodeHandler(instance: Instance, options?: NodeOptions): NodeHandler {
  requireInstance(instance, Instance, MAKE, "the instance");
  const given = nodeOptions(options);
  const { host } = instance;
  const sessions = new Sessions(host);
  const { name } = host.backend.driver;
  const storage = given.storage ?? STORAGES[name] ?? name;
  const attempts = new LoginAttempts(host.clock);
  const users = new ActiveUsers(instance);
  const requests = new NodeRequests({ instance, sessions, users, attempts, storage }, given);
  return {
    fetch: (request, info) => requests.answer(request, info),
    get sessions() {
      return sessions.size;
    },
    close: () => sessions.close(),
  };
}

function nodeOptions(options: NodeOptions | undefined): Partial<NodeOptions> {
  const given = optionsOf(options, MAKE);
  const { hosts, secure, storage, origins } = given;
  if (
    hosts !== undefined && !(Array.isArray(hosts) && hosts.every((it) => typeof it === "string"))
  ) {
    throw wrongArgument(MAKE, "`hosts`", "a list of texts", hosts);
  }
  if (secure !== undefined && typeof secure !== "boolean") {
    throw wrongArgument(MAKE, "`secure`", "true or false", secure);
  }
  if (storage !== undefined) requireText(storage, MAKE, "`storage`");
  requireOrigins(origins, MAKE);
  return given;
}
