/**
 * The door of the service, called with arguments that are missing or of another type: whatever is answered with an
 * error is answered with an error of ours, and nothing is left behind.
 *
 * @module
 */

import { describe, it } from "node:test";
import * as api from "../../mod.ts";
import * as serviceApi from "../../src/service/edge/mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { type Callable, type Exempt, Walk } from "./walk.ts";

const EXEMPT: Exempt = [];

describe("the service, with arguments that are missing or of another type", () => {
  it("of functions", async () => {
    await api.ready();
    const walk = new Walk(EXEMPT);
    await walk.exports(serviceApi);
    walk.assertNone();
  });

  it("behind an instance", async () => {
    const made = await api.Instance.createBackend(memoryStorage(), api.NewUser.passwordless("ada"));
    const walk = new Walk(EXEMPT);
    const serve = serviceApi.serveSocket as Callable;
    await walk.method("serveSocket(1 right)", undefined, serve, [made.instance]);
    const paths = [undefined, null, 7, "", "a\0b", {}, [], "x".repeat(500)];
    for (const path of paths) {
      await walk.method("serveSocket(2 right)", undefined, serve, [made.instance, { path }]);
    }
    for (const signal of [null, 7, "x", {}]) {
      const options = { path: "/nowhere/d.sock", signal };
      await walk.method("serveSocket(2 right)", undefined, serve, [made.instance, options]);
    }
    await made.instance.close();
    walk.assertNone();
  });
});
