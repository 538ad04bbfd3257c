import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { V0_PATH } from "../../src/transport/http_transport.ts";
import { withNodes } from "./live_bed.ts";

const ORIGIN = "https://app.example";
const ASKED = {
  origin: ORIGIN,
  "access-control-request-method": "POST",
  "access-control-request-headers": "content-type",
};

/** What a handler answers to a request of protocol v0. */
async function ask(method: string, headers: Record<string, string>): Promise<Response> {
  let response: Response | undefined;
  await withNodes(async (nodes) => {
    const { sync } = await nodes.node();
    const body = method === "POST" ? "{}" : null;
    const url = `https://node.example${V0_PATH}`;
    response = await sync.fetchHandler()(new Request(url, { method, headers, body }));
    await response.text();
  });
  return response!;
}

describe("pages of other origins", () => {
  it("are told that they may ask, for JSON by POST", async () => {
    const { status, headers } = await ask("OPTIONS", ASKED);
    assert.equal(status, 204);
    assert.equal(headers.get("access-control-allow-origin"), "*");
    assert.equal(headers.get("access-control-allow-methods"), "POST");
    assert.equal(headers.get("access-control-allow-headers"), "content-type");
    assert.equal(headers.get("access-control-allow-credentials"), null);
  });

  it("may read answers, also those that refuse", async () => {
    const json = await ask("POST", { origin: ORIGIN, "content-type": "application/json" });
    const text = await ask("POST", { origin: ORIGIN, "content-type": "text/plain" });
    for (const { headers } of [json, text]) {
      assert.equal(headers.get("access-control-allow-origin"), "*");
    }
    assert.deepEqual([json.status, text.status], [400, 415]);
  });

  it("change nothing for everybody else", async () => {
    const posted = await ask("POST", { "content-type": "application/json" });
    assert.equal(posted.headers.get("access-control-allow-origin"), null);
    const { origin: _, ...noOrigin } = ASKED;
    for (const headers of [{}, noOrigin, { origin: ORIGIN }]) {
      const answer = await ask("OPTIONS", headers as Record<string, string>);
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get("allow"), "POST");
    }
  });
});
