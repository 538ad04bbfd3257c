/** What judging may cost: it follows what was sent, counted in operations (docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DelegatedTreeRef,
  type DelegationStep,
  Doc,
  type Entry,
  ID,
  Permission,
  SigKey,
} from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { TreeUpdate } from "../../src/backend/tree/tree_update.ts";
import { EntryJudge } from "../../src/database/entry_judge.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { craft, delegating, keyOf, type StoreLie } from "./craft.ts";
import { expectUnharmed, inWorld, onTip, send, statusOf, type World } from "./world.ts";

const EMPTY = '{"children":{}}';

const nowhere = (label: string): ID => ID.ofDagCbor(utf8(label));

/** How many items `action` takes out of arrays one by one: by spreading, by loops, by building maps. */
async function itemsTaken(action: () => Promise<unknown>): Promise<number> {
  const iterate = Array.prototype[Symbol.iterator];
  let taken = 0;
  Array.prototype[Symbol.iterator] = function (this: unknown[]) {
    taken += this.length;
    return iterate.call(this) as ArrayIterator<unknown>;
  } as typeof iterate;
  try {
    await action();
  } finally {
    Array.prototype[Symbol.iterator] = iterate;
  }
  return taken;
}

/** How many entries are judged while `action` runs. */
async function judgedDuring(action: () => Promise<unknown>): Promise<number> {
  const { judge } = EntryJudge.prototype;
  let judged = 0;
  EntryJudge.prototype.judge = function (entry) {
    judged++;
    return judge.call(this, entry);
  };
  try {
    await action();
  } finally {
    EntryJudge.prototype.judge = judge;
  }
  return judged;
}

/** How many entries are looked up, and payloads parsed, while `action` runs. */
async function lookupsDuring(action: () => Promise<unknown>): Promise<number> {
  const [backend, update] = [LocalBackend.prototype, TreeUpdate.prototype];
  const [held, pending, parse] = [backend.find, update.find, Doc.parseBytes];
  let lookups = 0;
  backend.find = function (id) {
    return lookups++, held.call(this, id);
  };
  update.find = function (id) {
    return lookups++, pending.call(this, id);
  };
  Doc.parseBytes = (bytes) => (lookups++, parse.call(Doc, bytes));
  try {
    await action();
  } finally {
    [backend.find, update.find, Doc.parseBytes] = [held, pending, parse];
  }
  return lookups;
}

const LONG = 400;
const SENT = 20;

/** Settings of the owner, each on top of the one before, held by the node. */
async function longSettings(world: World): Promise<Entry[]> {
  const made = [world.revoked];
  for (let at = 0; at < LONG; at++) {
    const before = made.at(-1)!;
    const data = `{"children":{"n${at % 50}":{"Int":${at}}}}`;
    made.push(onTip(world, {
      parents: [at === 0 ? world.last : before],
      pin: [before.id],
      key: world.people.owner,
      stores: { _settings: { data, parents: [before.id] } },
    }));
  }
  assert.equal((await send(world, ...made.slice(1))).verified, LONG);
  return made;
}

/** What entries cost that `make` makes, one at a time, when some like them have come before. */
async function costOf(
  world: World,
  verdict: "Verified" | "Failed",
  make: (at: number) => Entry,
): Promise<number> {
  const made = Array.from({ length: 2 * SENT }, (_, at) => make(at));
  await send(world, ...made.slice(SENT));
  const lookups = await lookupsDuring(() => send(world, ...made.slice(0, SENT)));
  for (const { id } of made) assert.equal(await statusOf(world, id), verdict);
  return lookups / SENT;
}

const quiet = (at: number) => ({ [`q${at}`]: { data: EMPTY } });

/** Any of many, far from one another. */
const oneOf = (all: readonly Entry[], at: number): ID => all[(at * 137) % all.length]!.id;

/** A chain of honest entries on the tip. */
function chain(world: World, length: number): Entry[] {
  const made: Entry[] = [];
  for (let at = 0; at < length; at++) {
    const parent = made.at(-1) ?? world.last;
    const stores = { s: { data: EMPTY, parents: [parent.id] } };
    made.push(onTip(world, { parents: [parent], stores }));
  }
  return made;
}

