/** EDGE: an HTTP server on `node:http` and `node:https`, which Deno and Bun have as well. */

import { http, https, stream } from "#node-http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { joinAddress } from "../addresses.ts";
import { serverBind } from "../errors.ts";
import { OpenLinks } from "../open_links.ts";
import type { ConnectionInfo, FetchHandler, Listening, ListenOptions } from "../port.ts";
import { respondToUpgrade, shouldUpgradeCallback } from "./upgrade_node.ts";

/** How long requests under way may take when a server is closed, in milliseconds. */
const GRACE_MS = 10_000;

/** Listens on this runtime. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { hostname, port, handler, tls } = options;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    respond(handler, request, response, tls === undefined ? "http" : "https");
  };
  const links = new OpenLinks();
  const server = tls === undefined
    ? http.createServer({ shouldUpgradeCallback }, answer)
    : https.createServer({ ...tls, shouldUpgradeCallback }, answer);
  server.on("upgrade", (incoming, socket, head) => {
    const request = () => requestOf(incoming, tls === undefined ? "http" : "https");
    void respondToUpgrade(
      { handler, links, request, info: infoOf(incoming) },
      incoming,
      socket,
      head,
    );
  });
  await bound(server, hostname, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs = GRACE_MS) => {
      links.close();
      return close(server, graceMs);
    },
  };
}

function bound(server: Server, hostname: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(serverBind(joinAddress(hostname, port), cause)));
    server.listen(port, hostname, resolve);
  });
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

async function respond(
  handler: FetchHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  scheme: string,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  try {
    const request = requestOf(incoming, scheme, gone.signal);
    await send(await handler(request, infoOf(incoming)), outgoing, incoming.method === "HEAD");
  } catch {
    // Whoever asked is gone, or the handler has failed after the answer had begun.
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(500).end();
  }
}

function infoOf({ socket }: IncomingMessage): ConnectionInfo {
  const { remoteAddress = "", remotePort = 0 } = socket;
  return { remoteAddress: joinAddress(remoteAddress.replace(/^::ffff:/, ""), remotePort) };
}

function requestOf(incoming: IncomingMessage, scheme: string, signal?: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headersDistinct)) {
    for (const each of value ?? []) headers.append(name, each);
  }
  const method = incoming.method ?? "GET";
  const url = urlOf(incoming.url ?? "/", `${scheme}://${incoming.headers.host ?? "localhost"}`);
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody ? bodyOf(incoming) : null;
  const init = { method, headers, body, signal: signal ?? null, duplex: "half" };
  return new Request(url, init as RequestInit);
}

/**
 * The body of a request. What is not read of it is read by Node and dropped when there is an answer. `Readable.toWeb`
 * of Node 22 ends the process when a body is given up that was still to come.
 */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const pieces = incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel() {
      // Not waited for: it ends when what is being read has come.
      pieces.return?.().catch(() => {});
    },
  }, { highWaterMark: 0 });
}

/** A path is one also where it begins with `//`, which alone would name a host. */
function urlOf(target: string, origin: string): URL {
  return target.startsWith("/") ? new URL(`${origin}${target}`) : new URL(target, origin);
}

async function send(response: Response, outgoing: ServerResponse, isHead: boolean): Promise<void> {
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  outgoing.writeHead(response.status, headers);
  if (response.body === null || isHead) {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  await stream.promises.pipeline(
    stream.Readable.fromWeb(response.body as unknown as NodeStream),
    outgoing,
  );
}
