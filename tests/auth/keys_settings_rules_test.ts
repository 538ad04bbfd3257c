/** The view of the access rules: listing, changing, damaged records, what sticks (02 §5, §8, §12). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import {
  AuthKey,
  AuthSettings,
  type DelegatedTreeRef,
  Doc,
  isConflict,
  isNotFound,
  type Permission,
  PublicKey,
  ready,
} from "../../mod.ts";
import { fromHex } from "../../src/util/hex.ts";
import { CrdtError } from "../../src/util/errors.ts";
import {
  active,
  admin,
  delegation,
  entryIn,
  hasCode,
  idOf,
  keyOf,
  read,
  revoked,
  rules,
  write,
} from "./rules_bed.ts";
import { validateEntry } from "../../src/auth/validate.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

const pub = (n: number): PublicKey => keyOf(n).publicKey;

/** Settings of an `auth` document that is given as plain members. */
function settingsOf(auth: (doc: Doc) => void): AuthSettings {
  const doc = new Doc();
  auth(doc);
  return AuthSettings.fromDoc(doc);
}

test("02#14 adding, overwriting, renaming and revoking", () => {
  const settings = rules();
  settings.addKey(pub(1), active(write(5), "one"));
  assert.throws(() => settings.addKey(pub(1), active(read)), (error) => {
    return hasCode("KeyAlreadyExists")(error) && isConflict(error);
  });
  assert.deepEqual(settings.getKeyByPubkey(pub(1)), active(write(5), "one"));
  settings.revokeKey(pub(1));
  assert.deepEqual(settings.getKeyByPubkey(pub(1)), revoked(write(5), "one"));
  assert.throws(() => settings.addKey(pub(1), active(read)), hasCode("KeyAlreadyExists"));
  settings.renameKey(pub(1), "two");
  assert.deepEqual(settings.getKeyByPubkey(pub(1)), revoked(write(5), "two"));
  settings.renameKey(pub(1), undefined);
  assert.deepEqual(settings.getKeyByPubkey(pub(1)), revoked(write(5)));
  settings.overwriteKey(pub(1), active(admin(0)));
  assert.deepEqual(settings.getKeyByPubkey(pub(1)), active(admin(0)));
});

test("02#14 what is not listed is not found, by every method", () => {
  const settings = rules([keyOf(1), active(admin(0), "one")]);
  const unknown = pub(2);
  const notFound = (error: unknown) => hasCode("KeyNotFound")(error) && isNotFound(error);
  for (
    const action of [
      () => settings.getKeyByPubkey(unknown),
      () => settings.renameKey(unknown, "n"),
      () => settings.revokeKey(unknown),
      () => settings.canModifyKey(admin(0), unknown),
      () => settings.getGlobalKey(),
    ]
  ) assert.throws(action, notFound);
  assert.deepEqual(settings.findKeysByName("nobody"), []);
  const missing = (error: unknown) => hasCode("DelegationNotFound")(error) && isNotFound(error);
  assert.throws(() => settings.getDelegatedTree(idOf("t")), missing);
  assert.throws(() => settings.resolveSigKeyForOperation(unknown), hasCode("PermissionDenied"));
});

test("02#15 law: keys of one name are all found, sorted by key, of any status", () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(numbers, numbers, (same, other) => {
      const settings = rules();
      for (const n of other) settings.overwriteKey(pub(n), active(read, "other"));
      for (const n of same) {
        settings.overwriteKey(pub(n), (n % 2 ? active : revoked)(write(n), "same"));
      }
      const wanted = same.map((n) => pub(n).toString()).sort();
      assert.deepEqual(settings.findKeysByName("same").map(([text]) => text), wanted);
      assert.equal(settings.getAllKeys().length, new Set([...same, ...other]).size);
      assert.deepEqual(settings.findKeysByName("Same"), []);
    }),
    { numRuns: cases(30) },
  );
});

