import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { describe, it } from "node:test";
import { bunServer } from "../../src/sync/bun_server.ts";
import type { Origins } from "../../src/sync/http/origins.ts";
import { NATIVE_PATH, NATIVE_SUBPROTOCOL } from "../../src/transport/web_socket_link.ts";
import { withNodes } from "./live_bed.ts";

const [mine, other] = ["https://mine.example", "https://other.example"];

/** A request for a WebSocket, without its method and path. */
function asking(origin: string | undefined, more: Record<string, string> = {}) {
  return {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAECAwQFBgcICQoLDA0ODw==",
    "sec-websocket-protocol": NATIVE_SUBPROTOCOL,
    ...origin === undefined ? {} : { origin },
    ...more,
  };
}

/** The status with which a server that listens answers; the connection is not waited for. */
async function statusOf(address: string, headers: Record<string, string>): Promise<number> {
  const [host, port] = address.split(":");
  const socket = createConnection({ host: host!, port: Number(port) });
  try {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${NATIVE_PATH} HTTP/1.1\r\nhost: ${address}\r\n${lines.join("")}\r\n`);
    const first = await new Promise<unknown>((resolve, reject) => {
      socket.once("data", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the server has said nothing")));
    });
    return Number(String(first).split(" ")[1]);
  } finally {
    socket.destroy();
  }
}

describe("a request for a WebSocket by a page", () => {
  for (const origins of [undefined, [mine!]] as (Origins | undefined)[]) {
    it(`of another origin is refused by a server ${origins ? "that allows others" : "as it is"}`, () =>
      withNodes(async (nodes) => {
        const { sync } = await nodes.node();
        const { address } = await sync.serve(origins === undefined ? {} : { origins });
        assert.equal(await statusOf(address, asking(other)), 403);
        assert.equal(await statusOf(address, asking("null")), 403);
        assert.equal(await statusOf(address, asking(mine)), origins === undefined ? 403 : 101);
        assert.equal(await statusOf(address, asking(`http://${address}`)), 101);
        assert.equal(await statusOf(address, asking(undefined)), 101);
      }));
  }

  it("of any origin is taken where all are allowed", () =>
    withNodes(async (nodes) => {
      const { sync } = await nodes.node();
      const { address } = await sync.serve({ origins: "*" });
      assert.equal(await statusOf(address, asking(other)), 101);
    }));

  it("is judged by a handler on any host, before it is known whether that can open any", () =>
    withNodes(async (nodes) => {
      const { sync } = await nodes.node();
      const answered = async (headers: Record<string, string>, origins?: Origins) => {
        const handler = sync.fetchHandler(origins === undefined ? {} : { origins });
        // A proxy that does not say the name by which it was asked, and one that does.
        const upgrade = () => undefined;
        const request = new Request(`http://127.0.0.1:8000${NATIVE_PATH}`, { headers });
        return (await handler(request, { upgrade })).status;
      };
      assert.equal(await answered(asking(other)), 403);
      assert.equal(await answered(asking(other), [mine!]), 403);
      assert.equal(await answered(asking(mine), [mine!]), 400);
      assert.equal(await answered(asking(other), "*"), 400);
      assert.equal(await answered(asking(mine)), 403);
      assert.equal(await answered(asking(mine, { "x-forwarded-host": "mine.example" })), 400);
      assert.equal(await answered(asking(mine, { "x-forwarded-host": "other.example" })), 403);
      assert.equal(await answered(asking(undefined)), 400);
    }));

  it("is judged by what Bun is given, too", () =>
    withNodes(async (nodes) => {
      const { sync } = await nodes.node();
      const server = { requestIP: () => null, upgrade: () => false };
      const answered = async (origins: Origins) => {
        const request = new Request(`http://x${NATIVE_PATH}`, { headers: asking(other) });
        return (await bunServer(sync, { origins }).fetch(request, server))?.status;
      };
      assert.equal(await answered([mine!]), 403);
      assert.notEqual(await answered("*"), 403);
    }));
});
