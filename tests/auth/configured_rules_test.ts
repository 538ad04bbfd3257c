/** What sticks, and what is never listed (00 §B3, B8). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { AuthSettings, Doc, PublicKey, ready, validateEntry } from "../../mod.ts";
import { fromHex } from "../../src/util/hex.ts";
import {
  active,
  admin,
  delegation,
  entryIn,
  hasCode,
  keyOf,
  MemoryReader,
  read,
  revoked,
  rules,
  through,
  write,
} from "./rules_bed.ts";

before(async () => {
  await ready();
});

/** Settings of an `auth` document that is given as plain members. */
function settingsOf(auth: (doc: Doc) => void): AuthSettings {
  const doc = new Doc();
  auth(doc);
  return AuthSettings.fromDoc(doc);
}

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
  const text = keyOf(1).publicKey.toString();
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

test("02 §10.1 delegations alone let nobody act: it takes a key that can be read, or an active grant", async () => {
  const [gone, member] = [keyOf(1), keyOf(2)];
  const reader = new MemoryReader().knows("team", rules([member, active(write(1))]));
  const entry = entryIn(["s"], member, through(member.publicKey, "team"));
  const verdict = async (settings: AuthSettings) => {
    settings.addDelegatedTree(delegation("team", write(1)));
    const found = await validateEntry(entry, settings, reader);
    return found.outcome === "invalid" ? found.error.code : found.outcome;
  };
  const deleted = rules([gone, active(admin(0))]).toDoc();
  deleted.remove(["keys", gone.publicKey.toString()]);
  const closed = rules();
  closed.setGlobalPermission(revoked(read));
  const open = rules();
  open.setGlobalPermission(active(read));
  assert.equal(await verdict(AuthSettings.fromDoc(deleted)), "NoAuthConfiguration");
  assert.equal(await verdict(closed), "NoAuthConfiguration");
  const damaged = settingsOf((doc) => doc.set(["keys", gone.publicKey.toString()], "broken"));
  assert.equal(await verdict(damaged), "NoAuthConfiguration");
  assert.equal(await verdict(rules([gone, revoked(admin(0))])), "valid");
  assert.equal(await verdict(open), "valid");
});
