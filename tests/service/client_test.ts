import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, DocStore, ID, Instance, isNotFound, NewUser, PrivateKey } from "../../mod.ts";
import { hasCode } from "../database/bed.ts";
import { newDaemon } from "../helpers/daemons.ts";
import { newPath } from "../helpers/shared.ts";
import { look, put, Recorder, withDaemon } from "./bed.ts";

/** An ID of nothing. */
const NOBODY = ID.parse("bafyr4igo2cfxjivtvt7k3utaghswqk4lkm62dcb7yor3qvabsqlubrrmdm");

describe("connecting", () => {
  it("11#8 the client has the identity of the daemon's instance, before any login", () =>
    withDaemon(async ({ url, connect }) => {
      const one = await Instance.connect(url);
      const { instance } = await connect();
      assert.ok(one.id.equals(instance.id));
      await assert.rejects(Database.open(one, NOBODY), hasCode("InvalidAuthConfiguration"));
      await one.close();
      await assert.rejects(one.loginUser("ada"), hasCode("InstanceDropped"));
    }));

  it("11#50 connectOrCreate is connect, and paths must be absolute", async () => {
    const url = await newDaemon(NewUser.passwordless("ada"));
    const made = await Instance.connectOrCreate(url, NewUser.passwordless("zoe"));
    assert.equal(made.user, undefined);
    await assert.rejects(made.instance.loginUser("zoe"), hasCode("UserNotFound"));
    await made.instance.close();
    for (const wrong of ["unix://rel/path", "unix://", "unix:///x?y", "unix:///x#y"]) {
      await assert.rejects(Instance.connect(wrong), hasCode("InvalidUrl"));
    }
    const upper = await Instance.connect(url.replace("unix", "UNIX"));
    await upper.close();
  });

  it("11 §2 a path without a daemon, and an abort", async () => {
    await assert.rejects(Instance.connect(`unix://${newPath()}`), hasCode("ConnectionFailed"));
    const long = `unix:///tmp/${"x".repeat(120)}`;
    await assert.rejects(Instance.connect(long), hasCode("InvalidPath"));
    const signal = AbortSignal.abort();
    await assert.rejects(Instance.connect("unix:///x", { signal }), hasCode("Aborted"));
  });
});

describe("trusted login", () => {
  it("11#11,#14 passwords are judged by the client, which sends nothing after the challenge", () =>
    withDaemon(async ({ connect, tap }) => {
      const { instance, user } = await connect();
      await (await user.admin()).createUser(NewUser.withPassword("bob", "secret"));
      const proofs = tap.count("TrustedLoginProve");
      const cases = [
        ["ada", "a password", "InvalidPassword"],
        ["bob", undefined, "InvalidPassword"],
        ["bob", "wrong", "DecryptionFailed"],
        ["nobody", undefined, "UserNotFound"],
      ] as const;
      for (const [name, password, code] of cases) {
        const other = await Instance.connect(tap.url);
        await assert.rejects(other.loginUser(name, password), hasCode(code));
        await other.close();
      }
      assert.equal(tap.count("TrustedLoginProve"), proofs);
      assert.equal((await instance.loginUser("bob", "secret")).username, "bob");
      assert.equal(tap.count("TrustedLoginProve"), proofs + 1);
    }));

  it("11#15 several users of one client all go on, also after one who may not log in", () =>
    withDaemon(async ({ connect }) => {
      const { instance, user: ada } = await connect();
      await (await ada.admin()).createUser(NewUser.passwordless("bob"));
      const hers = await ada.createDatabase({ name: "hers" });
      const bob = await instance.loginUser("bob");
      const his = await bob.createDatabase({ name: "his" });
      await Promise.all([put(hers, "a", "1"), put(his, "b", "2")]);
      await assert.rejects(instance.loginUser("nobody"), hasCode("UserNotFound"));
      await Promise.all([put(hers, "c", "3"), put(his, "d", "4")]);
      assert.deepEqual([await look(hers, "c"), await look(his, "d")], ["3", "4"]);
    }));

  it("11#16 a key is proved once, however many need it at the same time", () =>
    withDaemon(async ({ connect, tap }) => {
      const { instance, user } = await connect();
      const key = PrivateKey.generate();
      const made = await user.createDatabase({ name: "shared" });
      await made.grant(key.publicKey, "write");
      const other = await connect("ada");
      await other.user.logout();
      const before = tap.count("SessionKeyRegister");
      const dbs = [1, 2, 3].map(() => made.withKey(key));
      await Promise.all(dbs.map((db, at) => put(db, `${at}`, "x")));
      assert.ok(tap.count("SessionKeyRegister") <= before + 1);
      assert.equal(instance.isClosed, false);
    }));

  it("11#18 who is granted nothing reads nothing", () =>
    withDaemon(async ({ connect, url }) => {
      const { user: ada } = await connect();
      await (await ada.admin()).createUser(NewUser.passwordless("eve"));
      const db = await ada.createDatabase({ name: "private" });
      await put(db, "a", "1");
      const { instance, user: eve } = await connect("eve", undefined, url);
      await assert.rejects(Database.open(instance, db.rootId), hasCode("PermissionDenied"));
      assert.equal(await instance.hasEntry(db.rootId), false);
      await db.grant(eve.defaultKey(), "read");
      assert.equal(await look(await Database.open(instance, db.rootId), "a"), "1");
      const open = await ada.createDatabase({ name: "open" });
      await open.grant("everyone", "read");
      assert.equal(await (await Database.open(instance, open.rootId)).getName(), "open");
    }));
});

