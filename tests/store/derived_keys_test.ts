import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, PasswordStore } from "../../mod.ts";
import { DerivedKeys, MAX_DERIVED_KEYS } from "../../src/store/derived_keys.ts";
import { readPasswordConfig } from "../../src/store/password_config.ts";
import { type Bed, hasCode, withDb } from "../database/bed.ts";
import { writeSecret } from "../helpers/password_bed.ts";

const COSTS = { memoryKiB: 8, iterations: 1, parallelism: 1 };
const PASSWORD = "correct horse";

/** A key of 32 bytes of one value. */
const keyOf = (value: number) => new Uint8Array(32).fill(value);

/** The keys that the instance keeps, and the name of the one of the store "s". */
async function kept({ instance, db }: Bed): Promise<{ keys: DerivedKeys; name: string }> {
  const { config } = await (await db.newTransaction()).getIndex().getEntry("s");
  const { salt, costs } = readPasswordConfig("s", config)!;
  const keys = instance.host.derivedKeys;
  return { keys, name: keys.nameOf(PASSWORD, salt, costs) };
}

/** Whether the instance keeps the key of the store "s". */
async function isKept(bed: Bed): Promise<boolean> {
  const { keys, name } = await kept(bed);
  const isMissing = await keys.get(name, () => Promise.reject(new Error("missing"))).then(
    () => false,
    () => true,
  );
  return !isMissing;
}

const readSecret = async (db: Database, password = PASSWORD) => {
  const store = await db.getStoreViewer(PasswordStore, "s");
  await store.open(password);
  return await (await store.inner()).getString("k");
};

describe("keys of opened stores", () => {
  it("04 §9.6 are derived once per session, however many transactions open the store", () =>
    withDb(async (bed) => {
      const { db } = bed;
      await writeSecret(db, "s", PASSWORD, { k: "v" });
      assert.equal(await isKept(bed), true, "initialize has derived it");
      const { keys, name } = await kept(bed);
      keys.wipe();
      assert.equal(await readSecret(db), "v");
      assert.equal(await isKept(bed), true);
      await Promise.all(Array.from({ length: 5 }, () => readSecret(db)));
      keys.keep(name, keyOf(1));
      await assert.rejects(readSecret(db), hasCode("InvalidPassword"), "the kept key is taken");
    }));

  it("04 §9.6 need the password every time", () =>
    withDb(async ({ db }) => {
      await writeSecret(db, "s", PASSWORD, { k: "v" });
      await readSecret(db);
      for (const wrong of ["", "correct hors", `${PASSWORD} `]) {
        await assert.rejects(readSecret(db, wrong), hasCode("InvalidPassword"));
      }
    }));

  it("04 §9.6 are forgotten by lock, at the logout and at the end", () =>
    withDb(async (bed) => {
      const { db, user, instance } = bed;
      await writeSecret(db, "s", PASSWORD, { k: "v" });
      const store = await db.getStoreViewer(PasswordStore, "s");
      await store.open(PASSWORD);
      store.lock();
      assert.equal(await isKept(bed), false);
      assert.equal(await readSecret(db), "v");
      assert.equal(await isKept(bed), true);
      user.logout();
      assert.equal(await isKept(bed), false);
      assert.equal(await readSecret(db), "v");
      const { keys, name } = await kept(bed);
      await instance.close();
      await assert.rejects(keys.get(name, () => Promise.reject(new Error("missing"))), /missing/);
    }));

  it("04 §9.6 opening twice at once opens once", () =>
    withDb(async ({ db }) => {
      await writeSecret(db, "s", PASSWORD, { k: "v" });
      const store = await db.getStoreViewer(PasswordStore, "s");
      const results = await Promise.allSettled([store.open(PASSWORD), store.open(PASSWORD)]);
      // Which of the two comes first is open.
      assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
      assert.equal(await (await store.inner()).getString("k"), "v");
    }));

  it("04 §9.6 those who want a key at once share its derivation; failures are shared by nobody", async () => {
    const keys = new DerivedKeys();
    const name = keys.nameOf(PASSWORD, "salt", COSTS);
    let calls = 0;
    const fail = async () => {
      calls++;
      await Promise.resolve();
      throw new Error("wrong");
    };
    const derive = async () => {
      calls++;
      await Promise.resolve();
      return keyOf(7);
    };
    const failures = await Promise.allSettled([keys.get(name, fail), keys.get(name, fail)]);
    assert.deepEqual([failures.map(({ status }) => status), calls], [["rejected", "rejected"], 2]);
    const [one, other] = await Promise.all([keys.get(name, derive), keys.get(name, derive)]);
    assert.deepEqual([calls, one, other], [3, keyOf(7), keyOf(7)]);
    one!.fill(0); // each is its holder's own
    assert.deepEqual(await keys.get(name, derive), keyOf(7));
    keys.wipe();
    await keys.get(name, derive);
    assert.equal(calls, 4);
  });

  it("04 §9.6 are not kept when they were wiped while they were made", async () => {
    for (const wipe of ["wipe", "forget"] as const) {
      const keys = new DerivedKeys();
      let done = (_key: Uint8Array) => {};
      const first = keys.get("k", () => new Promise((resolve) => done = resolve));
      keys[wipe]("k");
      const second = keys.get("k", () => Promise.resolve(keyOf(2)));
      done(keyOf(1));
      assert.deepEqual([await first, await second], [keyOf(1), keyOf(2)]);
      assert.deepEqual(await keys.get("k", () => Promise.resolve(keyOf(3))), keyOf(2));
    }
  });

  it("04 §9.6 have names that depend on all that they are derived from", () => {
    const keys = new DerivedKeys();
    const names = [
      keys.nameOf("a", "salt", COSTS),
      keys.nameOf("b", "salt", COSTS),
      keys.nameOf("a", "pepper", COSTS),
      keys.nameOf("a", "salt", { ...COSTS, iterations: 2 }),
      new DerivedKeys().nameOf("a", "salt", COSTS),
    ];
    assert.equal(new Set(names).size, names.length);
    assert.equal(keys.nameOf("a", "salt", { ...COSTS }), names[0]);
  });

  it("04 §9.6 are so many at most: the oldest goes", async () => {
    const keys = new DerivedKeys();
    for (let at = 0; at <= MAX_DERIVED_KEYS; at++) keys.keep(`${at}`, keyOf(at));
    const derive = () => Promise.resolve(keyOf(255));
    assert.deepEqual(await keys.get("1", derive), keyOf(1));
    assert.deepEqual(await keys.get("0", derive), keyOf(255));
  });
});
