import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../mod.ts";
import { bunServer } from "../../src/sync/bun_server.ts";
import type { HandlerOptions } from "../../src/sync/options.ts";
import type { Sync } from "../../src/sync/sync.ts";
import { DatabaseTicket } from "../../src/sync/ticket.ts";
import { NATIVE_PATH, NATIVE_SUBPROTOCOL } from "../../src/transport/web_socket_link.ts";
import {
  arrives,
  get,
  hear,
  joined,
  joinedLive,
  live,
  madeBy,
  type Node,
  put,
  withNodes,
} from "./live_bed.ts";
import { NATIVE_RETRY_MS } from "../../src/sync/worker/live_peer.ts";
import type { FetchHandler } from "../../src/transport/port.ts";
import { listenHere } from "../transport/bed.ts";
import { HandTimers, until } from "./cluster_bed.ts";
import { ByteRelay } from "./byte_relay.ts";

/** Commits on both sides arrive at the other. */
async function assertLive(one: Database, other: Database, value: string): Promise<void> {
  await put(one, "there", value);
  await arrives(other, "there", value);
  await put(other, "back", value);
  await arrives(one, "back", value);
}

/** Sends bytes to a server over a WebSocket; resolves when the server has closed it. */
async function closedAfter(address: string, bytes: Uint8Array): Promise<void> {
  const socket = new WebSocket(`ws://${address}${NATIVE_PATH}`, NATIVE_SUBPROTOCOL);
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  socket.send(bytes as Uint8Array<ArrayBuffer>);
  await closed;
}

interface Server {
  readonly port: number;
  close(): Promise<void>;
}

interface Runtime {
  readonly Deno?: {
    serve(
      options: object,
      handler: unknown,
    ): { readonly addr: { port: number }; shutdown(): Promise<void> };
  };
  readonly Bun?: {
    serve(options: object): { readonly port: number; stop(now: boolean): Promise<void> };
  };
}

/** Begins a server of this runtime as its users do; undefined where there is none. */
function serverOfRuntime(): ((sync: Sync) => Server) | undefined {
  const { Deno, Bun } = globalThis as Runtime;
  const where = { port: 0, hostname: "127.0.0.1" };
  if (Deno !== undefined) {
    return (sync) => {
      const server = Deno.serve({ ...where, onListen: () => {} }, sync.fetchHandler());
      return { port: server.addr.port, close: () => server.shutdown() };
    };
  }
  if (Bun === undefined) return undefined;
  return (sync) => {
    const server = Bun.serve({ ...where, ...bunServer(sync) });
    return { port: server.port, close: () => server.stop(true) };
  };
}

const sessions = ({ sync }: Node): number => sync.native.admissions.open;

