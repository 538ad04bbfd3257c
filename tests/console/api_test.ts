import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Database,
  Doc,
  DocStore,
  type EideticaError,
  Entry,
  Instance,
  NewUser,
  PasswordStore,
  Permission,
  PrivateKey,
  Snapshot,
  SyncSettings,
  Table,
  type User,
} from "../../mod.ts";
import { MAX_COMPARED } from "../../src/console/api/difference_api.ts";
import { MAX_LOOKED_AT } from "../../src/console/api/blame.ts";
import { MAX_SEARCHED, MAX_SEARCHED_TEXT } from "../../src/console/api/stores_api.ts";
import { MAX_WRITTEN } from "../../src/console/api/write_api.ts";
import { MAX_CELL, MAX_VALUE } from "../../src/console/api/values.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { type Browser, type NodeBed, nodeBed, PASSWORD } from "./node_bed.ts";

// deno-lint-ignore no-explicit-any -- what programs see of the API: JSON
type Json = any;

interface ApiBed extends NodeBed {
  /** What the API answers `cyn`. */
  get(path: string): Promise<Json>;
  /** The status that it answers. */
  status(path: string, browser?: Browser): Promise<number>;
  readonly one: Browser;
}

async function withApi(test: (bed: ApiBed) => Promise<void>): Promise<void> {
  const bed = await nodeBed();
  const one = bed.browser();
  await one.logIn("cyn", PASSWORD);
  const send = (path: string, browser = one) => browser.send(`/api/console/${path}`);
  try {
    await test({
      ...bed,
      one,
      get: async (path) => await (await send(path)).json(),
      status: async (path, browser) => (await send(path, browser)).status,
    });
  } finally {
    await bed.close();
  }
}

async function write(database: Database, store: string, key: string, value: string): Promise<void> {
  await database.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, store)).set([key], value);
  });
}

async function fill(database: Database, store: string, count: number): Promise<void> {
  await database.withTransaction(async (tx) => {
    const table = await tx.getStore(Table, store);
    for (let at = 0; at < count; at++) {
      await table.set(`k${String(at).padStart(6, "0")}`, { at, name: `row ${at}` });
    }
  });
}

/** An entry of a user on top of a database, with metadata as they are told. */
async function forged(database: Database, user: User, metadata: Uint8Array): Promise<Entry> {
  const snapshot = await database.snapshot();
  const [tip] = await database.getEntries(snapshot.tips);
  const key = user.signingKey(user.defaultKey());
  return Entry.builder(database.rootId).setParents(snapshot.tips).setHeight(tip!.height + 1)
    .setMetadata(metadata).setSubtreeData("forged", utf8('{"children":{"k":{"Int":1}}}'))
    .setSig(new SigInfo(SigKey.fromPubkey(key.publicKey))).build().sign(key);
}

/** A database of `ada` that `cyn` tracks, and may read. */
async function shared(
  { ada, cyn }: { ada: User; cyn: User },
  permission = "read",
): Promise<Database> {
  const database = await ada.createDatabase({ name: "shared" });
  await database.grant(cyn.defaultKey(), permission as "read");
  await cyn.trackDatabase(database.rootId, cyn.defaultKey());
  return database;
}

