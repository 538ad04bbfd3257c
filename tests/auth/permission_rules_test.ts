/** Permissions, statuses, key records and their forms (02 §3–§5, §7). */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import {
  AuthKey,
  DelegatedTreeRef,
  Doc,
  isAuthenticationError,
  Permission,
  type PermissionBounds,
} from "../../mod.ts";
import { parseKeyStatus } from "../../src/auth/auth_key.ts";
import {
  areValidBounds,
  canDelegateWithBounds,
  clampPermission,
  combineBounds,
} from "../../src/auth/delegation.ts";
import { permits } from "../../src/auth/validate.ts";
import { AuthError, CrdtError } from "../../src/util/errors.ts";
import { admin, delegation, hasCode, idOf, MAX, read, write } from "./rules_bed.ts";

const priority = fc.oneof(
  fc.constantFrom(0, 1, 5, 10, 100, 2 ** 31, MAX - 1, MAX),
  fc.integer({ min: 0, max: MAX }),
);
const anyPermission = fc.oneof(fc.constant(read), priority.map(write), priority.map(admin));
const anyBounds: fc.Arbitrary<PermissionBounds> = fc.record({
  max: anyPermission,
  min: fc.option(anyPermission, { nil: undefined }),
});

/** The ordering value of 02 §3, computed with whole numbers of any size. */
function rank({ level, priority = 0 }: Permission): bigint {
  const most = 2n ** 32n - 1n;
  if (level === "Read") return 0n;
  return level === "Write" ? 1n + most - BigInt(priority) : 2n + 2n * most - BigInt(priority);
}

test("02#7 law: the order is that of the ordering value of the chapter", () => {
  fc.assert(fc.property(anyPermission, anyPermission, (a, b) => {
    const wanted = rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0;
    assert.equal(Math.sign(a.compare(b)), wanted);
    assert.equal(a.equals(b), wanted === 0);
    assert.equal(a.equals(b), `${a}` === `${b}`, "no two distinct ones are equal");
    assert.ok(a.clampTo(b).equals(wanted <= 0 ? a : b));
    assert.ok(a.clampTo(b).equals(b.clampTo(a)));
  }));
  assert.ok(admin(MAX).compare(write(0)) > 0 && !admin(MAX).equals(write(0)));
  assert.ok(write(MAX).compare(read) > 0);
});

test("02 §3, §4 what each level may do", () => {
  const rows: [Permission, boolean, boolean, number | undefined][] = [
    [read, false, false, undefined],
    [write(0), true, false, 0],
    [write(MAX), true, false, MAX],
    [admin(0), true, true, 0],
    [admin(MAX), true, true, MAX],
  ];
  for (const [permission, data, settings, priority] of rows) {
    assert.deepEqual(
      [permission.canWrite(), permission.canAdmin(), permission.priority],
      [data, settings, priority],
    );
    assert.equal(permits(permission, "WriteData"), data);
    assert.equal(permits(permission, "WriteSettings"), settings);
  }
});

test("02#8 every row of the table of 02 §7.1, and the extremes", () => {
  const rows: [Permission, Permission, Permission | undefined, Permission][] = [
    [admin(5), write(10), read, write(10)],
    [write(5), write(10), undefined, write(10)],
    [write(20), write(5), write(15), write(15)],
    [read, admin(5), write(10), write(10)],
    [write(15), write(5), admin(25), write(15)],
    [admin(0), write(5), admin(25), write(5)],
    [admin(0), admin(MAX), undefined, admin(MAX)],
    [admin(MAX), admin(0), undefined, admin(MAX)],
    [write(0), admin(MAX), undefined, write(0)],
    [write(0), admin(MAX), admin(MAX), admin(MAX)],
    [read, write(MAX), write(MAX), write(MAX)],
    [read, read, undefined, read],
    [admin(0), read, read, read],
    [read, read, write(MAX), read],
    [write(7), write(0), write(MAX), write(7)],
  ];
  for (const [permission, max, min, wanted] of rows) {
    const label = `${permission} in ${max} … ${min}`;
    assert.equal(`${clampPermission(permission, { max, min })}`, `${wanted}`, label);
  }
});

