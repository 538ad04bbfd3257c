import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Database,
  Doc,
  DocStore,
  ID,
  NewUser,
  Permission,
  PrivateKey,
  PublicKey,
  SyncSettings,
  type User,
} from "../../mod.ts";
import { BootstrapRequests, UNKNOWN_ADDRESS } from "../../src/sync/peers/bootstrap_requests.ts";
import { httpConfig } from "../../src/sync/peers/transports.ts";
import { SyncDatabase } from "../../src/sync/sync_database.ts";
import { SyncRecords } from "../../src/sync/sync_records.ts";
import { fromHex } from "../../src/util/hex.ts";
import { decodeHex, vector } from "../database/replay.ts";
import { type Bed, withRecords } from "./bed.ts";

interface RecordedAddress {
  readonly transport_type: string;
  readonly address: string;
}

interface Recorded {
  readonly root: string;
  readonly device: { readonly seed: string };
  readonly entries: readonly { readonly cbor: string }[];
  readonly databases: Readonly<Record<string, string>>;
  readonly users: Readonly<Record<string, string>>;
  readonly user_databases: Readonly<Record<string, string>>;
  readonly peers: readonly string[];
  readonly merged: Readonly<Record<string, unknown>>;
  readonly steps: readonly { readonly did: string; readonly stores: Record<string, unknown> }[];
  readonly api: {
    readonly setting: string;
    readonly dotted: string;
    readonly list_peers: readonly string[];
    readonly peers: readonly {
      readonly key: string;
      readonly addresses: readonly RecordedAddress[];
      readonly http: readonly RecordedAddress[];
      readonly trees: readonly string[];
      readonly info: null | {
        readonly display_name: string | null;
        readonly first_seen: string;
        readonly last_seen: string;
        readonly status: string;
        readonly connection_attempts: number;
      };
    }[];
    readonly trees: readonly { readonly id: string; readonly peers: readonly string[] }[];
  };
}

const recorded = vector<Recorded>("sync-db.json");
const STORES = [
  "settings_map",
  "peers",
  "trees",
  "database_users",
  "transports",
  "bootstrap_requests",
  "sync_state",
];

/** The document behind a store, as its stored form. */
async function stored(database: Database, store: string): Promise<string> {
  const doc = await (await database.getStoreViewer(DocStore, store)).getAll();
  return doc.stringify();
}

/** A value with members in one order, so that texts can be compared. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, item]) => [key, ordered(item)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => a < b ? -1 : 1));
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?\+00:00/g;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** A text without what differs from run to run: times, and the random names of requests and users. */
function settled(json: unknown, names: ReadonlyMap<string, string>): unknown {
  let text = JSON.stringify(ordered(json));
  for (const [ours, theirs] of names) text = text.replaceAll(ours, theirs);
  return JSON.parse(text.replace(TIME, "TIME").replace(UUID, "UUID"));
}

/** What the recorded node did, by its own words; what it did to users stands in the test. */
const DEEDS: readonly [did: RegExp, deed: (records: SyncRecords) => Promise<unknown>][] = [
  [/^set_setting/, async (records) => {
    await records.setSetting("node", "one");
    await records.setSetting("node", "two");
    await records.setSetting("other.dotted", "x");
  }],
  [/^register_peer/, async (records) => {
    await records.registerPeer(peer(0), "first");
    await records.registerPeer(peer(1));
    await records.registerPeer(peer(2), "");
  }],
  [/^addresses added/, async (records) => {
    const http = { transportType: "http", address: "10.0.0.1:80" };
    const iroh = { transportType: "iroh", address: "endpointxyz" };
    for (const it of [http, iroh, http, { transportType: "sim", address: 'é"' }]) {
      await records.addPeerAddress(peer(0), it);
    }
    await records.addPeerAddress(peer(1), http);
    assert.deepEqual([
      await records.removePeerAddress(peer(1), http),
      await records.removePeerAddress(peer(1), http),
    ], [true, false]);
  }],
  [/^add_tree_sync/, async (records) => {
    for (
      const [at, name] of [[0, "shared"], [0, "shared"], [1, "shared"], [0, "solo"], [2, "solo"], [
        1,
        "gone",
      ]] as const
    ) await records.addTreeSync(peer(at), tree(name));
  }],
  [/^remove_tree_sync/, (records) => records.removeTreeSync(peer(1), tree("gone"))],
  [/^peer 1 inactive/, async (records) => {
    await records.updatePeerStatus(peer(1), "Inactive");
    await records.updatePeerConnectionState(peer(0), { failed: "no route" });
  }],
  [/^remove_peer 2/, (records) => records.removePeer(peer(2))],
  [/^transport configurations/, async (records) => {
    const bindAddress = "127.0.0.1:8080";
    await records.saveTransportConfig("http", httpConfig, { bindAddress });
    await records.saveTransportConfig("client", httpConfig, {});
  }],
];

