import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Instance, InstanceError, NewUser, PrivateKey, type RandomSource } from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import type { Batch, StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { StorageError } from "../../src/util/errors.ts";
import { RUNTIME, SHARED_STORAGES, urlOf, whyNot } from "../helpers/shared.ts";
import { failing, hasCode, runProcess, withFolder } from "./places.ts";

const ada = NewUser.passwordless("ada");
const timeout = 120_000;

/** A view of a storage that dies with its `at`-th commit, before or after it took effect. */
function dying(storage: StorageDriver, at: number, isDone: boolean): StorageDriver {
  const view = failing(storage, -1);
  let commits = 0;
  const dead = () => new StorageError("Failed", "Cannot write: the process died, for this test");
  return {
    ...view,
    get: (key) => commits >= at ? Promise.reject(dead()) : view.get(key),
    async commit(batch: Batch) {
      if (++commits > at) throw dead();
      if (commits === at && !isDone) throw dead();
      const result = await view.commit(batch);
      if (commits === at) throw dead();
      return result;
    },
  };
}

/** Bootstraps on storages that die at each write in turn, and finishes afterwards. */
async function crashEverywhere(initial: NewUser, isDone: boolean): Promise<number> {
  for (let at = 1;; at++) {
    const storage = memoryStorage();
    const first = await Instance.createBackend(dying(storage, at, isDone), initial)
      .catch((error) => error as Error);
    const finished = await Instance.connectOrCreateBackend(failing(storage, -1), initial);
    const user = finished.user ?? await finished.instance.loginUser("ada", initial.password);
    assert.deepEqual(await (await user.admin()).listUsers(), ["ada"], `write ${at}`);
    const db = await user.createDatabase({ name: "works" });
    await finished.instance.close();
    const again = await Instance.openBackend(storage);
    const [found] = await (await again.loginUser("ada", initial.password)).findDatabase("works");
    assert.ok(found!.rootId.equals(db.rootId));
    await again.close();
    if (!(first instanceof Error) && finished.user === undefined) return at;
  }
}

describe("bootstrap", () => {
  it("00 §C3, 07 better 1 resumes after a crash at every write, done or not", async () => {
    for (const isDone of [false, true]) {
      assert.ok(await crashEverywhere(ada, isDone) >= 8);
      assert.ok(await crashEverywhere(NewUser.withPassword("ada", "pw"), isDone) >= 8);
    }
  });

  it("00 §C3 a bootstrap that is resumed keeps the device key it had", async () => {
    const storage = memoryStorage();
    await assert.rejects(Instance.createBackend(dying(storage, 4, false), ada));
    const { signing_key: key } = (await new LocalBackend(storage).getInstanceSecrets())!;
    const { instance } = await Instance.createBackend(failing(storage, -1), ada);
    assert.ok(instance.id.equals(PrivateKey.parse(key).publicKey));
    await instance.close();
  });

  for (const kind of SHARED_STORAGES) {
    it(`07 better 2 of three processes that race one creates, the others load, on ${kind}`, {
      skip: whyNot(kind),
      timeout,
    }, async () => {
      const url = await urlOf(kind);
      // Strict connect leaves what is there as it is.
      await assert.rejects(Instance.connect(url), hasCode("NotFound"));
      await assert.rejects(Instance.connect(url), hasCode("NotFound"));
      await race(url);
    });
  }

  it("00 §C4 strict connect creates nothing, whatever the URL", () =>
    withFolder(async (folder) => {
      const at = (name: string) => join(folder, name);
      const urls = [
        `sqlite://${at("x.db")}`,
        `sqlite:${at("x.db")}?mode=rwc`,
        `SQLite:file:${at("x.db")}?cache=shared`,
        `memory://${at("s.json")}`,
        `file://${at("store")}`,
        ...(RUNTIME === "deno" ? [`denokv:${at("kv.db")}`] : []),
      ];
      for (const url of urls) await assert.rejects(Instance.connect(url), InstanceErrorOrStorage);
      assert.deepEqual(readdirSync(folder), []);
    }));

  it("00 §C4 connectOrCreate creates a SQLite file without mode=rwc; mode=rw does not", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      await assert.rejects(Instance.connectOrCreate(`sqlite://${path}?mode=rw`, ada));
      assert.equal(existsSync(path), false);
      await (await Instance.connectOrCreate(`sqlite://${path}`, ada)).instance.close();
      const instance = await Instance.connect(`sqlite://${path}?immutable=1`);
      const user = await instance.loginUser("ada");
      await assert.rejects(user.createDatabase({}), hasCode("ReadOnly"));
      await instance.close();
    }));
});

function InstanceErrorOrStorage(error: unknown): boolean {
  return ["NotFound", "NotInitialized", "InvalidSnapshot"].some((code) => hasCode(code)(error));
}

