import assert from "node:assert/strict";
import { test } from "node:test";
import * as imported from "../../src/storage/shared/node.ts";
import * as asked from "../../src/storage/shared/node_asked.ts";
import * as importedHttp from "../../src/storage/shared/node_http.ts";
import * as askedHttp from "../../src/storage/shared/node_http_asked.ts";
import * as importedNet from "../../src/storage/shared/node_net.ts";
import * as askedNet from "../../src/storage/shared/node_net_asked.ts";

test("both ways to the modules of Node lead to the same, under the same names", () => {
  const { askedModule: _, ...modules } = asked;
  assert.deepEqual(Object.keys(modules).sort(), Object.keys(imported).sort());
  assert.equal(asked.fs.statSync, imported.fs.statSync);
  assert.equal(asked.paths.join("a", "b"), imported.paths.join("a", "b"));
  assert.equal(asked.process.pid, imported.process.pid);
  assert.deepEqual(Object.keys(askedNet).sort(), Object.keys(importedNet).sort());
  assert.equal(askedNet.net.Socket, importedNet.net.Socket);
  assert.deepEqual(Object.keys(askedHttp).sort(), Object.keys(importedHttp).sort());
  assert.equal(askedHttp.http.createServer, importedHttp.http.createServer);
  assert.equal(askedHttp.stream.promises.pipeline, importedHttp.stream.promises.pipeline);
  assert.equal(asked.timers.promises.setTimeout, imported.timers.promises.setTimeout);
});

test("a module that is not there says so when it is used", () => {
  const none = asked.askedModule<{ openSync(): void }>("no_such_module");
  assert.throws(() => none.openSync(), {
    name: "StorageError",
    code: "Unavailable",
    module: "storage",
    message: /node:no_such_module/,
  });
});
