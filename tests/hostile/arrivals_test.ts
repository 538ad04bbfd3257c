/** The status of every entry is the same, whatever arrives first, wherever (00 §B5, §B6, docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import {
  AuthKey,
  DelegatedTreeRef,
  type Entry,
  ID,
  Instance,
  NewUser,
  Permission,
  ready,
  SigKey,
} from "../../mod.ts";
import { headKey } from "../../src/backend/records/keys.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { compareBytes, utf8 } from "../../src/util/bytes.ts";
import { StorageError } from "../../src/util/errors.ts";
import { node, source } from "../database/backlog_bed.ts";
import { newStorage, newUrl } from "../helpers/storages.ts";
import { craft, docOf, granting, keyOf, PAYLOAD, rootOf } from "./craft.ts";
import { Dice, type History, newAuthor, randomHistory, type Tree } from "./history.ts";
import { arrivals, newJudge, type Statuses, statusesOf } from "./judgement.ts";
import { cases } from "../helpers/thorough.ts";

/** Two databases, and entries of the first that rely on what is of the second, each in its own way. */
interface Pair {
  readonly here: Entry;
  readonly there: Entry;
  /** A root that lends keys to the first. */
  readonly team: Entry;
  /** Entries of the second: a valid one, and one that can never be judged. */
  readonly theirs: readonly Entry[];
  readonly wrong: Readonly<Record<string, Entry>>;
}

async function pair(): Promise<Pair> {
  await ready();
  const key = keyOf(1);
  const { publicKey } = key;
  const listed = granting({ [`${publicKey}`]: Permission.admin(0) });
  const [there, team] = [rootOf(key, listed, 1n), rootOf(key, listed, 2n)];
  const theirs = craft({ root: there.id, parents: [there], pin: [there.id], key });
  const nowhere = ID.ofDagCbor(utf8("nowhere"));
  const open = craft({ root: there.id, parents: [there], pin: [nowhere], key });
  const here = rootOf(key, lending(`${publicKey}`, [team, theirs, open]), 3n);
  const on = { root: here.id, parents: [here], pin: [here.id], key };
  const through = (tree: ID, tips: ID[]) =>
    craft({ ...on, identity: SigKey.delegation([{ tree, tips }], { pubkey: publicKey }) });
  const named = (name: string, entry: Entry) => ({
    [`a parent, ${name}`]: craft({ ...on, parents: [here, entry] }),
    [`a store parent, ${name}`]: craft({
      ...on,
      stores: { s: { data: PAYLOAD, parents: [entry.id] } },
    }),
    [`a pin, ${name}`]: craft({ ...on, pin: [entry.id] }),
    [`a pin beside a good one, ${name}`]: craft({ ...on, pin: [here.id, entry.id] }),
    [`a claimed tip, ${name}`]: through(team.id, [entry.id]),
  });
  const wrong = {
    ...named("valid", theirs),
    ...named("open", open),
    ...named("a root", there),
    "no root, valid": through(theirs.id, [team.id]),
    "no root, open": through(open.id, [team.id]),
  };
  return { here, there, team, theirs: [theirs, open], wrong };
}

/** Settings that list one key and let those of other trees act. */
function lending(key: string, trees: readonly Entry[]): string {
  const bounds = { max: Permission.admin(0), min: undefined };
  const delegations = trees.map(({ id }) =>
    [`${id}`, new DelegatedTreeRef(bounds, { root: id, tips: [] }).toDoc()] as const
  );
  const keys = docOf({ [key]: AuthKey.active(undefined, Permission.admin(0)).toDoc() });
  const auth = docOf({ keys, delegations: docOf(Object.fromEntries(delegations)) });
  return docOf({ auth }).stringify();
}

async function expectFailed(backend: LocalBackend, { wrong }: Pair): Promise<void> {
  for (const [name, { id }] of Object.entries(wrong)) {
    assert.equal(await backend.getVerificationStatus(id), "Failed", name);
  }
}