describe("the API of a node: rights", () => {
  it("needs a session, and tells nobody else anything", () =>
    withApi(async ({ browser, status, node, one }) => {
      const stranger = browser();
      for (const path of ["me", "node", "db", "db/x", "db/x/entries/y"]) {
        assert.equal(await status(path, stranger), 401, path);
      }
      assert.equal(await status("nothing", stranger), 404);
      node.close();
      const answer = await one.send("/api/console/me");
      assert.equal(answer.status, 401);
      assert.equal((await answer.json()).error.code, "NoSession");
    }));

  it("shows what the user tracks and may read, and answers alike for all else", () =>
    withApi(async (bed) => {
      const { get, status, ada, one } = bed;
      const secret = await ada.createDatabase({ name: "secret" });
      const database = await shared(bed);
      const { items } = await get("db");
      assert.deepEqual(items.map(({ name }: Json) => name), ["shared"]);
      const unknown = await one.send(
        `/api/console/db/${"bafyr4ihdb2wm5yyyfvbvqoxm4cv4uvuyykuqvxo4mjkcrrrhk6gaveenky"}`,
      );
      const foreign = await one.send(`/api/console/db/${secret.rootId}`);
      assert.deepEqual([foreign.status, await foreign.text()], [404, await unknown.text()]);
      for (
        const system of (await ada.backend.allRoots()).filter((id) => !id.equals(database.rootId))
      ) {
        assert.equal(await status(`db/${system}`), 404);
      }
      await database.revoke(bed.cyn.defaultKey());
      for (
        const path of [
          "",
          "/entries",
          "/pending",
          "/people",
          "/blame?store=s&key=k",
          "/stores/s/doc",
        ]
      ) {
        assert.equal(await status(`db/${database.rootId}${path}`), 403, path);
      }
      const [line] = (await get("db")).items;
      assert.deepEqual(line, { id: `${database.rootId}`, access: null, is_synced: false });
    }));

  it("is refused whenever the session ends in the middle", () =>
    withApi(async ({ ada, browser, node }) => {
      const database = await ada.createDatabase({ name: "d" });
      const told = new Set<string>();
      for (let later = 0; later < 300; later += later < 20 ? 1 : 20) {
        for (const path of ["db", `db/${database.rootId}`]) {
          const one = browser();
          await one.logIn("ada");
          const asked = one.send(`/api/console/${path}`);
          for (let at = 0; at < later; at++) await undefined;
          node.close();
          const answer = await asked;
          const { error, items, access } = await answer.json();
          told.add(`${answer.status} ${error?.code ?? items?.[0].access ?? access}`);
        }
      }
      told.delete("200 admin:0");
      assert.deepEqual([...told], ["401 NoSession"]);
    }));

  it("shows a user without any right an empty list", () =>
    withApi(async ({ get }) => {
      assert.deepEqual(await get("db"), { items: [], total: { value: 0, exact: true } });
      assert.deepEqual((await get("node")).databases, { value: 0, exact: true });
    }));

  it("shows no entry of another database under one that may be read", () =>
    withApi(async (bed) => {
      const { ada, status } = bed;
      const secret = await ada.createDatabase({ name: "secret" });
      await write(secret, "s", "k", "hidden");
      const database = await shared(bed);
      const [tip] = (await secret.snapshot()).tips;
      for (const path of [`entries/${tip}`, `entries/${secret.rootId}`, `entries/${tip}/raw`]) {
        assert.equal(await status(`db/${database.rootId}/${path}`), 404);
      }
      const at = `at=${tip}`;
      assert.equal(await status(`db/${database.rootId}/stores/s/doc?${at}`), 422);
      assert.equal(await status(`db/${database.rootId}/blame?store=s&key=k&${at}`), 422);
      const cursor = btoa(`${tip}`).replace(/=+$/, "");
      const blame = await bed.get(`db/${database.rootId}/blame?store=s&key=k&cursor=${cursor}`);
      assert.deepEqual(blame.items, []);
    }));
});

describe("the API of a node: databases", () => {
  it("tells who is logged in, what the node is, and what stands in a database", () =>
    withApi(async ({ get, cyn, instance, one }) => {
      const database = await cyn.createDatabase({ name: "notes" });
      await write(database, "pages", "hello", "world");
      const me = await get("me");
      assert.deepEqual([me.user, me.uuid, me.is_admin], ["cyn", cyn.uuid, false]);
      assert.ok(!JSON.stringify(me).includes(one.cookie.split("=")[1]!));
      assert.equal((await get("node")).device_id, `${instance.id}`);
      const found = await get(`db/${database.rootId}`);
      assert.deepEqual(found.entries, { value: 2, exact: true });
      assert.deepEqual(found.statuses, { verified: 2, unverified: 0, failed: 0 });
      assert.deepEqual([found.name, found.height, found.tips], ["notes", 1, 1]);
      assert.equal(found.access, "admin:0");
      assert.deepEqual(found.stores, [{ name: "pages", kind: "docstore" }]);
    }));

  it("lists databases in pages", () =>
    withApi(async ({ get, status, cyn }) => {
      for (let at = 0; at < 5; at++) await cyn.createDatabase({ name: `n${at}` });
      const names: string[] = [];
      for (let cursor: string | undefined = ""; cursor !== undefined;) {
        const page: Json = await get(`db?limit=2${cursor && `&cursor=${cursor}`}`);
        names.push(...page.items.map(({ name }: Json) => name));
        cursor = page.next;
      }
      assert.deepEqual(names.sort(), ["n0", "n1", "n2", "n3", "n4"]);
      for (
        const query of ["limit=0", "limit=201", "limit=x", "cursor=%25", "limit=-1", "cursor=_w"]
      ) {
        assert.equal(await status(`db?${query}`), 400, query);
      }
    }));

  it("tells who may do what", () =>
    withApi(async (bed) => {
      const database = await shared(bed, "write:7");
      const people = await bed.get(`db/${database.rootId}/people`);
      assert.equal(people.mine.permission, "write:7");
      assert.deepEqual(people.everyone, null);
      const rules = people.keys.map(({ key, permission }: Json) => [key, permission]);
      assert.deepEqual(new Map(rules).get(`${bed.cyn.defaultKey()}`), "write:7");
      assert.equal(people.keys.length, 2);
    }));
});

