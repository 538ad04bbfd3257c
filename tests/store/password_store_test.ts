import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Database,
  type Doc,
  DocStore,
  isNotFound,
  PasswordStore,
  Snapshot,
  StoreError,
  Table,
} from "../../mod.ts";
import { docState } from "../../src/backend/state/doc_state.ts";
import { hasCode, peerWith, withDb } from "../database/bed.ts";
import { refused, writeSecret } from "../helpers/password_bed.ts";

const PASSWORD = "correct horse";
const NAME = "secrets";

const opened = async (db: Database, password = PASSWORD) => {
  const store = await db.getStoreViewer(PasswordStore, NAME);
  await store.open(password);
  return await store.inner();
};

const PASSWORDS = ["one", "two", "three"];

describe("states of a PasswordStore", () => {
  it("04#41,#43 uninitialized, open, locked, open", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        const store = await tx.getStore(PasswordStore, NAME);
        assert.deepEqual([store.isInitialized, store.isOpen], [false, false]);
        await assert.rejects(store.open(PASSWORD), refused("InvalidOperation", "open"));
        await assert.rejects(store.inner(), refused("InvalidOperation", "inner"));
        await store.initialize(PASSWORD);
        assert.deepEqual([store.isInitialized, store.isOpen], [true, true]);
        await assert.rejects(store.initialize(PASSWORD), refused("InvalidOperation", "initialize"));
        await assert.rejects(store.open(PASSWORD), refused("InvalidOperation", "open"));
        await (await store.inner()).set("k", "v");
      });
      const store = await (await db.newTransaction()).getStore(PasswordStore, NAME);
      assert.deepEqual([store.isInitialized, store.isOpen], [true, false]);
      await assert.rejects(store.inner(), refused("InvalidOperation", "inner"));
      await assert.rejects(store.initialize("other"), refused("InvalidOperation", "initialize"));
      await store.open(PASSWORD);
      await assert.rejects(store.open(PASSWORD), refused("InvalidOperation", "open"));
      assert.equal(await (await store.inner()).getString("k"), "v");
    }));

  it("04#42 a wrong password is told apart, and the store stays locked", () =>
    withDb(async ({ db }) => {
      await writeSecret(db, NAME, PASSWORD, { k: "v" });
      const store = await db.getStoreViewer(PasswordStore, NAME);
      for (const wrong of ["", "correct horse ", "Correct horse"]) {
        await assert.rejects(store.open(wrong), (error) => {
          assert.ok(error instanceof StoreError);
          assert.equal(error.code, "InvalidPassword");
          assert.equal(error.fields.reason, "wrong password or tampered data");
          assert.equal(error.fields.store, NAME);
          return wrong === "" || !error.message.includes(wrong);
        });
        assert.equal(store.isOpen, false);
        await assert.rejects(store.inner(), refused("InvalidOperation", "inner"));
      }
      await store.open(PASSWORD);
      assert.equal(await (await store.inner()).getString("k"), "v");
    }));

  it("04#41 of several handles that give a password at once one does, and it opens the store", () =>
    withDb(async ({ db }) => {
      const tx = await db.newTransaction();
      const handles = await Promise.all(PASSWORDS.map(() => tx.getStore(PasswordStore, "s")));
      const given = await Promise.allSettled(
        handles.map((handle, at) => handle.initialize(PASSWORDS[at]!)),
      );
      const winners = given.flatMap(({ status }, at) => status === "fulfilled" ? [at] : []);
      assert.equal(winners.length, 1);
      const winner = winners[0]!;
      await (await handles[winner]!.inner()).set("k", "v");
      await tx.commit();
      const store = await db.getStoreViewer(PasswordStore, "s");
      await store.open(PASSWORDS[winner]!);
      assert.equal(await (await store.inner()).getString("k"), "v");
    }));

  it("04#41 what one handle of a transaction does to the store holds for the others, but each is opened", () =>
    withDb(async ({ db }) => {
      const tx = await db.newTransaction();
      const [one, other] = [
        await tx.getStore(PasswordStore, NAME),
        await tx.getStore(PasswordStore, NAME),
      ];
      await one.initialize(PASSWORD);
      assert.deepEqual([other.isInitialized, other.isOpen], [true, false]);
      await assert.rejects(other.inner(), refused("InvalidOperation", "inner"));
      await assert.rejects(other.open("wrong"), hasCode("InvalidPassword"));
      const tables = await tx.getStore(PasswordStore.of(Table), NAME);
      await assert.rejects(tables.open(PASSWORD), hasCode("TypeMismatch"));
      await assert.rejects(tables.inner(), refused("InvalidOperation", "inner"));
      await other.open(PASSWORD);
      await (await one.inner()).set("one", "1");
      await (await other.inner()).set("other", "2");
      assert.equal(await (await one.inner()).getString("other"), "2");
      one.lock();
      assert.deepEqual([one.isOpen, other.isOpen], [false, false]);
      await assert.rejects(other.inner(), refused("InvalidOperation", "inner"));
      other.lock();
      await other.open(PASSWORD);
      await one.open(PASSWORD);
      await tx.commit();
      assert.deepEqual([one.isOpen, other.isOpen], [false, false]);
      const inner = await opened(db);
      assert.deepEqual([await inner.getString("one"), await inner.getString("other")], ["1", "2"]);
    }));

  it("04#41 any text is a password, the empty one too", () =>
    withDb(async ({ db }) => {
      for (const [at, password] of ["", "pässwörd 🔑", "x".repeat(1000)].entries()) {
        await writeSecret(db, `s${at}`, password, { at });
        const store = await db.getStoreViewer(PasswordStore, `s${at}`);
        await store.open(password);
        assert.equal(await (await store.inner()).getInt("at"), at);
      }
    }));

  it("04 §9.1 a viewer of an unknown name, and of a name of another type", () =>
    withDb(async ({ db }) => {
      await assert.rejects(db.getStoreViewer(PasswordStore, NAME), isNotFound);
      await db.withTransaction(async (tx) => void await tx.getStore(DocStore, NAME));
      await assert.rejects(db.getStoreViewer(PasswordStore, NAME), hasCode("TypeMismatch"));
      const tx = await db.newTransaction();
      await assert.rejects(tx.getStore(PasswordStore, NAME), hasCode("TypeMismatch"));
      await writeSecret(db, "other", PASSWORD, {});
      await assert.rejects(tx.getStore(PasswordStore, NAME), hasCode("TypeMismatch"));
      await assert.rejects(
        (await db.newTransaction()).getStore(DocStore, "other"),
        hasCode("TypeMismatch"),
      );
    }));

  it("04 §9.6 a locked store forgets its key; nothing staged is then committed in the clear", () =>
    withDb(async ({ db }) => {
      await writeSecret(db, NAME, PASSWORD, { k: "v" });
      const tx = await db.newTransaction();
      const store = await tx.getStore(PasswordStore, NAME);
      await store.open(PASSWORD);
      const inner = await store.inner();
      await inner.set("n", 1);
      assert.equal(await inner.getString("k"), "v");
      store.lock();
      assert.equal(store.isOpen, false);
      await assert.rejects(inner.get("k"), hasCode("InvalidOperation"));
      await assert.rejects(tx.commit(), hasCode("InvalidOperation"));
      await store.open(PASSWORD);
      assert.equal(await inner.getString("k"), "v");
      await tx.commit();
      assert.equal(store.isOpen, false, "the commit wipes the key");
      assert.deepEqual((await (await opened(db)).getAll()).toObject(), { k: "v", n: 1 });
    }));
});

