/** Entries that cannot be judged yet: how many are kept, who wakes them, what they cost (06 §7). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Entry,
  ID,
  Instance,
  NewUser,
  PrivateKey,
  ready,
  SigInfo,
  SigKey,
  Snapshot,
  type StorageDriver,
} from "../../mod.ts";
import { BACKLOG_LIMITS, type BacklogLimits } from "../../src/backend/backlog/limits.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { WriteCoordinator } from "../../src/instance/write_coordinator.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { StorageError } from "../../src/util/errors.ts";
import { newUrl } from "../helpers/storages.ts";
import { commit, counting, junk, node, source, statuses } from "./backlog_bed.ts";
import { withDb } from "./bed.ts";
import { shuffled } from "./replay.ts";

describe("what waits costs nothing", () => {
  it("06#44 honest work beside a stranger's backlog reads and writes the same, however long it is", () =>
    source(async (root, honest) => {
      const costs: number[][] = [];
      for (const count of [20, 3000]) {
        const { backend, writes, reads, close } = await node(root);
        const report = await writes.putRemoteEntries(root.id, junk(root, count));
        assert.deepEqual([report.stored, report.unverified], [count, count]);
        reads();
        const cost: number[] = [];
        for (const entry of honest) {
          await writes.putRemoteEntries(root.id, [entry]);
          cost.push(reads());
          await writes.settle(root.id);
          await writes.settle(root.id);
          await writes.verify(root.id);
          cost.push(reads());
        }
        assert.ok((await statuses(backend, honest)).every((status) => status === "Verified"));
        costs.push(cost);
        await close();
      }
      assert.deepEqual(costs[1], costs[0]);
      assert.ok(Math.max(...costs[0]!) < 60, `${costs[0]}`);
    }));

  it("06#44 a settled tree is verified without a look at its entries", () =>
    source(async (root, honest) => {
      const { writes, reads, close } = await node(root);
      await writes.putRemoteEntries(root.id, honest);
      reads();
      assert.deepEqual(await writes.verify(root.id), {
        verified: 0,
        failed: 0,
        stillUnverified: 0,
      });
      assert.ok(reads() <= 1);
      await close();
    }));

  it("06#44 a pass over a tree in which all waits does not look at what waits", () =>
    source(async (root) => {
      const { writes, reads, close } = await node(root);
      await writes.putRemoteEntries(root.id, junk(root, 2000));
      reads();
      assert.equal((await writes.verify(root.id)).stillUnverified, 2000);
      assert.ok(reads() <= 3);
      await close();
    }));
});

describe("the room for what waits", () => {
  it("00 §B6 beyond the limit what waits is refused, what can be decided never is", () =>
    source(async (root, honest) => {
      const { backend, writes, close } = await node(root, { entries: 10 });
      const report = await writes.putRemoteEntries(root.id, junk(root, 30));
      assert.deepEqual([report.stored, report.unverified, report.rejected.length], [10, 10, 20]);
      for (const { error } of report.rejected) assert.equal(error.code, "BacklogFull");
      const more = await writes.putRemoteEntries(root.id, [...honest, ...junk(root, 5, "more")]);
      assert.deepEqual([more.verified, more.unverified, more.rejected.length], [12, 10, 5]);
      assert.ok((await statuses(backend, honest)).every((status) => status === "Verified"));
      await close();
    }));

  it("06#42 a history that comes backwards through a full backlog is complete when it is sent again", () =>
    source(async (root, honest) => {
      const { backend, writes, close } = await node(root, { entries: 4 });
      const backwards = honest.toReversed();
      let refused = 0;
      for (let round = 0; round < honest.length; round++) {
        for (const entry of backwards) {
          refused += (await writes.putRemoteEntries(root.id, [entry])).rejected.length;
        }
      }
      assert.ok(refused > 0);
      assert.ok((await statuses(backend, honest)).every((status) => status === "Verified"));
      assert.equal((await backend.pending(root.id)).unverifiedBytes, 0);
      await close();
    }));

  it("00 §B6 bytes, tips and what one entry waits for have limits too", () =>
    source(async (root) => {
      const bytes = junk(root, 2).reduce((sum, entry) => sum + entry.bytes.length, 0);
      const wide = Array.from({ length: 5 }, (_, at) => junk(root, 1, `wide ${at}`)[0]!);
      const many = Entry.builder(root.id)
        .setParents(Array.from({ length: 9 }, (_, at) => ID.ofRaw(utf8(`missing ${at}`))))
        .setHeight(3).setMetadata(new EntryMetadata(Snapshot.of([root.id])).encode()).build();
      const cases: [Partial<BacklogLimits>, Entry[], number][] = [
        [{ bytes }, junk(root, 5), 2],
        [{ tips: 3 }, wide, 3],
        [{ tips: 1 }, junk(root, 5), 5],
        [{ awaited: 8 }, [many], 0],
        [{ awaited: 9 }, [many], 1],
      ];
      for (const [limits, entries, stored] of cases) {
        const { writes, close } = await node(root, limits);
        const report = await writes.putRemoteEntries(root.id, entries);
        assert.equal(report.stored, stored, JSON.stringify(limits));
        assert.equal(report.rejected.length, entries.length - stored);
        await close();
      }
    }));

  it("06#41 what waits is found again after a restart, and wakes", () =>
    source(async (root, honest) => {
      const driver = memoryStorage();
      const first = new WriteCoordinator(new LocalBackend(driver));
      await first.putRemoteEntries(root.id, [root]);
      await first.putRemoteEntries(root.id, honest.slice(1));
      await first.close();
      const backend = new LocalBackend(driver);
      const second = new WriteCoordinator(backend);
      const report = await second.putRemoteEntries(root.id, [honest[0]!]);
      assert.deepEqual([report.verified, report.unverified], [honest.length, 0]);
      await second.close();
      await backend.close();
    }));

  it("06#41 a storage with small commits settles long backlogs in parts, without a read", () =>
    source(async (root, honest) => {
      const { driver } = counting(memoryStorage(), { maxBatchChanges: 40 });
      const backend = new LocalBackend(driver);
      assert.equal(backend.maxEntriesPerCommit, 2);
      const writes = new WriteCoordinator(backend);
      await writes.putRemoteEntries(root.id, honest.slice(1));
      const report = await writes.putRemoteEntries(root.id, [root, honest[0]!]);
      assert.deepEqual([report.verified, report.unverified], [honest.length + 1, 0]);
      await writes.close();
      await backend.close();
    }));
});

describe("storages with small commits", () => {
  it("00 §B6 many that wait for one entry, or one for many, cannot keep others out", () =>
    source(async (root, honest) => {
      const { driver } = counting(memoryStorage(), { maxBatchChanges: 160 });
      const strict = { ...driver, commit: limited(driver, 160) };
      const backend = new LocalBackend(strict);
      const writes = new WriteCoordinator(backend);
      await writes.putRemoteEntries(root.id, [root]);
      const on = (parents: ID[], at: number) =>
        Entry.builder(root.id).setParents(parents).setHeight(50 + at)
          .setMetadata(new EntryMetadata(Snapshot.of([root.id])).encode())
          .setSubtreeData("s", utf8(`{"children":{"x":{"Int":${at}}}}`))
          .setSubtreeParents("s", parents.slice(0, 1)).build();
      for (let at = 0; at < 300; at++) {
        await writes.putRemoteEntries(root.id, [on([honest[0]!.id], at)]);
      }
      const missing = (at: number) =>
        Array.from({ length: 20 }, (_, index) => ID.ofRaw(utf8(`${at} ${index}`)));
      const many = Array.from({ length: 9 }, (_, at) => on(missing(at), at));
      const report = await writes.putRemoteEntries(root.id, many);
      assert.deepEqual([report.stored, report.rejected], [9, []], "in several commits");
      const done = await writes.putRemoteEntries(root.id, honest);
      assert.equal(done.verified, honest.length);
      assert.equal(done.failed, 300, "unsigned, as soon as they can be judged");
      await writes.close();
      await backend.close();
    }));
});

/** Commits that are refused beyond so many changes. */
function limited(driver: StorageDriver, most: number): StorageDriver["commit"] {
  return (batch) => {
    const changes = (batch.set?.length ?? 0) + (batch.delete?.length ?? 0);
    if (changes > most) {
      throw new StorageError("TooLarge", `${changes} changes in one commit, at most ${most}`);
    }
    return driver.commit(batch);
  };
}