describe("access that comes and goes", () => {
  it("11 §8.2 who has lost it reads nothing more, and everything when it is back", () =>
    withDaemon(async ({ connect, url }) => {
      const { user: ada } = await connect();
      await (await ada.admin()).createUser(NewUser.passwordless("eve"));
      const db = await ada.createDatabase({ name: "shared" });
      await put(db, "a", "1");
      const { instance, user: eve } = await connect("eve", undefined, url);
      await db.grant(eve.defaultKey(), "read");
      const hers = await Database.open(instance, db.rootId);
      const recorder = new Recorder();
      await hers.onWrite(recorder.note);
      assert.equal(await look(hers, "a"), "1");
      await db.revoke(eve.defaultKey());
      await recorder.until(1);
      await assert.rejects(look(hers, "a"), hasCode("PermissionDenied"));
      await put(db, "a", "2");
      await db.grant(eve.defaultKey(), "read");
      assert.equal(await look(hers, "a"), "2");
      await put(db, "a", "3");
      await recorder.until(4);
      assert.equal(await look(hers, "a"), "3");
    }));
});

describe("reading and writing through a daemon", () => {
  for (const isPlain of [false, true]) {
    const what = isPlain ? "a daemon that knows the reference's messages alone" : "our daemon";
    it(`11 §7 commits of two clients are read by both, with ${what}`, () =>
      withDaemon(async ({ connect }) => {
        const [a, b] = [await connect(), await connect()];
        const hers = await a.user.createDatabase({ name: "notes" });
        for (let at = 0; at < 5; at++) await put(hers, `${at}`, "x");
        const his = await b.user.openDatabase(hers.rootId);
        assert.equal(await look(his, "4"), "x");
        await Promise.all([put(hers, "left", "1"), put(his, "right", "2")]);
        await put(his, "last", "3");
        assert.deepEqual(await Promise.all(["left", "right", "last"].map((it) => look(his, it))), [
          "1",
          "2",
          "3",
        ]);
        await put(hers, "after", "4");
        assert.equal(await look(hers, "last"), "3");
        assert.equal(await hers.getName(), "notes");
      }, { isPlain }));
  }

  it("11#21 an entry that nobody holds is not found", () =>
    withDaemon(async ({ connect }) => {
      const { instance, user } = await connect();
      const db = await user.createDatabase({});
      await put(db, "a", "1");
      const other = (await connect()).instance.backend;
      assert.ok((await other.verifiedSnapshot(db.rootId)).equals(await db.snapshot()));
      assert.ok((await other.storeSnapshot(db.rootId, "s")).equals(await db.snapshot()));
      assert.equal((await other.getStore(db.rootId, "s")).length, 1);
      await assert.rejects(instance.backend.get(NOBODY), isNotFound);
      await assert.rejects(db.getEntry(NOBODY), isNotFound);
      await assert.rejects(Database.open(instance, NOBODY), isNotFound);
      assert.equal(await instance.hasEntry(NOBODY), false);
      assert.equal(await instance.hasDatabase(NOBODY), false);
      assert.equal(await instance.hasDatabase(db.rootId), true);
    }));

  it("11 §7 what is read again asks nobody, and a commit is one request", () =>
    withDaemon(async ({ connect, tap }) => {
      const { user } = await connect();
      const db = await user.createDatabase({});
      await put(db, "a", "1");
      await look(db, "a");
      const before = tap.asked.length;
      for (let at = 0; at < 10; at++) await look(db, "a");
      assert.equal(tap.asked.length, before);
      for (let at = 0; at < 10; at++) await put(db, "a", `${at}`);
      assert.deepEqual(new Set(tap.asked.slice(before)), new Set(["SubmitSignedEntry"]));
      assert.equal(tap.asked.length, before + 10);
    }));

  it("07 §4 a client that was opened to be read reads, and writes nothing", () =>
    withDaemon(async ({ connect, url }) => {
      const db = await (await connect()).user.createDatabase({ name: "notes" });
      await put(db, "a", "1");
      const instance = await Instance.connect(url, { readOnly: true });
      const his = await (await instance.loginUser("ada")).openDatabase(db.rootId);
      assert.equal(await look(his, "a"), "1");
      await assert.rejects(put(his, "a", "2"), hasCode("ReadOnly"));
      const entry = await db.getEntry((await db.snapshot()).tips[0]!);
      await assert.rejects(instance.putRemoteEntries(db.rootId, [entry]), hasCode("ReadOnly"));
      await assert.rejects(instance.backend.put(entry), hasCode("ReadOnly"));
      await instance.close();
      assert.equal(await look(db, "a"), "1");
    }));

  it("11#28,#29 entries of others are carried to the daemon, which judges them", () =>
    withDaemon(async ({ connect }) => {
      const { instance, user } = await connect();
      const other = await Instance.connectOrCreate("memory://", NewUser.passwordless("eve"));
      const made = await other.user!.createDatabase({ name: "hers" });
      await put(made, "a", "1");
      const entries = await made.getAllEntries();
      const report = await instance.putRemoteEntries(made.rootId, [...entries].reverse());
      assert.deepEqual(report, { stored: 2, verified: 2, failed: 0, unverified: 0, rejected: [] });
      const mine = await user.createDatabase({ name: "mine" });
      const wrong = await instance.putRemoteEntries(mine.rootId, entries);
      assert.equal(wrong.rejected.length, 2);
      await other.instance.close();
    }));

  it("11 §7 an entry that is carried to the daemon before its database was read leaves no gap", () =>
    withDaemon(async ({ connect }) => {
      const { user } = await connect();
      const db = await user.createDatabase({ name: "notes" });
      await put(db, "a", "1");
      await put(db, "b", "2");
      const [tip] = (await db.snapshot()).tips;
      const { instance, user: again } = await connect();
      const entry = await db.getEntry(tip!);
      const report = await instance.putRemoteEntries(db.rootId, [entry]);
      assert.equal(report.verified, 1);
      const read = await again.openDatabase(db.rootId);
      assert.deepEqual([await look(read, "a"), await look(read, "b")], ["1", "2"]);
    }));

  it("11 §7.5,#48 what only the owner of the storage can do fails with its code", () =>
    withDaemon(async ({ connect, tap }) => {
      const { instance, user } = await connect();
      const db = await user.createDatabase({});
      const refused = [
        () => db.verify(),
        () => db.getAllEntries(),
        () => instance.backend.allRoots(),
        () => instance.backend.getEntriesByVerificationStatus("Failed"),
        () => instance.backend.updateVerificationStatus(db.rootId, "Failed"),
        () => instance.backend.setInstanceSecrets({ signing_key: "x" }),
      ];
      const before = tap.asked.length;
      for (const call of refused) await assert.rejects(call, hasCode("OperationNotSupported"));
      assert.equal(tap.asked.length, before);
      await assert.rejects(instance.snapshotText(), hasCode("SnapshotNotSupported"));
      assert.equal(await instance.backend.getInstanceSecrets(), undefined);
      await instance.enableSync();
      assert.equal(instance.sync, undefined);
      await instance.flushSync();
      await instance.flush();
      assert.equal((await db.getEntry(db.rootId)).id.equals(db.rootId), true);
    }));

  it("00 §C8 updates of two clients lose none of each other's changes", () =>
    withDaemon(async ({ connect }) => {
      const clients = [await connect(), await connect()];
      const made = await clients[0]!.user.createDatabase({ name: "count" });
      const dbs = await Promise.all(clients.map(({ user }) => user.openDatabase(made.rootId)));
      const raise = (db: Database) =>
        db.update(async (tx) => {
          const store = await tx.getStore(DocStore, "s");
          await store.set("count", Number(await store.getOption("count") ?? 0) + 1);
        });
      await Promise.all(dbs.flatMap((db) => Array.from({ length: 10 }, () => raise(db))));
      assert.equal(await look(dbs[0]!, "count"), 20);
    }));

  it("00 §C8 the daemon refuses an update whose client has not heard of the newest write", () =>
    withDaemon(async ({ connect, tap, url }) => {
      const hers = await (await connect()).user.createDatabase({ name: "count" });
      const his = await (await connect("ada", undefined, url)).user.openDatabase(hers.rootId);
      const raise = (db: Database) =>
        db.update(async (tx) => {
          const store = await tx.getStore(DocStore, "s");
          await store.set("count", Number(await store.getOption("count") ?? 0) + 1);
        });
      await raise(hers);
      tap.isHeld = true;
      await raise(his);
      const submits = tap.count("SubmitSignedEntry");
      const raising = raise(hers);
      while (tap.count("SubmitSignedEntry") === submits) {
        await new Promise((done) => setTimeout(done, 1));
      }
      tap.release();
      await raising;
      assert.deepEqual([await look(hers, "count"), await look(his, "count")], [3, 3]);
    }));
});
