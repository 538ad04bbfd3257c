import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, Instance, NewUser } from "../../mod.ts";
import { type DatabaseTicket, irohTransport, type Transport } from "../../src/sync/mod.ts";
import { Doc } from "../../src/crdt/doc.ts";
import { ArgumentError } from "../../src/util/errors.ts";
import { addon, ALONE, HERE, nobody, skip } from "../transport/iroh_bed.ts";
import { keptStorages } from "./kept_storage.ts";
import {
  arrives,
  get,
  joined,
  joinedLive,
  live,
  madeBy,
  type Node,
  type Nodes,
  put,
  withNodes,
} from "./live_bed.ts";

/** An instance that others reach by Iroh alone. */
async function serving(nodes: Nodes, options: object = {}): Promise<Node> {
  const node = await nodes.node({ ...ALONE, ...options });
  await node.sync.acceptConnections();
  return node;
}

async function assertLive(one: Database, other: Database, value: string): Promise<void> {
  await put(one, "there", value);
  await arrives(other, "there", value);
  await put(other, "back", value);
  await arrives(one, "back", value);
}

async function fill(db: Database, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await put(db, `k${n % 100}`, `${n}`);
}

const types = ({ addresses }: DatabaseTicket) => addresses.map((it) => it.transportType);

/** The key of the endpoint that is kept under a name. */
async function keptUnder(node: Node, name: string): Promise<unknown> {
  const store = await node.sync.syncTree.getStoreViewer(
    (await import("../../mod.ts")).DocStore,
    "transport_state",
  );
  const state = await store.getOption([name]);
  return state instanceof Doc ? state.get(["secret_key"]) : undefined;
}

describe("instances over Iroh", () => {
  it(
    "what one commits is at the other live, in both directions, over one session",
    { skip },
    () =>
      withNodes(async (nodes) => {
        const home = await serving(nodes);
        const away = await nodes.node(ALONE);
        const db = await madeBy(home);
        await put(db, "early", "1");
        const copy = await joinedLive(home, away, db);
        assert.equal(await get(copy, "early"), "1");
        await assertLive(db, copy, "2");
        assert.equal(home.sync.native.admissions.open, 1);
        await put(copy, "last", "3");
        await away.sync.flush();
        assert.equal(await get(db, "last"), "3");
      }),
  );

  it(
    "where either side forces v0 everything arrives as well",
    { skip },
    () =>
      withNodes(async (nodes) => {
        for (const [one, other] of [[false, true], [true, false]]) {
          const home = await serving(nodes, { native: one });
          const away = await nodes.node({ ...ALONE, native: other! });
          const db = await madeBy(home);
          const copy = await joined(home, away, db);
          await put(copy, "k", "away");
          await away.sync.flush();
          assert.equal(await get(db, "k"), "away");
          assert.equal(home.sync.native.admissions.open, 0);
        }
      }),
  );

  it("10,000 entries arrive over both protocols", { skip }, () =>
    withNodes(async (nodes) => {
      const home = await serving(nodes);
      const [one, other] = [await nodes.node(ALONE), await nodes.node({ ...ALONE, native: false })];
      const db = await madeBy(home);
      const copy = await joinedLive(home, one, db);
      await home.sync.stopServer();
      await fill(db, 10_000);
      const again = live(one.sync, db.rootId);
      await home.sync.acceptConnections();
      await again;
      assert.ok(one.sync.metrics()[0]!.received >= 10_000);
      const overV0 = await joined(home, other, db);
      const count = (await db.getAllEntries()).length;
      assert.ok(count > 10_000);
      for (const it of [copy, overV0]) assert.equal((await it.getAllEntries()).length, count);
    }));

  it(
    "after a cut in the middle it goes on where it was",
    { skip },
    () =>
      withNodes(async (nodes) => {
        const home = await serving(nodes);
        const away = await nodes.node(ALONE);
        const db = await madeBy(home);
        const copy = await joinedLive(home, away, db);
        await home.sync.stopServer();
        await fill(db, 3000);
        const again = live(away.sync, db.rootId);
        const some = new Promise<void>((resolve) => void copy.onWrite(() => resolve()));
        await home.sync.acceptConnections();
        await some;
        await home.sync.stopServer();
        const held = (await copy.getAllEntries()).length;
        assert.ok(held < 3000, `${held} entries were there already`);
        await home.sync.acceptConnections();
        await again;
        await arrives(copy, "k99", "2999");
        await assertLive(db, copy, "again");
        assert.equal((await copy.getAllEntries()).length, (await db.getAllEntries()).length);
        const { received } = away.sync.metrics()[0]!;
        assert.ok(received < 3000 + 1500, `${received} entries were sent`);
      }),
  );

  it(
    "10#41: what came over one transport is served over another",
    { skip },
    () =>
      withNodes(async (nodes) => {
        const home = await nodes.server();
        const between = await nodes.node({ iroh: HERE });
        await between.sync.acceptConnectionsOn("iroh");
        const away = await nodes.node(ALONE);
        const db = await madeBy(home);
        await put(db, "k", "over http");
        const middle = await joined(home, between, db);
        const ticket = await between.user.share(middle);
        assert.deepEqual(types(ticket), ["iroh"]);
        const copy = await away.user.join(ticket);
        assert.equal(await get(copy, "k"), "over http");
        await put(copy, "k", "over Iroh");
        await arrives(db, "k", "over Iroh");
      }),
  );
});