test("02#15,#17 merging keeps keys of both sides, and one whole record of each key", () => {
  const left = rules([keyOf(1), active(admin(1), "left")], [keyOf(2), active(write(2), "l2")]);
  const right = rules([keyOf(1), revoked(read)], [keyOf(3), active(write(3), "r3")]);
  for (const [first, later] of [[left, right], [right, left]] as const) {
    const merged = AuthSettings.fromDoc(first.toDoc().merge(later.toDoc()));
    assert.deepEqual(merged.getKeyByPubkey(pub(1)), later.getKeyByPubkey(pub(1)));
    assert.deepEqual(merged.getKeyByPubkey(pub(2)), active(write(2), "l2"));
    assert.deepEqual(merged.getKeyByPubkey(pub(3)), active(write(3), "r3"));
    assert.equal(merged.getAllKeys().length, 3);
  }
});

test("02 §8.2 a view is a value: it shares nothing with documents and other views", () => {
  const doc = rules([keyOf(1), active(admin(0))]).toDoc();
  const view = AuthSettings.fromDoc(doc);
  view.overwriteKey(pub(2), active(read));
  view.revokeKey(pub(1));
  assert.equal(AuthSettings.fromDoc(doc).getAllKeys().length, 1);
  assert.ok(AuthSettings.fromDoc(doc).getKeyByPubkey(pub(1)).isActive);
  view.toDoc().set("keys", "text");
  assert.equal(view.getAllKeys().length, 2);
  doc.set("keys", "text");
  assert.equal(view.getAllKeys().length, 2);
});

test("02 §8.1 keys and delegations stand where the chapter says", () => {
  const settings = rules([keyOf(1), active(admin(0))]);
  settings.setGlobalPermission(active(read));
  settings.addDelegatedTree(delegation("team", write(10), read, [idOf("tip")]));
  const doc = settings.toDoc();
  assert.deepEqual([...doc.keys()].sort(), ["delegations", "global", "keys"]);
  const key = `{"Doc":${active(admin(0)).toDoc().stringify()}}`;
  assert.equal(doc.getDoc("keys")!.stringify(), `{"children":{"${pub(1)}":${key}}}`);
  assert.ok(!doc.isAtomic() && !doc.getDoc("keys")!.isAtomic());
  assert.ok(doc.getDoc(["delegations", idOf("team").toString()])!.isAtomic());
  assert.ok(doc.getDoc("global")!.isAtomic());
  assert.equal(doc.getString(["keys", pub(1).toString(), "permissions", "type"]), "Admin");
});

test("02 §8.2 damaged keys are skipped in lists, refused when asked for, and may be overwritten", () => {
  const damages: ((doc: Doc, path: string[]) => unknown)[] = [
    (doc, path) => doc.set(path, "text"),
    (doc, path) => doc.set(path, Doc.from({ status: "Active" })),
    (doc, path) => doc.set(path, Doc.from({ permissions: { type: "Owner" }, status: "Active" })),
    (doc, path) => doc.set(path, Doc.from({ permissions: { type: "Write" }, status: "Active" })),
    (doc, path) => doc.set(path, Doc.from({ permissions: { type: "Read" }, status: "active" })),
    (doc, path) => doc.set(path, Doc.from({ permissions: { type: "Read" } })),
    (doc, path) => doc.set(path, Doc.from({ permissions: "Read", status: "Active" })),
  ];
  for (const damage of damages) {
    const settings = settingsOf((doc) => damage(doc, ["keys", pub(1).toString()]));
    assert.throws(() => settings.getKeyByPubkey(pub(1)), hasCode("InvalidKeyFormat"));
    assert.throws(() => settings.revokeKey(pub(1)), hasCode("InvalidKeyFormat"));
    assert.deepEqual([settings.getAllKeys(), settings.findAllSigkeysForPubkey(pub(1))], [[], []]);
    settings.addKey(pub(1), active(write(1)));
    assert.deepEqual(settings.getKeyByPubkey(pub(1)), active(write(1)));
    const global = settingsOf((doc) => damage(doc, ["global"]));
    assert.throws(() => global.getGlobalKey(), hasCode("InvalidKeyFormat"));
    assert.equal(global.getGlobalPermission(), undefined);
  }
});

