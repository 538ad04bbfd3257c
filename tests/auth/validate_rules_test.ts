/** Verdicts on entries under given access rules (02 §4, §6.3, §10.1; 00 §B6, B8). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import {
  AuthSettings,
  Doc,
  Entry,
  type Operation,
  type Permission,
  PublicKey,
  ready,
  SigInfo,
  SigKey,
  validateEntry,
} from "../../mod.ts";
import type { AuthKey } from "../../mod.ts";
import { judge, operationOf } from "../../src/auth/validate.ts";
import { fromHex } from "../../src/util/hex.ts";
import { utf8 } from "../../src/util/bytes.ts";
import {
  active,
  admin,
  delegation,
  entryIn,
  idOf,
  keyOf,
  MemoryReader,
  read,
  revoked,
  rules,
  step,
  through,
  write,
} from "./rules_bed.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

const pub = (n: number) => keyOf(n).publicKey;

/** `valid`, `undecided`, or the code of what makes an entry invalid. */
async function verdict(
  entry: Entry,
  settings: AuthSettings,
  reader?: MemoryReader,
): Promise<string> {
  const { outcome, ...rest } = await validateEntry(entry, settings, reader);
  return outcome === "invalid" ? (rest as { error: { code: string } }).error.code : outcome;
}

/** The entry with the same content but another signature record. */
function withSig(entry: Entry, key: SigKey, sig = entry.sig.sig): Entry {
  const builder = Entry.builder(entry.root!).setParents(entry.parents).setHeight(entry.height)
    .setSig(new SigInfo(key, sig));
  for (const store of entry.subtrees) builder.setSubtreeData(store, entry.data(store));
  return builder.build();
}

test("02#6 a signature holds for exactly the identity under which it was made", () => {
  const [a, b] = [keyOf(1), keyOf(2)];
  const identities = [
    SigKey.fromPubkey(a.publicKey),
    SigKey.fromPubkey(b.publicKey),
    SigKey.global(a.publicKey),
    SigKey.fromName("a"),
    SigKey.fromName("b"),
    SigKey.direct({ name: "a", pubkey: a.publicKey }),
    SigKey.NONE,
    SigKey.delegation([], { pubkey: a.publicKey }),
    SigKey.delegation([step("t", idOf("1"))], { pubkey: a.publicKey }),
    SigKey.delegation([step("t", idOf("1"), idOf("2"))], { pubkey: a.publicKey }),
    SigKey.delegation([step("t", idOf("2"), idOf("1"))], { pubkey: a.publicKey }),
    SigKey.delegation([step("u", idOf("1"))], { pubkey: a.publicKey }),
    SigKey.delegation([step("t", idOf("1")), step("u")], { pubkey: a.publicKey }),
  ];
  for (const made of identities) {
    const signed = entryIn(["s"], a, made);
    for (const claimed of identities) {
      const moved = withSig(signed, claimed);
      assert.equal(moved.verifySignature(a.publicKey), made === claimed);
      assert.equal(moved.verifySignature(b.publicKey), false);
    }
  }
});

test("02#20 signed and unsigned, with and without rules", async () => {
  const listed = rules([keyOf(1), active(admin(0))]);
  const open = rules();
  open.addDelegatedTree(delegation("team", admin(0)));
  for (const none of [rules(), open, AuthSettings.fromDoc(Doc.from({ keys: {} }))]) {
    assert.equal(await verdict(entryIn(["s"]), none), "valid");
    assert.equal(await verdict(entryIn(["_settings"]), none), "valid");
    assert.equal(await verdict(entryIn(["s"], keyOf(1)), none), "NoAuthConfiguration");
    const delegated = entryIn(["s"], keyOf(1), through(pub(1), "team"));
    assert.equal(await verdict(delegated, none, new MemoryReader()), "NoAuthConfiguration");
  }
  for (const some of [listed, rules([keyOf(2), revoked(read)])]) {
    assert.equal(await verdict(entryIn(["s"]), some), "InvalidSignature");
  }
  assert.equal(await verdict(entryIn(["s"], keyOf(1)), listed), "valid");
});

test("02#12 malformed records are invalid whatever the rules are", async () => {
  const bare = entryIn(["s"]);
  const malformed = [
    withSig(bare, SigKey.fromName("n")),
    withSig(bare, SigKey.fromPubkey(pub(1))),
    withSig(bare, SigKey.global(pub(1))),
    withSig(bare, SigKey.NONE, "c2ln"),
    withSig(bare, SigKey.direct({ isGlobal: true }), "c2ln"),
    withSig(bare, SigKey.delegation([], {})),
    withSig(bare, through(pub(1), "team")),
  ];
  const everybody = rules([keyOf(1), active(admin(0), "n")]);
  everybody.setGlobalPermission(active(admin(0)));
  for (const entry of malformed) {
    for (const settings of [rules(), everybody]) {
      const reader = new MemoryReader();
      assert.equal(await verdict(entry, settings, reader), "MalformedEntry");
      assert.deepEqual(reader.asked, []);
    }
  }
});

