import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  AuthKey,
  type Database,
  DocStore,
  Instance,
  NewUser,
  Permission,
  PrivateKey,
  type User,
} from "../../mod.ts";
import type { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import { NO_FEATURES } from "../../src/service/protocol/features.ts";
import type { DatabaseOp, ReceivedResponse } from "../../src/service/protocol/messages.ts";
import { MAX_BATCH, MAX_SESSION_KEYS, MAX_UNSENT_BYTES } from "../../src/service/server/limits.ts";
import { ServiceServer } from "../../src/service/server/server.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { EideticaError } from "../../src/util/errors.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { ALL, CoreClient, responseOf, twinOf } from "./core_client.ts";

function hasCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof EideticaError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

const write = (db: Database, name: string, value: number) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(name, value));

const typeOf = ({ type }: ReceivedResponse) => type;

/** A server with two users; a copy of it commits entries that the server has not. */
class Bed {
  instance!: Instance;
  server!: ServiceServer;
  ada!: User;
  notes!: Database;
  /** The same database in the copy. */
  copied!: Database;
  twin!: Instance;

  static async begin(): Promise<Bed> {
    const bed = new Bed();
    const clock = new FixedClock();
    const made = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"), {
      clock,
    });
    bed.instance = made.instance;
    bed.ada = made.user!;
    await (await bed.ada.admin()).createUser(NewUser.passwordless("eve"));
    bed.notes = await bed.ada.createDatabase({ name: "notes" });
    await write(bed.notes, "first", 1);
    bed.server = await ServiceServer.of(bed.instance.host);
    bed.twin = await twinOf(bed.instance);
    const user = await bed.twin.loginUser("ada");
    bed.copied = await user.openDatabase(bed.notes.rootId);
    return bed;
  }

  /** A client of `ada` that has proven the key of the database. */
  async client(features = ALL): Promise<{ client: CoreClient; key: PrivateKey }> {
    const client = await CoreClient.begin(this.server, features);
    await client.login("ada");
    const key = await this.ada.signingKey((await this.ada.findKey(this.notes.rootId))!);
    await client.register(key);
    return { client, key };
  }

  /** An entry that the server has not. */
  async entry(name: string, value = 1): Promise<Entry> {
    await write(this.copied, name, value);
    const [tip] = (await this.copied.snapshot()).tips;
    return await this.copied.getEntry(tip!);
  }

  async end(): Promise<void> {
    await this.server.stop();
    await this.instance.close();
    await this.twin.close();
  }
}

