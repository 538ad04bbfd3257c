import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  ArgumentError,
  type EideticaError,
  ID,
  NewUser,
  PrivateKey,
  StorageError,
  UserError,
} from "../../mod.ts";
import { utf8 } from "../../src/util/bytes.ts";

const roundTrip = (error: EideticaError) => JSON.parse(JSON.stringify(error));

describe("errors as JSON", () => {
  it("keep name, code, module, message and fields", () => {
    const id = ID.ofRaw(utf8("x"));
    const fields = {
      name: "notes",
      databaseId: id,
      count: 2n ** 60n,
      list: [1n, id],
      bytes: utf8("abc"),
    };
    const error = new UserError("NoKeyForDatabase", "No key", { fields });
    assert.deepEqual(roundTrip(error), {
      name: "UserError",
      code: "NoKeyForDatabase",
      module: "user",
      message: "No key",
      fields: {
        name: "notes",
        databaseId: `${id}`,
        count: "1152921504606846976",
        list: ["1", `${id}`],
        bytes: "3 bytes",
      },
    });
  });

  it("keep the cause, of foreign errors name, message and code alone", () => {
    const foreign = Object.assign(new Error("ENOENT: no such file"), {
      code: "ENOENT",
      password: "geheim",
    });
    const cause = new StorageError("NotFound", "Cannot open", { cause: foreign });
    const json = roundTrip(new UserError("X", "outer", { cause }));
    assert.equal(json.cause.code, "NotFound");
    assert.deepEqual(json.cause.cause, {
      name: "Error",
      message: "ENOENT: no such file",
      code: "ENOENT",
    });
    assert.ok(!JSON.stringify(json).includes("geheim"));
    assert.equal(roundTrip(new UserError("X", "y", { cause: "text" })).cause, undefined);
  });

  it("show no private key, and end where fields lead in a circle", () => {
    const key = PrivateKey.fromSeed(new Uint8Array(32).fill(7));
    const circle: Record<string, unknown> = { key };
    circle.self = circle;
    const text = JSON.stringify(
      new UserError("X", "y", { fields: { circle, nothing: undefined } }),
    );
    assert.ok(text.includes("redacted"));
    assert.ok(!text.includes(key.reveal()));
  });
});

describe("arguments of callers", () => {
  const refused = (make: () => unknown) => {
    assert.throws(make, (error) => {
      assert.ok(error instanceof ArgumentError, inspect(error));
      assert.equal(error.code, "InvalidArgument");
      assert.equal(error.module, "argument");
      return true;
    });
  };

  it("a password that is missing or no text makes no user", () => {
    for (const missing of [undefined, null, 5, {}, ["x"], utf8("x")] as unknown as string[]) {
      refused(() => NewUser.withPassword("ada", missing));
      refused(() => NewUser.passwordless(missing));
    }
    assert.equal(NewUser.withPassword("ada", "").password, "");
  });

  it("an empty name makes no user", () => {
    refused(() => NewUser.passwordless(""));
    refused(() => NewUser.withPassword("", "x"));
  });

  it("halves of surrogate pairs are neither names nor passwords: all would be the same", () => {
    for (const lone of ["\ud800", "a\udc00", "\udfff\ud800"]) {
      refused(() => NewUser.withPassword("ada", lone));
      refused(() => NewUser.passwordless(lone));
    }
    assert.equal(NewUser.withPassword("ada", "\ud83d\ude00").password, "😀");
  });

  it("no message holds what was passed", () => {
    try {
      NewUser.withPassword("ada", ["geheim"] as unknown as string);
      assert.fail("accepted");
    } catch (error) {
      assert.ok(!inspect(error).includes("geheim") && !JSON.stringify(error).includes("geheim"));
    }
  });
});
