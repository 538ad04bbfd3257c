/**
 * A small honest world and a node in it that strangers write to.
 *
 * The database has an owner, a writer, a reader and somebody whose key was revoked; beside it stands
 * another database, whose owner is a stranger here.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  AuthKey,
  Database,
  DocStore,
  type Entry,
  type ID,
  Instance,
  NewUser,
  Permission,
  type PrivateKey,
  ready,
  type RemoteWriteReport,
  Snapshot,
  type Transaction,
} from "../../mod.ts";
import { newStorage, STORAGE } from "../helpers/storages.ts";
import { craft, docOf, keyOf, type Lie } from "./craft.ts";

/** Everybody who has a key, and one who has none that counts. */
export interface People {
  readonly owner: PrivateKey;
  readonly writer: PrivateKey;
  readonly reader: PrivateKey;
  readonly former: PrivateKey;
  readonly stranger: PrivateKey;
}

/** The honest entries, and those that lies refer to by name. */
export interface World {
  readonly people: People;
  readonly root: Entry;
  /** Settings that list writer, reader and former. */
  readonly granted: Entry;
  /** Data written by former while it was allowed to. */
  readonly old: Entry;
  /** Settings that revoke former: what honest entries pin from then on. */
  readonly revoked: Entry;
  /** Data written by writer: the tip. */
  readonly last: Entry;
  /** Parents first. */
  readonly honest: readonly Entry[];
  /** Entries of the stranger's own database, root first. */
  readonly foreign: readonly Entry[];
  /** The node under attack; it holds all of the above. */
  readonly node: Instance;
}

/** Runs `test` in a new world, and closes it. */
export async function inWorld(
  test: (world: World) => Promise<void>,
  storage: string = STORAGE,
): Promise<void> {
  await ready();
  const author = await newNode();
  const node = await newNode(storage);
  try {
    const world = { ...await history(author), foreign: await foreignEntries(author), node };
    await node.putRemoteEntries(world.foreign[0]!.id, [...world.foreign]);
    await node.putRemoteEntries(world.root.id, [...world.honest]);
    await test(world);
  } finally {
    await author.close();
    await node.close();
  }
}

/** A node that holds nothing yet. */
export async function newNode(storage: string = STORAGE): Promise<Instance> {
  const user = NewUser.passwordless("node");
  return (await Instance.createBackend(await newStorage(storage), user)).instance;
}

/** One commit, and the entry that it has made. */
export async function commit(
  db: Database,
  change: (tx: Transaction) => Promise<unknown>,
): Promise<Entry> {
  const tx = await db.newTransaction();
  await change(tx);
  return await db.getEntry(await tx.commit());
}

/** Sets a key of the store `s`. */
export function setting(key: string) {
  return async (tx: Transaction): Promise<void> => {
    await (await tx.getStore(DocStore, "s")).set(key, "honest");
  };
}

async function history(author: Instance): Promise<Omit<World, "foreign" | "node">> {
  const [owner, writer, reader, former, stranger] = [1, 2, 3, 4, 5].map(keyOf) as [
    PrivateKey,
    PrivateKey,
    PrivateKey,
    PrivateKey,
    PrivateKey,
  ];
  const db = await Database.create(author, owner, docOf({ name: "honest" }));
  const granted = await commit(db, async (tx) => {
    const settings = tx.getSettings();
    await settings.setAuthKey(writer.publicKey, AuthKey.active("writer", Permission.write(10)));
    await settings.setAuthKey(reader.publicKey, AuthKey.active("reader", Permission.read));
    await settings.setAuthKey(former.publicKey, AuthKey.active("former", Permission.write(20)));
  });
  const old = await commit(db.withKey(former), setting("old"));
  const revoked = await commit(db, (tx) => tx.getSettings().revokeAuthKey(former.publicKey));
  const last = await commit(db.withKey(writer), setting("last"));
  const root = await db.getRoot();
  const people = { owner, writer, reader, former, stranger };
  const honest = [root, granted, old, revoked, last];
  return { people, root, granted, old, revoked, last, honest };
}

async function foreignEntries(author: Instance): Promise<Entry[]> {
  const db = await Database.create(author, keyOf(5), docOf({ name: "foreign" }));
  await commit(db, setting("theirs"));
  return await db.getAllEntries();
}

/** An entry on the tip, signed by the writer and right in everything that is not overridden. */
export function onTip(world: World, lie: Partial<Lie> = {}): Entry {
  const { root, last, revoked, people } = world;
  const base = { root: root.id, parents: [last], pin: [revoked.id], key: people.writer };
  return craft({ ...base, ...lie });
}

/** Sends entries of the honest database to the node. */
export async function send(world: World, ...entries: Entry[]): Promise<RemoteWriteReport> {
  return await world.node.putRemoteEntries(world.root.id, entries);
}

/** What the node thinks of an entry; `undefined` when it does not hold it. */
export async function statusOf(world: World, id: ID): Promise<string | undefined> {
  return await world.node.backend.getVerificationStatus(id).catch(() => undefined);
}

/** Sends each forged entry alone, then all at once to another node: always this verdict. */
export async function expectAll(
  world: World,
  status: "Failed" | "Unverified",
  forged: Readonly<Record<string, Entry>>,
): Promise<void> {
  assert.ok(Object.keys(forged).length > 0);
  for (const [name, entry] of Object.entries(forged)) {
    await send(world, entry);
    assert.equal(await statusOf(world, entry.id), status, name);
  }
  const other = await newNode();
  await other.putRemoteEntries(world.foreign[0]!.id, [...world.foreign]);
  const all = [...Object.values(forged), ...world.honest];
  const report = await other.putRemoteEntries(world.root.id, all.reverse());
  assert.equal(report.verified, world.honest.length, "only the honest ones");
  await other.close();
  await expectUnharmed(world);
}

/** All honest entries are Verified, the state is theirs alone, and honest work goes on. */
export async function expectUnharmed(world: World): Promise<void> {
  const { node, root, people } = world;
  for (const { id } of world.honest) assert.equal(await statusOf(world, id), "Verified");
  const db = (await Database.open(node, root.id)).withKey(people.writer);
  const store = await db.getStoreViewer(DocStore, "s");
  assert.equal(await store.getString("last"), "honest");
  assert.equal(await store.containsKey("forged"), false, "a forged entry is read");
  assert.equal(await db.getName(), "honest");
  const more = await commit(db, setting("more"));
  assert.equal(await statusOf(world, more.id), "Verified");
  await expectReadable(world, more);
}

/** What the node goes on to write is valid elsewhere, too, with nothing but the honest entries. */
async function expectReadable(world: World, more: Entry): Promise<void> {
  const db = await Database.open(world.node, world.root.id);
  const fresh = await newNode();
  await copyOthers(world.node, fresh, world.root.id);
  const entries = await db.getEntries(await db.idsAdded(Snapshot.EMPTY, await db.snapshot()));
  const report = await fresh.putRemoteEntries(world.root.id, entries);
  assert.equal(report.verified, entries.length, "honest entries rely on honest ones alone");
  assert.equal(await fresh.backend.getVerificationStatus(more.id), "Verified");
  await fresh.close();
}

/** Copies all trees but one: keys may be lent by any of them. */
async function copyOthers(from: Instance, to: Instance, but: ID): Promise<void> {
  for (const root of await from.backend.allRoots()) {
    if (!root.equals(but)) await to.putRemoteEntries(root, await from.backend.getTree(root));
  }
}