describe("serving over Iroh", () => {
  it(
    "tickets name both ways, the cheaper one first; either leads there",
    { skip },
    () =>
      withNodes(async (nodes) => {
        const home = await nodes.node();
        const server = await home.sync.serve({ iroh: HERE });
        const db = await madeBy(home);
        const ticket = await home.user.share(db);
        assert.deepEqual(types(ticket), ["http", "iroh"]);
        assert.equal(ticket.native, true);
        assert.equal(ticket.addresses[0]!.address, server.address);
        assert.match(
          ticket.toString(),
          /^eidetica:\?db=\w+&pr=http:127[^&]+&pr=iroh:endpoint\w+&native=1$/,
        );
        for (const options of [{}, ALONE]) {
          const away = await nodes.node(options);
          await assertLive(db, await joinedLive(home, away, db), types(ticket).join());
        }
        await server.close();
        assert.deepEqual((await home.user.share(db)).addresses, []);
      }),
  );

  it(
    "on first contact the ways are raced: one that leads nowhere delays nobody",
    { skip },
    () =>
      withNodes(async (nodes) => {
        const home = await nodes.server();
        const db = await madeBy(home);
        const ticket = (await home.user.share(db)).toString();
        const nowhere = ticket.replace("&pr=", `&pr=iroh:${nobody(await addon())}&pr=`);
        const away = await nodes.node({ iroh: HERE });
        await away.user.join(nowhere);
        // And where Iroh is the way that leads there.
        const server = await nodes.node();
        const listening = await server.sync.serve({ publicAddress: "127.0.0.1:9", iroh: HERE });
        const other = await madeBy(server);
        const copy = await joined(server, await nodes.node({ iroh: HERE }), other);
        await put(other, "k", "1");
        await arrives(copy, "k", "1");
        await listening.close();
      }),
  );

  it(
    "two that ask at once serve once; what fails leaves nothing behind",
    { skip },
    () =>
      withNodes(async (nodes) => {
        const { sync } = await nodes.node();
        const asked = [sync.serve({ iroh: HERE }), sync.serve({ iroh: HERE })];
        const [first, second] = await Promise.allSettled(asked);
        const won = [first, second].filter((it) => it!.status === "fulfilled");
        assert.equal(won.length, 1);
        const lost = [first, second].find((it) => it!.status === "rejected");
        assert.equal((lost as PromiseRejectedResult).reason.code, "ServerAlreadyRunning");
        assert.equal(sync.getAllServerAddresses().length, 1);
        const other = await nodes.node();
        const taken = await other.sync.serve({ port: 0, iroh: false });
        const port = Number(taken.address.split(":")[1]);
        await assert.rejects(other.sync.serve({ port, iroh: HERE }), { code: "ServerBind" });
        assert.deepEqual(other.sync.getAllServerAddresses(), []);
        await (await other.sync.serve({ iroh: true })).close();
      }),
  );

  it("where it was not enabled an address of it is refused with what helps", () =>
    withNodes(async (nodes) => {
      const { sync } = await nodes.node();
      await assert.rejects(
        sync.connectToPeer({ transportType: "iroh", address: "endpointaa" }),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "NoTransportForAddress");
          assert.match(error.message, /enable synchronisation with `\{ iroh: true \}`/);
          return true;
        },
      );
      for (const iroh of [5, "default", null, { relays: "none" }]) {
        await assert.rejects(sync.serve({ iroh } as object), ArgumentError);
      }
      assert.throws(() => irohTransport(5 as never), ArgumentError);
    }));
});

