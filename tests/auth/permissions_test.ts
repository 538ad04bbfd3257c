import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import {
  AuthKey,
  AuthSettings,
  DelegatedTreeRef,
  Doc,
  EideticaError,
  ID,
  Permission,
  type PermissionBounds,
  PrivateKey,
  PublicKey,
  SigInfo,
  SigKey,
} from "../../mod.ts";
import {
  areValidBounds,
  canDelegateWithBounds,
  clampPermission,
  combineBounds,
} from "../../src/auth/delegation.ts";
import { parseKeyStatus } from "../../src/auth/auth_key.ts";
import { hintType, isHintSet } from "../../src/entry/sig_info.ts";
import { fromHex } from "../../src/util/hex.ts";
import { utf8 } from "../../src/util/bytes.ts";

const hasCode = (code: string) => (error: unknown) =>
  error instanceof EideticaError && error.code === code;
const MAX = 2 ** 32 - 1;
const [admin, write] = [Permission.admin, Permission.write];

const anyPermission = fc.oneof(
  fc.constant(Permission.read),
  fc.integer({ min: 0, max: MAX }).map(write),
  fc.integer({ min: 0, max: MAX }).map(admin),
);

describe("permissions", () => {
  it("02#7 one total order: levels first, then the smaller number", () => {
    const numbers = [0, 1, 5, 10, 100, 2 ** 31, MAX - 1, MAX];
    const weakestFirst = [
      Permission.read,
      ...[...numbers].reverse().map(write),
      ...[...numbers].reverse().map(admin),
    ];
    for (const [at, one] of weakestFirst.entries()) {
      for (const [other, two] of weakestFirst.entries()) {
        assert.equal(Math.sign(one.compare(two)), Math.sign(at - other), `${one} ${two}`);
      }
    }
    assert.ok(admin(MAX).compare(write(0)) > 0);
    assert.ok(admin(5).clampTo(write(0)).equals(write(0)));
    assert.ok(write(5).clampTo(admin(0)).equals(write(5)));
  });

  it("02#8,#30 clamping: every row of the table of 02 §7.1", () => {
    const rows: [Permission, PermissionBounds, Permission][] = [
      [admin(5), { max: write(10), min: Permission.read }, write(10)],
      [write(5), { max: write(10), min: undefined }, write(10)],
      [write(20), { max: write(5), min: write(15) }, write(15)],
      [Permission.read, { max: admin(5), min: write(10) }, write(10)],
      [write(15), { max: write(5), min: admin(25) }, write(15)],
      [admin(0), { max: write(5), min: admin(25) }, write(5)],
      [admin(MAX), { max: admin(MAX), min: undefined }, admin(MAX)],
    ];
    for (const [permission, bounds, wanted] of rows) {
      assert.equal(`${clampPermission(permission, bounds)}`, `${wanted}`);
    }
  });

  it("02#8 law: clamping is idempotent and stays within bounds that make sense", () => {
    fc.assert(
      fc.property(
        anyPermission,
        anyPermission,
        fc.option(anyPermission, { nil: undefined }),
        (permission, max, min) => {
          const bounds = { max, min };
          const once = clampPermission(permission, bounds);
          assert.ok(clampPermission(once, bounds).equals(once));
          assert.ok(once.compare(max) <= 0);
          if (areValidBounds(bounds) && min !== undefined) assert.ok(once.compare(min) >= 0);
          assert.equal(canDelegateWithBounds(max, bounds), areValidBounds(bounds));
        },
      ),
    );
  });

  it("02#31 the bounds of two hops: the smaller upper one, the larger lower one", () => {
    const outer = { max: write(5), min: write(5) };
    const inner = { max: write(20), min: undefined };
    const both = combineBounds(outer, inner);
    assert.ok(both.max.equals(write(20)));
    assert.ok(
      clampPermission(Permission.read, both).equals(Permission.read),
      "applied once, not step by step",
    );
    assert.ok(
      clampPermission(
        admin(3),
        combineBounds({ max: write(5), min: undefined }, { max: write(8), min: undefined }),
      ).equals(write(8)),
    );
  });

  it("02#9 the text form", () => {
    for (const permission of [admin(0), write(10), Permission.read, write(MAX)]) {
      assert.ok(Permission.parse(`${permission}`).equals(permission));
    }
    assert.ok(Permission.parse("read:x").equals(Permission.read));
    assert.ok(Permission.parse("write:+7").equals(write(7)));
    for (
      const [text, code] of [
        ["write", "PermissionRequiresPriority"],
        ["admin", "PermissionRequiresPriority"],
        ["admin:1:2", "PermissionRequiresPriority"],
        ["write:x", "InvalidPriorityValue"],
        ["write:4294967296", "InvalidPriorityValue"],
        ["Write:1", "InvalidPermissionString"],
        ["invalid", "InvalidPermissionString"],
      ] as const
    ) {
      assert.throws(() => Permission.parse(text), hasCode(code), text);
    }
    assert.equal(parseKeyStatus("revoked"), "Revoked");
    assert.throws(() => parseKeyStatus("Active"), hasCode("InvalidKeyStatus"));
    assert.throws(() => admin(-1), hasCode("InvalidPriorityValue"));
  });

  it("02#10, 04#40 JSON and document forms", () => {
    assert.equal(
      JSON.stringify([admin(0), write(10), Permission.read]),
      '[{"Admin":0},{"Write":10},"Read"]',
    );
    const key = new AuthKey("laptop", write(5), "Active");
    assert.equal(
      key.toDoc().stringify(),
      '{"_a":true,"children":{"name":{"Text":"laptop"},"permissions":{"Doc":{"children":{"priority":{"Int":5},"type":{"Text":"Write"}}}},"status":{"Text":"Active"}}}',
    );
    assert.equal(
      JSON.stringify(AuthKey.active(undefined, Permission.read)),
      '{"permissions":"Read","status":"Active"}',
    );
    const tips = Array.from({ length: 12 }, (_, at) => ID.ofRaw(utf8(`tip ${at}`)));
    const reference = new DelegatedTreeRef({ max: write(10), min: undefined }, {
      root: tips[0]!,
      tips,
    });
    const doc = reference.toDoc();
    assert.ok(doc.isAtomic());
    assert.deepEqual([...doc.keys()], ["permission_bounds", "tree"]);
    assert.deepEqual(
      DelegatedTreeRef.fromDoc(doc).tree.tips.map(String),
      tips.map(String),
      "in numeric order",
    );
    assert.equal(
      JSON.stringify(reference).slice(0, 54),
      '{"permission-bounds":{"max":{"Write":10},"min":null},"',
    );
  });

  it("02 §3 a stored priority is cut to 32 bits; what is missing has its own error", () => {
    const stored = (priority: number | bigint) =>
      Permission.fromDoc(Doc.from({ type: "Write", priority }));
    assert.equal(stored(-1).priority, MAX);
    assert.equal(stored(2 ** 32).priority, 0);
    assert.equal(stored(2n ** 62n + 3n).priority, 3);
    assert.throws(
      () => Permission.fromDoc(Doc.from({ type: "Write" })),
      hasCode("ElementNotFound"),
    );
    assert.throws(
      () => Permission.fromDoc(Doc.from({ type: "Owner" })),
      hasCode("DeserializationFailed"),
    );
    assert.throws(
      () => AuthKey.fromDoc(Doc.from({ permissions: { type: "Read" }, status: "Gone" })),
      hasCode("DeserializationFailed"),
    );
    assert.throws(
      () => AuthKey.fromDoc(Doc.from({ status: "Active" })),
      hasCode("ElementNotFound"),
    );
  });
});