describe("what a PasswordStore wraps", () => {
  it("04#49 a table round-trips, and no other type opens it", () =>
    withDb(async ({ db }) => {
      const Accounts = PasswordStore.of(Table.of<{ iban: string }>());
      const key = await db.withTransaction(async (tx) => {
        const store = await tx.getStore(Accounts, NAME);
        await store.initialize(PASSWORD);
        return await (await store.inner()).insert({ iban: "DE02" });
      });
      const store = await db.getStoreViewer(Accounts, NAME);
      await store.open(PASSWORD);
      assert.deepEqual(await (await store.inner()).get(key), { iban: "DE02" });
      await assert.rejects(opened(db), (error) => {
        assert.ok(error instanceof StoreError && error.code === "TypeMismatch");
        assert.deepEqual([error.fields.expected, error.fields.actual], [
          "docstore:v0",
          "table:v0",
        ]);
        return true;
      });
    }));

  it("04#50 deltas fold, deletions too; an unwritten store is empty", () =>
    withDb(async ({ db }) => {
      await writeSecret(db, NAME, PASSWORD, {});
      assert.equal((await (await opened(db)).getAll()).len(), 0);
      const change = (use: (inner: DocStore) => Promise<void>) =>
        db.withTransaction(async (tx) => {
          const store = await tx.getStore(PasswordStore, NAME);
          await store.open(PASSWORD);
          await use(await store.inner());
        });
      await change(async (inner) => {
        await inner.set("a", 1);
        await inner.set("b", { x: 1 });
        await inner.set("c", 1);
      });
      await change(async (inner) => {
        await inner.set("a", 2);
        await inner.set("b.y", 2);
        await inner.set("d", 3);
        assert.equal(await inner.delete("c"), true);
      });
      assert.deepEqual((await (await opened(db)).getAll()).toObject(), {
        a: 2,
        b: { x: 1, y: 2 },
        d: 3,
      });
    }));

  it("04#50 branches of an encrypted store merge", () =>
    withDb(async ({ db }) => {
      await writeSecret(db, NAME, PASSWORD, { base: 0 });
      const at = await db.snapshot();
      for (const key of ["left", "right"]) {
        const tx = await db.newTransaction({ at });
        const store = await tx.getStore(PasswordStore, NAME);
        await store.open(PASSWORD);
        await (await store.inner()).set(key, 1);
        await tx.commit();
      }
      const all = await (await opened(db)).getAll();
      assert.deepEqual(all.toObject(), { base: 0, left: 1, right: 1 });
    }));

  it("04#51 a peer without the password relays", () =>
    withDb(async ({ db }) => {
      await writeSecret(db, NAME, PASSWORD, { k: "v" });
      const relay = await peerWith(await db.getAllEntries());
      try {
        const copy = await Database.open(relay, db.rootId);
        const locked = await copy.getStoreViewer(PasswordStore, NAME);
        await assert.rejects(locked.inner(), hasCode("InvalidOperation"));
        assert.equal(
          await relay.backend.getVerificationStatus((await copy.snapshot()).tips[0]!),
          "Verified",
        );
        const far = await peerWith(await copy.getAllEntries());
        try {
          const there = await Database.open(far, db.rootId);
          assert.equal(await (await opened(there)).getString("k"), "v");
        } finally {
          await far.close();
        }
      } finally {
        await relay.close();
      }
    }));

  it("04#57 a concurrent registration cannot wipe an initialization, in either order", () =>
    withDb(async ({ db }) => {
      for (const late of ["registered", "initialized"] as const) {
        const name = `s-${late}`;
        const at = await db.snapshot();
        const step = async (which: typeof late, work: Parameters<typeof db.withTransaction>[0]) => {
          // The later branch is one entry longer, so that its last entry is folded last.
          const from = which === late ? await longer(db, at) : at;
          const tx = await db.newTransaction({ at: from });
          await work(tx);
          await tx.commit();
        };
        await step("initialized", async (tx) => {
          const store = await tx.getStore(PasswordStore, name);
          await store.initialize(PASSWORD);
          await (await store.inner()).set("k", late);
        });
        await step("registered", async (tx) => void await tx.getStore(PasswordStore, name));
        const store = await db.getStoreViewer(PasswordStore, name);
        assert.equal(store.isInitialized, true);
        await store.open(PASSWORD);
        assert.equal(await (await store.inner()).getString("k"), late);
      }
    }));
});