test("02#8 law: clamping gives the permission, the upper or the lower bound, and no other", () => {
  fc.assert(fc.property(anyPermission, anyBounds, (permission, bounds) => {
    const { max, min } = bounds;
    const got = clampPermission(permission, bounds);
    const isValid = min === undefined || rank(min) <= rank(max);
    assert.equal(areValidBounds(bounds), isValid);
    const lifted = isValid && min !== undefined && rank(permission) < rank(min) ? min : permission;
    assert.ok(got.equals(rank(permission) > rank(max) ? max : lifted));
  }));
});

test("02 §9.2 law: combining bounds takes the smaller upper and the larger lower one", () => {
  fc.assert(fc.property(anyBounds, anyBounds, anyBounds, (a, b, c) => {
    const text = ({ max, min }: PermissionBounds) => `${max} ${min}`;
    const both = combineBounds(a, b);
    assert.equal(text(both), text(combineBounds(b, a)));
    assert.equal(text(combineBounds(both, c)), text(combineBounds(a, combineBounds(b, c))));
    assert.equal(text(combineBounds(a, a)), text(a));
    assert.ok(both.max.compare(a.max) <= 0 && both.max.compare(b.max) <= 0);
    const mins = [a.min, b.min].filter((min) => min !== undefined);
    assert.equal(both.min === undefined, mins.length === 0);
    for (const min of mins) assert.ok(both.min!.compare(min) >= 0);
  }));
});

test("02 §7.1 law: bounds can be handed out by whom they do not exceed", () => {
  fc.assert(fc.property(anyPermission, anyBounds, (delegator, bounds) => {
    const wanted = rank(bounds.max) <= rank(delegator) && areValidBounds(bounds);
    assert.equal(canDelegateWithBounds(delegator, bounds), wanted);
  }));
});

test("02#9 law: text, JSON and document give back the permission", () => {
  fc.assert(fc.property(anyPermission, (permission) => {
    assert.ok(Permission.parse(permission.toString()).equals(permission));
    assert.ok(Permission.fromDoc(permission.toDoc()).equals(permission));
    const { level, priority } = permission;
    assert.deepEqual(permission.toJSON(), level === "Read" ? level : { [level]: priority });
    assert.equal(
      permission.toString(),
      level === "Read" ? "read" : `${level.toLowerCase()}:${priority}`,
    );
  }));
});

test("02#9 what each text is, or why it is none", () => {
  const reads: Record<string, Permission> = {
    "read": read,
    "read:": read,
    "read:x": read,
    "read:1:2": read,
    "write:0": write(0),
    "write:+0": write(0),
    "admin:0004": admin(4),
    "admin:4294967295": admin(MAX),
  };
  for (const [text, permission] of Object.entries(reads)) {
    assert.ok(Permission.parse(text).equals(permission), text);
  }
  const refused: Record<string, string[]> = {
    PermissionRequiresPriority: ["write", "admin", "write:1:", "admin:1:2"],
    InvalidPriorityValue: [
      ...["write:", "write:x", "admin:-1", "admin:+", "write:++1", "write: 1", "write:1 "],
      ...["admin:4294967296", "write:1.0", "write:1e1", "admin:0x1", "write:٣"],
      "admin:99999999999999999999999999",
    ],
    InvalidPermissionString: [
      "",
      "invalid",
      "Read",
      "WRITE:1",
      "Admin:0",
      " read",
      "owner:1",
      ":1",
    ],
  };
  for (const [code, texts] of Object.entries(refused)) {
    for (const text of texts) {
      assert.throws(() => Permission.parse(text), (error) => {
        assert.ok(error instanceof AuthError && isAuthenticationError(error));
        assert.equal(error.code, code, `"${text}"`);
        return true;
      });
    }
  }
});

test("02#9 priorities outside 32 bits cannot be made", () => {
  for (const make of [write, admin]) {
    for (const bad of [-1, 2 ** 32, 0.5, NaN, Infinity]) {
      assert.throws(() => make(bad), hasCode("InvalidPriorityValue"), `${bad}`);
    }
  }
});

test("02 §4 statuses", () => {
  assert.deepEqual([parseKeyStatus("active"), parseKeyStatus("revoked")], ["Active", "Revoked"]);
  for (const bad of ["", "Active", "REVOKED", "active "]) {
    assert.throws(() => parseKeyStatus(bad), hasCode("InvalidKeyStatus"), bad);
  }
});

