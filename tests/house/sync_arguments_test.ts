/**
 * The API of synchronisation, called with arguments that are missing or of another type: whatever is answered with an
 * error is answered with an error of ours, and what is stored is as readable as before.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as api from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import * as syncApi from "../../src/sync/mod.ts";
import { type Exempt, Walk } from "./walk.ts";

const EXEMPT: Exempt = [
  [/^Sync\.of$/, "`instance.enableSync` calls it"],
  [/^sync\.events$/, "goes on until synchronisation ends"],
  [/^sync\.accessAwaited$/, "`user.join` calls it"],
  [/^sync\.(overTicket|roundAt|roundWith|ticketAddresses)$/, "protected"],
];

async function bed() {
  const { instance, user } = await api.Instance.createBackend(
    memoryStorage(),
    api.NewUser.passwordless("ada"),
  );
  const db = await user.createDatabase({ name: "x" });
  const sync = await instance.enableSync();
  const peer = api.PrivateKey.generate().publicKey;
  await sync.registerPeer(peer, "bob");
  await sync.addPeerAddress(peer, { transportType: "sim", address: "sim:1" });
  return { instance, user, db, sync, peer };
}

describe("synchronisation, with arguments that are missing or of another type", () => {
  it("of functions and static methods", async () => {
    await api.ready();
    const walk = new Walk(EXEMPT);
    await walk.exports(syncApi);
    walk.assertNone();
  });

  it("of all methods; peers and addresses stay readable", async () => {
    const { instance, db, sync, peer } = await bed();
    const walk = new Walk(EXEMPT);
    const before = await sync.listPeers();
    await walk.object("sync", () => sync);
    assert.deepEqual(
      (await sync.listPeers()).map(({ id }) => `${id}`),
      before.map(({ id }) => `${id}`),
    );
    assert.equal((await sync.getPeerAddresses(peer)).length, 1);
    const handle = await sync.registerSyncPeer({ peer, tree: db.rootId });
    await walk.object("handle", () => handle);
    const ticket = new syncApi.DatabaseTicket(db.rootId);
    await walk.object("ticket", () => ticket);
    await instance.close();
    walk.assertNone();
  });

  it("behind arguments that are right", async () => {
    const { instance, user, db, sync, peer } = await bed();
    const walk = new Walk(EXEMPT);
    const tree = db.rootId;
    const key = api.PrivateKey.generate();
    const ticket = new syncApi.DatabaseTicket(tree);
    const prefixes: readonly (readonly [object, string, ...unknown[]])[] = [
      [instance, "enableSync"],
      [user, "share"],
      [user, "share", db],
      [user, "join"],
      [user, "join", ticket],
      [user, "requestDatabaseAccess"],
      [user, "requestDatabaseAccess", ticket],
      [user, "requestDatabaseAccess", ticket, key.publicKey],
      [sync, "registerPeer", peer],
      [sync, "addPeerAddress", peer],
      [sync, "removePeerAddress", peer],
      [sync, "updatePeerStatus", peer],
      [sync, "addTreeSync", peer],
      [sync, "removeTreeSync", peer],
      [sync, "syncTreeWithPeer", peer],
      [sync, "syncTreeWithPeer", peer, tree],
      [sync, "syncTreeWithPeerAs", peer, tree],
      [sync, "syncTreeWithPeerAuth", peer, tree],
      [sync, "bootstrapWithTicket", ticket],
      [sync, "bootstrapWithTicket", ticket, key],
      [sync, "bootstrapWithTicket", ticket, key, "bob"],
      [sync, "syncWithTicket", ticket],
      [sync, "follow", db],
      [sync, "syncNow", db],
      [sync, "addTransport", "x"],
      [sync, "sendEntriesToPeer", peer],
      [sync, "getSyncStatus", tree],
    ];
    for (const [self, name, ...prefix] of prefixes) {
      const method = (self as Record<string, (...args: unknown[]) => unknown>)[name];
      assert.ok(method !== undefined, name);
      await walk.method(`${name}(${prefix.length} right)`, self, method, prefix);
    }
    await instance.close();
    walk.assertNone();
  });
});