describe("instances over real sockets", () => {
  it("what one commits is at the other live, in both directions, and told", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const away = await nodes.node();
      const db = await madeBy(home);
      await put(db, "early", "1");
      const told: string[] = [];
      hear(away.sync, ({ type }) => told.push(type));
      const isLive = [live(home.sync, db.rootId), live(away.sync, db.rootId)];
      const copy = await joined(home, away, db);
      await Promise.all(isLive);
      assert.equal(await get(copy, "early"), "1");
      await assertLive(db, copy, "2");
      assert.deepEqual(told.slice(0, 2), ["connecting", "connected"]);
      await put(copy, "last", "3");
      await away.sync.flush();
      assert.equal(await get(db, "last"), "3");
      await put(db, "last", "4");
      await home.sync.flush();
      assert.equal(await get(copy, "last"), "4");
      const [row] = away.sync.metrics();
      assert.ok(row!.received > 0 && row!.sent > 0 && row!.bytes > 0, JSON.stringify(row));
      assert.equal((await away.sync.syncNow(copy)).complete, true);
      const link = await away.sync.follow(copy, { peers: [home.instance.id] });
      await link.synced();
      assert.equal(link.status, "live");
    }));

  it("an instance on which either side forces v0 has everything as well", () =>
    withNodes(async (nodes) => {
      for (const [one, other] of [[false, undefined], [undefined, false]] as const) {
        const home = await nodes.server(one === undefined ? {} : { native: one });
        const away = await nodes.node(other === undefined ? {} : { native: other });
        const db = await madeBy(home);
        const copy = await joined(home, away, db);
        await put(copy, "k", "away");
        await away.sync.flush();
        assert.equal(await get(db, "k"), "away");
        await put(db, "k", "home");
        await away.sync.syncNow(copy);
        assert.equal(await get(copy, "k"), "home");
        assert.equal(sessions(home), 0);
      }
    }));

  it("fifty databases are live over one session", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const away = await nodes.node();
      const pairs = [];
      for (let n = 0; n < 50; n++) {
        const db = await madeBy(home, `notes ${n}`);
        const isLive = live(away.sync, db.rootId);
        pairs.push({ db, copy: await joined(home, away, db), isLive });
      }
      await Promise.all(pairs.map(({ isLive }) => isLive));
      assert.equal(sessions(home), 1);
      await Promise.all(pairs.map(({ db, copy }, n) => assertLive(db, copy, `v${n}`)));
    }));

  it("after a cut it goes on where it was", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const away = await nodes.node();
      const relay = await ByteRelay.to(home.server.address);
      try {
        const db = await madeBy(home);
        const ticket = (await home.user.share(db)).toString();
        const through = ticket.replace(home.server.address, relay.address);
        const isLive = live(away.sync, db.rootId);
        const copy = await away.user.join(through);
        await isLive;
        await assertLive(db, copy, "1");
        for (const round of ["2", "3"]) {
          const again = live(away.sync, db.rootId);
          relay.cut();
          await put(db, "meanwhile", round);
          await put(copy, "meanwhile too", round);
          await again;
          await arrives(copy, "meanwhile", round);
          await arrives(db, "meanwhile too", round);
          await assertLive(db, copy, round);
        }
      } finally {
        await relay.close();
      }
    }));

  it("two servers that follow each other exchange each commit once", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const away = await nodes.server();
      const db = await madeBy(home);
      const copy = await joined(home, away, db);
      await away.user.share(copy);
      const back = await home.sync.follow(db, { peers: [await away.user.share(copy)] });
      await back.synced();
      await assertLive(db, copy, "1");
      await assertLive(db, copy, "2");
      await Promise.all([home.sync.flush(), away.sync.flush()]);
      assert.equal(await get(copy, "there"), "2");
    }));

  it("hostile bytes close the connection and leave nothing behind", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const db = await madeBy(home);
      const overlong = new Array<number>(10).fill(0xff);
      for (const bytes of [[0, 0], [1, 0], [1, ...overlong], [7, 1, 1], [0x3f, 0]]) {
        await closedAfter(home.server.address, Uint8Array.from(bytes));
      }
      await closedAfter(home.server.address, new Uint8Array(100_000).fill(0xff));
      await closedAfter(home.server.address, new Uint8Array(1024 * 1024).fill(1));
      await until(() => sessions(home) === 0);
      const away = await nodes.node();
      const copy = await joinedLive(home, away, db);
      await assertLive(db, copy, "1");
    }));

  it("what asks for no WebSocket of this protocol is told so", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const url = `http://${home.server.address}${NATIVE_PATH}`;
      const plain = await fetch(url);
      assert.equal(plain.status, 426);
      assert.equal(plain.headers.get("upgrade"), "websocket");
      assert.match(await plain.text(), /WebSocket/);
      const put = await fetch(url, { method: "PUT", body: "x" });
      assert.equal(put.status, 405);
      await put.body?.cancel();
      const handler = home.sync.fetchHandler();
      const headers = { upgrade: "websocket", connection: "upgrade" };
      const other = await handler(new Request(url, { headers }));
      assert.equal(other.status, 400);
      if ("Deno" in globalThis) return;
      const named = { ...headers, "sec-websocket-protocol": `x, ${NATIVE_SUBPROTOCOL}` };
      assert.equal((await handler(new Request(url, { headers: named }))).status, 501);
    }));

  it("handlers that are given to the server of the runtime take WebSockets as well", async (t) => {
    const serve = serverOfRuntime();
    if (serve === undefined) return t.skip("Node has no server for web-standard handlers");
    await withNodes(async (nodes) => {
      const home = await nodes.node();
      const server = serve(home.sync);
      try {
        const away = await nodes.node();
        const db = await madeBy(home);
        const isLive = live(away.sync, db.rootId);
        const address = { transportType: "http", address: `127.0.0.1:${server.port}` };
        const copy = await away.user.join(new DatabaseTicket(db.rootId, [address]));
        await isLive;
        await assertLive(db, copy, "1");
        await away.sync.close();
      } finally {
        await server.close();
      }
    });
  });

  it("where no WebSocket gets through everything goes over v0, and live as soon as one does", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const timers = new HandTimers();
      const away = await nodes.node({ timers });
      let isBlocked = true;
      const answer = home.sync.fetchHandler();
      const handler: FetchHandler = async (request, info) => {
        const isNative = new URL(request.url).pathname === NATIVE_PATH;
        return isBlocked && isNative
          ? new Response(null, { status: 403 })
          : await answer(request, info);
      };
      const server = await (await listenHere())({ hostname: "127.0.0.1", port: 0, handler });
      try {
        const db = await madeBy(home);
        const address = { transportType: "http", address: `127.0.0.1:${server.port}` };
        const copy = await away.user.join(new DatabaseTicket(db.rootId, [address]));
        await put(copy, "k", "1");
        await away.sync.flush();
        assert.equal(await get(db, "k"), "1");
        assert.equal(sessions(home), 0);
        isBlocked = false;
        const isLive = live(away.sync, db.rootId);
        timers.fire(NATIVE_RETRY_MS);
        await isLive;
        await assertLive(db, copy, "2");
        await away.sync.close();
      } finally {
        await server.close(0);
      }
    }));

  it("pages of other origins may speak to it if they are allowed, and no others", () =>
    withNodes(async (nodes) => {
      const { sync } = await nodes.node();
      const url = "http://x/api/v0";
      const allowing = async (options: HandlerOptions, method: string, origin: string) => {
        const headers = { origin, "content-type": "application/json" };
        const body = method === "POST" ? "{}" : null;
        const request = new Request(url, { method, headers, body });
        const response = await sync.fetchHandler(options)(request);
        return [response.status, response.headers.get("access-control-allow-origin")];
      };
      const [mine, other] = ["https://mine.example", "https://other.example"];
      for (const options of [{}, { origins: [mine] }]) {
        assert.deepEqual(await allowing(options, "OPTIONS", other), [405, null]);
        assert.deepEqual(await allowing(options, "POST", other), [400, null]);
      }
      assert.deepEqual(await allowing({ origins: [mine] }, "OPTIONS", mine), [204, mine]);
      assert.deepEqual(await allowing({ origins: [mine] }, "POST", mine), [400, mine]);
      assert.deepEqual(await allowing({ origins: "*" }, "POST", other), [400, "*"]);
      assert.throws(() => sync.fetchHandler({ origins: mine as "*" }), { code: "InvalidArgument" });
    }));

  it("close ends all, on both sides", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const away = await nodes.node();
      const db = await madeBy(home);
      const copy = await joinedLive(home, away, db);
      await away.sync.close();
      await until(() => sessions(home) === 0);
      await put(copy, "k", "later");
      assert.equal(await get(db, "k"), undefined);
      await home.sync.close();
      await assert.rejects(fetch(`http://${home.server.address}${NATIVE_PATH}`));
    }));

  it("what is followed no longer is live no longer, and may be again", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const away = await nodes.node();
      const db = await madeBy(home);
      const copy = await joinedLive(home, away, db);
      const peer = home.instance.id;
      await away.sync.removeTreeSync(peer, db.rootId);
      await until(() => sessions(home) === 0);
      const again = live(away.sync, db.rootId);
      await away.sync.follow(copy, { peers: [peer] });
      await again;
      await assertLive(db, copy, "1");
    }));
});
