/** Following a delegation path: caps, order, bounds, outcomes, floors (02 §7, §9.2, §9.3). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { AuthSettings, Entry, ID, type Permission, ready, SigKey } from "../../mod.ts";
import { clampPermission, type PermissionBounds } from "../../src/auth/delegation.ts";
import { resolveSigKey } from "../../src/auth/resolve.ts";
import { checkReachable } from "../../src/backend/tree/walk.ts";
import { utf8 } from "../../src/util/bytes.ts";
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

/** What an identity resolves to: permissions, or the code of the refusal, or `undecided`. */
async function resolved(
  key: SigKey,
  settings: AuthSettings,
  reader?: MemoryReader,
): Promise<string> {
  const outcome = await resolveSigKey(key, settings, reader);
  if (outcome.outcome === "refused") return outcome.error.code;
  if (outcome.outcome === "undecided") return "undecided";
  return outcome.value.map(({ permission, status }) => `${permission} ${status}`).join(", ");
}

/** Settings that delegate to one database. */
function delegating(name: string, { max, min }: Partial<PermissionBounds>): AuthSettings {
  const settings = rules();
  settings.addDelegatedTree(delegation(name, max ?? admin(0), min));
  return settings;
}

test("02#30 one hop: the bounds of the delegation are those of the key", async () => {
  const rows: [Permission, Permission, Permission | undefined, string][] = [
    [admin(5), write(10), undefined, "write:10"],
    [admin(5), write(10), read, "write:10"],
    [write(15), write(10), undefined, "write:15"],
    [read, write(10), write(20), "write:20"],
    [write(15), admin(0), write(20), "write:15"],
    [admin(7), admin(0), undefined, "admin:7"],
    [write(15), write(5), admin(25), "write:15"],
    [admin(0), write(5), admin(25), "write:5"],
  ];
  for (const [own, max, min, wanted] of rows) {
    const reader = new MemoryReader().knows("team", rules([keyOf(1), active(own)]));
    const found = await resolved(
      through(keyOf(1).publicKey, "team"),
      delegating("team", { max, min }),
      reader,
    );
    assert.equal(found, `${wanted} Active`, `${own} in ${max} … ${min}`);
  }
});

test("02#31 two hops: bounds are combined first and applied once", async () => {
  const rows: [Permission, Partial<PermissionBounds>, Partial<PermissionBounds>, string][] = [
    [admin(3), { max: write(5) }, { max: write(8) }, "write:8"],
    [admin(3), { max: write(8) }, { max: write(5) }, "write:8"],
    [read, { min: write(5) }, { max: write(20) }, "read"],
    [read, { max: write(20) }, { min: write(5) }, "read"],
    [read, { min: write(9) }, { min: write(4) }, "write:4"],
    [admin(0), { max: read }, { max: admin(0), min: admin(9) }, "read"],
  ];
  for (const [own, outer, inner, wanted] of rows) {
    const reader = new MemoryReader().knows("outer", delegating("inner", inner))
      .knows("inner", rules([keyOf(1), active(own)]));
    const key = through(keyOf(1).publicKey, "outer", "inner");
    assert.equal(await resolved(key, delegating("outer", outer), reader), `${wanted} Active`);
  }
});

test("02#31 law: any path gives the key's permission, within all bounds taken together", async () => {
  const priority = fc.integer({ min: 0, max: 9 });
  const permission = fc.oneof(fc.constant(read), priority.map(write), priority.map(admin));
  const bounds = fc.record({ max: permission, min: fc.option(permission, { nil: undefined }) });
  const path = fc.array(bounds, { minLength: 1, maxLength: 10 });
  await fc.assert(fc.asyncProperty(permission, path, async (own, hops) => {
    const reader = new MemoryReader().knows(`db ${hops.length}`, rules([keyOf(1), active(own)]));
    hops.forEach((hop, at) => reader.knows(`db ${at}`, delegating(`db ${at + 1}`, hop)));
    const names = hops.map((_, at) => `db ${at + 1}`);
    const found = await resolved(
      through(keyOf(1).publicKey, ...names),
      delegating("db 1", hops[0]!),
      reader,
    );
    const strongestFirst = (all: Permission[]) => all.sort((a, b) => b.compare(a));
    const max = strongestFirst(hops.map((hop) => hop.max)).at(-1)!;
    const min = strongestFirst(hops.flatMap((hop) => hop.min ?? []))[0];
    assert.equal(found, `${clampPermission(own, { max, min })} Active`);
  }));
});