/** A team's database, and one that lets the team's member write. */
interface Teams {
  readonly team: readonly Entry[];
  readonly shared: readonly Entry[];
  readonly teamRoot: ID;
  readonly sharedRoot: ID;
}

async function teams(test: (teams: Teams) => Promise<void>): Promise<void> {
  await ready();
  const { AuthKey, DatabaseKey, DelegatedTreeRef, Permission } = await import("../../mod.ts");
  await withDb(async ({ user, db: shared }) => {
    const member = PrivateKey.generate();
    const team = await user.createDatabase({ name: "team" });
    const grant = AuthKey.active(undefined, Permission.write(1));
    await team.withTransaction((tx) => tx.getSettings().setAuthKey(member.publicKey, grant));
    const { tips } = await team.snapshot();
    const bounds = { max: Permission.write(0), min: undefined };
    const reference = new DelegatedTreeRef(bounds, { root: team.rootId, tips });
    await shared.withTransaction((tx) => tx.getSettings().addDelegatedTree(reference));
    const identity = SigKey.delegation([{ tree: team.rootId, tips }], { pubkey: member.publicKey });
    const asMember = shared.withKey(DatabaseKey.withIdentity(member, identity));
    for (const key of ["a", "b", "c"]) await commit(asMember, key);
    await test({
      team: await team.getAllEntries(),
      shared: await shared.getAllEntries(),
      teamRoot: team.rootId,
      sharedRoot: shared.rootId,
    });
  });
}