describe("the cost of what a stranger sends", () => {
  it("is linear in what an entry names that nobody has", () =>
    inWorld(async (world) => {
      const count = 20_000;
      const stores: Record<string, StoreLie> = {};
      for (let at = 0; at < count; at += 4000) {
        const parents = Array.from({ length: 4000 }, (_, of) => nowhere(`${at + of}`));
        stores[`s${at}`] = { data: EMPTY, parents };
      }
      const entry = onTip(world, { key: world.people.stranger, stores });
      const update = {
        tree: world.root.id,
        peekRow: () => undefined,
        row: () => Promise.resolve(undefined),
      };
      const judge = new EntryJudge(
        {} as unknown as LocalBackend,
        update as unknown as TreeUpdate,
      );
      let found: unknown;
      const taken = await itemsTaken(async () => found = await judge.judge(entry));
      assert.equal((found as { ids: readonly ID[] }).ids.length, count + 1);
      assert.ok(taken <= 4 * count, `${taken} items for ${count}`);
    }));

  it("is one judgement more, however much of what it names comes after it in the same batch", () =>
    inWorld(async (world) => {
      const { root, people } = world;
      const later = chain(world, 60);
      const parents = later.map(({ id }) => id);
      // Of the height of the first commit, so that they come before what they name.
      const forged = [0, 1, 2].map((at) =>
        onTip(world, {
          parents: [root],
          pin: [root.id],
          key: people.stranger,
          stores: { [`f${at}`]: { data: EMPTY, parents } },
        })
      );
      const partly = onTip(world, {
        parents: [root],
        pin: [root.id],
        key: people.stranger,
        stores: { s: { data: EMPTY, parents: [...parents, nowhere("never")] } },
      });
      const judged = await judgedDuring(async () => {
        const report = await send(world, ...later, ...forged, partly);
        assert.deepEqual([report.stored, report.verified, report.failed], [64, 60, 3]);
      });
      assert.ok(judged <= later.length + 3 * (forged.length + 1), `${judged} are judged`);
      for (const { id } of forged) assert.equal(await statusOf(world, id), "Failed");
      assert.equal(await statusOf(world, partly.id), "Unverified");
      await expectUnharmed(world);
    }));

  it("does not grow with the settings, whatever it pins", () =>
    inWorld(async (world) => {
      const settings = await longSettings(world);
      const { people: { stranger, former }, root } = world;
      const base = { parents: [root], height: LONG + 100 };
      const kinds: Readonly<Record<string, (at: number) => Entry>> = {
        "one of many": (at) =>
          onTip(world, { ...base, pin: [oneOf(settings, at)], key: stranger, stores: quiet(at) }),
        "several": (at) =>
          onTip(world, {
            ...base,
            pin: [oneOf(settings, at), oneOf(settings, at + 7), oneOf(settings, at + 11)],
            key: stranger,
            stores: quiet(at),
          }),
        "under a name of others": (at) =>
          onTip(world, {
            ...base,
            pin: [oneOf(settings, at), oneOf(settings, at + 7)],
            key: stranger,
            identity: SigKey.fromName("writer"),
            stores: quiet(at),
          }),
        "as everybody": (at) =>
          onTip(world, {
            ...base,
            pin: [oneOf(settings, at), oneOf(settings, at + 7)],
            key: stranger,
            identity: SigKey.global(stranger.publicKey),
            stores: quiet(at),
          }),
        unsigned: (at) =>
          onTip(world, {
            ...base,
            pin: [oneOf(settings, at), oneOf(settings, at + 7)],
            key: undefined,
            stores: quiet(at),
          }),
        "a forged signature of a key that had rights": (at) =>
          onTip(world, {
            ...base,
            pin: [oneOf(settings, at), oneOf(settings, at + 7)],
            key: stranger,
            identity: SigKey.fromPubkey(former.publicKey),
            stores: quiet(at),
          }),
      };
      for (const [name, make] of Object.entries(kinds)) {
        const cost = await costOf(world, "Failed", make);
        assert.ok(cost <= 8, `${name}: ${cost} lookups`);
      }
      await expectUnharmed(world);
    }));

  it("does not grow with the history of a database that it claims to act through", () =>
    inWorld(async (world) => {
      const { root, foreign, people: { owner, stranger } } = world;
      const [team, boss] = [foreign[0]!, stranger];
      const floor = [team, root].map(({ id }) =>
        new DelegatedTreeRef({ max: Permission.write(1), min: undefined }, { root: id, tips: [id] })
      );
      const data = delegating(...floor);
      const declared = onTip(world, {
        key: owner,
        stores: { _settings: { data, parents: [world.revoked.id] } },
      });
      await send(world, declared);
      const theirs = [foreign.at(-1)!];
      const ours = [declared];
      for (let at = 0; at < LONG; at++) {
        const [below, under] = [theirs.at(-1)!, ours.at(-1)!];
        const stores = quiet(at);
        theirs.push(craft({ root: team.id, parents: [below], pin: [team.id], key: boss, stores }));
        ours.push(onTip(world, { parents: [under], pin: [declared.id], key: owner, stores }));
      }
      await world.node.putRemoteEntries(team.id, theirs);
      assert.equal((await send(world, ...ours.slice(1))).verified, LONG);
      const key = keyOf(77);
      const far = (at: number): DelegationStep => ({ tree: team.id, tips: [oneOf(theirs, at)] });
      const self = (at: number): DelegationStep => ({ tree: root.id, tips: [oneOf(ours, at)] });
      const paths: Readonly<Record<string, (at: number) => DelegationStep[]>> = {
        another: (at) => [far(at)],
        itself: (at) => [self(at)],
        "itself, again and again": (at) => Array.from({ length: 10 }, (_, of) => self(at + of)),
        "itself, then another": (at) => [self(at), far(at)],
        "itself, then what nobody declares": (at) => {
          return [self(at), { tree: nowhere("x"), tips: [nowhere("y")] }];
        },
      };
      for (const [name, path] of Object.entries(paths)) {
        const cost = await costOf(world, "Failed", (at) =>
          onTip(world, {
            parents: [declared],
            pin: [declared.id],
            key,
            identity: SigKey.delegation(path(at), { pubkey: key.publicKey }),
            stores: { [name]: { data: EMPTY }, ...quiet(at) },
          }));
        assert.ok(cost <= 30, `${name}: ${cost} lookups`);
      }
    }));
});

describe("the cost of what a writer sends", () => {
  it("does not grow with the settings, however far its parents and its pin are apart", () =>
    inWorld(async (world) => {
      const settings = await longSettings(world);
      const { root, people: { writer } } = world;
      const newest = settings.slice(-50);
      const cost = await costOf(world, "Verified", (at) =>
        onTip(world, {
          parents: [root],
          pin: [newest[at]!.id, settings[at]!.id],
          key: writer,
          stores: quiet(at),
        }));
      assert.ok(cost <= 80, `${cost} lookups`);
      await expectUnharmed(world);
    }));
});
