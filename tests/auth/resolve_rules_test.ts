/** What a hint stands for, and what a proven key may do under an identity (02 §6, §9.1, §11.1). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import {
  AuthSettings,
  DatabaseKey,
  isAuthenticationError,
  isNotFound,
  isPermissionDenied,
  type Permission,
  ready,
  SigInfo,
  SigKey,
} from "../../mod.ts";
import type { AuthKey } from "../../mod.ts";
import { resolveIdentityPermission } from "../../src/auth/identity.ts";
import { resolveHint } from "../../src/auth/resolve.ts";
import { hintType, isHintSet, type KeyHint } from "../../src/entry/sig_info.ts";
import { AuthError } from "../../src/util/errors.ts";
import {
  active,
  admin,
  delegation,
  hasCode,
  idOf,
  keyOf,
  MemoryReader,
  read,
  refusal,
  revoked,
  rules,
  step,
  through,
  write,
} from "./rules_bed.ts";

before(async () => {
  await ready();
});

const pub = (n: number) => keyOf(n).publicKey;

/** Candidates of a hint as text, or the code of the error. */
function candidates(settings: AuthSettings, hint: KeyHint): string[] | string {
  try {
    return resolveHint(settings, hint).map(({ publicKey, permission, status }) => {
      const n = [1, 2, 3, 4].find((each) => pub(each).equals(publicKey));
      return `${n} ${permission} ${status}`;
    });
  } catch (error) {
    assert.ok(error instanceof AuthError);
    return error.code;
  }
}

test("02#11 kinds of hints, with the flag and every mix", () => {
  const pubkey = pub(1);
  const rows: [KeyHint, string, boolean][] = [
    [{}, "none", false],
    [{ name: "n" }, "name", true],
    [{ name: "" }, "name", true],
    [{ pubkey }, "pubkey", true],
    [{ pubkey, name: "n" }, "pubkey", true],
    [{ pubkey, isGlobal: true }, "global", true],
    [{ pubkey, name: "n", isGlobal: true }, "global", true],
    [{ isGlobal: true }, "none", false],
    [{ name: "n", isGlobal: true }, "name", true],
  ];
  for (const [hint, type, isSet] of rows) {
    assert.deepEqual([hintType(hint), isHintSet(hint)], [type, isSet], JSON.stringify(hint));
  }
  assert.equal(hintType(SigKey.NONE.hint), "none");
  assert.equal(SigKey.direct({ isGlobal: true }).isGlobal, true, "the flag alone is the flag");
});

test("02#12 every mix of hint, signature and delegation: unsigned, fitting or malformed", () => {
  const hints: [KeyHint, boolean][] = [[{}, false], [{ isGlobal: true }, false]];
  hints.push([{ name: "n" }, true], [{ pubkey: pub(1) }, true]);
  for (const [hint, isSet] of hints) {
    for (const sig of [undefined, "c2ln"]) {
      const direct = new SigInfo(SigKey.direct(hint), sig);
      assert.equal(direct.isUnsigned, !isSet && sig === undefined);
      assert.equal(direct.malformedReason === undefined, isSet === (sig !== undefined));
      for (const path of [[], [step("a")]]) {
        const delegated = new SigInfo(SigKey.delegation(path, hint), sig);
        assert.equal(delegated.isUnsigned, false);
        assert.equal(delegated.malformedReason === undefined, sig !== undefined);
      }
    }
  }
  assert.equal(new SigInfo(SigKey.fromName("n"), "not base64").malformedReason, undefined);
});

test("02#13 law: identities survive JSON, whatever tips they claim", () => {
  const id = fc.constantFrom(..."abcd");
  const path = fc.array(fc.tuple(id, fc.array(id, { maxLength: 4 })), { maxLength: 4 });
  fc.assert(fc.property(path, fc.option(fc.string()), fc.boolean(), (steps, name, isGlobal) => {
    const hint: KeyHint = { name: name ?? undefined, isGlobal: isGlobal || undefined };
    const key = SigKey.delegation(
      steps.map(([tree, tips]) => ({ tree: idOf(tree), tips: tips.map(idOf) })),
      hint,
    );
    const again = SigKey.fromJSON(JSON.parse(JSON.stringify(key)));
    assert.ok(again.equals(key) && !again.equals(SigKey.direct(hint)));
    assert.deepEqual(
      again.path!.map((each) => each.tips.map(String)),
      steps.map(([, tips]) => {
        return tips.map((tip) => idOf(tip).toString());
      }),
    );
  }));
});