describe("what another database must bring", () => {
  it("02#39,#46 entries of delegated keys are valid as soon as it is there, without a read", () =>
    teams(async ({ team, shared, teamRoot, sharedRoot }) => {
      const { instance } = await Instance.createBackend(
        memoryStorage(),
        NewUser.passwordless("peer"),
      );
      const report = await instance.putRemoteEntries(sharedRoot, [...shared]);
      assert.deepEqual([report.verified, report.unverified, report.failed], [2, 3, 0]);
      const told: number[] = [];
      const watch = await instance.host.onWrite(
        sharedRoot,
        ({ entries }) => void told.push(entries.length),
      );
      await instance.putRemoteEntries(teamRoot, team.slice(0, 1));
      assert.deepEqual(told, []);
      await instance.putRemoteEntries(teamRoot, team.slice(1));
      assert.deepEqual(told, [3]);
      const found = await statuses(instance.host.backend, shared);
      assert.ok(found.every((status) => status === "Verified"));
      assert.deepEqual((await instance.host.backend.pending(sharedRoot)).abroad, []);
      watch[Symbol.dispose]();
      await instance.close();
    }));

  it("02#46 both databases may come in any order, entry by entry", () =>
    teams(async ({ team, shared, teamRoot, sharedRoot }) => {
      const all = [
        ...team.map((entry) => [teamRoot, entry] as const),
        ...shared.map((entry) => [sharedRoot, entry] as const),
      ];
      for (let seed = 1; seed <= 20; seed++) {
        const backend = new LocalBackend(memoryStorage());
        const writes = new WriteCoordinator(backend);
        for (const [root, entry] of shuffled(all, seed)) {
          await writes.putRemoteEntries(root, [entry]);
        }
        const found = await statuses(backend, [...team, ...shared]);
        assert.ok(found.every((status) => status === "Verified"), `seed ${seed}: ${found}`);
        await writes.close();
        await backend.close();
      }
    }));

  it("02#46 another process may have verified it: the next read finds out", () =>
    teams(async ({ team, shared, teamRoot, sharedRoot }) => {
      const driver = memoryStorage();
      const both = () => counting(driver, { multiWriter: true }).driver;
      const [mine, theirs] = [new LocalBackend(both()), new LocalBackend(both())];
      const [here, there] = [new WriteCoordinator(mine), new WriteCoordinator(theirs)];
      await here.putRemoteEntries(sharedRoot, [...shared]);
      await here.settle(sharedRoot);
      await there.putRemoteEntries(teamRoot, [...team]);
      await here.settle(sharedRoot);
      const found = await statuses(mine, shared);
      assert.ok(found.every((status) => status === "Verified"), `${found}`);
      await Promise.all([here.close(), there.close()]);
      await driver.close();
    }));

  it("02#46, 00 §C2 handlers hear of it also when another process has verified it, without a read", () =>
    teams(async ({ team, shared, teamRoot, sharedRoot }) => {
      const url = await newUrl();
      const mine = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
      const theirs = await Instance.connect(url);
      await mine.instance.putRemoteEntries(sharedRoot, [...shared]);
      const keepAlive = setInterval(() => {}, 1000);
      const told = new Promise<number>((resolve) => {
        void mine.instance.host.onWrite(sharedRoot, ({ entries }) => resolve(entries.length))
          .then(() => theirs.putRemoteEntries(teamRoot, [...team]));
      });
      assert.equal(await told, 3);
      clearInterval(keepAlive);
      const found = await statuses(theirs.host.backend, shared);
      assert.ok(found.every((status) => status === "Verified"), `${found}`);
      await theirs.close();
      await mine.instance.close();
    }));

  it("06#52 a pass over one database judges nothing in another that it relies on", () =>
    teams(async ({ team, shared, teamRoot, sharedRoot }) => {
      const backend = new LocalBackend(memoryStorage());
      const writes = new WriteCoordinator(backend);
      for (const entry of [...team, ...shared]) await backend.put(entry);
      const first = await writes.verify(sharedRoot);
      assert.deepEqual([first.verified, first.stillUnverified], [2, 3]);
      assert.ok((await statuses(backend, team)).every((status) => status === "Unverified"));
      assert.equal((await writes.verify(teamRoot)).verified, team.length);
      await writes.verify(sharedRoot);
      assert.ok((await statuses(backend, shared)).every((status) => status === "Verified"));
      await writes.close();
      await backend.close();
    }));

  it("00 §B6 only so many entries of other databases are waited for", () =>
    teams(async ({ team, shared, teamRoot, sharedRoot }) => {
      const stranger = PrivateKey.generate();
      const top = shared.at(1)!;
      const claims = Array.from({ length: 6 }, (_, at) => {
        const tips = [ID.ofRaw(utf8(`tip ${at}`))];
        const sigKey = SigKey.delegation([{ tree: teamRoot, tips }], {
          pubkey: stranger.publicKey,
        });
        return Entry.builder(sharedRoot).setParents([top.id]).setHeight(top.height + 1)
          .setMetadata(new EntryMetadata(Snapshot.of([top.id])).encode())
          .setSubtreeData("s", utf8('{"children":{}}'))
          .setSig(new SigInfo(sigKey)).build().sign(stranger);
      });
      const entries = [...shared.slice(0, 2), ...claims];
      // While the team's root is not held all wait for that alone.
      for (const [held, counts] of [[[], [6, 0]], [team.slice(0, 1), [4, 2]]] as const) {
        const backend = new LocalBackend(memoryStorage(), { ...BACKLOG_LIMITS, abroad: 4 });
        const writes = new WriteCoordinator(backend);
        await writes.putRemoteEntries(teamRoot, held);
        const report = await writes.putRemoteEntries(sharedRoot, entries);
        assert.deepEqual([report.unverified, report.rejected.length], counts);
        await writes.close();
        await backend.close();
      }
    }));
});
