import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_REQUESTS_READ, MAX_REQUESTS_READ_PER_ADDRESS } from "../../src/sync/access/limits.ts";
import { V0_PATH } from "../../src/transport/http_transport.ts";
import { NATIVE_PATH } from "../../src/transport/web_socket_link.ts";
import { withNodes } from "./live_bed.ts";

/** A request whose body does not end until it is told to. */
function endless(path: string): { readonly request: Request; readonly end: () => void } {
  let end = () => {};
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode("{"));
      end = () => controller.close();
    },
  });
  const headers = { "content-type": "application/json" };
  const init = { method: "POST", headers, body, duplex: "half" };
  return { request: new Request(`http://x${path}`, init as RequestInit), end };
}

describe("requests that are being read", () => {
  it("are so many of one address, and free their place when they are answered", () =>
    withNodes(async (nodes) => {
      const handler = (await nodes.node()).sync.fetchHandler();
      const ask = (request: Request, at = 1) =>
        handler(request, { remoteAddress: `[2001:db8::${at.toString(16)}]:4000` });
      const begun = Array.from({ length: MAX_REQUESTS_READ_PER_ADDRESS }, (_, at) => {
        const { request, end } = endless(V0_PATH);
        return { end, answer: ask(request, at) };
      });
      for (const path of [V0_PATH, NATIVE_PATH]) {
        const { status } = await ask(endless(path).request);
        assert.equal(status, 429, path);
      }
      const other = endless(V0_PATH);
      const elsewhere = handler(other.request, { remoteAddress: "192.0.2.1:4000" });
      for (const { end } of [...begun, other]) end();
      for (const answer of [...begun.map(({ answer }) => answer), elsewhere]) {
        assert.equal((await answer).status, 400);
      }
      const again = endless(V0_PATH);
      again.end();
      assert.equal((await ask(again.request)).status, 400);
    }));

  it("are so many in all, wherever they come from", () =>
    withNodes(async (nodes) => {
      const handler = (await nodes.node()).sync.fetchHandler();
      const begun = Array.from({ length: MAX_REQUESTS_READ }, (_, at) => {
        const { request, end } = endless(V0_PATH);
        return { end, answer: handler(request, { remoteAddress: `192.0.2.${at % 250}:1` }) };
      });
      const { request } = endless(V0_PATH);
      assert.equal((await handler(request, { remoteAddress: "198.51.100.1:1" })).status, 429);
      for (const { end } of begun) end();
      await Promise.all(begun.map(({ answer }) => answer));
    }));
});