describe("identities", () => {
  it("02#11 hints", () => {
    const pubkey = PublicKey.random();
    assert.deepEqual(
      [{}, { name: "n" }, { pubkey }, { pubkey, isGlobal: true }, { isGlobal: true }].map((
        hint,
      ) => [hintType(hint), isHintSet(hint)]),
      [
        ["none", false],
        ["name", true],
        ["pubkey", true],
        ["global", true],
        ["none", false],
      ],
    );
  });

  it("02#12,#13 records of a signature that fit, and that do not", () => {
    const named = SigKey.fromName("n");
    const delegated = SigKey.delegation([], { name: "n" });
    assert.deepEqual([SigInfo.UNSIGNED.isUnsigned, SigInfo.UNSIGNED.malformedReason], [
      true,
      undefined,
    ]);
    for (
      const bad of [new SigInfo(named), new SigInfo(SigKey.NONE, "c2ln"), new SigInfo(delegated)]
    ) {
      assert.equal(typeof bad.malformedReason, "string");
    }
    assert.equal(new SigInfo(delegated).isUnsigned, false);
    for (
      const json of ["text", null, { pubkey: 123 }, { Direct: { hint: { pubkey: 123 } } }, {
        Direct: {},
      }, {}]
    ) {
      assert.throws(() => SigKey.fromJSON(json), hasCode("InvalidStructure"), JSON.stringify(json));
    }
    const tip = ID.ofRaw(utf8("t"));
    const twice = SigKey.delegation([{ tree: tip, tips: [tip, tip] }], { name: "n" });
    assert.ok(SigKey.fromJSON(twice.toJSON()).equals(twice));
  });
});