test("02#32 what is refused, with its own error, before anything is read", async () => {
  const settings = delegating("a", {});
  const hint = { pubkey: keyOf(1).publicKey };
  const tips = (count: number) => Array.from({ length: count }, (_, at) => idOf(`tip ${at}`));
  const path = (length: number, of = step("a")) => Array.from({ length }, () => of);
  const rows: [SigKey, string][] = [
    [SigKey.delegation([], hint), "EmptyDelegationPath"],
    [SigKey.delegation([], { ...hint, isGlobal: true }), "EmptyDelegationPath"],
    [SigKey.delegation(path(11), hint), "DelegationPathTooLong"],
    [SigKey.delegation(path(64), hint), "DelegationPathTooLong"],
    [SigKey.delegation(path(1), { ...hint, isGlobal: true }), "InvalidDelegationStep"],
    [SigKey.delegation(path(1, step("a", ...tips(65))), hint), "DelegationTipsTooMany"],
    [SigKey.delegation(path(1, step("b", ...tips(65))), hint), "DelegationTipsTooMany"],
    [SigKey.delegation(path(1, step("b")), hint), "DelegationNotFound"],
  ];
  for (const [key, code] of rows) {
    const reader = new MemoryReader();
    assert.equal(await resolved(key, settings, reader), code);
    assert.deepEqual(reader.asked, [], code);
  }
  assert.equal(await resolved(SigKey.delegation(path(1), hint), settings), "DatabaseRequired");
  const reader = new MemoryReader().knows("a", settings);
  assert.equal(await resolved(SigKey.delegation(path(10), hint), settings, reader), "KeyNotFound");
  assert.equal(
    reader.asked.length,
    10,
    "ten steps pass, also through one database again and again",
  );
  const many = new MemoryReader();
  const wide = SigKey.delegation(path(1, step("a", ...tips(64))), hint);
  assert.equal(await resolved(wide, settings, many), "undecided");
  assert.equal(many.asked[0]!.claimed.length, 64);
});

test("02#32 a damaged delegation is refused, at any step, before its database is read", async () => {
  const broken = rules().toDoc();
  broken.set(["delegations", idOf("b").toString()], "text");
  const reader = new MemoryReader().knows("a", AuthSettings.fromDoc(broken));
  const key = through(keyOf(1).publicKey, "a", "b", "c");
  assert.equal(await resolved(key, delegating("a", {}), reader), "InvalidAuthConfiguration");
  assert.deepEqual(reader.asked.map(({ tree }) => tree), [idOf("a").toString()]);
  const alone = new MemoryReader().knows("a", rules());
  assert.equal(await resolved(key, delegating("a", {}), alone), "DelegationNotFound");
});

test("02#33 each step asks for the settings as of the claimed tips, above the declared floor", async () => {
  const [t1, t2, f1, f2] = ["t1", "t2", "f1", "f2"].map(idOf) as [ID, ID, ID, ID];
  const settings = rules();
  settings.addDelegatedTree(delegation("a", admin(0), undefined, [f1]));
  const inner = rules();
  inner.addDelegatedTree(delegation("b", admin(0), undefined, [f2, f1]));
  const reader = new MemoryReader().knows("a", inner, t2, t1, t2)
    .knows("b", rules([keyOf(1), active(write(3), "n")]), t1);
  const key = SigKey.delegation([step("a", t2, t1, t2), step("b", t1)], { name: "n" });
  assert.equal(await resolved(key, settings, reader), "write:3 Active");
  assert.deepEqual(reader.asked, [
    { tree: `${idOf("a")}`, claimed: [t2, t1, t2].map(String), floor: [`${f1}`] },
    { tree: `${idOf("b")}`, claimed: [`${t1}`], floor: [f2, f1].map(String) },
  ]);
});

test("02#34 settings are those of the claimed tips, not of now", async () => {
  const [then, now] = [idOf("then"), idOf("now")];
  const reader = new MemoryReader().knows("a", rules([keyOf(1), active(admin(1))]), then)
    .knows("a", rules([keyOf(1), active(read)]), now);
  const at = (tip: ID) => SigKey.delegation([step("a", tip)], { pubkey: keyOf(1).publicKey });
  const settings = delegating("a", { max: write(2) });
  assert.equal(await resolved(at(then), settings, reader), "write:2 Active");
  assert.equal(await resolved(at(now), settings, reader), "read Active");
});

test("02#33,#35 a refusal or doubt at any step is the outcome of the whole path", async () => {
  const settings = delegating("a", {});
  const key = through(keyOf(1).publicKey, "a", "b", "c");
  const missing = [idOf("m1"), idOf("m2")];
  for (const at of ["a", "b", "c"]) {
    const known = (reader: MemoryReader) =>
      reader.knows("a", delegating("b", {})).knows("b", delegating("c", {}))
        .knows("c", rules([keyOf(1), active(read)]));
    assert.equal(await resolved(key, settings, known(new MemoryReader())), "read Active");
    for (const code of ["InvalidDelegationTips", "InvalidAuthConfiguration"]) {
      const reader = known(new MemoryReader()).answers(at, refusal(code));
      assert.equal(await resolved(key, settings, reader), code);
      assert.equal(reader.asked.at(-1)!.tree, idOf(at).toString(), "nothing is read after it");
    }
    const reader = known(new MemoryReader()).answers(at, { outcome: "undecided", missing });
    const outcome = await resolveSigKey(key, settings, reader);
    assert.deepEqual(outcome, { outcome: "undecided", missing });
    assert.equal(reader.asked.at(-1)!.tree, idOf(at).toString());
  }
});