test("02#21 the verdict follows the settings that are given, and no earlier ones", async () => {
  const entry = entryIn(["s"], keyOf(1));
  const settings = rules([keyOf(1), active(write(1))], [keyOf(2), active(admin(0))]);
  for (let turn = 0; turn < 3; turn++) {
    settings.overwriteKey(pub(1), active(write(1)));
    assert.equal(await verdict(entry, settings), "valid");
    settings.revokeKey(pub(1));
    assert.equal(await verdict(entry, settings), "PermissionDenied");
    settings.overwriteKey(pub(1), active(read));
    assert.equal(await verdict(entry, settings), "PermissionDenied");
  }
});

test("02#22 what does not verify or resolve is invalid, and nothing is thrown", async () => {
  const settings = rules([keyOf(1), active(admin(0), "n")]);
  const good = entryIn(["s"], keyOf(1));
  assert.equal(await verdict(good, settings), "valid");
  const own = SigKey.fromPubkey(pub(1));
  const sig = good.sig.sig!;
  const bad = [
    "",
    "c2ln",
    "not base64",
    sig.slice(1),
    `${sig} `,
    sig.replace(/=+$/, ""),
    "A".repeat(88),
  ];
  bad.push(sig.replaceAll("+", "-").replaceAll("/", "_") + "=", entryIn(["s"], keyOf(2)).sig.sig!);
  for (const text of bad) {
    assert.equal(await verdict(withSig(good, own, text), settings), "PermissionDenied", text);
  }
  const rows: [Entry, string][] = [
    [entryIn(["s"], keyOf(2), own), "PermissionDenied"],
    [entryIn(["s"], keyOf(2)), "KeyNotFound"],
    [entryIn(["s"], keyOf(1), SigKey.fromName("nobody")), "KeyNotFound"],
    [entryIn(["s"], keyOf(1), SigKey.global(pub(1))), "InvalidAuthConfiguration"],
    [entryIn(["s"], keyOf(1), through(pub(1), "team")), "DatabaseRequired"],
  ];
  for (const [entry, code] of rows) assert.equal(await verdict(entry, settings), code);
  const doc = settings.toDoc();
  doc.set(["keys", "no key"], active(admin(0), "n").toDoc());
  doc.set(["keys", pub(3).toString()], "text");
  const damaged = AuthSettings.fromDoc(doc);
  assert.equal(await verdict(entryIn(["s"], keyOf(3)), damaged), "InvalidKeyFormat");
  const byName = entryIn(["s"], keyOf(1), SigKey.fromName("n"));
  assert.equal(await verdict(byName, damaged), "InvalidKeyFormat");
  assert.equal(await verdict(good, damaged), "valid");
});

test("02#23 what counts as writing settings", () => {
  const rows: [string[], Operation][] = [
    [[], "WriteData"],
    [["s"], "WriteData"],
    [["_index"], "WriteData"],
    [["_root"], "WriteData"],
    [["settings", "_settings2"], "WriteData"],
    [["_settings"], "WriteSettings"],
    [["_index", "_settings", "s"], "WriteSettings"],
  ];
  for (const [stores, operation] of rows) {
    const isRoot = stores.includes("_root");
    const builder = isRoot ? Entry.rootBuilder() : Entry.builder(idOf("r")).addParent(idOf("p"));
    for (const store of stores) builder.setSubtreeData(store, utf8("{}"));
    assert.equal(operationOf(builder.build()), operation, `${stores}`);
  }
  const dataless = Entry.builder(idOf("r")).addParent(idOf("p")).setSubtreeParents("_settings", []);
  assert.equal(operationOf(dataless.build()), "WriteSettings", "with or without a payload");
});

/** The verdict of 02 §10.1 for a direct identity, said in the words of the chapter. */
function isAllowed(
  grant: AuthKey | undefined,
  stores: readonly string[],
  isSigner: boolean,
): boolean {
  if (grant === undefined || grant.status !== "Active" || !isSigner) return false;
  const { level } = grant.permissions;
  return stores.includes("_settings") ? level === "Admin" : level !== "Read";
}

