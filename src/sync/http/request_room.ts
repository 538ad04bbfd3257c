import type { ConnectionInfo } from "../../transport/port.ts";
import type { Clock } from "../../util/clock.ts";
import { SyncError } from "../../util/errors.ts";
import { tasksEndWithRequests } from "../../util/isolate.ts";
import { MAX_REQUESTS_READ, MAX_REQUESTS_READ_PER_ADDRESS } from "../access/limits.ts";
import { Admissions } from "../native/host/admissions.ts";
import { countedHost } from "./connection_info.ts";
import { plain, type Route } from "./fetch_handler.ts";

/**
 * Room for requests with a body, from when they come until their answer begins: a stranger may begin as many as it likes,
 * and each keeps what it has brought.
 */
export class RequestRoom {
  readonly #admissions: Admissions;

  /** Nobody is in. */
  constructor(clock: Clock) {
    this.#admissions = new Admissions(clock, {
      sessions: MAX_REQUESTS_READ,
      sessionsPerAddress: MAX_REQUESTS_READ_PER_ADDRESS,
    });
  }

  /** Answers a request by `route`, if there is room for it. */
  async within(route: Route, request: Request, info: ConnectionInfo): Promise<Response> {
    // Where it is not seen when they end, whoever runs the isolate says how many there are.
    if (tasksEndWithRequests || request.method !== "POST") return await route(request, info);
    const leave = this.#enter(countedHost(info.remoteAddress));
    if (leave === undefined) return await refused(request);
    try {
      return await route(request, info);
    } finally {
      leave();
    }
  }

  #enter(host: string | undefined): (() => void) | undefined {
    try {
      return this.#admissions.enter(host);
    } catch (error) {
      if (error instanceof SyncError) return undefined;
      throw error;
    }
  }
}

/** The body is not read: servers that keep a connection open must not take it for the next request. */
async function refused(request: Request): Promise<Response> {
  await request.body?.cancel().catch(() => {});
  return plain(429, "Too many requests are being read: try again later");
}
