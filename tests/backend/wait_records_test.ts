/** Records of entries that wait for many others. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ready } from "../../mod.ts";
import {
  decodeRole,
  decodeWaitCount,
  encodeRoles,
  encodeWaitCount,
  storeTag,
} from "../../src/backend/records/wait_records.ts";
import { BackendError } from "../../src/util/errors.ts";
import fc from "../helpers/fast_check.ts";

const role = fc.record({
  isParent: fc.boolean(),
  stores: fc.uniqueArray(fc.string({ unit: "grapheme" }), { maxLength: 4 }),
});

/** What `read` does with bytes: it reads them, or says that they are damaged. */
function readOrRefuse(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof BackendError && error.code === "TreeIntegrityViolation", `${error}`);
    return undefined;
  }
}

describe("records of entries that wait", () => {
  it("are read as they were written: roles with a tag in place of each name", async () => {
    await ready();
    fc.assert(fc.property(fc.array(role, { maxLength: 5 }), (roles) => {
      const read = encodeRoles(roles).map(decodeRole);
      const expected = roles.map(({ isParent, stores }) => ({
        isParent,
        tags: stores.map(storeTag),
      }));
      assert.deepEqual(read, expected);
    }));
    assert.equal(decodeRole(new Uint8Array(0)), undefined, "of an entry that is not counted");
  });

  it("are read as they were written: counts", () => {
    const size = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(fc.property(size, size, (one, other) => {
      const count = { all: Math.max(one, other), parents: Math.min(one, other) };
      assert.deepEqual(decodeWaitCount(encodeWaitCount(count)), count);
    }));
  });

  it("are refused as damaged when they are anything else", () => {
    assert.throws(() => decodeRole(Uint8Array.of(2)), { code: "TreeIntegrityViolation" });
    const tooMany = encodeWaitCount({ all: 1, parents: 2 });
    assert.throws(() => decodeWaitCount(tooMany), { code: "TreeIntegrityViolation" });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const read = readOrRefuse(() => decodeRole(bytes)) as ReturnType<typeof decodeRole>;
      if (read !== undefined) assert.equal(bytes.length, 1 + 16 * read.tags.length);
      const count = readOrRefuse(() => decodeWaitCount(bytes));
      if (count !== undefined) assert.equal(bytes.length, 8);
    }));
  });
});
