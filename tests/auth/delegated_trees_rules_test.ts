/** Delegation to databases that are really held: floors, claimed tips, time (02 §9.2, §9.3; 00 §B6). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import {
  type AuthKey,
  type Database,
  type Entry,
  type ID,
  Instance,
  NewUser,
  type Permission,
  type PrivateKey,
  ready,
  SigKey,
  validateEntry,
  type Verdict,
} from "../../mod.ts";
import { resolveSigKey } from "../../src/auth/resolve.ts";
import type { SettingsReader } from "../../src/auth/port.ts";
import { delegatedSettings } from "../../src/settings/delegated_settings.ts";
import { DelegatedTreeRef } from "../../src/auth/delegation.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import {
  active,
  admin,
  delegation,
  entryIn,
  idOf,
  keyOf,
  MemoryReader,
  read,
  refusal,
  revoked,
  rules,
  through,
  write,
} from "./rules_bed.ts";

before(async () => {
  await ready();
});

const pub = (n: number) => keyOf(n).publicKey;

/** `valid`, `undecided`, or the code of what makes an entry invalid. */
async function verdict(
  entry: Entry,
  settings: ReturnType<typeof rules>,
  reader: SettingsReader,
): Promise<string> {
  const { outcome, ...rest } = await validateEntry(entry, settings, reader);
  return outcome === "invalid" ? (rest as { error: { code: string } }).error.code : outcome;
}

/** A team's database with key 1 in it, another database, and who reads them. */
interface Bed {
  readonly team: Database;
  readonly other: Database;
  readonly reader: SettingsReader;
  /** Grants something to key 1 in the team; gives the tips after it. */
  grant(permission: Permission): Promise<readonly ID[]>;
}

async function withBed(run: (bed: Bed) => Promise<void>): Promise<void> {
  const made = await Instance.createBackend(memoryStorage(), NewUser.passwordless("ada"));
  try {
    const { backend } = made.instance.host;
    const team = await made.user.createDatabase({ name: "team" });
    const other = await made.user.createDatabase({ name: "other" });
    const grant = async (permission: Permission) => {
      await team.withTransaction((tx) => tx.getSettings().setAuthKey(pub(1), active(permission)));
      return (await team.snapshot()).tips;
    };
    const reader: SettingsReader = {
      delegatedSettings: (...asked) => delegatedSettings(backend, undefined, ...asked),
    };
    await run({ team, other, reader, grant });
  } finally {
    await made.instance.close();
  }
}

/** What key 1 may do by claiming `tips` of the team, of which `floor` was declared. */
async function claim(
  { team, reader }: Bed,
  tips: readonly ID[],
  floor: readonly ID[],
): Promise<string> {
  const settings = rules();
  const bounds = { max: admin(0), min: undefined };
  settings.addDelegatedTree(new DelegatedTreeRef(bounds, { root: team.rootId, tips: floor }));
  const key = SigKey.delegation([{ tree: team.rootId, tips }], { pubkey: pub(1) });
  const outcome = await resolveSigKey(key, settings, reader);
  if (outcome.outcome === "refused") return outcome.error.code;
  if (outcome.outcome === "undecided") return `undecided ${outcome.missing}`;
  return outcome.value.map((auth) => `${auth.permission} ${auth.status}`).join();
}

test("02#33,#34 at or above the floor the settings are those of the claimed tips, below it none", () =>
  withBed(async (bed) => {
    const first = await bed.grant(admin(3));
    const second = await bed.grant(write(4));
    const third = await bed.grant(read);
    assert.equal(await claim(bed, first, first), "admin:3 Active", "at the floor");
    assert.equal(await claim(bed, second, first), "write:4 Active", "ahead");
    assert.equal(await claim(bed, third, first), "read Active", "further ahead");
    assert.equal(await claim(bed, third, third), "read Active");
    assert.equal(await claim(bed, first, second), "InvalidDelegationTips", "behind");
    assert.equal(await claim(bed, second, third), "InvalidDelegationTips", "behind");
    assert.equal(await claim(bed, first, []), "admin:3 Active", "without a floor");
    assert.equal(await claim(bed, [...first, ...third], third), "read Active", "of both");
  }));