describe("the identity of an endpoint", () => {
  it("10#24: the key is kept under the name, and handed back after a restart; two names have two", {
    skip,
  }, async () => {
    const storage = keptStorages()(0);
    const made = await Instance.createBackend(storage, NewUser.passwordless("ada"));
    const sync = await made.instance.enableSync(ALONE);
    await sync.registerTransport(
      "second",
      irohTransport({ ...HERE, secretKey: new Uint8Array(32) }),
    );
    await sync.acceptConnections();
    const node = { ...made, sync } as Node;
    const keys = [await keptUnder(node, "iroh"), await keptUnder(node, "second")];
    assert.match(String(keys[0]), /^[0-9a-f]{64}$/);
    assert.equal(keys[1], "00".repeat(32));
    const before = sync.getAllServerAddresses();
    assert.deepEqual(before.map(([name]) => name), ["iroh", "second"]);
    await made.instance.close();

    const { instance } = await Instance.openBackend(storage).then((instance) => ({ instance }));
    const again = await instance.enableSync(ALONE);
    // What is kept counts, not what is given.
    await again.registerTransport(
      "second",
      irohTransport({ ...HERE, secretKey: new Uint8Array(32).fill(1) }),
    );
    await again.acceptConnections();
    const { EndpointTicket } = await addon();
    const ids = (addresses: [string, string][]) =>
      addresses.map(([, text]) => `${EndpointTicket.fromString(text).endpointAddr().id()}`);
    assert.deepEqual(ids(again.getAllServerAddresses()), ids(before));
    assert.notEqual(ids(before)[0], ids(before)[1]);
    await instance.close();
  });

  it("a key that is kept and is none is told, and not replaced", () =>
    withNodes(async (nodes) => {
      const { sync } = await nodes.node();
      for (const kept of ["", "zz", "00", "0".repeat(65), 5, true]) {
        const state = Doc.from({ secret_key: kept });
        await sync.registerTransport("kept", {
          build: () => Promise.resolve({ transport: new Idle(), state }),
        });
        await assert.rejects(sync.registerTransport("kept", irohTransport(HERE)), {
          code: "TransportInit",
        });
      }
    }));

  it("10#24: a state that another process has stored meanwhile counts", () =>
    withNodes(async (nodes) => {
      const { sync } = await nodes.node();
      const seen: unknown[] = [];
      const closed: string[] = [];
      const builder = (name: string, meanwhile: () => Promise<void>) => ({
        build: async (state: Doc) => {
          seen.push(state.get(["by"]));
          await meanwhile();
          const by = state.get(["by"]);
          const transport = new Idle(() => closed.push(name));
          return by === undefined ? { transport, state: Doc.from({ by: name }) } : { transport };
        },
      });
      let isFirst = true;
      await sync.registerTransport(
        "x",
        builder("slow", async () => {
          if (!isFirst) return;
          isFirst = false;
          await sync.registerTransport("x", builder("fast", () => Promise.resolve()));
        }),
      );
      assert.deepEqual(seen, [undefined, undefined, "fast"]);
      assert.deepEqual(closed, ["slow", "fast"]);
    }));
});

/** A transport that leads nowhere. */
class Idle implements Transport {
  readonly type = "idle";
  readonly isRunning = false;
  readonly #onClose: () => void;

  constructor(onClose: () => void = () => {}) {
    this.#onClose = onClose;
  }

  canHandle(): boolean {
    return false;
  }

  exchange(): never {
    throw new Error("not asked");
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  serverAddress(): never {
    throw new Error("not asked");
  }

  close(): Promise<void> {
    this.#onClose();
    return Promise.resolve();
  }
}