const peer = (at: number): PublicKey => PublicKey.parse(recorded.peers[at]!);
const tree = (name: string): ID => ID.parse(recorded.databases[name]!);

describe("the recorded `_sync`", () => {
  it("10 §2 what this node writes is what the recorded one wrote, step by step", () =>
    withRecords(async ({ records }) => {
      for (const { did, stores } of recorded.steps) {
        const deed = DEEDS.find(([words]) => words.test(did))?.[1];
        if (deed === undefined) continue;
        await deed(records);
        for (const [name, expected] of Object.entries(stores)) {
          if (name.startsWith("_")) continue;
          const ours = JSON.parse(await stored(records.syncTree, name));
          assert.deepEqual(
            settled(ours, new Map()),
            settled(expected, new Map()),
            `${did}: ${name}`,
          );
        }
      }
    }));

  it("10#7,#8,#9 the wishes of users are combined as the recorded node did", () =>
    withRecords(async ({ instance, records, host }) => {
      const users = await twoUsers({ instance, records, host } as Bed);
      const names = new Map<string, string>();
      for (const [name, user] of users) {
        names.set(user.uuid, recorded.users[name]!);
        names.set(`${user.database.rootId}`, recorded.user_databases[name]!);
      }
      const roots = new Map<string, ID>();
      for (const name of ["shared", "solo", "gone"]) {
        const made = await users.get("ada")!.createDatabase({ name });
        await grantAll(made);
        roots.set(name, made.rootId);
        names.set(`${made.rootId}`, recorded.databases[name]!);
      }
      const track = async (who: string, what: string, settings: SyncSettings) => {
        const user = users.get(who)!;
        await user.trackDatabase(roots.get(what)!, user.defaultKey(), settings);
        await records.syncUser(user.uuid, user.database.rootId);
      };
      const check = async (did: RegExp) => {
        const step = recorded.steps.find((it) => did.test(it.did))!;
        const ours = JSON.parse(await stored(records.syncTree, "database_users"));
        const expected = step.stores["database_users"];
        assert.deepEqual(settled(ours, names), settled(expected, names), step.did);
      };
      const a = (value: string) => ({ properties: new Map([["a", value]]) });
      const every = (seconds: number) => SyncSettings.withInterval(SyncSettings.enabled(), seconds);
      await track("ada", "shared", { ...every(600), ...a("ada") });
      await check(/^ada tracks shared/);
      const onCommit = { ...SyncSettings.withInterval(SyncSettings.onCommit(), 60), ...a("bob") };
      await track("bob", "shared", onCommit);
      await check(/^bob tracks shared/);
      await track("ada", "solo", SyncSettings.enabled());
      await track("bob", "gone", {
        ...SyncSettings.onCommit(),
        intervalSeconds: 9007199254740993n,
        properties: new Map([["k", "v"]]),
      });
      await check(/^ada tracks solo/);
      const before = await records.syncTree.snapshot();
      await records.syncUser(users.get("bob")!.uuid, users.get("bob")!.database.rootId);
      assert.ok(before.equals(await records.syncTree.snapshot()), "nothing was written");
      await users.get("bob")!.disableSync(roots.get("shared")!);
      await records.syncUser(users.get("bob")!.uuid, users.get("bob")!.database.rootId);
      await check(/^bob disables shared/);
      await users.get("bob")!.disableSync(roots.get("gone")!);
      await records.syncUser(users.get("bob")!.uuid, users.get("bob")!.database.rootId);
      await check(/^bob disables gone/);
      assert.equal(await (await viewOf(host)).combined(roots.get("gone")!), undefined);
      await records.removeUser(users.get("ada")!.uuid);
      assert.equal(await (await viewOf(host)).combined(roots.get("solo")!), undefined);
    }));

  it("10 §2 a `_sync` of the reference is read, and continued", () =>
    withRecords(async ({ instance, host }) => {
      const root = ID.parse(recorded.root);
      await instance.putRemoteEntries(root, recorded.entries.map(({ cbor }) => decodeHex(cbor)));
      const device = PrivateKey.fromSeed(fromHex(recorded.device.seed));
      const theirs = { ...host, deviceKey: () => device };
      const database = await SyncDatabase.load(theirs, root);
      const records = new SyncRecords(database, theirs);
      for (const name of [...STORES, "user_tracking"]) {
        const ours = JSON.parse(await stored(records.syncTree, name));
        assert.deepEqual(ordered(ours), ordered(recorded.merged[name]), name);
      }
      await checkApi(records);
      await records.addTreeSync(peer(1), tree("gone"));
      await records.setSetting("node", "three");
      assert.deepEqual((await records.getTreePeers(tree("gone"))).map(String), [`${peer(1)}`]);
      assert.equal(await records.getSetting("node"), "three");
    }));

  it("10 §2 a request for access is stored as the reference stores it", () =>
    withRecords(async ({ host }) => {
      const database = await SyncDatabase.of(host);
      const asked = Object.values(
        (recorded.merged["bootstrap_requests"] as { children: Record<string, { Text: string }> })
          .children,
      )[0]!.Text;
      const json = JSON.parse(asked) as Record<string, string>;
      await database.change(async (stores) => {
        await (await stores.requests()).set("r", {
          treeId: ID.parse(json["tree_id"]!),
          requestingKey: PublicKey.parse(json["requesting_pubkey"]!),
          requestingKeyName: "laptop",
          requestedPermission: Permission.write(7),
          timestamp: json["timestamp"]!,
          status: { state: "Pending" },
          peerAddress: UNKNOWN_ADDRESS,
          metadata: undefined,
        });
      });
      const rows = await (await database.database.getStoreViewer(DocStore, "bootstrap_requests"));
      assert.equal(await rows.getString("r"), asked);
    }));

  it("09#36 rows without `metadata` load, and a document there keeps its 64-bit integers", () =>
    withRecords(async ({ host }) => {
      const database = await SyncDatabase.of(host);
      const text = Object.values(
        (recorded.merged["bootstrap_requests"] as { children: Record<string, { Text: string }> })
          .children,
      )[0]!.Text;
      const metadata = Doc.from({ why: "my laptop", big: 9007199254740993n });
      await database.database.withTransaction(async (tx) => {
        await tx.getStore(BootstrapRequests, "bootstrap_requests");
        const rows = DocStore.load(tx, "bootstrap_requests");
        await rows.set(["old"], text.replace(',"metadata":null', ""));
        await rows.set(["new"], text.replace("null}", `${metadata.stringify()}}`));
      });
      const requests = await database.view().requests();
      assert.equal((await requests.get("old")).metadata, undefined);
      assert.equal((await requests.get("new")).metadata?.get("big"), 9007199254740993n);
    }));
});