/** One entry on top of `at` that touches neither the registry nor an encrypted store. */
async function longer(db: Database, at: Snapshot): Promise<Snapshot> {
  const tx = await db.newTransaction({ at });
  await tx.getSettings().set("note", "longer");
  return Snapshot.of([await tx.commit()]);
}

describe("plaintext of a PasswordStore", () => {
  it("04#47 reads through a key leave nothing that reads without one", () =>
    withDb(async ({ db, instance }) => {
      await writeSecret(db, NAME, PASSWORD, { k: "v" });
      assert.equal(await (await opened(db)).getString("k"), "v");
      const state = instance.backend as unknown as {
        stateAt(...args: unknown[]): Promise<Doc>;
      };
      const tips = await (await db.newTransaction()).storeParents(NAME);
      assert.equal(tips.tips.length, 1);
      await assert.rejects(
        state.stateAt(db.rootId, NAME, tips, docState),
        hasCode("DeserializationFailed"),
      );
      const plain = await db.getStoreViewer(DocStore, NAME);
      await assert.rejects(plain.getAll(), hasCode("DeserializationFailed"));
    }));

  it("04#47 one transaction decrypts history once, until the key changes", () =>
    withDb(async ({ db }) => {
      let decrypted = 0;
      const mirror = (bytes: Uint8Array) => Promise.resolve(bytes.map((byte) => byte ^ 0x55));
      const encryptor = {
        encrypt: mirror,
        decrypt: (bytes: Uint8Array) => {
          decrypted++;
          return mirror(bytes);
        },
      };
      for (const key of ["a", "b", "c"]) {
        await db.withTransaction(async (tx) => {
          const store = await tx.getStore(DocStore, NAME);
          tx.registerEncryptor(NAME, encryptor);
          await store.set(key, key);
        });
      }
      assert.equal(decrypted, 0, "writing reads nothing");
      const tx = await db.newTransaction();
      const store = await tx.getStore(DocStore, NAME);
      tx.registerEncryptor(NAME, encryptor);
      await Promise.all(["a", "b", "c"].map((key) => store.get(key)));
      assert.equal((await store.getAll()).len(), 3);
      assert.equal(decrypted, 3);
      tx.registerEncryptor(NAME, encryptor);
      assert.equal(await store.getString("a"), "a");
      assert.equal(decrypted, 6);
      const failing = { ...encryptor, decrypt: () => Promise.reject(new Error("no key")) };
      tx.registerEncryptor(NAME, failing);
      await assert.rejects(store.get("a"), /no key/);
    }));
});