describe("the API of a node: stores", () => {
  it("shows a table in pages, and finds rows", () =>
    withApi(async ({ get, status, cyn }) => {
      const database = await cyn.createDatabase({ name: "t" });
      await fill(database, "rows", MAX_SEARCHED + 1);
      const path = `db/${database.rootId}/stores/rows/rows`;
      const first = await get(`${path}?limit=2`);
      assert.deepEqual(first.columns, ["at", "name"]);
      assert.deepEqual(first.items[1], { key: "k000001", cells: { at: 1, name: "row 1" } });
      const second = await get(`${path}?limit=2&cursor=${first.next}&at=${first.at}`);
      assert.deepEqual(second.items.map(({ key }: Json) => key), ["k000002", "k000003"]);
      const found = await get(`${path}?q=ROW%20${MAX_SEARCHED - 1}`);
      assert.deepEqual(found.items.map(({ key }: Json) => key), [`k00${MAX_SEARCHED - 1}`]);
      assert.equal(found.searched, MAX_SEARCHED);
      const late = await get(`${path}?q=row%20${MAX_SEARCHED}&cursor=${found.next}`);
      assert.deepEqual([late.items.length, late.next], [1, undefined]);
      assert.equal(await status(`db/${database.rootId}/stores/none/rows`), 404);
    }));

  it("shows a document level by level, whatever its keys are, and at any point in time", () =>
    withApi(async ({ get, status, cyn }) => {
      const database = await cyn.createDatabase({ name: "d" });
      await database.withTransaction(async (tx) => {
        const store = await tx.getStore(DocStore, "s/ö");
        await store.set(["a.b", "\u202e<b>"], { list: [1, "two", null] });
        await store.set(["n"], 9007199254740993n);
      });
      const before = (await database.snapshot()).tips.join();
      await write(database, "s/ö", "n", "later");
      const path = `db/${database.rootId}/stores/${encodeURIComponent("s/ö")}`;
      const top = await get(`${path}/doc?at=${before}`);
      assert.deepEqual(top.items, [{ key: "a.b", kind: "doc", size: 1 }, {
        key: "n",
        kind: "int",
        value: { $int: "9007199254740993" },
      }]);
      const inner = `path=a.b&path=${encodeURIComponent("\u202e<b>")}`;
      assert.deepEqual((await get(`${path}/doc?${inner}`)).items, [
        { key: "list", kind: "list", size: 3 },
      ]);
      const list = await get(`${path}/doc?${inner}&path=list&limit=2`);
      assert.deepEqual(list.items.map(({ value }: Json) => value), [1, "two"]);
      const rest = await get(`${path}/doc?${inner}&path=list&limit=2&cursor=${list.next}`);
      assert.deepEqual(rest.items, [{ key: "2", kind: "null", value: null }]);
      assert.equal((await get(`${path}/value?path=n`)).value, "later");
      assert.equal(await status(`${path}/value?path=a`), 404);
      assert.equal(await status(`${path}/doc?path=n`), 404);
      assert.equal(await status(`${path}/doc?at=x`), 400);
    }));

  it("cuts what is long", () =>
    withApi(async ({ get, cyn }) => {
      const database = await cyn.createDatabase({ name: "long" });
      const long = "ä".repeat(MAX_VALUE + 1);
      await write(database, "s", "long", long);
      const path = `db/${database.rootId}/stores/s`;
      const [member] = (await get(`${path}/doc`)).items;
      assert.deepEqual(member.value.$cut, { bytes: 2 * long.length, head: "ä".repeat(MAX_CELL) });
      assert.equal((await get(`${path}/value?path=long`)).value.$cut.head.length, MAX_VALUE);
    }));

  it("shows rows that are none as text, with the reason", () =>
    withApi(async ({ get, cyn }) => {
      const database = await cyn.createDatabase({ name: "t" });
      await fill(database, "rows", 1);
      await database.withTransaction((tx) => {
        tx.stageRaw(
          "rows",
          new TextEncoder().encode('{"version":0,"children":{"bad":{"Text":"{"}}}'),
        );
      });
      const { items } = await get(`db/${database.rootId}/stores/rows/rows`);
      const [bad] = items;
      assert.equal(bad.key, "bad");
      assert.deepEqual(bad.cells, { "": "{" });
      assert.match(bad.invalid, /JSON/);
    }));

  it("takes no data for what it says itself", () =>
    withApi(async ({ get, cyn }) => {
      const database = await cyn.createDatabase({ name: "t" });
      await database.withTransaction(async (tx) => {
        const row = { a: { $cut: null }, b: [{ $int: "1" }], c: { d: 9007199254740993n } };
        await (await tx.getStore(Table, "rows")).set("k", row);
      });
      const [{ cells }] = (await get(`db/${database.rootId}/stores/rows/rows`)).items;
      assert.deepEqual(cells, {
        a: '{"$cut":null}',
        b: '[{"$int":"1"}]',
        c: { d: { $int: "9007199254740993" } },
      });
    }));

  it("searches through so much text at a time", () =>
    withApi(async ({ get, cyn }) => {
      const database = await cyn.createDatabase({ name: "t" });
      const text = "x".repeat(MAX_SEARCHED_TEXT / 4);
      for (let at = 0; at < 6; at++) {
        await database.withTransaction(async (tx) => {
          await (await tx.getStore(Table, "rows")).set(`k${at}`, { text });
        });
      }
      const path = `db/${database.rootId}/stores/rows/rows?q=k5`;
      const first = await get(path);
      assert.deepEqual([first.items, first.searched], [[], 4]);
      const second = await get(`${path}&cursor=${first.next}`);
      assert.deepEqual([second.items.length, second.next], [1, undefined]);
    }));

  it("refuses places in lists that it has not given", () =>
    withApi(async ({ status, cyn }) => {
      const database = await cyn.createDatabase({ name: "d" });
      await database.withTransaction(async (tx) => {
        await (await tx.getStore(DocStore, "s")).set(["list"], [1, 2]);
      });
      const path = `db/${database.rootId}/stores/s/doc?path=list&cursor=`;
      for (const place of ["-1", "1.5", "1e99", "x", "Infinity"]) {
        assert.equal(await status(path + btoa(place).replace(/=+$/, "")), 400, place);
      }
      assert.equal(await status(path + btoa("1").replace(/=+$/, "")), 200);
    }));

  it("says why it does not show an encrypted store", () =>
    withApi(async ({ get, cyn }) => {
      const database = await cyn.createDatabase({ name: "p" });
      await database.withTransaction(async (tx) => {
        const store = await tx.getStore(PasswordStore, "locked");
        await store.initialize("pw");
      });
      const { error } = await get(`db/${database.rootId}/stores/locked/doc`);
      assert.equal(error.code, "NotShown");
      assert.match(error.message, /encrypted/);
    }));
});

