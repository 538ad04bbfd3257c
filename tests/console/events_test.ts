import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, DocStore } from "../../mod.ts";
import { MAX_STREAMS } from "../../src/console/api/events_api.ts";
import { CONSOLE_SCRIPT_PATH, CONSOLE_STYLE_PATH } from "../../src/console/assets.ts";
import { EventSplitter, type StreamEvent } from "../../src/sync/http/event_stream.ts";
import { MAX_IDLE_MS } from "../../src/console/sessions.ts";
import { type Browser, type NodeBed, nodeBed, PASSWORD } from "./node_bed.ts";
import { csrfOf } from "./page_facts.ts";

async function withNode(test: (bed: NodeBed, one: Browser) => Promise<void>): Promise<void> {
  const bed = await nodeBed();
  const one = bed.browser();
  await one.logIn("ada");
  try {
    await test(bed, one);
  } finally {
    await bed.close();
  }
}

/** Reads the events of a stream one by one. */
class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #splitter = new EventSplitter();
  readonly #read: StreamEvent[] = [];

  constructor(response: Response) {
    assert.equal(response.status, 200);
    this.#reader = response.body!.getReader();
  }

  /** The next one; undefined at the end. */
  async next(): Promise<StreamEvent | undefined> {
    while (this.#read.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#read.push(...this.#splitter.push(value));
    }
    return this.#read.shift();
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

async function write(database: Database): Promise<void> {
  await database.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "s")).set(["k"], `${Math.random()}`);
  });
}

describe("the stream of events", () => {
  it("tells which database has changed, and never what", () =>
    withNode(async ({ ada }, one) => {
      const database = await ada.createDatabase({ name: "secret name" });
      const events = new Events(await one.send("/api/console/events"));
      await write(database);
      const event = await events.next();
      assert.deepEqual([event!.event, JSON.parse(event!.data)], ["change", {
        db: `${database.rootId}`,
      }]);
      await events.close();
    }));

  it("tells nothing of databases that the user may not read, or did not ask for", () =>
    withNode(async ({ ada, cyn }, one) => {
      const [hers, mine, other] = [
        await cyn.createDatabase({ name: "hers" }),
        await ada.createDatabase({ name: "mine" }),
        await ada.createDatabase({ name: "other" }),
      ];
      const events = new Events(await one.send(`/api/console/events?db=${mine.rootId}`));
      for (const database of [hers, other, mine]) await write(database);
      assert.deepEqual(JSON.parse((await events.next())!.data), { db: `${mine.rootId}` });
      await events.close();
      assert.equal((await one.send(`/api/console/events?db=${hers.rootId}`)).status, 404);
    }));

  it("tells that the list of databases has changed", () =>
    withNode(async ({ ada }, one) => {
      const events = new Events(await one.send("/api/console/events"));
      await ada.createDatabase({ name: "new" });
      // Of the database itself it is told only if it is tracked by then.
      let db: unknown;
      do db = JSON.parse((await events.next())!.data).db; while (db !== null);
      await events.close();
    }));

  it("ends with the session", () =>
    withNode(async (_, one) => {
      const csrf = csrfOf(await one.page("/dashboard"));
      const events = new Events(await one.send("/api/console/events"));
      await one.post("/logout", { csrf });
      assert.equal((await events.next())!.event, "ended");
      assert.equal(await events.next(), undefined);
    }));

  it("ends with a session whose time is over, or whose user is disabled, though nobody asks", () =>
    withNode(async ({ ada, cyn, clock, browser }) => {
      const database = await cyn.createDatabase({ name: "d" });
      for (const isDisabled of [false, true]) {
        const one = browser();
        await one.logIn("cyn", PASSWORD);
        const events = new Events(await one.send("/api/console/events"));
        if (isDisabled) await (await ada.admin()).disableUser("cyn");
        else clock.advance(MAX_IDLE_MS);
        await write(database);
        let event = await events.next();
        while (event?.event === "change" && JSON.parse(event.data).db === null) {
          event = await events.next();
        }
        assert.equal(event!.event, "ended");
        assert.equal(await events.next(), undefined);
      }
    }));

  it("does not begin for a session that has ended meanwhile", () =>
    withNode(async ({ ada, node, browser }) => {
      const database = await ada.createDatabase({ name: "d" });
      for (const query of ["", `?db=${database.rootId}`]) {
        for (let later = 0; later < 100; later += 3) {
          const one = browser();
          await one.logIn("ada");
          const asked = one.send(`/api/console/events${query}`);
          for (let at = 0; at < later; at++) await undefined;
          node.close();
          const answer = await asked;
          if (answer.status === 401) await answer.body!.cancel();
          else assert.equal((await new Events(answer).next())!.event, "ended");
        }
      }
    }));

  it("is limited to some at a time, and makes room when one is left", () =>
    withNode(async (_, one) => {
      const open: Events[] = [];
      for (let at = 0; at < MAX_STREAMS; at++) {
        open.push(new Events(await one.send("/api/console/events")));
      }
      assert.equal((await one.send("/api/console/events")).status, 429);
      await open.pop()!.close();
      open.push(new Events(await one.send("/api/console/events")));
      for (const events of open) await events.close();
    }));
});

describe("the page of the console", () => {
  it("is for who is logged in, at any address below it, under a strict policy", () =>
    withNode(async ({ browser }, one) => {
      for (const path of ["/console", "/console/db/x", "/console/db/x/s/a%2Fb"]) {
        assert.equal((await browser().send(path)).headers.get("location"), "/login");
        const { status, headers } = await one.send(path);
        assert.equal(status, 200);
        const policy = headers.get("content-security-policy")!;
        assert.match(policy, /default-src 'none'; script-src 'self'/);
        assert.match(policy, /trusted-types 'none'/);
        assert.ok(!policy.includes("unsafe"));
      }
      assert.equal((await one.send("/console/")).status, 404);
      assert.equal((await one.send("/console", { method: "POST" })).status, 405);
    }));

  it("loads two files, which stay as they are under their names", () =>
    withNode(async (_, one) => {
      const page = await one.page("/console");
      const loaded = [...page.matchAll(/(?:src|href)="(\/assets[^"]+)"/g)].map(([, path]) => path);
      assert.deepEqual(loaded, [CONSOLE_STYLE_PATH, CONSOLE_SCRIPT_PATH]);
      for (const path of loaded) {
        const { status, headers } = await one.send(path!);
        assert.equal(status, 200);
        assert.match(headers.get("cache-control")!, /immutable/);
        assert.match(headers.get("content-type")!, /^text\/(?:css|javascript); charset=utf-8$/);
      }
    }));
});