test("02#19 hints: by key, by name, by the grant to everybody, by nothing", () => {
  const settings = rules(
    [keyOf(1), active(admin(0), "n")],
    [keyOf(2), revoked(write(2), "n")],
    [keyOf(3), active(read, "*")],
  );
  assert.deepEqual(candidates(settings, { pubkey: pub(1) }), ["1 admin:0 Active"]);
  assert.deepEqual(candidates(settings, { pubkey: pub(2), name: "*" }), ["2 write:2 Revoked"]);
  const both = candidates(settings, { name: "n" }) as string[];
  assert.deepEqual(both.toSorted(), ["1 admin:0 Active", "2 write:2 Revoked"]);
  assert.equal(both[0]![0] === "1", pub(1).toString() < pub(2).toString(), "sorted by key");
  assert.deepEqual(candidates(settings, { name: "*" }), ["3 read Active"], "just a name");
  assert.deepEqual(candidates(settings, {}), []);
  assert.equal(candidates(settings, { pubkey: pub(4) }), "KeyNotFound");
  assert.equal(candidates(settings, { name: "N" }), "KeyNotFound");
});

test("02#19,#24 the grant to everybody goes before key and name, whatever its status", () => {
  const settings = rules([keyOf(1), revoked(admin(0), "n")]);
  const hint = { pubkey: pub(1), name: "n", isGlobal: true };
  assert.equal(candidates(settings, hint), "InvalidAuthConfiguration");
  settings.setGlobalPermission(active(read));
  assert.deepEqual(candidates(settings, hint), ["1 read Active"]);
  assert.deepEqual(candidates(settings, { pubkey: pub(4), isGlobal: true }), ["4 read Active"]);
  settings.setGlobalPermission(revoked(write(3)));
  assert.deepEqual(candidates(settings, hint), ["1 write:3 Revoked"]);
  for (const keyless of [{ isGlobal: true }, { isGlobal: true, name: "n" }]) {
    assert.equal(candidates(settings, keyless), "InvalidAuthConfiguration");
  }
  const doc = settings.toDoc();
  doc.set("global", "text");
  assert.equal(candidates(AuthSettings.fromDoc(doc), hint), "InvalidAuthConfiguration");
});

test("02 §9.1 damaged records: their own key is refused, a name with a bad key fails as a whole", () => {
  const doc = rules([keyOf(1), active(read, "n")]).toDoc();
  doc.set(["keys", pub(2).toString()], "text");
  doc.set(["keys", "no key"], active(write(1), "m").toDoc());
  const settings = AuthSettings.fromDoc(doc);
  assert.equal(candidates(settings, { pubkey: pub(2) }), "InvalidKeyFormat");
  assert.deepEqual(candidates(settings, { name: "n" }), ["1 read Active"]);
  assert.equal(candidates(settings, { name: "m" }), "InvalidKeyFormat");
  doc.remove(["keys", pub(1).toString()]);
  const deleted = AuthSettings.fromDoc(doc);
  assert.equal(candidates(deleted, { pubkey: pub(1) }), "KeyNotFound");
});

test("02#21 a revoked key resolves, as revoked", () => {
  const settings = rules([keyOf(1), active(write(1), "n")]);
  settings.revokeKey(pub(1));
  for (const hint of [{ pubkey: pub(1) }, { name: "n" }]) {
    assert.deepEqual(candidates(settings, hint), ["1 write:1 Revoked"]);
  }
});

/** The permission of key 1 under an identity as text, or the code of the error. */
async function permissionOf(
  identity: SigKey,
  settings: AuthSettings,
  reader?: MemoryReader,
): Promise<string> {
  try {
    return `${await resolveIdentityPermission(pub(1), identity, settings, reader)}`;
  } catch (error) {
    assert.ok(error instanceof AuthError && isAuthenticationError(error), `${error}`);
    return error.code;
  }
}

test("02#40 law: what a proven key may do directly, for every kind of listing", async () => {
  const listings: (AuthKey | undefined)[] = [undefined, active(read, "n"), active(admin(3), "n")];
  listings.push(revoked(admin(0), "n"));
  const globals: (AuthKey | undefined)[] = [undefined, active(write(7)), revoked(admin(0))];
  const isActive = (key: AuthKey | undefined) => key?.isActive === true;
  for (const own of listings) {
    for (const global of globals) {
      const settings = own === undefined ? rules() : rules([keyOf(1), own]);
      if (global !== undefined) settings.setGlobalPermission(global);
      const all: Permission | undefined = isActive(global) ? global!.permissions : undefined;
      const mine = isActive(own) ? own!.permissions : all;
      const wanted = mine === undefined ? "KeyNotFound" : `${mine}`;
      assert.equal(await permissionOf(SigKey.fromPubkey(pub(1)), settings), wanted);
      assert.equal(await permissionOf(SigKey.fromName("n"), settings), wanted);
      const stranger = all === undefined ? "KeyNotFound" : `${all}`;
      assert.equal(await permissionOf(SigKey.fromName("nobody"), settings), stranger);
      const everybody = all === undefined ? "InvalidAuthConfiguration" : `${all}`;
      assert.equal(await permissionOf(SigKey.global(pub(1)), settings), everybody);
      assert.equal(await permissionOf(SigKey.direct({ isGlobal: true }), settings), everybody);
      const other = [SigKey.fromPubkey(pub(2)), SigKey.global(pub(2))];
      other.push(SigKey.direct({ pubkey: pub(2), name: "n" }));
      for (const identity of other) {
        assert.equal(await permissionOf(identity, settings), "SigningKeyMismatch");
      }
      assert.equal(await permissionOf(SigKey.NONE, settings), "InvalidAuthConfiguration");
    }
  }
});