describe("the API of a node: history", () => {
  it("lists entries newest first in pages, and every one of them by itself", () =>
    withApi(async ({ get, status, cyn, one }) => {
      const database = await cyn.createDatabase({ name: "h" });
      for (let at = 0; at < 4; at++) await write(database, "s", "k", `v${at}`);
      const path = `db/${database.rootId}/entries`;
      const first = await get(`${path}?limit=3`);
      assert.deepEqual(first.items.map(({ position }: Json) => position), [4, 3, 2]);
      assert.deepEqual(first.items.map(({ is_tip }: Json) => is_tip), [true, false, false]);
      const rest = await get(`${path}?before=${first.next}`);
      assert.deepEqual([rest.items.length, rest.next, rest.items[1].id], [
        2,
        undefined,
        `${database.rootId}`,
      ]);
      assert.equal(await status(`${path}?before=x`), 400);
      const [tip] = first.items;
      const entry = await get(`${path}/${tip.id}`);
      assert.equal(entry.status, "Verified");
      assert.match(entry.changes[0].text, /v3/);
      assert.deepEqual(entry.verdict.operation, "WriteData");
      assert.deepEqual([entry.verdict.then.outcome, entry.verdict.then.permission], [
        "valid",
        "admin:0",
      ]);
      const raw = await one.send(`/api/console/${path}/${tip.id}/raw`);
      assert.match(raw.headers.get("content-disposition")!, /^attachment/);
      const bytes = new Uint8Array(await raw.arrayBuffer());
      assert.equal(`${Entry.decode(bytes).id}`, tip.id);
    }));

  it("tells who wrote a value, whether they might, and whether they may today", () =>
    withApi(async (bed) => {
      const { ada, cyn, get } = bed;
      const database = await shared(bed, "write");
      const hers = await cyn.openDatabase(database.rootId);
      await fill(hers, "rows", 1);
      await fill(database, "rows", 1);
      await database.withTransaction(async (tx) => {
        await (await tx.getStore(Table, "rows")).set("k000000", { at: 7, name: "ada" });
      });
      const path = `db/${database.rootId}`;
      const { items: versions, done } = await get(`${path}/blame?store=rows&key=k000000`);
      assert.equal(done, true);
      const keys = versions.map(({ key }: Json) => key);
      assert.deepEqual(keys, [ada, ada, cyn].map((user) => `${user.defaultKey()}`));
      await database.grant(cyn.defaultKey(), "read");
      const { verdict, status } = await get(`${path}/entries/${versions[2].id}`);
      assert.equal(status, "Verified");
      assert.equal(verdict.then.permission, "write:10");
      assert.equal(verdict.today.outcome, "invalid");
      assert.match(verdict.today.message, /permission Read/);
    }));

  it("shows entries whatever their authors claim", () =>
    withApi(async ({ get, status, cyn, instance }) => {
      const database = await cyn.createDatabase({ name: "d" });
      await write(database, "s", "k", "v");
      const { tips } = EntryMetadata.parse(
        (await database.getEntries(
          (await database.snapshot()).tips,
        ))[0]!.metadata!,
      ).settingsTips;
      const never = new EntryMetadata(Snapshot.of(tips), 1n, Number.MAX_SAFE_INTEGER).encode();
      const late = await forged(database, cyn, never);
      const damaged = await forged(database, cyn, utf8("{"));
      await instance.putRemoteEntries(database.rootId, [late, damaged]);
      const path = `db/${database.rootId}`;
      const [item] = (await get(`${path}/entries`)).items;
      assert.deepEqual([item.id, item.status, item.time], [`${late.id}`, "Verified", null]);
      assert.equal((await get(path)).last, null);
      assert.equal((await get(`${path}/blame?store=forged&key=k`)).items[0].time, null);
      assert.equal(await status("db"), 200);
      const { status: verdict, pin, verdict: { then } } = await get(
        `${path}/entries/${damaged.id}`,
      );
      assert.deepEqual([verdict, pin, then], ["Failed", null, null]);
    }));

  it("goes on where a search for authors was left", () =>
    withApi(async ({ get, cyn }) => {
      const database = await cyn.createDatabase({ name: "b" });
      await write(database, "s", "old", "x");
      for (let at = 0; at < MAX_LOOKED_AT; at++) await write(database, "s", "new", `${at}`);
      const path = `db/${database.rootId}/blame?store=s&key=old`;
      const first = await get(path);
      assert.deepEqual([first.items.length, first.done], [0, false]);
      const second = await get(`${path}&cursor=${first.next}`);
      assert.deepEqual([second.items.length, second.done], [1, true]);
    }));

  it("lists what waits for a verdict", () =>
    withApi(async ({ get, cyn, instance }) => {
      const { instance: away, user: eve } = await Instance.connectOrCreate(
        "memory://",
        NewUser.passwordless("eve"),
      );
      const database = await eve!.createDatabase({ name: "w" });
      await database.grant("everyone", "write");
      await instance.putRemoteEntries(database.rootId, await database.getAllEntries());
      await cyn.trackDatabase(database.rootId, cyn.defaultKey());
      const path = `db/${database.rootId}/pending`;
      assert.deepEqual(await get(path), { items: [], total: { unverified: 0, failed: 0 } });
      for (const value of ["lost", "1", "2"]) await write(database, "s", "a", value);
      const late = (await database.getAllEntries()).slice(-2);
      await instance.putRemoteEntries(database.rootId, late);
      const found = await get(path);
      assert.deepEqual(found.total, { unverified: 2, failed: 0 });
      assert.deepEqual(found.items.map(({ id }: Json) => id), [`${late[1]!.id}`, `${late[0]!.id}`]);
      const entry = await get(`db/${database.rootId}/entries/${late[0]!.id}`);
      assert.equal(entry.status, "Unverified");
      assert.deepEqual(entry.missing_parents, [`${late[0]!.parents[0]}`]);
      await away.close();
    }));
});

