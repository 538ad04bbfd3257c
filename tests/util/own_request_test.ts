import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OwnRequest } from "../../src/util/own_request.ts";

/** Lets everything go on that waits for nothing. */
const rest = () => new Promise((resolve) => setTimeout(resolve));

describe("work in one's own request", () => {
  it("is done later, once for all who asked until then, and again for those who ask then", async () => {
    let calls = 0;
    const request = new OwnRequest(() => calls++);
    await rest();
    request.ask();
    request.ask();
    assert.equal(calls, 0);
    await rest();
    assert.equal(calls, 1);
    request.ask();
    await rest();
    assert.equal(calls, 2);
    request.end();
  });

  it("is done for who asks while it is done", async () => {
    let calls = 0;
    const request: OwnRequest = new OwnRequest(() => {
      if (++calls < 3) request.ask();
    });
    request.ask();
    await rest();
    assert.equal(calls, 3);
    request.end();
  });

  it("is not done after its end", async () => {
    let calls = 0;
    const request = new OwnRequest(() => calls++);
    request.ask();
    request.end();
    request.ask();
    await rest();
    assert.equal(calls, 0);
  });
});
