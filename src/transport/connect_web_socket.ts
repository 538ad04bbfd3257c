import { connectionFailed } from "./errors.ts";
import type { Link } from "./port.ts";
import {
  CLOSE_CODES,
  NATIVE_SUBPROTOCOL,
  type WebSocketLike,
  WebSocketLink,
} from "./web_socket_link.ts";

/** How long it may take until a WebSocket is open, in milliseconds. */
export const OPEN_MS = 15_000;

/** Platforms throw where whoever has opened a WebSocket closes it with a code that is not 1000 or of its own. */
class OpenedLink extends WebSocketLink {
  /** See {@link Link.close}; 1003 becomes 4003, and so on. */
  override close(code: number = CLOSE_CODES.done, reason = ""): void {
    const isAllowed = code === CLOSE_CODES.done || code >= 3000;
    super.close(isAllowed ? code : 3000 + code, reason);
  }
}

/** Opens a WebSocket with what this platform has for that; `ConnectionFailed` when it cannot be opened. */
export async function connectWebSocket(
  url: string,
  { signal, openMs = OPEN_MS }: {
    readonly signal?: AbortSignal | undefined;
    readonly openMs?: number | undefined;
  } = {},
): Promise<Link> {
  signal?.throwIfAborted();
  const socket = begun(url);
  // Before it is open: the first message may come with the answer.
  const link = new OpenedLink(socket as unknown as WebSocketLike);
  try {
    await opened(socket, url, openMs, signal);
    return link;
  } catch (error) {
    link.close();
    throw error;
  }
}

/** A WebSocket that is about to be opened: platforms throw where they will not even try. */
function begun(url: string): WebSocket {
  try {
    return new WebSocket(url.replace(/^http/i, "ws"), NATIVE_SUBPROTOCOL);
  } catch (cause) {
    throw connectionFailed(url, cause);
  }
}

function opened(
  socket: WebSocket,
  url: string,
  openMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(connectionFailed(url, new Error(why)));
    const timer = setTimeout(() => fail(`no connection within ${openMs} ms`), openMs);
    const give = () => reject(signal!.reason);
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", give);
    };
    signal?.addEventListener("abort", give);
    socket.addEventListener("open", () => (done(), resolve()), { once: true });
    for (const type of ["error", "close"]) {
      socket.addEventListener(type, () => (done(), fail("it takes no WebSockets")), { once: true });
    }
  });
}