test("02 §5 a name that is no text is no name, and a document without its parts is an error", () => {
  const doc = active(read).toDoc();
  doc.set("name", 7);
  assert.equal(AuthKey.fromDoc(doc).name, undefined);
  for (const part of ["permissions", "status"]) {
    const broken = active(write(1), "n").toDoc();
    broken.set(part, 1);
    assert.throws(() => AuthKey.fromDoc(broken), (error) => {
      return error instanceof CrdtError && error.code === "ElementNotFound";
    });
  }
});

test("02 §8.2 the grant to everybody counts while it is active", () => {
  const settings = rules();
  settings.setGlobalPermission(active(write(7), "all"));
  assert.equal(`${settings.getGlobalPermission()}`, "write:7");
  assert.deepEqual(settings.getGlobalKey(), active(write(7), "all"));
  settings.setGlobalPermission(revoked(write(7)));
  assert.equal(settings.getGlobalPermission(), undefined);
  assert.deepEqual(settings.getGlobalKey(), revoked(write(7)));
});

test("02 §8.2 delegations: upsert, damaged ones, ones under a name that is not theirs", () => {
  const settings = rules();
  const text = (ref: DelegatedTreeRef) => JSON.stringify(ref);
  settings.addDelegatedTree(delegation("a", write(10)));
  settings.addDelegatedTree(delegation("b", read));
  settings.addDelegatedTree(delegation("a", admin(3), write(4), [idOf("t")]));
  const wanted = delegation("a", admin(3), write(4), [idOf("t")]);
  assert.equal(text(settings.getDelegatedTree(idOf("a"))), text(wanted));
  assert.equal(settings.getAllDelegatedTrees().length, 2);
  const broken = settingsOf((doc) => {
    doc.set(["delegations", idOf("a").toString()], "text");
    doc.set(["delegations", idOf("b").toString()], Doc.from({ tree: { root: "x" } }));
    doc.set(["delegations", idOf("c").toString()], delegation("other", read).toDoc());
  });
  for (const name of ["a", "b", "c"]) {
    const action = () => broken.getDelegatedTree(idOf(name));
    assert.throws(action, hasCode("InvalidAuthConfiguration"), name);
  }
  const misnamed = settingsOf((doc) => {
    doc.set(["delegations", "no ID"], "what cannot be read is passed over");
    doc.set(["delegations", "none either"], delegation("a", read).toDoc());
  });
  assert.throws(() => misnamed.getAllDelegatedTrees(), hasCode("InvalidAuthConfiguration"));
});

test("02 §7 tips: in the order of their numbers, other members passed over, bad IDs refused", () => {
  const doc = delegation("a", read, undefined, [idOf("0")]).toDoc();
  doc.set(["tree", "tips", "10"], idOf("10").toString());
  doc.set(["tree", "tips", "9"], idOf("9").toString());
  doc.set(["tree", "tips", "-1"], "bad");
  doc.set(["tree", "tips", "x"], "bad");
  doc.set(["tree", "tips", "3"], 7);
  const settings = (of: Doc) =>
    settingsOf((auth) => auth.set(["delegations", idOf("a").toString()], of));
  const tips = settings(doc).getDelegatedTree(idOf("a")).tree.tips.map(String);
  assert.deepEqual(tips, ["0", "9", "10"].map((label) => idOf(label).toString()));
  for (const [path, value] of [["tree.tips.1", "bad"], ["tree.root", "bad"]] as const) {
    const broken = doc.merge(new Doc());
    broken.set(path, value);
    const action = () => settings(broken).getDelegatedTree(idOf("a"));
    assert.throws(action, hasCode("InvalidAuthConfiguration"), path);
  }
  doc.set("tree.tips", "text");
  assert.deepEqual(settings(doc).getDelegatedTree(idOf("a")).tree.tips, []);
});