describe("the API of a node: others", () => {
  /** Somebody elsewhere who asks for a database of `cyn`. */
  async function asking(
    bed: ApiBed,
  ): Promise<{ database: Database; request: Json; close(): Promise<void> }> {
    const { cyn, instance, clock, get } = bed;
    clock.set(Date.now());
    await bed.one.logIn("cyn", PASSWORD); // the session from before is long over
    const sync = await instance.enableSync();
    await sync.serve();
    const database = await cyn.createDatabase({ name: "guarded" });
    const ticket = await cyn.share(database);
    const away = await Instance.connectOrCreate("memory://", NewUser.passwordless("eve"));
    await away.instance.enableSync();
    const asked = away.user!.requestDatabaseAccess(ticket, {
      permission: Permission.write(10),
      note: Doc.from({ note: "\u202e<b>let me in" }),
    });
    await assert.rejects(asked, ({ code }: EideticaError) => code === "BootstrapPending");
    const [request] = (await get("requests")).items;
    return { database, request, close: () => away.instance.close() };
  }

  it("shows requests to those who decide them, and says before what an answer does", () =>
    withApi(async (bed) => {
      const { database, request, close } = await asking(bed);
      assert.equal(request.database, `${database.rootId}`);
      assert.deepEqual([request.permission, request.note], ["write:10", "\u202e<b>let me in"]);
      assert.match(request.effect, /write:10/);
      assert.equal(request.signs_with.key, `${bed.cyn.defaultKey()}`);
      assert.deepEqual((await bed.get(`requests?db=${database.rootId}`)).items.length, 1);
      assert.deepEqual((await bed.get("requests?db=x")).items, []);
      const ada = bed.browser();
      await ada.logIn("ada");
      assert.deepEqual(await (await ada.send("/api/console/requests")).json(), { items: [] });
      const path = `/api/console/requests/${request.id}/approve`;
      const headers = {
        "x-eidetica-csrf": (await (await ada.send("/api/console/me")).json()).csrf,
      };
      assert.equal((await ada.send(path, { method: "POST", headers })).status, 404);
      await close();
    }));

  it("decides them once, with the token of the session alone", () =>
    withApi(async (bed) => {
      const { database, request, close } = await asking(bed);
      const path = `/api/console/requests/${request.id}/approve`;
      const { csrf } = await bed.get("me");
      const post = (headers: Record<string, string>) =>
        bed.one.send(path, { method: "POST", headers });
      assert.equal((await post({})).status, 403);
      assert.equal((await post({ "x-eidetica-csrf": "x" })).status, 403);
      assert.equal((await bed.get("requests")).items.length, 1);
      const own = { "x-eidetica-csrf": csrf };
      const both = await Promise.all([post(own), post(own)]);
      assert.ok(both.some(({ status }) => status === 200));
      assert.deepEqual((await bed.get("requests")).items, []);
      const { keys } = await bed.get(`db/${database.rootId}/people`);
      assert.equal(keys.find(({ key }: Json) => key === request.key).permission, "write:10");
      assert.equal((await post(own)).status, 404);
      await close();
    }));

  it("tells who is in step with a database, and brings it in step", () =>
    withApi(async (bed) => {
      const { database, request, close } = await asking(bed);
      const path = `db/${database.rootId}/sync`;
      const before = await bed.get(path);
      assert.deepEqual([before.synchronises, before.is_synced, before.on_commit], [
        true,
        true,
        true,
      ]);
      const { csrf } = await bed.get("me");
      const headers = { "x-eidetica-csrf": csrf };
      const reject = `/api/console/requests/${request.id}/reject`;
      assert.equal((await bed.one.send(reject, { method: "POST", headers })).status, 200);
      const answer = await bed.one.send(`/api/console/${path}`, { method: "POST", headers });
      assert.deepEqual([answer.status, Object.keys(await answer.json())], [200, [
        "received",
        "sent",
        "complete",
      ]]);
      assert.equal((await bed.one.send(`/api/console/${path}`, { method: "POST" })).status, 403);
      await close();
    }));
});

