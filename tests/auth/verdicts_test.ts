import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import {
  AuthKey,
  AuthSettings,
  DelegatedTreeRef,
  EideticaError,
  Entry,
  ID,
  Permission,
  PrivateKey,
  ready,
  type SettingsReader,
  SigInfo,
  SigKey,
  validateEntry,
} from "../../mod.ts";
import { AuthError } from "../../src/util/errors.ts";
import { resolveIdentityPermission } from "../../src/auth/identity.ts";
import { resolveHint, resolveSigKey } from "../../src/auth/resolve.ts";
import { utf8 } from "../../src/util/bytes.ts";

const hasCode = (code: string) => (error: unknown) =>
  error instanceof EideticaError && error.code === code;
const root = ID.ofRaw(utf8("root"));
const [admin, write] = [Permission.admin, Permission.write];

before(async () => {
  await ready();
});

/** An entry that writes to `store`, signed by `key` under `identity`. */
function entry(
  store: string,
  key?: PrivateKey,
  identity = key && SigKey.fromPubkey(key.publicKey),
): Entry {
  const builder = Entry.builder(root).setParents([root]).setHeight(1).setSubtreeData(
    store,
    utf8("{}"),
  );
  if (key === undefined) return builder.build();
  return builder.setSig(new SigInfo(identity!)).build().sign(key);
}

function rules(...keys: [PrivateKey, AuthKey][]): AuthSettings {
  const settings = AuthSettings.empty();
  for (const [key, grant] of keys) settings.overwriteKey(key.publicKey, grant);
  return settings;
}

const outcome = async (of: Entry, settings: AuthSettings, reader?: SettingsReader) =>
  (await validateEntry(of, settings, reader)).outcome;

/** Access rules of other databases, as a table; all claimed tips are good. */
function readerOf(databases: ReadonlyMap<string, AuthSettings>): SettingsReader {
  return {
    delegatedSettings: (tree, claimed) => {
      const value = databases.get(`${tree}`);
      if (value === undefined) return Promise.resolve({ outcome: "undecided", missing: [tree] });
      if (claimed.length > 0) return Promise.resolve({ outcome: "known", value });
      return Promise.resolve({
        outcome: "refused",
        error: new AuthError("InvalidDelegationTips", "no tips"),
      });
    },
  };
}

const delegation = (name: string, max: Permission, min?: Permission) =>
  new DelegatedTreeRef({ max, min }, { root: ID.ofRaw(utf8(name)), tips: [] });
const step = (name: string) => ({ tree: ID.ofRaw(utf8(name)), tips: [root] });

