/** What the tests of transports begin with. */

import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { Listen } from "../../src/transport/port.ts";

const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** The server of the runtime that runs the tests. */
export async function listenHere(): Promise<Listen> {
  const path = new URL(`../../src/transport/edge/listen_${RUNTIME}.ts`, import.meta.url).href;
  return (await import(path) as { listen: Listen }).listen;
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
