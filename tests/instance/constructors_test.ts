import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  DocStore,
  ID,
  Instance,
  InstanceError,
  isConflict,
  NewUser,
  PrivateKey,
} from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { newStorage, newUrl } from "../helpers/storages.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { failing, hasCode, withFolder } from "./places.ts";

const ada = NewUser.passwordless("ada");

describe("constructors", () => {
  it("07#1,#2,#6 strict ones open only what exists; two instances have two identities", async () => {
    await assert.rejects(Instance.connect("memory://"), hasCode("NotInitialized"));
    await assert.rejects(Instance.openBackend(await newStorage()), hasCode("NotInitialized"));
    const one = await Instance.connectOrCreate("memory://", ada);
    const two = await Instance.connectOrCreate("memory://", ada);
    assert.equal(one.user?.username, "ada");
    assert.ok(!one.instance.id.equals(two.instance.id));
    await one.instance.close();
    await two.instance.close();
  });

  it("07#3,#4 a storage is bootstrapped once", () =>
    withFolder(async (folder) => {
      const open = () => sqliteStorage(join(folder, "x.db"));
      const first = await Instance.createBackend(await open(), ada);
      await first.instance.close();
      await assert.rejects(Instance.createBackend(await open(), ada), (error) =>
        hasCode("InstanceAlreadyExists")(error) && isConflict(error));
      const again = await Instance.connectOrCreateBackend(
        await open(),
        NewUser.withPassword("eve", "other"),
      );
      assert.equal(again.user, undefined);
      assert.equal((await again.instance.loginUser("ada")).username, "ada");
      await assert.rejects(again.instance.loginUser("eve", "other"), hasCode("UserNotFound"));
      await again.instance.close();
    }));

  it("07#5,#19,#20,#21 a snapshot path is written at flush and at close, and loads", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const url = `memory://${path}`;
      const { instance, user } = await Instance.connectOrCreate(url, ada);
      assert.equal(existsSync(path), false);
      await instance.flush();
      assert.equal(existsSync(path), true);
      const db = await user!.createDatabase({ name: "after flush" });
      await instance.close();
      assert.deepEqual(readdirSync(folder), ["s.json"], "no temporary file is left");
      for (let time = 0; time < 3; time++) {
        const again = await Instance.connect(url);
        assert.ok(again.id.equals(instance.id));
        const [found] = await (await again.loginUser("ada")).findDatabase("after flush");
        assert.ok(found!.rootId.equals(db.rootId));
        await again.close();
      }
    }));

  it("07#7,#8,#9 device keys that are wrong, missing or alone", async () => {
    const storage = await newStorage();
    const lasting = failing(storage, -1);
    const first = await Instance.createBackend(lasting, ada);
    await first.instance.close();
    const { records } = new LocalBackend(storage);
    await records.setSecrets({ signing_key: PrivateKey.generate().reveal() });
    await assert.rejects(Instance.openBackend(failing(storage, -1)), hasCode("DeviceKeyMismatch"));

    const keyless = await newStorage();
    const metadata = (await records.getMetadata())!;
    await new LocalBackend(keyless).records.setMetadata(metadata);
    const open = await Instance.openBackend(keyless);
    await assert.rejects(open.loginUser("ada"), hasCode("DeviceKeyNotFound"));
    await open.close();

    const lonely = await newStorage();
    const key = PrivateKey.generate();
    await new LocalBackend(lonely).records.setSecrets({ signing_key: key.reveal() });
    const made = await Instance.createBackend(lonely, ada);
    assert.ok(made.instance.id.equals(key.publicKey), "the key that is there is used");
    await made.instance.close();
  });

  it("07#10, 00 §C3 bootstrap resumes after a failure at every single write", async () => {
    let steps = 0;
    for (let failAt = 1;; failAt++) {
      const storage = await newStorage();
      const view = failing(storage, failAt);
      const first = await Instance.createBackend(view, ada).catch((error) => error as Error);
      if (!(first instanceof Error) && view.commits < failAt) {
        await first.instance.close();
        break;
      }
      steps++;
      const { instance, user } = await Instance.connectOrCreateBackend(failing(storage, -1), ada);
      const session = user ?? await instance.loginUser("ada");
      assert.equal(await session.isAdmin(), true, `write ${failAt}`);
      assert.deepEqual(await (await session.admin()).listUsers(), ["ada"]);
      await session.createDatabase({ name: "works" });
      await instance.close();
    }
    assert.ok(steps >= 8, `${steps} writes make an instance`);
  });

  it("07 better 2 of two bootstraps that race one wins and the other loads", async () => {
    const url = await newUrl();
    const both = await Promise.all([1, 2].map(() => Instance.connectOrCreate(url, ada)));
    assert.equal(both.filter(({ user }) => user !== undefined).length, 1);
    assert.ok(both[0]!.instance.id.equals(both[1]!.instance.id));
    for (const { instance } of both) {
      assert.equal((await instance.loginUser("ada")).username, "ada");
      await instance.close();
    }
  });
});