describe("the API of a node: peers that cannot be reached", () => {
  it("are named to whoever administers the database, and only counted to others", () =>
    withApi(async (bed) => {
      const sync = await bed.instance.enableSync();
      const database = await shared(bed);
      const key = bed.ada.defaultKey();
      await bed.ada.trackDatabase(database.rootId, key, SyncSettings.onCommit());
      const peer = PrivateKey.generate().publicKey;
      const address = { transportType: "http", address: "127.0.0.1:1" };
      await sync.registerSyncPeer({ tree: database.rootId, peer, addresses: [address] });
      const path = `db/${database.rootId}/sync`;
      const told = async (browser: Browser) => {
        const { csrf } = await (await browser.send("/api/console/me")).json();
        const headers = { "x-eidetica-csrf": csrf };
        const now = await browser.send(`/api/console/${path}`, { method: "POST", headers });
        assert.equal(now.status, 422);
        const answers = [
          await now.text(),
          await (await browser.send(`/api/console/${path}`)).text(),
        ];
        return answers.map((text) => text.includes("127.0.0.1"));
      };
      const ada = bed.browser();
      await ada.logIn("ada");
      assert.deepEqual(await told(ada), [true, true]);
      assert.deepEqual(await told(bed.one), [false, false]);
      await write(database, "s", "k", "v");
      const failed = () => sync.metrics().some(({ failures }) => failures > 0);
      while (!failed()) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.deepEqual([await told(ada), await told(bed.one)], [[true, true], [false, false]]);
      assert.equal((await bed.get(path)).peers[0].last_error, "ConnectionFailed");
    }));
});

