/** Nothing secret shows in what is printed, thrown or logged (00 §C5, docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  Database,
  DatabaseKey,
  DocStore,
  Instance,
  NewUser,
  PasswordStore,
  PrivateKey,
  ready,
  setLogSink,
  SigKey,
  type User,
} from "../../mod.ts";
import { redactUrl } from "../../src/util/redact_url.ts";
import { toHex } from "../../src/util/hex.ts";
import { newStorage } from "../helpers/storages.ts";

const PASSWORD = "correct-horse-battery";
const WRONG = "wrong-staple-guess";

/** All that a console, a log or a crash report may make of a value. */
function shown(value: unknown): string {
  const parts = [inspect(value, { depth: 12, showHidden: true }), String(value)];
  parts.push(inspect(value, { depth: 12, getters: false }), inspect({ value }, { depth: 12 }));
  parts.push(inspect([value], { depth: 12 }), `${JSON.stringify(value)}`);
  for (let error = value; error instanceof Error; error = error.cause) {
    parts.push(error.message, `${error.stack}`, `${JSON.stringify(error)}`, inspect(error));
  }
  return parts.join("\n");
}

/** The forms in which a private key could show. */
function formsOf(key: PrivateKey): string[] {
  const seed = key.toBytes();
  const text = key.reveal();
  return [
    text,
    text.slice("ed25519:".length),
    toHex(seed),
    [...seed].join(","),
    [...seed].join(", "),
  ];
}

function hidesAll(value: unknown, secrets: readonly string[], what: string): void {
  const text = shown(value);
  for (const secret of secrets) {
    assert.ok(secret.length > 3 && !text.includes(secret), `${what} shows a secret`);
  }
}

/** The error of something that must fail. */
async function errorOf(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
}

/** A user with a password, and what is secret about it. */
async function withUser(
  test: (bed: { instance: Instance; user: User; secrets: string[] }) => Promise<void>,
): Promise<void> {
  await ready();
  const logged: string[] = [];
  setLogSink((...message) => void logged.push(shown(message)));
  const initial = NewUser.withPassword("ada", PASSWORD);
  const { instance, user } = await Instance.createBackend(await newStorage(), initial);
  const key = user.signingKey(user.defaultKey())!;
  const secrets = [PASSWORD, WRONG, ...formsOf(key)];
  try {
    await test({ instance, user, secrets });
    for (const text of logged) {
      for (const secret of secrets) assert.ok(!text.includes(secret), "a log shows a secret");
    }
  } finally {
    setLogSink(undefined);
    await instance.close();
  }
}

describe("secrets", () => {
  it("02#3 of keys and of what holds them show in no output", () =>
    withUser(async ({ instance, user, secrets }) => {
      const key = user.signingKey(user.defaultKey())!;
      const db = await user.createDatabase({ name: "db" });
      const things: Readonly<Record<string, unknown>> = {
        key,
        clone: key.clone(),
        "database key": new DatabaseKey(key, SigKey.fromPubkey(key.publicKey)),
        user,
        "user info": user.userInfo,
        "user database": user.database,
        instance,
        database: db,
        "with a key": (await Database.open(instance, db.rootId)).withKey(key),
        transaction: await db.newTransaction(),
        "new user": NewUser.withPassword("bob", PASSWORD),
      };
      for (const [name, thing] of Object.entries(things)) hidesAll(thing, secrets, name);
    }));

  it("08 §4 at rest show neither sealed nor in the open", () =>
    withUser(async ({ instance, user }) => {
      const { credentials: { rootKey } } = user.userInfo;
      assert.ok(rootKey.type === "encrypted");
      hidesAll(
        user.userInfo,
        [[...rootKey.ciphertext].join(), toHex(rootKey.nonce)],
        "a sealed key",
      );
      assert.match(shown(user.userInfo), /KeyStorage\(encrypted, redacted\)/);
      await (await user.admin()).createUser(NewUser.passwordless("bob"));
      const bob = await instance.loginUser("bob");
      const open = bob.userInfo.credentials.rootKey;
      assert.ok(open.type === "unencrypted");
      hidesAll(bob.userInfo, [open.key, open.key.slice("ed25519:".length)], "an open key");
    }));

  it("08 §6 of a login show neither in its errors nor in their causes", () =>
    withUser(async ({ instance, secrets }) => {
      const errors = {
        wrong: await errorOf(() => instance.loginUser("ada", WRONG)),
        none: await errorOf(() => instance.loginUser("ada")),
        "no such user": await errorOf(() => instance.loginUser("eve", WRONG)),
        "no key": await errorOf(() => PrivateKey.parse(`${WRONG}:AAAA`)),
        "no base64": await errorOf(() => PrivateKey.parse(`ed25519:${WRONG}`)),
        "no seed": await errorOf(() => PrivateKey.fromBytes("ed25519", new Uint8Array(7))),
      };
      for (const [name, error] of Object.entries(errors)) hidesAll(error, secrets, name);
    }));

  it("08 §7 are wiped at logout: the session's keys sign nothing any more", () =>
    withUser(async ({ user }) => {
      const db = user.database;
      user.logout();
      const error = await errorOf(() =>
        db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set("a", 1))
      );
      assert.match(shown(error), /KeyWiped/);
    }));

  it("04 §9 of an encrypted store show neither in it, nor in its entries, nor in its errors", () =>
    withUser(async ({ user, secrets }) => {
      const db = await user.createDatabase({ name: "vault" });
      const content = "the-content-of-the-vault";
      await db.withTransaction(async (tx) => {
        const store = await tx.getStore(PasswordStore, "secret");
        await store.initialize(PASSWORD);
        hidesAll(store, secrets, "an open store");
        const inner = await store.inner();
        await inner.set(["name"], content);
        hidesAll(inner, secrets, "the store inside");
      });
      for (const entry of await db.getAllEntries()) {
        const text = `${shown(entry)}${new TextDecoder().decode(entry.bytes)}`;
        for (const secret of [...secrets, content]) assert.ok(!text.includes(secret));
      }
      const tx = await db.newTransaction();
      const store = await tx.getStore(PasswordStore, "secret");
      hidesAll(await errorOf(() => store.open(WRONG)), [...secrets, content], "a wrong password");
      hidesAll(await errorOf(() => store.inner()), [...secrets, content], "a locked store");
    }));

  const passwords = [
    "hunter22",
    "with@sign22",
    "a/b@c:d22",
    "q?password=x22",
    "p%40ss22",
    "#hash22",
  ];
  for (const password of passwords) {
    it(`00 §C5 of a connection URL show in no error: ${password}`, async () => {
      const url = `postgres://ada:${password}@127.0.0.1:1/db`;
      const parts = [password, password.slice(-4)];
      assert.ok(!redactUrl(url).includes(password.slice(-4)), redactUrl(url));
      hidesAll(await errorOf(() => Instance.connect(url)), parts, "a connection");
      const query = `postgres://127.0.0.1:1/db?user=ada&password=${encodeURIComponent(password)}`;
      const hidden = [encodeURIComponent(password), password.slice(-4)];
      hidesAll(await errorOf(() => Instance.connect(query)), hidden, "a query");
      for (const wrong of [`mysql://ada:${password}@host/db`, `ada:${password}@host/db`]) {
        hidesAll(await errorOf(() => Instance.connect(wrong)), parts, "another scheme");
      }
    });
  }
});