describe("snapshots", () => {
  it("07#23,#24 flush into a missing folder fails with a cause; many at once leave one file", () =>
    withFolder(async (folder) => {
      mkdirSync(join(folder, "no"));
      const lost = await Instance.connectOrCreate(`memory://${join(folder, "no", "s.json")}`, ada);
      rmSync(join(folder, "no"), { recursive: true });
      await assert.rejects(
        lost.instance.flush(),
        (error) => hasCode("FileIo")(error) && (error as Error).cause !== undefined,
      );
      await assert.rejects(lost.instance.close(), hasCode("FileIo"));
      const { instance } = await Instance.connectOrCreate(
        `memory://${join(folder, "s.json")}`,
        ada,
      );
      await Promise.all(Array.from({ length: 16 }, () => instance.flush()));
      await instance.close();
      assert.deepEqual(readdirSync(folder), ["s.json"]);
      await (await Instance.connect(`memory://${join(folder, "s.json")}`)).close();
    }));

  it("07#25,#26, 05#37 foreign, broken and missing files are left alone", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const url = `memory://${path}`;
      await assert.rejects(
        Instance.connect(url),
        hasCode("InvalidSnapshot", "does not exist", "connect_or_create"),
      );
      assert.equal(existsSync(path), false);
      const foreign = '{"entries":{},"cache":[1,2],"verification_status":{}}';
      writeFileSync(path, foreign);
      await assert.rejects(
        Instance.connectOrCreate(url, ada),
        hasCode("InvalidSnapshot", "snapshot file", "foreign data"),
      );
      await assert.rejects(Instance.connect(url), hasCode("NotInitialized"));
      assert.equal(readFileSync(path, "utf8"), foreign);
      for (
        const text of ["not json", '{"_v":99,"entries":{}}', "{}", '{"entries":{"x":{}}}', "[]"]
      ) {
        writeFileSync(path, text);
        await assert.rejects(Instance.connect(url), hasCode("InvalidSnapshot"), text);
        await assert.rejects(Instance.connectOrCreate(url, ada), hasCode("InvalidSnapshot"), text);
        assert.equal(readFileSync(path, "utf8"), text);
      }
    }));

  it("05#8 better: an entry under another ID is refused, with no key in the message", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s.json");
      const { instance } = await Instance.connectOrCreate(`memory://${path}`, ada);
      await instance.close();
      const file = JSON.parse(readFileSync(path, "utf8"));
      const [first, second] = Object.keys(file.entries);
      [file.entries[first!], file.entries[second!]] = [file.entries[second!], file.entries[first!]];
      writeFileSync(path, JSON.stringify(file));
      const secret = file.instance_secrets.signing_key as string;
      await assert.rejects(Instance.connect(`memory://${path}`), (error) => {
        return hasCode("InvalidSnapshot")(error) &&
          !String((error as Error).message).includes(secret);
      });
    }));

  it("07#27,#28 other storages need no flush and give no snapshot; a copy does not arm its path", () =>
    withFolder(async (folder) => {
      const sqlite = await Instance.connectOrCreate(`sqlite://${join(folder, "x.db")}`, ada);
      await sqlite.instance.flush();
      await assert.rejects(
        sqlite.instance.snapshotToPath(join(folder, "c.json")),
        hasCode("SnapshotNotSupported"),
      );
      await sqlite.instance.close();
      const { instance } = await Instance.connectOrCreate("memory://", ada);
      const copy = join(folder, "copy.json");
      await instance.snapshotToPath(copy);
      const before = readFileSync(copy, "utf8");
      await instance.loginUser("ada");
      await instance.flush();
      await instance.close();
      assert.equal(readFileSync(copy, "utf8"), before);
      await (await Instance.connect(`memory://${copy}`)).close();
    }));
});

describe("handles", () => {
  it("07#22,#29 weak handles follow the instance; closed ones say so", async () => {
    const { instance, user } = await Instance.connectOrCreate("memory://", ada);
    const db = await user!.createDatabase({ name: "x" });
    const weak = instance.downgrade();
    assert.equal(weak.upgrade(), instance);
    await instance.close();
    await instance.close();
    assert.equal(weak.upgrade(), undefined);
    const dropped = (error: unknown) =>
      error instanceof InstanceError && error.code === "InstanceDropped";
    await assert.rejects(db.snapshot(), dropped);
    await assert.rejects(
      db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("a", 1)),
      dropped,
    );
    await assert.rejects(instance.loginUser("ada"), dropped);
    await assert.rejects(instance.flush(), dropped);
    await assert.rejects(instance.hasEntry(db.rootId), dropped);
  });

  it("07#30 what is held", async () => {
    const { instance, user } = await Instance.connectOrCreate("memory://", ada);
    const unknown = ID.ofRaw(utf8("x"));
    assert.deepEqual([await instance.hasEntry(unknown), await instance.hasDatabase(unknown)], [
      false,
      false,
    ]);
    const db = await user!.createDatabase({ name: "x" });
    assert.deepEqual([await instance.hasEntry(db.rootId), await instance.hasDatabase(db.rootId)], [
      true,
      true,
    ]);
    await instance.close();
  });

  it("00 §C5 nothing secret is printed", async () => {
    const { inspect } = await import("node:util");
    const { instance, user } = await Instance.connectOrCreate(
      "memory://",
      NewUser.withPassword("ada", "geheim"),
    );
    const key = user!.signingKey(user!.defaultKey());
    const printed =
      [instance, user, NewUser.withPassword("ada", "geheim"), key].map((value) =>
        inspect(value, { depth: 8 })
      ).join("\n") + JSON.stringify([user, key]);
    assert.ok(!printed.includes("geheim"));
    assert.ok(!printed.includes(key.reveal()));
    await instance.close();
  });
});