describe("verdicts on entries", () => {
  it("02#6 a signature covers the identity", () => {
    const key = PrivateKey.generate();
    const signed = entry("s", key);
    assert.ok(signed.verifySignature(key.publicKey));
    for (
      const other of [
        SigKey.fromName("n"),
        SigKey.global(key.publicKey),
        SigKey.delegation([], { pubkey: key.publicKey }),
      ]
    ) {
      const moved = Entry.builder(root).setParents([root]).setHeight(1).setSubtreeData(
        "s",
        utf8("{}"),
      )
        .setSig(new SigInfo(other, signed.sig.sig)).build();
      assert.equal(moved.verifySignature(key.publicKey), false);
    }
  });

  it("02#19 hints resolve to one key, to all of a name, or to the grant to everybody", () => {
    const [one, two] = [PrivateKey.generate(), PrivateKey.generate()];
    const settings = rules([one, AuthKey.active("same", write(1))], [
      two,
      AuthKey.active("same", write(2)),
    ]);
    assert.equal(resolveHint(settings, { pubkey: one.publicKey, name: "ignored" }).length, 1);
    assert.equal(resolveHint(settings, { name: "same" }).length, 2);
    assert.throws(() => resolveHint(settings, { name: "*" }), hasCode("KeyNotFound"));
    assert.throws(
      () => resolveHint(settings, { isGlobal: true, pubkey: one.publicKey }),
      hasCode("InvalidAuthConfiguration"),
    );
    settings.setGlobalPermission(AuthKey.active(undefined, write(9)));
    const [global] = resolveHint(settings, { isGlobal: true, pubkey: one.publicKey });
    assert.deepEqual([global!.permission.display(), `${global!.publicKey}`], [
      "Write(9)",
      `${one.publicKey}`,
    ]);
    assert.throws(
      () => resolveHint(settings, { isGlobal: true }),
      hasCode("InvalidAuthConfiguration"),
    );
    assert.deepEqual(resolveHint(settings, {}), []);
  });

  it("02#20 unsigned and signed, with and without rules", async () => {
    const key = PrivateKey.generate();
    const some = rules([key, AuthKey.active("k", write(1))]);
    assert.equal(await outcome(entry("s"), AuthSettings.empty()), "valid");
    assert.equal(await outcome(entry("s"), some), "invalid");
    assert.equal(await outcome(entry("s", key), AuthSettings.empty()), "invalid");
    assert.equal(await outcome(entry("s", key), some), "valid");
  });

  it("02#21,#22 revoked keys, bad signatures and unknown names are invalid, not errors", async () => {
    const [key, other] = [PrivateKey.generate(), PrivateKey.generate()];
    const active = rules([key, AuthKey.active("k", write(1))]);
    const revoked = rules([key, new AuthKey("k", write(1), "Revoked")]);
    const signed = entry("s", key);
    assert.deepEqual([
      await outcome(signed, active),
      await outcome(signed, revoked),
      await outcome(signed, active),
    ], ["valid", "invalid", "valid"]);
    assert.equal(
      await outcome(entry("s", other, SigKey.fromPubkey(key.publicKey)), active),
      "invalid",
    );
    assert.equal(await outcome(entry("s", key, SigKey.fromName("nobody")), active), "invalid");
    const garbage = Entry.builder(root).setParents([root]).setHeight(1)
      .setSig(new SigInfo(SigKey.fromPubkey(key.publicKey), "not base64")).build();
    assert.equal(await outcome(garbage, active), "invalid");
  });

  it("02#23 who may write what", async () => {
    const [a, w, r] = [PrivateKey.generate(), PrivateKey.generate(), PrivateKey.generate()];
    const settings = rules([a, AuthKey.active("a", admin(0))], [w, AuthKey.active("w", write(0))], [
      r,
      AuthKey.active("r", Permission.read),
    ]);
    const can = async (key: PrivateKey) =>
      await Promise.all(
        ["s", "_index", "_settings"].map(async (store) =>
          await outcome(entry(store, key), settings) === "valid"
        ),
      );
    assert.deepEqual(await can(a), [true, true, true]);
    assert.deepEqual(await can(w), [true, true, false]);
    assert.deepEqual(await can(r), [false, false, false]);
  });

  it("02#22 of several keys of one name the one that has signed counts", async () => {
    const [one, two] = [PrivateKey.generate(), PrivateKey.generate()];
    const settings = rules([one, AuthKey.active("team", Permission.read)], [
      two,
      AuthKey.active("team", write(1)),
    ]);
    assert.equal(await outcome(entry("s", two, SigKey.fromName("team")), settings), "valid");
    assert.equal(await outcome(entry("s", one, SigKey.fromName("team")), settings), "invalid");
  });

  it("02#24 the grant to everybody", async () => {
    const stranger = PrivateKey.generate();
    const settings = rules([PrivateKey.generate(), AuthKey.active("k", admin(0))]);
    const global = entry("s", stranger, SigKey.global(stranger.publicKey));
    assert.equal(await outcome(global, settings), "invalid");
    settings.setGlobalPermission(AuthKey.active(undefined, Permission.read));
    assert.equal(await outcome(global, settings), "invalid");
    settings.setGlobalPermission(AuthKey.active(undefined, write(5)));
    assert.equal(await outcome(global, settings), "valid");
    assert.equal(
      await outcome(entry("s", PrivateKey.generate(), SigKey.global(stranger.publicKey)), settings),
      "invalid",
    );
  });
});

