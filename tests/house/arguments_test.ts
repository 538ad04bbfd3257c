/**
 * The whole public API, called as JavaScript may call it: with arguments that are missing or of another type.
 * Whatever is answered then with an error is answered with an error of ours.
 *
 * @module
 */

import { rmSync } from "node:fs";
import { after, describe, it } from "node:test";
import * as api from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { type Callable, type Exempt, Walk } from "./walk.ts";

/** What is not asked, with the reason. */
const EXEMPT: Exempt = [
  [/^ID\.(compare|compareFold)$/, "comparators, which sorts call"],
  [/^ID\.readText$/, "between readers of this package"],
  [/\.(load|view|register)$/, "what a transaction asks of a type of store"],
  [
    /^(doc|list)\.(absorb|absorbRoot|putChild|peekChild|peekEach|withEach|release|write|replace)$/,
    "between documents",
  ],
  [
    /^transaction\.(withSystemLocked|stage|stageRaw|registerEncryptor|fullState|peekState)$/,
    "what stores ask of a transaction",
  ],
  [
    /^(user\.(mapIn|recordOf|trackedOption)|database\.begin|doc( viewer)?\.(find|require)|list\.(addItem|replaceItem))$/,
    "protected",
  ],
];

async function bed() {
  const { instance, user } = await api.Instance.createBackend(
    memoryStorage(),
    api.NewUser.passwordless("ada"),
  );
  const db = await user.createDatabase({ name: "x" });
  await db.withTransaction(async (tx) => await (await tx.getStore(api.DocStore, "s")).set("a", 1));
  const tx = await db.newTransaction();
  const [entry] = await db.getTipEntries();
  return { instance, user, db, tx, entry: entry! };
}

