import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Database,
  DocStore,
  type ID,
  Instance,
  NewUser,
  PasswordStore,
  Snapshot,
  Table,
  type User,
} from "../../mod.ts";
import { checkpointPrefix, idKey, prefixRange } from "../../src/backend/records/keys.ts";
import { encodeIdRow } from "../../src/backend/records/tree_records.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import type { Pair } from "../../src/storage/driver.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { utf8 } from "../../src/util/bytes.ts";

/** Makes a delta heavy without making the state large: every delta replaces it. */
const padding = (at: number): string => `${at}`.padEnd(60_000, "p");

interface Bed {
  readonly instance: Instance;
  readonly user: User;
  readonly open: () => Promise<{ instance: Instance; user: User }>;
  readonly path: string;
}

/** An instance in a file, and how to open it again after it was closed. */
async function withFile(test: (bed: Bed) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-checkpoints-"));
  const path = join(folder, "a.db");
  try {
    const open = async () => {
      const instance = await Instance.connect(`sqlite://${path}`);
      return { instance, user: await instance.loginUser("ada") };
    };
    const { instance, user } = await Instance.connectOrCreate(
      `sqlite://${path}`,
      NewUser.passwordless("ada"),
    );
    await test({ instance, user: user!, open, path });
    await instance.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function set(db: Database, at: number, on?: Snapshot): Promise<ID> {
  const tx = await db.newTransaction(on === undefined ? {} : { at: on });
  const store = await tx.getStore(DocStore, "s");
  await store.set("padding", padding(at));
  await store.set(`k${at}`, at);
  return await tx.commit();
}

async function keys(db: Database): Promise<string[]> {
  const all = await (await db.getStoreViewer(DocStore, "s")).getAll();
  return [...all.keys()];
}

async function heads(path: string, tree: ID, store: string): Promise<Pair[]> {
  const driver = await sqliteStorage(path);
  const found: Pair[] = [];
  const range = prefixRange(checkpointPrefix("head", tree, store, "doc"));
  for await (const page of driver.list(range)) found.push(...page);
  await driver.close();
  return found;
}

/** Takes an entry's bytes away, so that whoever folds it fails. */
async function lose(instance: Instance, db: Database, id: ID): Promise<void> {
  const { height } = await db.getEntry(id);
  const { driver } = instance.backend as LocalBackend;
  const row = { status: "Verified", height, tree: db.rootId } as const;
  await driver.commit({ set: [[idKey(id), encodeIdRow(row, new Uint8Array(0))]] });
}

describe("checkpoints of databases", () => {
  it("05 §6 a store that was only ever written has a checkpoint for who reads it first", () =>
    withFile(async ({ instance, user, open, path }) => {
      const db = await user.createDatabase({ name: "x" });
      const ids: ID[] = [];
      for (let at = 0; at < 60; at++) ids.push(await set(db, at));
      await instance.close();
      assert.equal((await heads(path, db.rootId, "s")).length, 1);
      const again = await open();
      const copy = await again.user.openDatabase(db.rootId);
      await lose(again.instance, copy, ids[3]!);
      assert.equal((await keys(copy)).length, 61);
      await again.instance.close();
    }));

  it("06#33 a branch that begins a little back begins at the checkpoint, which stays behind", () =>
    withFile(async ({ instance, user, open }) => {
      const db = await user.createDatabase({ name: "x" });
      const ids: ID[] = [];
      for (let at = 0; at < 60; at++) {
        ids.push(await set(db, at));
        await keys(db);
      }
      await instance.close();
      const again = await open();
      const copy = await again.user.openDatabase(db.rootId);
      await lose(again.instance, copy, ids[3]!);
      await set(copy, 100, Snapshot.of([ids[57]!]));
      assert.equal((await keys(copy)).length, 62);
      await again.instance.close();
    }));

  it(
    "04 §9,04#47 no plaintext of an encrypted store is ever written",
    { timeout: 60_000 },
    () =>
      withFile(async ({ instance, user, open, path }) => {
        const db = await user.createDatabase({ name: "x" });
        const Secrets = PasswordStore.of(Table.of<{ text: string }>());
        const secret = "plaintext-of-mine-".repeat(20_000);
        for (let at = 0; at < 6; at++) {
          await db.withTransaction(async (tx) => {
            const store = await tx.getStore(Secrets, "secrets");
            if (at === 0) await store.initialize("pw");
            else await store.open("pw");
            const rows = await store.inner();
            await rows.set(`key-${at % 3}`, { text: `${at} ${secret}` });
            assert.equal((await rows.get(`key-${at % 3}`)).text, `${at} ${secret}`);
          });
        }
        for (let at = 0; at < 30; at++) await set(db, at);
        await keys(db);
        await instance.close();
        assert.equal((await heads(path, db.rootId, "secrets")).length, 0);
        assert.equal((await heads(path, db.rootId, "s")).length, 1, "the other store has one");
        const driver = await sqliteStorage(path);
        const everything = { start: Uint8Array.of(0), end: Uint8Array.of(255) };
        const needles = ["plaintext-of-mine", "key-0"].map((text) => utf8(text));
        for await (const page of driver.list(everything)) {
          for (const { key, value } of page) {
            for (const needle of needles) {
              const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
              assert.ok(!text(value).includes(text(needle)), `under ${text(key)}`);
            }
          }
        }
        await driver.close();
        const again = await open();
        const copy = await again.user.openDatabase(db.rootId);
        const viewer = await copy.getStoreViewer(Secrets, "secrets");
        await viewer.open("pw");
        assert.equal((await (await viewer.inner()).get("key-2")).text, `5 ${secret}`);
        await again.instance.close();
      }),
  );
});