describe("delegation", () => {
  it("02#30,#31 bounds of one and of two hops", async () => {
    const key = PrivateKey.generate();
    const inner = rules([key, AuthKey.active("k", admin(3))]);
    const outer = AuthSettings.empty();
    outer.addDelegatedTree(delegation("inner", write(8)));
    const settings = AuthSettings.empty();
    settings.addDelegatedTree(delegation("outer", write(5)));
    settings.addDelegatedTree(delegation("inner", write(10)));
    const reader = readerOf(
      new Map([[`${ID.ofRaw(utf8("inner"))}`, inner], [`${ID.ofRaw(utf8("outer"))}`, outer]]),
    );
    const resolve = async (...names: string[]) => {
      const found = await resolveSigKey(
        SigKey.delegation(names.map(step), { pubkey: key.publicKey }),
        settings,
        reader,
      );
      return found.outcome === "known" ? found.value[0]!.permission.display() : found.outcome;
    };
    assert.equal(await resolve("inner"), "Write(10)");
    assert.equal(await resolve("outer", "inner"), "Write(8)");
  });

  it("02#32 what is refused before anything is read", async () => {
    const key = PrivateKey.generate();
    const settings = AuthSettings.empty();
    settings.addDelegatedTree(delegation("a", write(1)));
    const asked: string[] = [];
    const reader: SettingsReader = {
      delegatedSettings: (tree) => {
        asked.push(`${tree}`);
        return Promise.resolve({ outcome: "undecided", missing: [tree] });
      },
    };
    const hint = { pubkey: key.publicKey };
    const many = Array.from({ length: 65 }, (_, at) => ID.ofRaw(utf8(`${at}`)));
    for (
      const [sigKey, code] of [
        [SigKey.delegation([], hint), "EmptyDelegationPath"],
        [
          SigKey.delegation(Array.from({ length: 11 }, () => step("a")), hint),
          "DelegationPathTooLong",
        ],
        [
          SigKey.delegation([{ tree: ID.ofRaw(utf8("a")), tips: many }], hint),
          "DelegationTipsTooMany",
        ],
        [SigKey.delegation([step("a")], { ...hint, isGlobal: true }), "InvalidDelegationStep"],
        [SigKey.delegation([step("undeclared")], hint), "DelegationNotFound"],
      ] as const
    ) {
      const found = await resolveSigKey(sigKey, settings, reader);
      assert.equal(found.outcome === "refused" ? found.error.code : found.outcome, code);
    }
    assert.deepEqual(asked, []);
    const alone = await resolveSigKey(SigKey.delegation([step("a")], hint), settings);
    assert.equal(alone.outcome === "refused" && alone.error.code, "DatabaseRequired");
    const ten = SigKey.delegation(Array.from({ length: 10 }, () => step("a")), hint);
    assert.equal((await resolveSigKey(ten, settings, reader)).outcome, "undecided");
  });

  it("02#35,#46 a database that is not held leaves the entry undecided; its key's revocation ends it", async () => {
    const key = PrivateKey.generate();
    const settings = rules([PrivateKey.generate(), AuthKey.active("o", admin(0))]);
    settings.addDelegatedTree(delegation("team", write(10)));
    const signed = entry("s", key, SigKey.delegation([step("team")], { pubkey: key.publicKey }));
    const team = `${ID.ofRaw(utf8("team"))}`;
    assert.equal(await outcome(signed, settings, readerOf(new Map())), "undecided");
    const active = rules([key, AuthKey.active("k", write(1))]);
    assert.equal(await outcome(signed, settings, readerOf(new Map([[team, active]]))), "valid");
    const revoked = rules([key, new AuthKey("k", write(1), "Revoked")]);
    assert.equal(await outcome(signed, settings, readerOf(new Map([[team, revoked]]))), "invalid");
    const changesSettings = entry(
      "_settings",
      key,
      SigKey.delegation([step("team")], { pubkey: key.publicKey }),
    );
    assert.equal(
      await outcome(changesSettings, settings, readerOf(new Map([[team, active]]))),
      "invalid",
    );
  });
});

describe("permission of an identity", () => {
  it("02#40 proven keys, fallbacks and mismatches", async () => {
    const [key, other] = [PrivateKey.generate(), PrivateKey.generate()];
    const settings = rules([key, AuthKey.active("k", Permission.read)]);
    const of = (identity: SigKey, proven = key) =>
      resolveIdentityPermission(proven.publicKey, identity, settings);
    const own = SigKey.fromPubkey(key.publicKey);
    await assert.rejects(of(own, other), hasCode("SigningKeyMismatch"));
    assert.equal((await of(own)).display(), "Read");
    await assert.rejects(of(SigKey.NONE), hasCode("InvalidAuthConfiguration"));
    await assert.rejects(of(SigKey.global(key.publicKey)), hasCode("InvalidAuthConfiguration"));
    settings.revokeKey(key.publicKey);
    await assert.rejects(of(own), hasCode("KeyNotFound"));
    settings.setGlobalPermission(AuthKey.active(undefined, write(7)));
    assert.equal(
      (await of(own)).display(),
      "Write(7)",
      "a revoked key falls back to what everybody has",
    );
    settings.overwriteKey(key.publicKey, AuthKey.active("k", Permission.read));
    assert.equal((await of(own)).display(), "Read", "a listed key keeps its own, narrower grant");
  });
});
