import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { Permission } from "../../src/auth/permission.ts";
import { ID } from "../../src/entry/id.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import { PrivateKey } from "../../src/keys/private_key.ts";
import { FEATURES, type Features, NO_FEATURES } from "../../src/service/protocol/features.ts";
import { fromWireError, toWireError } from "../../src/service/protocol/wire_error.ts";
import { utf8 } from "../../src/util/bytes.ts";
import * as errors from "../../src/util/errors.ts";
import { ready } from "../../wasm/mod.ts";

const ALL: Features = new Set(FEATURES);

describe("errors on the service socket", () => {
  before(() => ready());

  it("11#33: every kind of the reference keeps its class and code, there and back", () => {
    const id = ID.ofDagCbor(utf8("x"));
    const known: readonly (readonly [string, string, string, Record<string, unknown>])[] = [
      ["backend", "EntryNotFound", `Entry not found: ${id}`, { id }],
      ["backend", "VerificationStatusNotFound", `Verification status not found: ${id}`, { id }],
      ["backend", "EntryNotFound", "Entry not found: ", { id: ID.EMPTY }],
      ["instance", "EntryNotFound", `Entry not found: ${id}`, { id }],
      ["backend", "EntryNotInTree", "whatever", {}],
      ["backend", "NoCommonAncestor", "No common ancestor found for entries: []", { entryIds: [] }],
      ["backend", "EmptyEntryList", "No entry IDs", { operation: "No entry IDs" }],
      ["instance", "DatabaseNotFound", "notes", { name: "notes" }],
      ["instance", "InstanceAlreadyExists", "it is there", {}],
      ["instance", "DeviceKeyNotFound", "none", {}],
      ["instance", "AuthenticationRequired", "log in", {}],
      ["auth", "PermissionDenied", "Permission denied: tree", {}],
      ["user", "UserNotFound", "no such user", {}],
    ];
    for (const [module, kind, message, fields] of known) {
      const error = fromWireError({ module, kind, message });
      assert.deepEqual([error.module, error.code, error.fields], [module, kind, fields]);
      const again = toWireError(error, NO_FEATURES);
      assert.deepEqual([again.module, again.kind], [module, kind]);
      if (module !== "user") assert.equal(again.message, message);
    }
  });

  it("11#33: an unknown pair is an I/O error with both names and the message", () => {
    const error = fromWireError({ module: "moon", kind: "Eclipse", message: "dark" });
    assert.ok(error instanceof errors.ServiceError);
    assert.deepEqual([error.code, error.message], ["Io", "[moon::Eclipse] dark"]);
    const wire = toWireError(error, NO_FEATURES);
    assert.deepEqual(wire, {
      module: "io",
      kind: "Io",
      message: "I/O error: [moon::Eclipse] dark",
    });
    assert.equal(fromWireError(wire).message, error.message);
  });

  it("the predicates hold for errors of the reference, too", () => {
    const denied = fromWireError({ module: "auth", kind: "PermissionDenied", message: "x" });
    assert.ok(errors.isPermissionDenied(denied) && errors.isAuthenticationError(denied));
    const missing = fromWireError({ module: "backend", kind: "EntryNotFound", message: "x: " });
    assert.ok(errors.isNotFound(missing));
  });

  it("with the feature, fields, message and cause come back as they were", () => {
    const id = ID.ofDagCbor(utf8("x"));
    const fields = {
      id,
      key: PrivateKey.fromSeed(new Uint8Array(32)).publicKey,
      tips: Snapshot.of([id]),
      permission: Permission.write(10),
      count: 3,
      large: 2n ** 60n,
      names: ["a", "b"],
      nothing: null,
      flag: true,
    };
    const cause = new errors.StorageError("DiskFull", "Cannot write: no room", { fields: { id } });
    const error = new errors.BackendError("Odd", "Cannot read: it is odd", { fields, cause });
    const again = fromWireError(toWireError(error, ALL));
    assert.ok(again instanceof errors.BackendError);
    assert.deepEqual([again.code, again.message], [error.code, error.message]);
    assert.deepEqual(again.fields, fields);
    const origin = again.cause as errors.StorageError;
    assert.ok(origin instanceof errors.StorageError && origin.code === "DiskFull");
  });

  it("an error that is none of ours tells its message alone", () => {
    const again = fromWireError(toWireError(new TypeError("x is undefined"), ALL));
    assert.deepEqual([again.module, again.code, again.message], [
      "service",
      "Io",
      "x is undefined",
    ]);
    assert.equal(again.cause, undefined);
  });

  it("a chain of causes ends somewhere, and what was made up is no error", () => {
    let error: errors.EideticaError = new errors.UserError("Bottom", "Cannot go deeper");
    for (let at = 0; at < 50; at++) {
      error = new errors.UserError("Up", "Cannot go", { cause: error });
    }
    assert.ok(toWireError(error, ALL).error!.length < 2000);
    const wire = { module: "user", kind: "Other", message: "m" };
    for (const text of ["{}", "7", "null", '{"module":"moon","code":"x","message":"y"}', "not"]) {
      assert.equal(fromWireError({ ...wire, error: text }).code, "Other");
    }
  });
});