test("02#41 identities of a key: active ones, strongest first, its own before the one of all", () => {
  const rows: [AuthKey | undefined, AuthKey | undefined, string[]][] = [
    [active(admin(0)), active(write(10)), ["own admin:0", "global write:10"]],
    [active(write(20)), active(write(10)), ["global write:10", "own write:20"]],
    [active(write(10)), active(write(10)), ["own write:10", "global write:10"]],
    [revoked(admin(0)), active(read), ["global read"]],
    [active(read), revoked(admin(0)), ["own read"]],
    [revoked(read), undefined, []],
    [undefined, undefined, []],
  ];
  for (const [own, global, wanted] of rows) {
    const settings = own === undefined ? rules() : rules([keyOf(1), own]);
    if (global !== undefined) settings.setGlobalPermission(global);
    const found = settings.findAllSigkeysForPubkey(pub(1));
    const shown = found.map(([key, permission]) =>
      `${key.isGlobal ? "global" : "own"} ${permission}`
    );
    assert.deepEqual(shown, wanted);
    for (const [key] of found) assert.ok(key.hint.pubkey!.equals(pub(1)));
    if (found.length === 0) continue;
    assert.ok(settings.resolveSigKeyForOperation(pub(1))[0].equals(found[0]![0]));
  }
});

test("02#43 who should change whom, and list whom", () => {
  const levels: Permission[] = [read, write(10), write(5), admin(200), admin(100), admin(1)];
  for (const [at, signer] of levels.entries()) {
    for (const [other, target] of levels.entries()) {
      const settings = rules([keyOf(1), active(target)]);
      const wanted = signer.canAdmin() && at >= other;
      assert.equal(settings.canModifyKey(signer, pub(1)), wanted, `${signer} ${target}`);
      assert.equal(settings.canCreateKey(signer, target), wanted, `${signer} ${target}`);
    }
  }
  assert.equal(
    rules().canModifyKey(write(0), pub(1)),
    false,
    "refused before the key is looked up",
  );
});

test("00 §B3 keys whose signatures prove nothing are not listed", () => {
  const weak = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ];
  for (const hex of weak) {
    const key = PublicKey.fromBytes(fromHex(hex));
    const settings = rules();
    assert.throws(() => settings.addKey(key, active(write(1))), hasCode("InvalidKeyFormat"), hex);
    assert.throws(() => settings.overwriteKey(key, active(write(1))), hasCode("InvalidKeyFormat"));
    assert.equal(settings.isConfigured, false);
  }
});

test("00 §B8 what was ever listed keeps a database signed, also when it is revoked, deleted or broken", async () => {
  const text = pub(1).toString();
  const listed = () => rules([keyOf(1), active(admin(0))]).toDoc();
  const deleted = (...path: string[]) => {
    const delta = new Doc();
    delta.remove(path);
    return listed().merge(delta);
  };
  const everybody = settingsOf((doc) => doc.set("global", active(read).toDoc())).toDoc();
  everybody.remove("global");
  const everybodyElse = rules();
  everybodyElse.setGlobalPermission(revoked(read));
  const configured: Record<string, Doc> = {
    "listed": listed(),
    "revoked": rules([keyOf(1), revoked(admin(0))]).toDoc(),
    "deleted": deleted("keys", text),
    "all keys deleted": deleted("keys"),
    "keys are text": settingsOf((doc) => doc.set("keys", "text")).toDoc(),
    "a damaged key": settingsOf((doc) => doc.set(["keys", "nonsense"], 1)).toDoc(),
    "a revoked grant to everybody": everybodyElse.toDoc(),
    "a damaged grant to everybody": settingsOf((doc) => doc.set("global", 1)).toDoc(),
    "a deleted grant to everybody": everybody,
  };
  for (const [label, doc] of Object.entries(configured)) {
    const settings = AuthSettings.fromDoc(doc);
    assert.equal(settings.isConfigured, true, label);
    assert.equal((await validateEntry(entryIn(["s"]), settings)).outcome, "invalid", label);
  }
  const open = rules();
  open.addDelegatedTree(delegation("team", admin(0)));
  const never = [rules(), open, settingsOf((doc) => doc.set("keys", new Doc()))];
  never.push(settingsOf((doc) => doc.set("future", "member")));
  for (const settings of never) {
    assert.equal(settings.isConfigured, false);
    assert.equal((await validateEntry(entryIn(["s"]), settings)).outcome, "valid");
    settings.setGlobalPermission(active(read));
    assert.equal(settings.isConfigured, true, "as soon as something is listed");
  }
});