test("02#21–#24 law: the verdict for every permission, status, store, hint and signer", async () => {
  const permissions: Permission[] = [read, write(0), write(9), admin(0), admin(9)];
  const grants = permissions.flatMap((each) => [active(each, "n"), revoked(each, "n")]);
  const storeSets = [["s"], ["_settings"], ["_index"], ["_index", "s"], ["_settings", "s"]];
  const sometimes = fc.option(fc.constantFrom(...grants), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      sometimes,
      sometimes,
      fc.constantFrom(...storeSets),
      fc.constantFrom(1, 2),
      async (own, global, stores, signer) => {
        const settings = rules([keyOf(3), active(admin(0))]);
        if (own !== undefined) settings.overwriteKey(pub(1), own);
        if (global !== undefined) settings.setGlobalPermission(global);
        const rows: [SigKey, AuthKey | undefined][] = [
          [SigKey.fromPubkey(pub(1)), own],
          [SigKey.fromName("n"), own],
          [SigKey.direct({ pubkey: pub(1), name: "other" }), own],
          [SigKey.global(pub(1)), global],
          [SigKey.direct({ pubkey: pub(1), name: "n", isGlobal: true }), global],
        ];
        for (const [identity, grant] of rows) {
          const entry = entryIn(stores, keyOf(signer), identity);
          const wanted = isAllowed(grant, stores, signer === 1);
          const got = await validateEntry(entry, settings);
          assert.equal(got.outcome, wanted ? "valid" : "invalid");
          if (got.outcome !== "valid") continue;
          assert.ok(got.key!.equals(pub(1)) && got.permission!.equals(grant!.permissions));
        }
      },
    ),
    { numRuns: cases(120) },
  );
});

test("02 §10.1 of several keys of one name all are tried until one covers the entry", async () => {
  const settings = rules(
    [keyOf(1), revoked(admin(0), "team")],
    [keyOf(2), active(read, "team")],
    [keyOf(3), active(write(1), "team")],
    [keyOf(4), active(admin(1), "team")],
    [keyOf(5), active(admin(1), "other")],
  );
  const can = async (n: number, store: string) =>
    await verdict(entryIn([store], keyOf(n), SigKey.fromName("team")), settings) === "valid";
  const table = await Promise.all(
    [1, 2, 3, 4, 5].map(async (n) => [await can(n, "s"), await can(n, "_settings")]),
  );
  const no = [false, false];
  assert.deepEqual(table, [no, no, [true, false], [true, true], no]);
});

test("02#24 the grant to everybody, also to a key that is revoked by itself", async () => {
  const settings = rules([keyOf(1), revoked(admin(0))], [keyOf(2), active(read)]);
  const asEverybody = (n: number, store: string) =>
    verdict(entryIn([store], keyOf(n), SigKey.global(pub(n))), settings);
  for (const n of [1, 2, 3]) assert.equal(await asEverybody(n, "s"), "InvalidAuthConfiguration");
  settings.setGlobalPermission(active(read));
  for (const n of [1, 2, 3]) assert.equal(await asEverybody(n, "s"), "PermissionDenied");
  settings.setGlobalPermission(active(write(0)));
  for (const n of [1, 2, 3]) {
    assert.equal(await asEverybody(n, "s"), "valid");
    assert.equal(await asEverybody(n, "_settings"), "PermissionDenied");
  }
  const borrowed = entryIn(["s"], keyOf(3), SigKey.global(pub(2)));
  assert.equal(await verdict(borrowed, settings), "PermissionDenied", "signed by another key");
  assert.equal(await verdict(entryIn(["s"], keyOf(1)), settings), "PermissionDenied", "as itself");
});

test("02 §15 a direct identity is judged at once, and each signature checked at most once a key", () => {
  const settings = rules([keyOf(1), active(write(1), "n")], [keyOf(2), active(read, "n")]);
  const entry = entryIn(["s"], keyOf(1), SigKey.fromName("n"));
  const checked: string[] = [];
  const result = judge(entry, settings, undefined, (key) => {
    checked.push(key.toString());
    return entry.verifySignature(key);
  });
  assert.ok(!(result instanceof Promise) && result.outcome === "valid");
  assert.deepEqual(new Set(checked).size, checked.length);
  assert.ok(checked.includes(pub(1).toString()));
});

test("00 §B3 a stored weak key is judged by the one rule for signatures, and nothing is thrown", async () => {
  const weak = PublicKey.fromBytes(fromHex(`01${"00".repeat(31)}`));
  const doc = rules([keyOf(1), active(admin(0))]).toDoc();
  doc.set(["keys", weak.toString()], active(admin(0)).toDoc());
  const settings = AuthSettings.fromDoc(doc);
  // R = identity, S = 0: the equation holds for every message under this key.
  const forged = `AQ${"A".repeat(84)}==`;
  const entry = withSig(entryIn(["s"]), SigKey.fromPubkey(weak), forged);
  assert.equal(entry.signature!.length, 64);
  assert.equal(await verdict(entry, settings), "valid", "as ed25519-dalek's plain verify says");
  const wrong = withSig(entryIn(["s"]), SigKey.fromPubkey(weak), `Ag${"A".repeat(84)}==`);
  assert.equal(await verdict(wrong, settings), "PermissionDenied");
});