describe("the API of a node: differences", () => {
  it("tell what was added, removed and changed since, in pages", () =>
    withApi(async ({ get, status, cyn }) => {
      const database = await cyn.createDatabase({ name: "d" });
      const first = (await database.snapshot()).tips.join();
      for (const [key, value] of [["a", "1"], ["b", "2"], ["c", "3"], ["e", "5"]] as const) {
        await write(database, "s", key, value);
      }
      const at = (await database.snapshot()).tips.join();
      await write(database, "s", "b", "two");
      await write(database, "s", "d", "4");
      await database.withTransaction(async (tx) => {
        const store = await tx.getStore(DocStore, "s");
        await store.delete(["a"]);
        await store.set(["e"], "5");
      });
      const path = `db/${database.rootId}/stores/s/diff`;
      const { items, compared, to } = await get(`${path}?at=${at}`);
      assert.deepEqual(items, [
        { op: "removed", key: "a", before: { kind: "text", value: "1" } },
        {
          op: "changed",
          key: "b",
          before: { kind: "text", value: "2" },
          after: { kind: "text", value: "two" },
        },
        { op: "added", key: "d", after: { kind: "text", value: "4" } },
      ]);
      assert.equal(compared, 5);
      assert.equal(to, (await database.snapshot()).tips.join());
      const keys: string[] = [];
      for (let cursor: string | undefined = ""; cursor !== undefined;) {
        const page: Json = await get(`${path}?at=${at}&limit=1${cursor && `&cursor=${cursor}`}`);
        keys.push(...page.items.map(({ key }: Json) => key));
        cursor = page.next;
      }
      assert.deepEqual(keys, ["a", "b", "d"]);
      const since = await get(`${path}?at=${first}`);
      assert.deepEqual(since.items.map(({ op }: Json) => op), ["added", "added", "added", "added"]);
      assert.equal(await status(path), 400);
      assert.equal(await status(`${path}?at=x`), 400);
      assert.equal(await status(`db/${database.rootId}/stores/none/diff?at=${at}`), 404);
    }));

  it("compare so many members at a time", () =>
    withApi(async ({ get, cyn }) => {
      const database = await cyn.createDatabase({ name: "d" });
      const at = (await database.snapshot()).tips.join();
      await fill(database, "rows", MAX_COMPARED + 1);
      const since = (await database.snapshot()).tips.join();
      const path = `db/${database.rootId}/stores/rows/diff`;
      const none = await get(`${path}?at=${since}`);
      assert.deepEqual([none.items, none.compared], [[], MAX_COMPARED]);
      const rest = await get(`${path}?at=${since}&cursor=${none.next}`);
      assert.deepEqual([rest.compared, rest.next], [1, undefined]);
      assert.equal((await get(`${path}?at=${at}&limit=200`)).items.length, 200);
    }));
});

