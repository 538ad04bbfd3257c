/** What can be said of the keys of other databases (02 §9, 00 §B6, docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DelegatedTreeRef,
  type DelegationStep,
  type Entry,
  ID,
  Permission,
  type PrivateKey,
  SigInfo,
  SigKey,
} from "../../mod.ts";
import { MAX_CLAIMED_TIPS, MAX_DELEGATION_STEPS } from "../../src/auth/resolve.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { craft, delegating, granting, keyOf, rootOf, withModel } from "./craft.ts";
import { expectAll, expectUnharmed, inWorld, onTip, send, statusOf, type World } from "./world.ts";

const nowhere = (label: string): ID => ID.ofDagCbor(utf8(label));
const quiet = { t: { data: '{"children":{}}' } };

/** A team: its database lists a member, and ours lets the team write. */
interface Team {
  readonly boss: PrivateKey;
  readonly member: PrivateKey;
  readonly root: Entry;
  /** Our settings with the delegation: what entries through it stand on. */
  readonly declared: Entry;
}

function reference(root: ID, ...tips: ID[]): DelegatedTreeRef {
  return new DelegatedTreeRef({ max: Permission.write(10), min: undefined }, { root, tips });
}

/** Settings of ours that declare delegations, on the tip. */
function declare(world: World, ...references: DelegatedTreeRef[]): Entry {
  const data = delegating(...references);
  return onTip(world, {
    key: world.people.owner,
    stores: { _settings: { data, parents: [world.revoked.id] } },
  });
}

function through(key: PrivateKey, ...path: DelegationStep[]): SigKey {
  return SigKey.delegation(path, { pubkey: key.publicKey });
}

async function withTeam(test: (world: World, team: Team) => Promise<void>): Promise<void> {
  await inWorld(async (world) => {
    const [boss, member] = [keyOf(60), keyOf(61)];
    const listed = granting({
      [boss.publicKey.toString()]: Permission.admin(0),
      [member.publicKey.toString()]: Permission.admin(3),
    });
    const root = rootOf(boss, listed);
    const declared = declare(world, reference(root.id, root.id));
    await send(world, declared);
    const honest = [...world.honest, declared];
    await test({ ...world, honest }, { boss, member, root, declared });
  });
}

/** An entry by `key` through `identity`. */
function acting(world: World, { declared }: Team, key: PrivateKey, identity: SigKey): Entry {
  return onTip(world, { parents: [declared], pin: [declared.id], key, identity, stores: quiet });
}