test("02#30,#37 candidates keep their status, and each is clamped by itself", async () => {
  const last = rules(
    [keyOf(1), active(admin(1), "n")],
    [keyOf(2), revoked(write(7), "n")],
    [keyOf(3), active(read, "n")],
    [keyOf(4), active(admin(0), "other")],
  );
  const settings = delegating("a", { max: write(5), min: write(9) });
  const outcome = await resolveSigKey(
    SigKey.delegation([step("a")], { name: "n" }),
    settings,
    new MemoryReader().knows("a", last),
  );
  assert.ok(outcome.outcome === "known");
  const shown = outcome.value.map((auth) => `${auth.publicKey} ${auth.permission} ${auth.status}`);
  assert.deepEqual(
    shown,
    [
      `${keyOf(1).publicKey} write:5 Active`,
      `${keyOf(2).publicKey} write:7 Revoked`,
      `${keyOf(3).publicKey} write:9 Active`,
    ].sort(),
  );
});

test("02 §9.2 the last hint: unknown keys and names, and no hint at all, are not found", async () => {
  const reader = new MemoryReader().knows("a", rules([keyOf(1), active(read, "n")]));
  for (const hint of [{ pubkey: keyOf(2).publicKey }, { name: "nobody" }, {}]) {
    const key = SigKey.delegation([step("a")], hint);
    assert.equal(await resolved(key, delegating("a", {}), reader), "KeyNotFound");
  }
});

/** A chain of entries of one tree, the root first, and a reader that holds some of them. */
function chain(length: number) {
  const entries = [Entry.rootBuilder().build()];
  while (entries.length < length) {
    const last = entries.at(-1)!;
    entries.push(
      Entry.builder(entries[0]!.id).addParent(last.id).setHeight(last.height + 1).build(),
    );
  }
  const held = new Map(entries.map((entry) => [entry.id.toString(), entry]));
  const asked: string[] = [];
  const reader = {
    find(id: ID): Promise<Entry | undefined> {
      asked.push(id.toString());
      return Promise.resolve(held.get(id.toString()));
    },
  };
  const id = (at: number) => entries[at]!.id;
  const reach = (from: ID[], targets: ID[]) => checkReachable(reader, id(0), from, targets);
  return { id, held, asked, reach };
}

test("02#36 reachability: nothing from nothing, something from nothing, at, behind and ahead", async () => {
  const { id, reach } = chain(8);
  const verdict = async (from: number[], targets: number[]) =>
    (await reach(from.map(id), targets.map(id))).verdict;
  assert.equal(await verdict([], []), "Reachable");
  assert.equal(await verdict([], [0]), "Unreachable");
  assert.equal(await verdict([3], []), "Reachable");
  for (let from = 0; from < 8; from++) {
    for (let target = 0; target < 8; target++) {
      const wanted = target <= from ? "Reachable" : "Unreachable";
      assert.equal(await verdict([from], [target]), wanted, `${from} ${target}`);
    }
  }
  assert.equal(await verdict([2, 5], [1, 4]), "Reachable");
  assert.equal(await verdict([2, 5], [1, 6]), "Unreachable");
});

test("02#36 nothing below the floor is asked for, and what is missing above it is named", async () => {
  const { id, held, asked, reach } = chain(10);
  for (const at of [0, 1, 2, 3]) held.delete(id(at).toString());
  assert.deepEqual(await reach([id(9)], [id(4)]), { verdict: "Reachable" });
  for (const at of [0, 1, 2, 3]) assert.ok(!asked.includes(id(at).toString()), `${at}`);
  held.delete(id(6).toString());
  assert.deepEqual(await reach([id(9)], [id(4)]), { verdict: "Indeterminate", missing: [id(6)] });
  assert.deepEqual(await reach([id(5)], [id(4)]), { verdict: "Reachable" });
});

test("02#35,#36 an unknown tip may come later, one of another tree never belongs", async () => {
  const { id, held, reach } = chain(4);
  const unknown = [idOf("u1"), idOf("u2")].sort(ID.compare);
  const missing = await reach([unknown[1]!, id(1), unknown[0]!], [id(3)]);
  assert.deepEqual(missing, { verdict: "Indeterminate", missing: unknown });
  assert.equal((await reach([id(3), unknown[0]!], [id(1)])).verdict, "Reachable");
  assert.equal((await reach([id(3)], [unknown[0]!])).verdict, "Indeterminate");
  const foreign = Entry.builder(idOf("another")).addParent(idOf("p"))
    .setSubtreeData("s", utf8("x")).setHeight(9).build();
  held.set(foreign.id.toString(), foreign);
  await assert.rejects(reach([foreign.id], [id(1)]), hasCode("EntryNotInTree"));
  await assert.rejects(reach([id(3)], [foreign.id]), hasCode("EntryNotInTree"));
});