describe("what is named as of this tree, and is of another", () => {
  it("00 §B6 fails when it is held, and when it arrives, without a call of verify", async () => {
    const all = await pair();
    const { here, there, team, theirs, wrong } = all;
    const late = [[there.id, [there, ...theirs]], [here.id, Object.values(wrong)]] as const;
    for (const [first, second] of [late, late.toReversed()]) {
      const node = await newJudge(await newStorage());
      await node.putRemoteEntries(here.id, [here]);
      await node.putRemoteEntries(team.id, [team]);
      for (const [root, entries] of [first!, second!]) {
        await node.putRemoteEntries(root, [...entries]);
      }
      await expectFailed(node.host.backend, all);
      await node.close();
    }
  });

  it("00 §B6 fails also with what builds on it, and in the trees that wait for it", async () => {
    const all = await pair();
    const { here, there, team, theirs, wrong } = all;
    const key = keyOf(1);
    const base = wrong["a store parent, valid"]!;
    const child = craft({ root: here.id, parents: [base], pin: [here.id], key });
    const third = rootOf(key, lending(`${key.publicKey}`, [here]), 4n);
    const claim = craft({
      root: third.id,
      parents: [third],
      pin: [third.id],
      key,
      identity: SigKey.delegation([{ tree: here.id, tips: [base.id] }], { pubkey: key.publicKey }),
    });
    const node = await newJudge(await newStorage());
    for (const root of [here, team]) await node.putRemoteEntries(root.id, [root]);
    await node.putRemoteEntries(third.id, [third, claim]);
    await node.putRemoteEntries(here.id, [base, child]);
    for (const { id } of [base, child, claim]) {
      assert.equal(await node.backend.getVerificationStatus(id), "Unverified");
    }
    await node.putRemoteEntries(there.id, [there, ...theirs]);
    for (const { id } of [base, child, claim]) {
      assert.equal(await node.backend.getVerificationStatus(id), "Failed");
    }
    await node.close();
  });

  for (const dies of [false, true]) {
    const who = dies ? "a process that died before it told" : "another process";
    it(`00 §B6 fails when ${who} has got it`, async () => {
      const all = await pair();
      const { here, there, team, theirs, wrong } = all;
      const url = await newUrl();
      const one = (await Instance.connectOrCreate(url, NewUser.passwordless("ada"))).instance;
      const two = await Instance.connect(url);
      for (const root of [here, team]) await one.putRemoteEntries(root.id, [root]);
      await one.putRemoteEntries(here.id, Object.values(wrong));
      if (!dies) await two.putRemoteEntries(there.id, [there, ...theirs]);
      else for (const entry of [there, ...theirs]) await two.host.backend.put(entry);
      for (const node of [one, two]) await node.close();
      const later = await Instance.connect(url);
      await later.host.settle(dies ? there.id : here.id);
      await later.host.settle(here.id);
      await expectFailed(later.host.backend, all);
      await later.close();
    });
  }

  it("00 §B6 fails at the next read, if the storage failed when it should; the batch is stored", async () => {
    const all = await pair();
    const { here, there, team, theirs, wrong } = all;
    let isBroken = false;
    const storage = watched(memoryStorage(), (key) => {
      if (isBroken && compareBytes(key, headKey(here.id)) === 0) {
        throw new StorageError("Failed", "broken");
      }
    });
    const { backend, writes, close } = await node(here, {}, storage);
    await writes.putRemoteEntries(team.id, [team]);
    await writes.putRemoteEntries(here.id, Object.values(wrong));
    isBroken = true;
    const report = await writes.putRemoteEntries(there.id, [there, ...theirs]);
    assert.deepEqual([report.stored, report.verified], [3, 2]);
    isBroken = false;
    for (const { id } of Object.values(wrong)) {
      assert.equal(await backend.getVerificationStatus(id), "Unverified");
    }
    await writes.settle(here.id);
    await expectFailed(backend, all);
    await close();
  });

  it("00 §B6 costs nothing where nothing waits", () =>
    source(async (root, honest) => {
      const asked = new Set<string>();
      const storage = watched(memoryStorage(), (key) => asked.add(String.fromCharCode(key[0]!)));
      const { writes, close } = await node(root, {}, storage);
      asked.clear();
      await writes.putRemoteEntries(root.id, honest.slice(0, -1));
      assert.ok(!asked.has("a") && !asked.has("b") && !asked.has("q"), `${[...asked]}`);
      await close();
    }));
});