describe("a delegated database", () => {
  it("02#46 that is not held leaves entries waiting; when it comes they are what they are", () =>
    withTeam(async (world, team) => {
      const { root, member } = team;
      const step = { tree: root.id, tips: [root.id] };
      const good = acting(world, team, member, through(member, step));
      const bad = acting(world, team, world.people.stranger, through(member, step));
      await send(world, good, bad);
      assert.deepEqual([await statusOf(world, good.id), await statusOf(world, bad.id)], [
        "Unverified",
        "Unverified",
      ]);
      await world.node.putRemoteEntries(root.id, [root]);
      await world.node.putRemoteEntries(world.root.id, []);
      await expectUnharmed(world);
      assert.equal(await statusOf(world, good.id), "Verified");
      assert.equal(await statusOf(world, bad.id), "Failed");
    }));

  it("00 §B6 lends no keys through forged entries: they are Failed there, and so is what claims them", () =>
    withTeam(async (world, team) => {
      const { root } = team;
      const { stranger } = world.people;
      const forged = craft({
        root: root.id,
        parents: [root],
        pin: [root.id],
        key: stranger,
        stores: {
          _settings: {
            data: granting({ [stranger.publicKey.toString()]: Permission.admin(0) }),
            parents: [root.id],
          },
        },
      });
      await world.node.putRemoteEntries(root.id, [root, forged]);
      const claims = (tips: ID[]) =>
        acting(world, team, stranger, through(stranger, { tree: root.id, tips }));
      for (const tips of [[forged.id], [forged.id, root.id], [root.id]]) {
        const entry = claims(tips);
        await send(world, entry);
        assert.equal(await statusOf(world, entry.id), "Failed", `${tips.length}`);
      }
      await expectUnharmed(world);
    }));

  it("02#33,#35 is claimed at tips of its own, at or above the floor, and held", () =>
    withTeam(async (world, team) => {
      const { root, boss, member } = team;
      const next = craft({ root: root.id, parents: [root], pin: [root.id], key: boss });
      await world.node.putRemoteEntries(root.id, [root, next]);
      const floor = craft({
        root: world.root.id,
        parents: [team.declared],
        pin: [team.declared.id],
        key: world.people.owner,
        stores: {
          _settings: { data: delegating(reference(root.id, next.id)), parents: [team.declared.id] },
        },
      });
      await send(world, floor);
      assert.equal(await statusOf(world, floor.id), "Verified");
      const at = { ...team, declared: floor };
      const by = (...tips: ID[]) =>
        acting(world, at, member, through(member, { tree: root.id, tips }));
      const verdicts: readonly (readonly [string, Entry, string])[] = [
        ["behind the floor", by(root.id), "Failed"],
        ["none", by(), "Failed"],
        ["of our own tree", by(world.last.id), "Failed"],
        ["of a foreign tree", by(world.foreign[0]!.id), "Failed"],
        ["unknown", by(nowhere("tip")), "Unverified"],
        ["unknown beside a good one", by(next.id, nowhere("tip")), "Unverified"],
        ["at the floor", by(next.id), "Verified"],
      ];
      for (const [name, entry, status] of verdicts) {
        await send(world, entry);
        assert.equal(await statusOf(world, entry.id), status, name);
      }
      await expectUnharmed(world);
    }));

  it("02#32 is reached by a declared path of bounded length with bounded tips, or not at all", () =>
    withTeam(async (world, team) => {
      const { root, member } = team;
      await world.node.putRemoteEntries(root.id, [root]);
      const step = { tree: root.id, tips: [root.id] };
      const own = { tree: world.root.id, tips: [team.declared.id] };
      const tips = Array.from({ length: MAX_CLAIMED_TIPS + 1 }, () => root.id);
      const long = Array.from({ length: MAX_DELEGATION_STEPS + 1 }, () => step);
      const by = (identity: SigKey) => acting(world, team, member, identity);
      await expectAll({ ...world }, "Failed", {
        "no steps": by(through(member)),
        "a step too many": by(through(member, ...long)),
        "tips too many": by(through(member, { tree: root.id, tips })),
        "not declared": by(
          through(member, { tree: world.foreign[0]!.id, tips: [world.foreign[0]!.id] }),
        ),
        "our own tree": by(through(member, own)),
        "there and on": by(through(member, step, step)),
        "everybody of the team": by(
          SigKey.delegation([step], { pubkey: member.publicKey, isGlobal: true }),
        ),
        "nobody of the team": by(SigKey.delegation([step], { name: "nobody" })),
        "no hint": by(SigKey.delegation([step], {})),
      });
    }));

  it("02#38 lends no more than the bounds allow: data, never settings", () =>
    withTeam(async (world, team) => {
      const { owner } = world.people;
      const { root, member, boss } = team;
      await world.node.putRemoteEntries(root.id, [root]);
      const identity = through(member, { tree: root.id, tips: [root.id] });
      const data = acting(world, team, member, identity);
      await send(world, data);
      assert.equal(await statusOf(world, data.id), "Verified");
      const step = { tree: root.id, tips: [root.id] };
      const second = acting(world, team, boss, through(boss, step));
      await send(world, second);
      assert.equal(await statusOf(world, second.id), "Verified", "another key of the team");
      const settings = onTip(world, {
        parents: [team.declared],
        pin: [team.declared.id],
        key: member,
        identity,
        stores: { _settings: { data: '{"children":{}}', parents: [team.declared.id] } },
      });
      const byOwner = { ...settings.model, sig: new SigInfo(SigKey.fromPubkey(owner.publicKey)) };
      const same = withModel(settings, byOwner).sign(owner);
      await send(world, settings, same);
      assert.equal(await statusOf(world, same.id), "Verified", "nothing else is wrong with it");
      assert.equal(await statusOf(world, settings.id), "Failed");
      await expectUnharmed(world);
    }));
});

describe("cycles of delegations", () => {
  it("02 §9.2 end: two databases that delegate to each other, walked to and fro, are judged in bounded time", () =>
    inWorld(async (world) => {
      const key = keyOf(62);
      const listed = granting({ [key.publicKey.toString()]: Permission.admin(0) });
      const team = rootOf(key, listed);
      const back = craft({
        root: team.id,
        parents: [team],
        pin: [team.id],
        key,
        stores: {
          _settings: {
            data: delegating(reference(world.root.id), reference(team.id)),
            parents: [team.id],
          },
        },
      });
      await world.node.putRemoteEntries(team.id, [team, back]);
      const declared = declare(world, reference(team.id, team.id), reference(world.root.id));
      await send(world, declared);
      assert.equal(await statusOf(world, declared.id), "Verified");
      const there = { tree: team.id, tips: [back.id] };
      const here = { tree: world.root.id, tips: [declared.id] };
      const to = Array.from({ length: MAX_DELEGATION_STEPS }, (_, at) => at % 2 ? here : there);
      const at = { parents: [declared], pin: [declared.id], stores: quiet };
      const verdicts: readonly (readonly [string, Entry, string])[] = [
        [
          "to and fro, back here",
          onTip(world, {
            ...at,
            identity: through(world.people.writer, ...to),
          }),
          "Verified",
        ],
        [
          "to and fro, a stranger",
          onTip(world, {
            ...at,
            key: world.people.stranger,
            identity: through(world.people.stranger, ...to),
          }),
          "Failed",
        ],
        [
          "to ourselves ten times",
          onTip(world, {
            ...at,
            key: world.people.reader,
            identity: through(world.people.reader, ...to.map(() => here)),
          }),
          "Failed",
        ],
        [
          "to and fro too often",
          onTip(world, {
            ...at,
            identity: through(world.people.writer, ...to, there, here),
          }),
          "Failed",
        ],
      ];
      for (const [name, entry, status] of verdicts) {
        await send(world, entry);
        assert.equal(await statusOf(world, entry.id), status, name);
      }
      await expectUnharmed({ ...world, honest: [...world.honest, declared] });
    }));
});