describe("a server of the service with all features", () => {
  let bed: Bed;
  before(async () => bed = await Bed.begin());
  after(() => bed.end());

  it("`verdicts`: a submit is answered with the verdict, the reason and the tips", async () => {
    const { client } = await bed.client();
    const entry = await bed.entry("verdict");
    const answer = await client.operate(bed.notes.rootId, { type: "SubmitSignedEntry", entry });
    assert.ok(answer.type === "Submitted");
    const { status, reason, verifiedTips } = answer.submitted;
    assert.deepEqual([status, reason], ["Verified", undefined]);
    assert.ok(verifiedTips.equals(Snapshot.of([entry.id])));

    const stranger = PrivateKey.generate();
    const forged = entry.sign(stranger);
    const other = await client.operate(bed.notes.rootId, {
      type: "SubmitSignedEntry",
      entry: forged,
    });
    assert.ok(other.type === "Submitted");
    assert.equal(other.submitted.status, "Failed");
    assert.match(other.submitted.reason!, /settings/);
    assert.ok(other.submitted.verifiedTips.equals(verifiedTips));
  });

  it("11#28: whoever is logged in may carry entries of others", async () => {
    const entry = await bed.entry("carried");
    const eve = await CoreClient.begin(bed.server);
    await eve.login("eve");
    const answer = await eve.operate(bed.notes.rootId, { type: "SubmitSignedEntry", entry });
    assert.ok(answer.type === "Submitted");
    assert.equal(answer.submitted.status, "Verified");
    const denied = eve.operate(bed.notes.rootId, { type: "GetVerifiedTips" });
    await assert.rejects(denied, hasCode("PermissionDenied"));
  });

  it("`batches`: many entries at once, in the order asked for, without those not held", async () => {
    const { client, key } = await bed.client();
    const all = await bed.notes.getAllEntries();
    const ids = [...all.map(({ id }) => id).reverse(), ID.ofDagCbor(utf8("none"))];
    const answer = await client.operate(bed.notes.rootId, { type: "GetEntries", ids }, key);
    assert.ok(answer.type === "Entries");
    assert.deepEqual(answer.entries.map(({ id }) => `${id}`), ids.slice(0, -1).map(String));
    const eve = await CoreClient.begin(bed.server);
    await eve.login("eve");
    const foreign = eve.operate(ID.EMPTY, { type: "GetEntries", ids });
    await assert.rejects(foreign, hasCode("PermissionDenied"));
  });

  it("`contents`: a notification brings what was written and the tips", async () => {
    const { client, key } = await bed.client();
    const plain = await bed.client(NO_FEATURES);
    const op = { type: "SubscribeWrites", tips: Snapshot.EMPTY } as const;
    for (const one of [client, plain.client]) await one.operate(bed.notes.rootId, op, key);
    const entry = await bed.entry("content");
    await client.operate(bed.notes.rootId, { type: "SubmitSignedEntry", entry });
    const [told] = client.writes;
    assert.deepEqual(told!.entries!.map(({ id }) => `${id}`), [`${entry.id}`]);
    assert.ok(told!.verifiedTips!.equals(Snapshot.of([entry.id])));
    assert.equal(told!.source, "remote");
    await plain.client.ask({ type: "GetInstanceMetadata" });
    assert.deepEqual([plain.client.writes.length, plain.client.writes[0]!.entries], [1, undefined]);
  });

  it("`contents`: entries that are too large are left out", async () => {
    const { client, key } = await bed.client();
    const op = { type: "SubscribeWrites", tips: Snapshot.EMPTY } as const;
    await client.operate(bed.notes.rootId, op, key);
    await bed.notes.withTransaction(async (tx) => {
      await (await tx.getStore(DocStore, "s")).set("large", "x".repeat(300_000));
    });
    await client.ask({ type: "GetInstanceMetadata" });
    const [told] = client.writes;
    assert.deepEqual([told!.entries, told!.source], [undefined, "local"]);
    assert.equal(told!.verifiedTips!.tips.length, 1);
  });

  it("`requests`: answers name their requests, and one that was given up is not begun", async () => {
    const { client } = await bed.client();
    const request = { type: "GetInstanceMetadata" } as const;
    const entry = await bed.entry("given up");
    const submit = client.request(bed.notes.rootId, { type: "SubmitSignedEntry", entry });
    client.send({ type: "Request", id: 5, deadlineMs: 60_000, request });
    client.send({ type: "Request", id: 6, deadlineMs: undefined, request: submit });
    client.send({ type: "Cancel", id: 6 });
    client.send({ type: "Cancel", id: 77 });
    const first = await client.next();
    assert.ok(first?.type === "Reply");
    assert.deepEqual([first.id, typeOf(first.response)], [5, "InstanceMetadata"]);
    const second = await client.next();
    assert.ok(second?.type === "Reply" && second.id === 6);
    assert.throws(() => responseOf(second), hasCode("Aborted"));
    assert.equal(await bed.instance.hasEntry(entry.id), false);
    // The copy has it: what follows builds on it.
    await client.ask(submit);
  });

  it("`requests`: what takes too long is answered with that", async () => {
    const { client, key } = await bed.client();
    await bed.notes.withTransaction(async (tx) => {
      await (await tx.getStore(DocStore, "s")).set("large", "x".repeat(2 * MAX_UNSENT_BYTES));
    });
    const slow = client.request(bed.notes.rootId, { type: "GetStoreState", store: "s" }, key);
    client.send({ type: "Request", id: 1, deadlineMs: 60_000, request: slow });
    // It waits until the client has read the answer before, for which it takes its time.
    client.send({ type: "Request", id: 2, deadlineMs: 1, request: slow });
    client.send({ type: "Request", id: 3, deadlineMs: 2 ** 40, request: slow });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [first, second, third] = [await client.next(), await client.next(), await client.next()];
    assert.equal(responseOf(first).type, "CrdtValue");
    assert.throws(() => responseOf(second), hasCode("DeadlineExceeded"));
    assert.equal(responseOf(third).type, "CrdtValue");
  });

  it("`requests`: what was given up is over before the next request is begun", async () => {
    const { client, key } = await bed.client();
    const op = { type: "SubscribeWrites", tips: Snapshot.EMPTY } as const;
    const request = client.request(bed.notes.rootId, op, key);
    client.send({ type: "Request", id: 1, deadlineMs: undefined, request });
    for (let turn = 0; turn < 3; turn++) await undefined;
    client.send({ type: "Cancel", id: 1 });
    client.send({ type: "Plain", request });
    const [first, second] = [await client.next(), await client.next()];
    assert.throws(() => responseOf(first), hasCode("Aborted"));
    assert.equal(responseOf(second).type, "Ok");
    await write(bed.notes, "once", 1);
    await client.ask({ type: "GetInstanceMetadata" });
    assert.equal(client.writes.length, 1);
  });

  it("`errors`: what cannot be read is answered, and fields come back", async () => {
    const { client, key } = await bed.client();
    client.connection.receive(Uint8Array.of(0, 0, 0, 2, 0x7b, 0x7d));
    const frame = await client.next();
    assert.throws(() => responseOf(frame), hasCode("Undecodable"));
    const id = ID.ofDagCbor(utf8("none"));
    await assert.rejects(
      client.operate(bed.notes.rootId, { type: "GetEntry", id }, key),
      (error) => {
        hasCode("EntryNotFound")(error);
        assert.ok((error as { id?: ID }).id?.equals(id));
        return true;
      },
    );
  });

  it("`errors`: why a connection ends is told before", async () => {
    const { client } = await bed.client();
    client.connection.receive(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    assert.equal((await client.next())?.type, "Closing");
    assert.equal(client.closing?.code, "FrameTooLarge");
    assert.equal(await client.next(), undefined);
  });

  it("an entry that can have no canonical bytes is refused, and the connection goes on", async () => {
    const { client } = await bed.client(NO_FEATURES);
    const entry = await bed.entry("odd");
    const text = entry.stringify().replace(/"parents":\[("[^"]*")/, '"parents":[$1,$1');
    const request = `{"AuthenticatedDb":{"root_id":"${bed.notes.rootId}","identity":` +
      `{"Direct":{"hint":{}}},"op":{"SubmitSignedEntry":{"entry":${text}}}}}`;
    const payload = utf8(request);
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, payload.length);
    client.connection.receive(header);
    client.connection.receive(payload);
    const frame = await client.next();
    assert.throws(() => responseOf(frame), (error: EideticaError) => error.module === "entry");
    await client.ask({ type: "GetInstanceMetadata" });
    await client.operate(bed.notes.rootId, { type: "SubmitSignedEntry", entry });
  });
});

describe("what clients of a server must not be able to", () => {
  let bed: Bed;
  before(async () => bed = await Bed.begin());
  after(() => bed.end());

  it("name more entries, tips or stores at once than a limit", async () => {
    const { client, key } = await bed.client();
    const ids = Array.from({ length: MAX_BATCH + 1 }, (_, at) => ID.ofDagCbor(utf8(`${at}`)));
    const [store, upTo, scope] = ["s", Snapshot.of(ids), "Verified"] as const;
    const ops: DatabaseOp[] = [
      { type: "GetEntries", ids },
      { type: "BeginTransaction", stores: ids.map(String), scope },
      { type: "GetStoreEntries", store, tips: ids, scope },
      { type: "GetStoreTipsUpToEntries", store, upTo },
      { type: "ComputeMergeState", store, entryIds: ids },
      { type: "SubscribeWrites", tips: upTo },
    ];
    for (const op of ops) {
      await assert.rejects(client.operate(bed.notes.rootId, op, key), hasCode("LimitExceeded"));
    }
  });

  it("hear of a database that comes while they ask for it", async () => {
    const eve = await CoreClient.begin(bed.server);
    await eve.login("eve");
    const user = await bed.twin.loginUser("ada");
    const subscribe = { type: "SubscribeWrites", tips: Snapshot.EMPTY } as const;
    for (let turns = 0; turns < 400; turns++) {
      const fresh = await user.createDatabase({ name: `${turns}` });
      const [genesis] = await fresh.getAllEntries();
      const stored = bed.instance.putRemoteEntries(fresh.rootId, [genesis!]);
      for (let turn = 0; turn < turns; turn++) await undefined;
      const subscribed = await eve.operate(fresh.rootId, subscribe).catch(
        hasCode("PermissionDenied"),
      );
      await stored;
      if (subscribed === true) break;
      await write(fresh, "a", 1);
      const entries = await fresh.getAllEntries();
      await bed.instance.putRemoteEntries(fresh.rootId, entries);
      await eve.ask({ type: "GetInstanceMetadata" });
      assert.deepEqual([turns, eve.writes.length], [turns, 0]);
    }
  });

  it("have more session keys than a limit", async () => {
    const client = await CoreClient.begin(bed.server);
    await client.login("ada");
    const pubkeys = Array.from({ length: MAX_SESSION_KEYS }, (_, at) => {
      const seed = new Uint8Array(32);
      new DataView(seed.buffer).setUint32(0, at);
      return PrivateKey.fromSeed(seed).publicKey;
    });
    let refused = 0;
    for (const pubkey of pubkeys) {
      await client.ask({ type: "SessionKeyChallenge", pubkey }).catch((error) => {
        hasCode("LimitExceeded")(error);
        refused++;
      });
    }
    assert.equal(refused, 1);
    // An open challenge may be replaced.
    await client.ask({ type: "SessionKeyChallenge", pubkey: pubkeys[0]! });
  });

  it("send what comes before its genesis", async () => {
    const { client } = await bed.client();
    const user = await bed.twin.loginUser("ada");
    const fresh = await user.createDatabase({ name: "fresh" });
    await write(fresh, "a", 1);
    const [genesis, second] = await fresh.getAllEntries();
    const submit = (entry: Entry): DatabaseOp => ({ type: "SubmitSignedEntry", entry });
    const early = client.operate(fresh.rootId, submit(second!));
    await assert.rejects(early, hasCode("EntryNotFound"));
    assert.equal(await bed.instance.hasEntry(second!.id), false);
    assert.equal(await bed.instance.hasDatabase(fresh.rootId), false);
    await client.operate(fresh.rootId, submit(genesis!));
    const answer = await client.operate(fresh.rootId, submit(second!));
    assert.ok(answer.type === "Submitted" && answer.submitted.status === "Verified");
  });

  it("hide a database from those who look at what has no verdict, by an entry that fails", async () => {
    const { client, key } = await bed.client();
    const entry = await bed.entry("sound");
    await client.operate(bed.notes.rootId, { type: "SubmitSignedEntry", entry });
    const next = await bed.entry("next");
    const forged = next.sign(PrivateKey.generate());
    await client.operate(bed.notes.rootId, { type: "SubmitSignedEntry", entry: forged });
    const op = { type: "BeginTransaction", stores: ["s"], scope: "AllowUnverified" } as const;
    const answer = await client.operate(bed.notes.rootId, op, key);
    assert.ok(answer.type === "TransactionContext");
    assert.deepEqual(answer.context.mainParents.map(([id]) => `${id}`), [`${entry.id}`]);
    await client.operate(bed.notes.rootId, { type: "SubmitSignedEntry", entry: next });
    const later = await client.operate(bed.notes.rootId, op, key);
    assert.ok(later.type === "TransactionContext");
    assert.deepEqual(later.context.mainParents.map(([id]) => `${id}`), [`${next.id}`]);
  });

  it("11#20: read another tree through any operation, whatever root they name", async () => {
    const eve = await CoreClient.begin(bed.server);
    await eve.login("eve");
    const own = await (await bed.instance.loginUser("eve")).createDatabase({ name: "own" });
    const key = own.key!;
    await eve.register(
      key.signingKey ?? (() => {
        throw new Error("no key");
      })(),
    );
    const tips = (await bed.notes.snapshot()).tips;
    const upTo = Snapshot.of(tips);
    const ops: readonly DatabaseOp[] = [
      { type: "GetStoreTipsUpToEntries", store: "s", upTo },
      { type: "GetStoreEntries", store: "s", tips, scope: "Verified" },
    ];
    for (const op of ops) {
      const answer = await eve.operate(own.rootId, op, key.signingKey);
      assert.deepEqual("ids" in answer ? answer.ids : "entries" in answer && answer.entries, []);
    }
    const merge = {
      type: "ComputeMergeState",
      store: "s",
      entryIds: [...tips, own.rootId],
    } as const;
    await assert.rejects(eve.operate(own.rootId, merge, key.signingKey), hasCode("EntryNotInTree"));
  });

  it("go on hearing of writes when they may not read any more", async () => {
    const shared = await bed.ada.createDatabase({ name: "shared" });
    const eve = await CoreClient.begin(bed.server);
    await eve.login("eve");
    const grant = async (key: AuthKey) =>
      await shared.withTransaction(async (tx) => {
        await tx.getSettings().setAuthKey(eve.key!.publicKey, key);
      });
    await grant(AuthKey.active("eve", Permission.read));
    await eve.operate(shared.rootId, { type: "SubscribeWrites", tips: Snapshot.EMPTY });
    await write(shared, "a", 1);
    await grant(new AuthKey("eve", Permission.read, "Revoked"));
    await write(shared, "a", 2);
    await eve.ask({ type: "GetInstanceMetadata" });
    // Of the write that has taken the right away she is told, since she had it then.
    assert.equal(eve.writes.length, 2);
    // When she has it again, she asks again.
    await grant(AuthKey.active("eve", Permission.read));
    await write(shared, "a", 3);
    await eve.operate(shared.rootId, { type: "SubscribeWrites", tips: Snapshot.EMPTY });
    await write(shared, "a", 4);
    await eve.ask({ type: "GetInstanceMetadata" });
    assert.equal(eve.writes.length, 3);
  });

  it("hear of a database that is not there yet, unless they may read it when it is", async () => {
    const user = await bed.twin.loginUser("ada");
    const fresh = await user.createDatabase({ name: "to come" });
    const [genesis] = await fresh.getAllEntries();
    const key = await user.signingKey((await user.findKey(fresh.rootId))!);
    const { client: ada } = await bed.client();
    await ada.register(key);
    const eve = await CoreClient.begin(bed.server);
    await eve.login("eve");
    const subscribe = { type: "SubscribeWrites", tips: Snapshot.EMPTY } as const;
    await eve.operate(fresh.rootId, subscribe);
    await ada.operate(fresh.rootId, subscribe, key);
    await ada.operate(fresh.rootId, { type: "SubmitSignedEntry", entry: genesis! });
    await eve.ask({ type: "GetInstanceMetadata" });
    assert.deepEqual([ada.writes.length, eve.writes.length], [1, 0]);
  });

  it("11#31: see states of another tree, or of another user", async () => {
    const { client, key } = await bed.client();
    const { rootId } = bed.notes;
    const place = { store: "s", key: rootId };
    const blob = Uint8Array.of(1, 2, 3);
    await client.operate(rootId, { type: "CacheCrdtState", ...place, blob }, key);
    const read = { type: "GetCachedCrdtState", ...place } as const;
    const again = await client.operate(rootId, read, key);
    assert.deepEqual(again, { type: "CachedCrdtState", blob });
    for (const root of [ID.EMPTY, ID.ofDagCbor(utf8("absent"))]) {
      assert.deepEqual(await client.operate(root, read), {
        type: "CachedCrdtState",
        blob: undefined,
      });
      await client.operate(root, { type: "CacheCrdtState", ...place, blob });
      assert.deepEqual(await client.operate(root, read), {
        type: "CachedCrdtState",
        blob: undefined,
      });
    }
  });
});

describe("subscriptions to a server", () => {
  let bed: Bed;
  before(async () => bed = await Bed.begin());
  after(() => bed.end());
  const subscribe = { type: "SubscribeWrites", tips: Snapshot.EMPTY } as const;

  it("all who listen see all writes in one order, whoever writes", async () => {
    const { rootId } = bed.notes;
    const listeners: CoreClient[] = [];
    for (let at = 0; at < 4; at++) {
      const { client, key } = await bed.client();
      await client.operate(rootId, subscribe, key);
      listeners.push(client);
    }
    const others = await Promise.all([0, 1, 2].map(async () => {
      const user = await bed.instance.loginUser("ada");
      return await user.openDatabase(rootId);
    }));
    await Promise.all(
      others.flatMap((db, by) =>
        Array.from({ length: 8 }, (_, at) =>
          db.update(async (tx) => {
            await (await tx.getStore(DocStore, "s")).set(`${by}`, at);
          }))
      ),
    );
    const told: string[][] = [];
    for (const client of listeners) {
      await client.ask({ type: "GetInstanceMetadata" });
      told.push(client.writes.flatMap(({ entries }) => entries!.map(({ id }) => `${id}`)));
      // 11#36: each begins where the one before has ended.
      for (const [at, one] of client.writes.entries()) {
        if (at > 0) assert.ok(one.previousTips.equals(client.writes[at - 1]!.postTips));
      }
    }
    assert.equal(told[0]!.length, 24);
    for (const other of told) assert.deepEqual(other, told[0]);
  });

  it("a notification of a submit comes before its answer", async () => {
    const { client, key } = await bed.client();
    const fresh = await bed.ada.createDatabase({ name: "fresh" }, { key: key.publicKey });
    await client.operate(fresh.rootId, subscribe, key);
    const twin = await twinOf(bed.instance);
    const user = await twin.loginUser("ada");
    const copied = await user.openDatabase(fresh.rootId);
    await write(copied, "a", 1);
    const [entry] = await copied.getTipEntries();
    await client.operate(fresh.rootId, { type: "SubmitSignedEntry", entry: entry! });
    assert.equal(client.writes.length, 1);
    await twin.close();
  });

  it("11#46: what was begun is answered when the server is stopped, what waits is not begun", async () => {
    const other = await ServiceServer.of(bed.instance.host);
    const client = await CoreClient.begin(other);
    await client.login("ada");
    const login = { type: "TrustedLoginUser", username: "ada" } as const;
    client.send({ type: "Plain", request: login });
    client.send({ type: "Plain", request: login });
    await undefined;
    await undefined;
    const stopped = other.stop();
    assert.equal(responseOf(await client.next()).type, "TrustedLoginChallenge");
    assert.equal((await client.next())?.type, "Closing");
    assert.equal(client.closing?.code, "Stopped");
    assert.equal(await client.next(), undefined);
    await stopped;
    assert.throws(() => other.accept(), hasCode("Stopped"));
  });

  it("end with the connection (11#47)", async () => {
    const { client, key } = await bed.client();
    await client.operate(bed.notes.rootId, subscribe, key);
    bed.server.lost(client.connection);
    await write(bed.notes, "after", 1);
    assert.equal(await client.next(), undefined);
    assert.deepEqual(client.writes, []);
  });
});