test("02#35 tips of another tree and no tips are refused, unknown ones are waited for", () =>
  withBed(async (bed) => {
    const floor = await bed.grant(write(4));
    const foreign = (await bed.other.snapshot()).tips;
    const unknown = idOf("not held");
    assert.equal(await claim(bed, [], floor), "InvalidDelegationTips");
    assert.equal(await claim(bed, [], []), "InvalidDelegationTips");
    assert.equal(await claim(bed, foreign, floor), "InvalidDelegationTips");
    assert.equal(await claim(bed, [...floor, ...foreign], floor), "InvalidDelegationTips");
    assert.equal(await claim(bed, [unknown], floor), `undecided ${unknown}`, "exactly it");
    assert.equal(await claim(bed, [...floor, unknown], floor), `undecided ${unknown}`);
    assert.equal(await claim(bed, [unknown, ...foreign], floor), "InvalidDelegationTips");
    assert.equal(await claim(bed, floor, foreign), "InvalidDelegationTips");
    assert.equal(await claim(bed, floor, [unknown]), `undecided ${unknown}`);
  }));

test("02#35, 00 §B6 a database that is not held is waited for by its root", () =>
  withBed(async ({ reader }) => {
    const settings = rules();
    settings.addDelegatedTree(delegation("absent", admin(0)));
    const outcome = await resolveSigKey(through(pub(1), "absent"), settings, reader);
    assert.deepEqual(outcome, { outcome: "undecided", missing: [idOf("absent")] });
  }));

test("02#37 a key that the team revoked is refused at its newest tips, not at earlier ones", () =>
  withBed(async (bed) => {
    const before = await bed.grant(write(4));
    await bed.team.withTransaction((tx) => tx.getSettings().revokeAuthKey(pub(1)));
    const after = (await bed.team.snapshot()).tips;
    assert.equal(await claim(bed, before, before), "write:4 Active");
    assert.equal(await claim(bed, after, before), "write:4 Revoked");
    const settings = rules([keyOf(9), active(admin(0))]);
    settings.addDelegatedTree(
      new DelegatedTreeRef({ max: write(0), min: undefined }, {
        root: bed.team.rootId,
        tips: before,
      }),
    );
    const at = (tips: readonly ID[]) =>
      verdict(
        entryIn(
          ["s"],
          keyOf(1),
          SigKey.delegation([{ tree: bed.team.rootId, tips }], { pubkey: pub(1) }),
        ),
        settings,
        bed.reader,
      );
    assert.equal(await at(before), "valid");
    assert.equal(await at(after), "PermissionDenied");
  }));

test("00 §B6 delegated entries: valid, invalid for good, or undecided", async () => {
  const settings = rules([keyOf(9), active(admin(0))]);
  settings.addDelegatedTree(delegation("team", write(10), read));
  const signed = (store: string) => entryIn([store], keyOf(1), through(pub(1), "team"));
  const team = (...keys: [PrivateKey, AuthKey][]) =>
    new MemoryReader().knows("team", rules(...keys));
  const rows: [MemoryReader, string, string][] = [
    [team([keyOf(1), active(admin(0))]), "valid", "PermissionDenied"],
    [team([keyOf(1), active(read)]), "PermissionDenied", "PermissionDenied"],
    [team([keyOf(1), revoked(admin(0))]), "PermissionDenied", "PermissionDenied"],
    [team([keyOf(2), active(admin(0))]), "KeyNotFound", "KeyNotFound"],
    [new MemoryReader(), "undecided", "undecided"],
    [
      new MemoryReader().answers("team", refusal("InvalidDelegationTips")),
      "InvalidDelegationTips",
      "InvalidDelegationTips",
    ],
  ];
  for (const [reader, data, change] of rows) {
    assert.deepEqual(
      [
        await verdict(signed("s"), settings, reader),
        await verdict(signed("_settings"), settings, reader),
      ],
      [data, change],
    );
  }
  const missing: Verdict = await validateEntry(signed("s"), settings, new MemoryReader());
  assert.deepEqual(missing, { outcome: "undecided", missing: [idOf("team tip")] });
});