describe("access rules", () => {
  const rules = (change: (settings: AuthSettings) => void): AuthSettings => {
    const settings = AuthSettings.empty();
    change(settings);
    return settings;
  };

  it("02#14,#15 adding, overwriting, renaming, revoking", () => {
    const [one, two] = [PublicKey.random(), PublicKey.random()];
    const settings = rules((all) => {
      all.addKey(one, AuthKey.active("same", write(1)));
      all.addKey(two, AuthKey.active("same", admin(2)));
    });
    assert.throws(
      () => settings.addKey(one, AuthKey.active("x", write(1))),
      hasCode("KeyAlreadyExists"),
    );
    settings.renameKey(one, "other");
    settings.revokeKey(one);
    const key = settings.getKeyByPubkey(one);
    assert.deepEqual([key.name, key.permissions.display(), key.status], [
      "other",
      "Write(1)",
      "Revoked",
    ]);
    settings.renameKey(one, "same");
    assert.deepEqual(
      settings.findKeysByName("same").map(([text]) => text),
      [`${one}`, `${two}`].sort(),
    );
    assert.throws(() => settings.revokeKey(PublicKey.random()), hasCode("KeyNotFound"));
    const left = rules((all) => all.addKey(one, AuthKey.active("l", write(1)))).toDoc();
    const right = rules((all) => all.addKey(two, AuthKey.active("r", write(1)))).toDoc();
    assert.equal(AuthSettings.fromDoc(left.merge(right)).getAllKeys().length, 2);
  });

  it("02#17 two writes of one key leave one of them whole", () => {
    const key = PublicKey.random();
    const named = rules((all) => all.addKey(key, AuthKey.active("name", admin(0)))).toDoc();
    const plain = rules((all) =>
      all.addKey(key, new AuthKey(undefined, Permission.read, "Revoked"))
    ).toDoc();
    const merged = AuthSettings.fromDoc(named.merge(plain)).getKeyByPubkey(key);
    assert.deepEqual([merged.name, merged.permissions.display(), merged.status], [
      undefined,
      "Read",
      "Revoked",
    ]);
  });

  it("00 §B3 weak keys are refused when they are added", () => {
    const weak = PublicKey.fromBytes(fromHex("00".repeat(32)));
    assert.ok(weak.isWeak);
    assert.throws(
      () => AuthSettings.empty().addKey(weak, AuthKey.active("w", write(1))),
      hasCode("InvalidKeyFormat"),
    );
  });

  it("02#41 identities: the strongest first, revoked ones not at all", () => {
    const key = PrivateKey.generate().publicKey;
    const settings = rules((all) => {
      all.addKey(key, AuthKey.active("k", write(20)));
      all.setGlobalPermission(AuthKey.active(undefined, write(10)));
    });
    assert.deepEqual(settings.findAllSigkeysForPubkey(key).map(([sigKey]) => sigKey.isGlobal), [
      true,
      false,
    ]);
    settings.revokeKey(key);
    assert.deepEqual(settings.findAllSigkeysForPubkey(key).map(([sigKey]) => sigKey.isGlobal), [
      true,
    ]);
    assert.throws(
      () => AuthSettings.empty().resolveSigKeyForOperation(key),
      hasCode("PermissionDenied"),
    );
  });

  it("02#43 who should change whom", () => {
    const [strong, weak] = [PublicKey.random(), PublicKey.random()];
    const settings = rules((all) => {
      all.addKey(strong, AuthKey.active("s", admin(1)));
      all.addKey(weak, AuthKey.active("w", admin(100)));
    });
    assert.equal(settings.canModifyKey(admin(100), strong), false);
    assert.equal(settings.canModifyKey(admin(100), weak), true);
    assert.equal(settings.canModifyKey(write(0), weak), false);
    assert.equal(settings.canCreateKey(admin(100), admin(200)), true);
    assert.equal(settings.canCreateKey(admin(100), admin(50)), false);
  });

  it("00 §B8 access rules that were ever there stay in force", () => {
    assert.equal(AuthSettings.empty().isConfigured, false);
    const revoked = rules((all) =>
      all.setGlobalPermission(new AuthKey(undefined, Permission.read, "Revoked"))
    );
    assert.equal(revoked.isConfigured, true);
    assert.equal(AuthSettings.fromDoc(Doc.from({ keys: { nonsense: 1 } })).isConfigured, true);
  });
});