async function race(url: string): Promise<void> {
  const outputs = await Promise.all([1, 2, 3].map(() => runProcess("bootstrap_main.ts", url)));
  const results = outputs.map((text) => JSON.parse(text) as { id: string; created: boolean });
  assert.equal(results.filter(({ created }) => created).length, 1);
  assert.equal(new Set(results.map(({ id }) => id)).size, 1);
  const instance = await Instance.connect(url);
  const admin = await (await instance.loginUser("ada")).admin();
  assert.deepEqual(await admin.listUsers(), ["ada"]);
  await instance.close();
}

/** Bytes that follow from a seed, the same in every run. */
function seeded(seed: number): RandomSource {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  return { bytes: (length) => Uint8Array.from({ length }, next) };
}

describe("options", () => {
  it("07 §4, §11 clock and randomness decide everything: two runs give the same bytes", async () => {
    const run = async (seed: number): Promise<string> => {
      const { instance, user } = await Instance.createBackend(
        memoryStorage(),
        NewUser.withPassword("ada", "pw"),
        { clock: new FixedClock(), random: seeded(seed) },
      );
      await user.addPrivateKey("laptop");
      await (await user.admin()).createUser(NewUser.withPassword("bob", "pw"));
      const { database } = await user.newDatabase().name("x").emptyDoc("s").build();
      await database.withTransaction(async (tx) => {
        const { Table } = await import("../../mod.ts");
        await (await tx.getStore(Table, "rows")).insert({ a: 1 });
      });
      await instance.loginUser("ada", "pw");
      const text = await instance.snapshotText();
      await instance.close();
      return text;
    };
    assert.equal(await run(1), await run(1));
    assert.notEqual(await run(1), await run(2));
  });

  it("07 §4 openBackend takes a clock, too; records bear its time", async () => {
    const storage = memoryStorage();
    const clock = new FixedClock(1_000_000_000_000);
    const made = await Instance.createBackend(failing(storage, -1), ada, { clock });
    assert.equal(made.user.userInfo.createdAt, 1_000_000_000);
    await made.instance.close();
    const later = new FixedClock(2_000_000_000_000);
    const instance = await Instance.openBackend(storage, { clock: later });
    const { DocStore, Database, ID } = await import("../../mod.ts");
    await instance.loginUser("ada");
    const { users_db } = (await instance.backend.getInstanceMetadata())!;
    const users = await Database.open(instance, ID.parse(users_db));
    const logins = await (await users.getStoreViewer(DocStore, "last_login")).getAll();
    assert.deepEqual([...logins.values()], ["2000000000"]);
    await instance.close();
  });

  it("13 §2 readOnly refuses every write on any storage, and opens what is there", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      await assert.rejects(
        Instance.connectOrCreate(`sqlite://${path}`, ada, { readOnly: true }),
        hasCode("NotFound"),
      );
      assert.equal(existsSync(path), false);
      const storage = memoryStorage();
      await assert.rejects(
        Instance.createBackend(failing(storage, -1), ada, { readOnly: true }),
        hasCode("ReadOnly"),
      );
      await (await Instance.createBackend(failing(storage, -1), ada)).instance.close();
      const instance = await Instance.openBackend(storage, { readOnly: true });
      const user = await instance.loginUser("ada");
      await assert.rejects(user.createDatabase({}), hasCode("ReadOnly"));
      await instance.close();
    }));

  it("00 §C6 an aborted signal gives up before anything is made", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      const controller = new AbortController();
      controller.abort(new Error("enough"));
      const { signal } = controller;
      await assert.rejects(Instance.connectOrCreate(`sqlite://${path}`, ada, { signal }), /enough/);
      await assert.rejects(Instance.connect(`sqlite://${path}`, { signal }), /enough/);
      assert.deepEqual(readdirSync(folder), []);
      const storage = memoryStorage();
      await assert.rejects(
        Instance.createBackend(failing(storage, -1), ada, { signal }),
        /enough/,
      );
      assert.deepEqual([...storage.pairs()], []);
    }));

  it("07#47 what this runtime has nothing for is BackendUnavailable, with scheme and feature", async () => {
    const urls: [string, string, string][] = [];
    if (RUNTIME !== "deno") urls.push(["denokv:", "denokv", "denokv"]);
    for (const [url, scheme, missingFeature] of urls) {
      await assert.rejects(Instance.connect(url), (error) => {
        assert.ok(error instanceof InstanceError);
        assert.deepEqual([error.code, error.fields], ["BackendUnavailable", {
          scheme,
          missingFeature,
        }]);
        return error.message.includes(scheme);
      });
    }
    await assert.rejects(Instance.connect("unix://x?y"), hasCode("InvalidUrl"));
  });
});