describe("arguments that are missing or of another type", () => {
  // A text is a right path, too: a snapshot is saved there.
  after(() => rmSync("x", { force: true }));

  it("of functions and static methods", async () => {
    await api.ready();
    const walk = new Walk(EXEMPT);
    await walk.exports(api);
    walk.assertNone();
  });

  it("of values", async () => {
    await api.ready();
    const walk = new Walk(EXEMPT);
    const { user, db, entry, instance } = await bed();
    const key = user.defaultKey();
    const list = () => api.Doc.from({ l: [1, 2] }).get("l");
    const values: Record<string, () => unknown> = {
      id: () => db.rootId,
      snapshot: () => api.Snapshot.of([db.rootId]),
      entry: () => entry,
      entryBuilder: () => api.Entry.builder(db.rootId),
      rootBuilder: () => api.Entry.rootBuilder(),
      metadata: () => api.EntryMetadata.EMPTY,
      sigKey: () => api.SigKey.fromPubkey(key),
      sigInfo: () => entry.sig,
      publicKey: () => key,
      privateKey: () => api.PrivateKey.generate(),
      permission: () => api.Permission.read,
      authKey: () => api.AuthKey.active("x", api.Permission.read),
      authSettings: () => api.AuthSettings.empty(),
      databaseKey: () => new api.DatabaseKey(api.PrivateKey.generate()),
      doc: () => api.Doc.from({ a: 1, l: [1], d: { e: "f" } }),
      list,
      path: () => api.Path.parse("a.b"),
      position: () => api.Position.of(1, 2),
      newUser: () => api.NewUser.passwordless("x"),
      syncSettings: () => api.SyncSettings,
    };
    for (const [name, make] of Object.entries(values)) await walk.object(name, make);
    await instance.close();
    walk.assertNone();
  });

  it("of instances, users, databases and transactions", async () => {
    const walk = new Walk(EXEMPT);
    const { instance, user, db, tx } = await bed();
    const admin = await user.admin();
    const objects: Record<string, () => unknown> = {
      instance: () => instance,
      weak: () => instance.downgrade(),
      user: () => user,
      admin: () => admin,
      builder: () => user.newDatabase(),
      database: () => db,
      transaction: () => tx,
    };
    for (const [name, make] of Object.entries(objects)) await walk.object(name, make);
    await instance.close();
    walk.assertNone();
  });

  it("of stores, to write and to read", async () => {
    const walk = new Walk(EXEMPT);
    const { instance, db, tx } = await bed();
    const types = { doc: api.DocStore, table: api.Table, typed: api.Table.of<{ a: number }>() };
    for (const [name, type] of Object.entries(types)) {
      const store = await tx.getStore(type as api.StoreType<object>, name);
      await walk.object(name, () => store);
      const viewer = await db.getStoreViewer(type as api.StoreType<object>, name);
      await walk.object(`${name} viewer`, () => viewer);
    }
    const settings = tx.getSettings();
    await walk.object("settings", () => settings);
    const registry = tx.getIndex();
    await walk.object("registry", () => registry);
    const editor = (await tx.getStore(api.DocStore, "doc")).getRootMut();
    await walk.object("editor", () => editor);
    const secret = await tx.getStore(api.PasswordStore.of(api.DocStore), "secret");
    await walk.object("password store", () => secret);
    await instance.close();
    walk.assertNone();
  });

  it("behind arguments that are right", async () => {
    const walk = new Walk(EXEMPT);
    const { instance, user, db, tx, entry } = await bed();
    const store = await tx.getStore(api.DocStore, "s");
    const table = await tx.getStore(api.Table, "t");
    const change = () => undefined;
    const key = user.defaultKey();
    const identity = api.SigKey.fromPubkey(key);
    const prefixes: readonly (readonly [object, string, ...unknown[]])[] = [
      [api.Instance, "connect", "memory://"],
      [api.Instance, "connectOrCreate", "memory://"],
      [api.Instance, "connectOrCreate", "memory://", api.NewUser.passwordless("x")],
      [api.NewUser, "withPassword", "ada"],
      [api.Database, "create", instance],
      [api.Database, "create", instance, api.PrivateKey.generate()],
      [api.Database, "open", instance],
      [api.Database, "canAccess", instance, db.rootId],
      [api.Database, "findSigkeys", instance, db.rootId],
      [instance, "loginUser", "ada"],
      [instance, "putEntry", db.rootId],
      [instance, "putEntry", db.rootId, entry],
      [instance, "putRemoteEntries", db.rootId],
      [instance, "putRemoteEntries", db.rootId, [entry]],
      [user, "createDatabase", { name: "y" }],
      [user, "openOrCreateDatabase", { name: "z" }],
      [user, "openDatabase", db.rootId],
      [user, "trackDatabase", db.rootId],
      [user, "trackDatabase", db.rootId, key],
      [user, "mapKey", key],
      [user, "mapKey", key, db.rootId],
      [user, "keyMapping", key],
      [user, "changePassword", undefined],
      [db, "withTransaction", change],
      [db, "update", change],
      [db, "onWrite", change],
      [db, "getStoreViewer", api.DocStore],
      [db, "getStoreViewer", api.DocStore, "s"],
      [db, "idsAdded", api.Snapshot.EMPTY],
      [db, "grant", key],
      [db, "grant", key, "write"],
      [tx, "getStore", api.DocStore],
      [tx, "getViewer", api.DocStore],
      [tx.getSettings(), "setAuthKey", key],
      [tx.getSettings(), "renameAuthKey", key],
      [store, "set", "k"],
      [store, "modify", "a"],
      [store, "getAs", "a"],
      [store, "getOrInsert", "a"],
      [table, "set", "k"],
      [api.DatabaseKey, "withName", api.PrivateKey.generate()],
      [api.DatabaseKey, "withIdentity", api.PrivateKey.generate()],
      [api.SigKey, "delegation", []],
      [api.AuthKey, "active", "x"],
      [api.ID, "ofRaw", new Uint8Array(1)],
      [api.Entry.rootBuilder(), "setSubtreeData", "s"],
      [api.Entry.rootBuilder(), "setSubtreeParents", "s"],
      [api.Entry.rootBuilder(), "setSubtreeHeight", "s"],
      [identity, "equals"],
    ];
    for (const [self, name, ...prefix] of prefixes) {
      const method = (self as Record<string, Callable>)[name]!;
      await walk.method(`${name}(${prefix.length} right)`, self, method, prefix);
    }
    await instance.close();
    walk.assertNone();
  });
});