test("02#40 a name that only others have gives nothing but what everybody has", async () => {
  const settings = rules([keyOf(2), active(admin(0), "n")], [keyOf(1), active(write(9), "m")]);
  assert.equal(await permissionOf(SigKey.fromName("n"), settings), "KeyNotFound");
  settings.setGlobalPermission(active(read));
  assert.equal(await permissionOf(SigKey.fromName("n"), settings), "read");
  assert.equal(await permissionOf(SigKey.fromName("m"), settings), "write:9");
});

test("02#40 a proven key through a delegation: the strongest active grant, else a mismatch", async () => {
  const settings = rules();
  settings.addDelegatedTree(delegation("a", write(5)));
  settings.setGlobalPermission(active(admin(0)));
  const through1 = through(pub(1), "a");
  const rows: [AuthSettings, SigKey, string][] = [
    [rules([keyOf(1), active(admin(0))]), through1, "write:5"],
    [rules([keyOf(1), revoked(admin(0))]), through1, "SigningKeyMismatch"],
    [rules([keyOf(2), active(admin(0))]), through(pub(2), "a"), "SigningKeyMismatch"],
    [rules(), through1, "InvalidAuthConfiguration"],
    [
      rules([keyOf(1), active(write(8), "n")], [keyOf(2), active(admin(0), "n")]),
      SigKey.delegation([step("a")], { name: "n" }),
      "write:8",
    ],
  ];
  for (const [inner, identity, wanted] of rows) {
    const reader = new MemoryReader().knows("a", inner);
    assert.equal(await permissionOf(identity, settings, reader), wanted);
  }
  assert.equal(await permissionOf(through1, settings), "InvalidAuthConfiguration", "no reader");
  const refused = new MemoryReader().answers("a", refusal("InvalidDelegationTips"));
  assert.equal(await permissionOf(through1, settings, refused), "InvalidAuthConfiguration");
  assert.equal(await permissionOf(through1, settings, new MemoryReader()), "DelegatedTreeUnsynced");
});

test("02#44 predicates and fields of errors", async () => {
  const settings = rules([keyOf(1), active(read)]);
  const thrown = async (action: () => unknown): Promise<AuthError> => {
    try {
      await action();
    } catch (error) {
      if (error instanceof AuthError) return error;
    }
    throw new Error("no error of this module was thrown");
  };
  const notFound = await thrown(() => settings.getKeyByPubkey(pub(2)));
  assert.deepEqual([notFound.code, notFound.fields.keyName], ["KeyNotFound", `${pub(2)}`]);
  assert.ok(isNotFound(notFound) && !isPermissionDenied(notFound));
  const denied = await thrown(() => rules().resolveSigKeyForOperation(pub(1)));
  assert.ok(isPermissionDenied(denied) && !isNotFound(denied));
  const unknown = await thrown(() => settings.getDelegatedTree(idOf("t")));
  assert.ok(isNotFound(unknown));
  assert.equal(`${unknown.fields.treeId}`, `${idOf("t")}`);
  const twice = await thrown(() => settings.addKey(pub(1), active(read)));
  assert.deepEqual([twice.code, twice.fields.keyName], ["KeyAlreadyExists", `${pub(1)}`]);
  const doc = settings;
  doc.addDelegatedTree(delegation("a", read));
  const unsynced = await thrown(() =>
    resolveIdentityPermission(pub(1), through(pub(1), "a"), doc, new MemoryReader())
  );
  assert.equal(unsynced.code, "DelegatedTreeUnsynced");
  assert.deepEqual(unsynced.fields.missing, [idOf("a tip").toString()], "exactly what is missing");
  for (const error of [notFound, denied, unknown, twice, unsynced]) {
    assert.ok(isAuthenticationError(error));
    assert.deepEqual([error.module, error.name], ["auth", "AuthError"]);
    assert.ok(!error.message.includes(keyOf(1).reveal()), "no secrets");
  }
});

test("02 §6.4 a database key acts as itself, as everybody, under a name, or as told", () => {
  const key = keyOf(1);
  const identity = through(pub(1), "a");
  const rows: [DatabaseKey, SigKey][] = [
    [new DatabaseKey(key), SigKey.fromPubkey(pub(1))],
    [DatabaseKey.global(key), SigKey.global(pub(1))],
    [DatabaseKey.withName(key, "n"), SigKey.fromName("n")],
    [DatabaseKey.withIdentity(key, identity), identity],
  ];
  for (const [made, wanted] of rows) {
    assert.ok(made.identity.equals(wanted) && made.publicKey.equals(pub(1)));
  }
  assert.throws(() => SigKey.fromJSON({ pubkey: 123 }), hasCode("InvalidStructure"));
});