async function viewOf(host: Bed["host"]) {
  return await (await SyncDatabase.of(host)).view().users();
}

async function twoUsers({ instance }: Bed): Promise<Map<string, User>> {
  const admin = await (await instance.loginUser("ada")).admin();
  await admin.createUser(NewUser.passwordless("bob"));
  const names = ["ada", "bob"];
  const users = await Promise.all(names.map((name) => instance.loginUser(name)));
  return new Map(names.map((name, at) => [name, users[at]!]));
}

/** Lets everybody write, so that any user may track the database. */
async function grantAll(database: Database): Promise<void> {
  const { AuthKey } = await import("../../mod.ts");
  await database.withTransaction(async (tx) => {
    await tx.getSettings().setGlobalAuthKey(AuthKey.active(undefined, Permission.write(10)));
  });
}

async function checkApi(records: SyncRecords): Promise<void> {
  const { api } = recorded;
  assert.equal(await records.getSetting("node"), api.setting);
  assert.equal(await records.getSetting("other.dotted"), api.dotted);
  const listed = (await records.listPeers()).map(({ id }) => id.toString());
  assert.deepEqual(listed.sort(), [...api.list_peers].sort());
  for (const { key, addresses, http, info, trees } of api.peers) {
    const id = PublicKey.parse(key);
    const plain = (list: readonly RecordedAddress[]) =>
      list.map((it) => ({ transportType: it.transport_type, address: it.address }));
    assert.deepEqual(await records.getPeerAddresses(id), plain(addresses));
    assert.deepEqual(await records.getPeerAddresses(id, "http"), plain(http));
    assert.deepEqual((await records.getPeerTrees(id)).map(String).sort(), [...trees].sort());
    const known = await records.getPeerInfo(id);
    assert.deepEqual(
      known && [known.displayName, known.firstSeen, known.lastSeen, known.status],
      info === null
        ? undefined
        : [info.display_name ?? undefined, info.first_seen, info.last_seen, info.status],
    );
  }
  for (const { id, peers } of api.trees) {
    const found = (await records.getTreePeers(ID.parse(id))).map(String);
    assert.deepEqual(found, peers);
  }
}