test("02 §3 stored permissions: whole numbers are cut to 32 bits, all else is an error", () => {
  const stored = (fields: Record<string, string | number | bigint | boolean>) =>
    Permission.fromDoc(Doc.from(fields));
  const cut: [number | bigint, number][] = [[-1, MAX], [2 ** 32, 0], [2 ** 32 + 5, 5], [7, 7]];
  cut.push([-(2n ** 63n), 0], [2n ** 63n - 1n, MAX], [-(2 ** 31), 2 ** 31]);
  for (const [value, wanted] of cut) {
    for (const type of ["Admin", "Write"] as const) {
      assert.equal(stored({ type, priority: value }).toString(), `${type.toLowerCase()}:${wanted}`);
    }
  }
  assert.ok(stored({ type: "Read", priority: "any" }).equals(read));
  const crdtError = (code: string) => (error: unknown) =>
    error instanceof CrdtError && error.code === code;
  for (const bad of [{}, { priority: 1 }, { type: 1 }, { type: true }]) {
    assert.throws(() => stored(bad as Record<string, number>), crdtError("ElementNotFound"));
  }
  for (const bad of ["1", true]) {
    assert.throws(() => stored({ type: "Write", priority: bad }), crdtError("ElementNotFound"));
  }
  assert.throws(() => stored({ type: "Write" }), crdtError("ElementNotFound"));
  for (const type of ["read", "write", "Owner", ""]) {
    assert.throws(() => stored({ type, priority: 1 }), crdtError("DeserializationFailed"), type);
  }
});

test("02#10, 04#40 key records: JSON, and documents that are atomic on the outside only", () => {
  const rows: [AuthKey, string, string][] = [
    [
      new AuthKey("laptop", write(10), "Revoked"),
      '{"name":"laptop","permissions":{"Write":10},"status":"Revoked"}',
      '{"_a":true,"children":{"name":{"Text":"laptop"},"permissions":{"Doc":{"children":' +
      '{"priority":{"Int":10},"type":{"Text":"Write"}}}},"status":{"Text":"Revoked"}}}',
    ],
    [
      AuthKey.active(undefined, read),
      '{"permissions":"Read","status":"Active"}',
      '{"_a":true,"children":{"permissions":{"Doc":{"children":{"type":{"Text":"Read"}}}},' +
      '"status":{"Text":"Active"}}}',
    ],
    [
      AuthKey.active("", admin(0)),
      '{"name":"","permissions":{"Admin":0},"status":"Active"}',
      '{"_a":true,"children":{"name":{"Text":""},"permissions":{"Doc":{"children":' +
      '{"priority":{"Int":0},"type":{"Text":"Admin"}}}},"status":{"Text":"Active"}}}',
    ],
  ];
  for (const [key, json, doc] of rows) {
    assert.equal(JSON.stringify(key), json);
    assert.equal(key.toDoc().stringify(), doc);
    assert.ok(key.toDoc().isAtomic() && !key.toDoc().getDoc("permissions")!.isAtomic());
    assert.deepEqual(AuthKey.fromDoc(Doc.parse(doc)), key);
  }
});

test("02#10, 04#40 delegations: hyphen and null in JSON, underscore and absence in documents", () => {
  const tips = Array.from({ length: 25 }, (_, at) => idOf(`tip ${at}`));
  const reference = delegation("team", write(10), undefined, tips);
  assert.equal(
    JSON.stringify(reference),
    `{"permission-bounds":{"max":{"Write":10},"min":null},"tree":${
      JSON.stringify({ root: idOf("team"), tips })
    }}`,
  );
  const doc = reference.toDoc();
  assert.deepEqual([...doc.keys()], ["permission_bounds", "tree"]);
  assert.deepEqual(
    [doc, doc.getDoc("tree")!, doc.getDoc("permission_bounds")!].map((each) => each.isAtomic()),
    [true, false, false],
  );
  assert.equal(doc.has("permission_bounds.min"), false);
  const again = DelegatedTreeRef.fromDoc(doc);
  assert.equal(JSON.stringify(again), JSON.stringify(reference), "tips in the order of numbers");
  const lifted = delegation("team", admin(1), read);
  assert.ok(JSON.stringify(lifted).includes('{"max":{"Admin":1},"min":"Read"}'));
  assert.equal(
    lifted.toDoc().getDoc("permission_bounds")!.stringify(),
    '{"children":{"max":{"Doc":{"children":{"priority":{"Int":1},"type":{"Text":"Admin"}}}},' +
      '"min":{"Doc":{"children":{"type":{"Text":"Read"}}}}}}',
  );
});