/** A storage that tells which keys are read or written. */
function watched(storage: StorageDriver, seen: (key: Uint8Array) => void): StorageDriver {
  return {
    name: storage.name,
    capabilities: storage.capabilities,
    get: (key) => (seen(key), storage.get(key)),
    getMany: (keys) => (keys.forEach(seen), storage.getMany(keys)),
    list: (range) => (seen(range.start), storage.list(range)),
    commit: (batch) => {
      for (const [key] of batch.set ?? []) seen(key);
      for (const key of batch.delete ?? []) seen(key);
      return storage.commit(batch);
    },
    close: () => storage.close(),
  };
}

// --- random histories --------------------------------------------------------------------------

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** The same history, of which a part never arrives: not even a root need be there. */
function withGaps(history: History, dice: Dice): History {
  const some = (entries: readonly Entry[]) => entries.filter(() => dice.below(6) > 0);
  const part = ({ root, honest, strange, inside }: Tree): Tree => {
    return { root, honest: some(honest), strange: some(strange), inside: some(inside) };
  };
  return { team: part(history.team), main: part(history.main) };
}

/** Runs `test` with a random history, whole or with gaps. */
async function withHistory(
  seed: number,
  test: (history: History, dice: Dice) => Promise<void>,
): Promise<void> {
  await ready();
  const dice = new Dice(seed);
  const author = await newAuthor(seed);
  const whole = await randomHistory(author, dice, 14);
  await author.close();
  await test(dice.below(2) === 0 ? whole : withGaps(whole, dice), dice);
}

/** What nodes think that have got each piece in turn, without a call of verify. */
async function inTurn(history: History, dice: Dice): Promise<Statuses> {
  const node = await newJudge();
  for (const [root, batch] of arrivals(history, dice, 1 + dice.below(9))) {
    await node.putRemoteEntries(root, batch);
  }
  const statuses = await statusesOf(node, history);
  await node.close();
  return statuses;
}

/** What is thought when all pieces arrive at once, at several nodes on one storage. */
async function atOnce(history: History, dice: Dice, nodes: readonly Instance[]): Promise<Statuses> {
  await Promise.all([...arrivals(history, dice, 4)].map(([root, batch], at) => {
    return nodes[at % nodes.length]!.putRemoteEntries(root, batch);
  }));
  const statuses = await statusesOf(nodes[0]!, history);
  for (const node of nodes) await node.close();
  return statuses;
}

describe("the status of every entry", () => {
  it("00 §B is the same in every order, also with gaps, without a call of verify", () =>
    fc.assert(
      fc.asyncProperty(seeds, (seed) =>
        withHistory(seed, async (history, dice) => {
          const first = await inTurn(history, dice);
          assert.deepEqual(await inTurn(history, dice), first);
        })),
      { numRuns: cases(20) },
    ));

  it("00 §B is the same when all arrives at once", () =>
    fc.assert(
      fc.asyncProperty(seeds, (seed) =>
        withHistory(seed, async (history, dice) => {
          const first = await inTurn(history, dice);
          assert.deepEqual(await atOnce(history, dice, [await newJudge()]), first);
        })),
      { numRuns: cases(20) },
    ));

  it("00 §B, §C2 is the same when several processes take it at once", () =>
    fc.assert(
      fc.asyncProperty(seeds, (seed) =>
        withHistory(seed, async (history, dice) => {
          const first = await inTurn(history, dice);
          const url = await newUrl();
          const one = (await Instance.connectOrCreate(url, NewUser.passwordless("ada"))).instance;
          assert.deepEqual(await atOnce(history, dice, [one, await Instance.connect(url)]), first);
        })),
      { numRuns: cases(6) },
    ));
});