describe("the API of a node: writing", () => {
  /** Puts a value as `cyn`. */
  async function put(
    { one, get }: ApiBed,
    path: string,
    value: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: Json }> {
    const { csrf } = await get("me");
    const answer = await one.send(`/api/console/${path}`, {
      method: "PUT",
      headers: { "content-type": "application/json", "x-eidetica-csrf": csrf, ...headers },
      body: typeof value === "string" ? value : JSON.stringify(value),
    });
    return { status: answer.status, body: await answer.json() };
  }

  it("writes rows and members, signed by the user's key", () =>
    withApi(async (bed) => {
      const { cyn, get } = bed;
      const database = await cyn.createDatabase({ name: "w" });
      await fill(database, "rows", 1);
      await write(database, "s", "a.b", "old");
      const path = `db/${database.rootId}/stores`;
      const { at } = await get(`${path}/rows/rows`);
      const row = await put(bed, `${path}/rows/value?path=k000000&at=${at}`, { name: "new" });
      assert.equal(row.status, 200);
      const [line] = (await get(`${path}/rows/rows`)).items;
      assert.deepEqual(line.cells, { name: "new" });
      const { key } = await get(`db/${database.rootId}/entries/${row.body.entry}`);
      assert.equal(key, `${cyn.defaultKey()}`);
      const big = await put(bed, `${path}/s/value?path=a.b&at=${at}`, "9007199254740993");
      assert.equal(big.status, 200);
      assert.deepEqual((await get(`${path}/s/value?path=a.b`)).value, { $int: "9007199254740993" });
    }));

  it("writes nothing over what somebody has written meanwhile", () =>
    withApi(async (bed) => {
      const { cyn, get } = bed;
      const database = await cyn.createDatabase({ name: "w" });
      await write(database, "s", "k", "1");
      const path = `db/${database.rootId}/stores/s`;
      const { at } = await get(`${path}/doc`);
      await write(database, "s", "other", "x");
      assert.equal((await put(bed, `${path}/value?path=k&at=${at}`, "2")).status, 200);
      const late = await put(bed, `${path}/value?path=k&at=${at}`, "3");
      assert.deepEqual([late.status, late.body.error.code], [409, "ValueChanged"]);
      assert.equal((await get(`${path}/value?path=k`)).value, 2);
      const now = (await get(`${path}/doc`)).at;
      const both = await Promise.all(
        ["4", "5"].map((it) => put(bed, `${path}/value?path=k&at=${now}`, it)),
      );
      assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
    }));

  it("refuses what is no value, no place, and whoever may not", () =>
    withApi(async (bed) => {
      const { get } = bed;
      const database = await shared(bed);
      await write(database, "s", "k", "1");
      await fill(database, "rows", 1);
      const path = `db/${database.rootId}/stores`;
      const { at } = await get(`${path}/s/doc`);
      const statusOf = async (place: string, value: unknown, headers = {}) =>
        (await put(bed, `${path}/${place}`, value, headers)).status;
      const place = `s/value?path=k&at=${at}`;
      assert.equal(await statusOf(place, "2"), 403, "a reader");
      await database.grant(bed.cyn.defaultKey(), "write");
      assert.equal(await statusOf(place, "2", { "x-eidetica-csrf": "x" }), 403);
      assert.equal(await statusOf(place, "2", { "content-type": "text/plain" }), 415);
      assert.equal(await statusOf(place, "{"), 400);
      assert.equal(await statusOf(place, `"${"x".repeat(MAX_WRITTEN)}"`), 413);
      assert.equal(await statusOf("s/value?path=k", "2"), 400);
      assert.equal(await statusOf(`s/value?at=${at}`, "2"), 400);
      assert.equal(await statusOf(`none/value?path=k&at=${at}`, "2"), 404);
      assert.equal(await statusOf(`s/value?path=k&path=in&at=${at}`, "2"), 422, "below a text");
      assert.equal(await statusOf(place, "1.5"), 422, "a fraction");
      assert.equal(await statusOf(`rows/value?path=k000000&at=${at}`, "[1]"), 422, "no row");
      assert.equal((await get(`${path}/s/value?path=k`)).value, "1");
    }));
});
