import { V0_PATH } from "../transport/http_transport.ts";
import type { ServerSide, WebHandler } from "../transport/port.ts";
import { NATIVE_PATH } from "../transport/web_socket_link.ts";
import type { Clock } from "../util/clock.ts";
import { type Route, routed } from "./http/fetch_handler.ts";
import { eventsRoute, nativeRoute } from "./http/native_route.ts";
import { RequestRoom } from "./http/request_room.ts";
import { NATIVE_EVENTS_PATH } from "./http/tips_route.ts";
import { v0Route } from "./http/v0_route.ts";
import { OWN_OFFER } from "./native_offers.ts";
import type { NativeSessions } from "./native_sessions.ts";
import { V0Handler } from "./v0/handler.ts";
import type { Serving } from "./v0/serving.ts";

/** What an instance answers, over any transport; without `sessions` it does not speak the native protocol. */
export function serverSide(
  serving: Serving,
  sessions: NativeSessions | undefined,
  clock: Clock,
): ServerSide {
  const handler = new V0Handler(serving);
  return {
    exchange: (request, remote, takesLinks = false, from) => {
      const native = takesLinks && sessions !== undefined ? OWN_OFFER : undefined;
      return handler.exchange(request, remote, { native, remote: from });
    },
    ...sessions === undefined ? {} : { accept: (link, info) => sessions.accept(link, info) },
    fetch: fetchSide(handler, sessions, new RequestRoom(clock)),
  };
}

function fetchSide(
  handler: V0Handler,
  sessions: NativeSessions | undefined,
  room: RequestRoom,
): WebHandler {
  const routes: Readonly<Record<string, Route>> = sessions === undefined
    ? { [V0_PATH]: v0Route(handler) }
    : {
      [V0_PATH]: v0Route(handler, OWN_OFFER),
      [NATIVE_PATH]: nativeRoute(sessions),
      [NATIVE_EVENTS_PATH]: eventsRoute(sessions),
    };
  return routed(routes, (...asked) => room.within(...asked));
}
