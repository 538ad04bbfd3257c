import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Database,
  DocStore,
  ID,
  Instance,
  NewUser,
  PrivateKey,
  type User,
  type WriteEvent,
} from "../../mod.ts";
import { Connection } from "../../src/service/client/connection.ts";
import { Line } from "../../src/service/client/line.ts";
import { DaemonSession } from "../../src/service/client/session.ts";
import { connectSocket } from "../../src/service/edge/connect_socket.ts";
import { every, pause } from "../../src/service/edge/every.ts";
import type { EideticaError } from "../../src/util/errors.ts";
import { serveSocket } from "../../src/service/edge/mod.ts";
import { hasCode } from "../database/bed.ts";
import { newDaemon } from "../helpers/daemons.ts";
import { newPath } from "../helpers/shared.ts";
import { look, put, Recorder } from "./bed.ts";
import { Tap } from "./tap.ts";

/** An instance that is served at a path, and can be served there again. */
interface Home {
  readonly path: string;
  readonly instance: Instance;
  readonly user: User;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function withHome(test: (home: Home) => Promise<void>): Promise<void> {
  const made = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
  const path = newPath();
  let service = await serveSocket(made.instance, { path });
  const start = async () => void (service = await serveSocket(made.instance, { path }));
  try {
    await test({ ...made, user: made.user!, path, start, stop: () => service.close() });
  } finally {
    await service.close();
    await made.instance.close();
  }
}

/** A client that connects again. */
async function client(url: string): Promise<{ instance: Instance; user: User }> {
  const instance = await Instance.connect(url, { reconnect: true });
  return { instance, user: await instance.loginUser("ada") };
}

function requireJoined(events: readonly WriteEvent[]): void {
  for (const [at, event] of events.entries()) {
    if (at > 0) assert.ok(event.previousTips.equals(events[at - 1]!.postTips));
  }
}

const raise = (db: Database): Promise<void> =>
  db.update(async (tx) => {
    const store = await tx.getStore(DocStore, "s");
    await store.set("count", Number(await store.getOption("count") ?? 0) + 1);
  });

describe("a client that connects again", () => {
  it("guide F4 goes on when the daemon is back: reads, writes, and handlers that miss nothing", () =>
    withHome(async ({ path, user, start, stop }) => {
      const { instance, user: ada } = await client(`unix://${path}`);
      const there = await ada.createDatabase({ name: "notes" });
      const here = await user.openDatabase(there.rootId);
      const recorder = new Recorder();
      await there.onWrite(recorder.note);
      await put(there, "a", "1");
      await stop();
      const pending = [look(there, "b"), put(there, "c", "3")];
      await put(here, "b", "2");
      await start();
      assert.deepEqual(await Promise.all(pending), ["2", undefined]);
      await put(here, "d", "4");
      const events = await recorder.until(4);
      requireJoined(events);
      const told = events.flatMap(({ entries }) => entries.map(({ id }) => `${id}`));
      assert.equal(new Set(told).size, 4);
      assert.equal(await look(here, "c"), "3");
      await instance.close();
    }));

  it("guide F4 a commit whose answer is missing is looked for, and counts once", async () => {
    const tap = await Tap.open(await newDaemon(NewUser.passwordless("ada")));
    const { instance, user } = await client(tap.url);
    const db = await user.createDatabase({ name: "count" });
    await raise(db);
    const submits = tap.count("SubmitSignedEntry");
    tap.isHeld = true;
    const raising = raise(db);
    while (tap.count("SubmitSignedEntry") === submits) await pause(1);
    // It has reached the daemon, whose answer is lost.
    const other = await Instance.connect(tap.daemon);
    const his = await (await other.loginUser("ada")).openDatabase(db.rootId);
    while (await look(his, "count") !== 2) await pause(1);
    tap.cut();
    await raising;
    assert.equal(await look(db, "count"), 2);
    assert.equal(await look(his, "count"), 2);
    await other.close();
    await instance.close();
    tap.close();
  });

  it("goes on with a login whose challenge was another connection's", async () => {
    const tap = await Tap.open(await newDaemon(NewUser.passwordless("ada")));
    const options = { place: { connectSocket, every, pause }, path: tap.url.slice(7) };
    const line: Line = await Line.open({ ...options, reconnect: true }, {
      wrote: () => {},
      lost: () => {},
      restored: () => void session.restored(),
    });
    const session = new DaemonSession(line);
    const keyOf = ({ userInfo }: { readonly userInfo: string }) =>
      PrivateKey.parse(JSON.parse(userInfo).credentials.root_key.key);
    for (let time = 0; time < 2; time++) {
      const { rootKey } = await session.login("ada", async (login) => {
        tap.cut();
        while (line.isUp) await pause(1);
        await line.ready();
        return keyOf(login);
      });
      const root = ID.parse(line.metadata.users_db);
      assert.equal(rootKey.publicKey.toString().length > 0, true);
      await session.ask(root, { type: "GetVerifiedTips" }, "Ids");
    }
    line.close();
    tap.close();
  });

  it("without the option, and after close, nothing waits", () =>
    withHome(async ({ path, stop }) => {
      const instance = await Instance.connect(`unix://${path}`);
      const db = await (await instance.loginUser("ada")).createDatabase({});
      const again = await client(`unix://${path}`);
      const other = await again.user.createDatabase({});
      await stop();
      await assert.rejects(put(db, "a", "1"), hasCode("ConnectionAborted"));
      // Whether it has begun to wait for the daemon by then depends on whose turn it was.
      const ended = /^(ConnectionAborted|InstanceDropped)$/;
      const waiting = assert.rejects(put(other, "a", "1"), (error: EideticaError) => {
        return ended.test(error.code);
      });
      await again.instance.close();
      await waiting;
      await instance.close();
      const url = `unix://${path}`;
      const wrong = { reconnect: 1 } as unknown as { reconnect: boolean };
      await assert.rejects(Instance.connect(url, wrong), hasCode("InvalidArgument"));
    }));

  it("gives up a daemon that is another's, and one that is not back in time", () =>
    withHome(async ({ path, stop }) => {
      const place = { connectSocket, every, pause };
      const listener = { wrote: () => {}, lost: () => {}, restored: () => {} };
      const patient = await Line.open({ place, path, reconnect: true }, listener);
      const options = { place, path, reconnect: true, patienceMs: 10 };
      const impatient = await Line.open(options, listener);
      const probe = await Connection.open(place, path, { wrote: () => {}, ended: () => {} });
      await stop();
      assert.equal(probe.closed?.code, "ConnectionAborted");
      await assert.rejects(impatient.ready(), hasCode("ConnectionAborted"));
      impatient.close();
      const other = await Instance.connectOrCreate("memory://", NewUser.passwordless("eve"));
      const service = await serveSocket(other.instance, { path });
      await assert.rejects(patient.ready(), hasCode("DeviceKeyMismatch"));
      await service.close();
      await other.instance.close();
    }));
});
