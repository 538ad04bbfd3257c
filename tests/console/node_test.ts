import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, type EideticaError } from "../../mod.ts";
import { MAX_FORM_BYTES } from "../../src/console/forms.ts";
import { html } from "../../src/console/html.ts";
import { nodeHandler, type NodeOptions } from "../../src/console/mod.ts";
import { DATABASES_PER_PAGE, ENTRIES_PER_PAGE } from "../../src/console/routes/databases.ts";
import { MAX_REQUESTS_UNDER_WAY } from "../../src/console/routes/track.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { flakyStorage } from "../helpers/flaky_storage.ts";
import { setLogSink } from "../../src/util/log.ts";
import { type NodeBed, nodeBed, PASSWORD } from "./node_bed.ts";
import { csrfOf, pageFacts, textFacts } from "./page_facts.ts";
import { transcriptPeer } from "./transcript_peer.ts";

async function withNode(
  test: (bed: NodeBed) => Promise<void>,
  options?: NodeOptions,
): Promise<void> {
  const bed = await nodeBed(options);
  try {
    await test(bed);
  } finally {
    await bed.close();
  }
}

const HOSTILE = `<script>alert(1)</script>"'&\u202egpj.exe`;

describe("pages", () => {
  it("12#30 show what is in the data as it is, everywhere", () =>
    withNode(async ({ browser, cyn }) => {
      const database = await cyn.createDatabase({ name: HOSTILE });
      const one = browser();
      const pages = [await (await one.logIn(HOSTILE, "x")).text()];
      pages.push(await (await one.post("/register", { username: HOSTILE })).text());
      await one.logIn("cyn", PASSWORD);
      pages.push(await one.page("/dashboard"));
      pages.push(await one.page(`/dashboard/database?id=${database.rootId}`));
      for (const page of pages) {
        assert.ok(!page.includes("<script"), page);
        assert.ok(
          page.includes("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;⟨U+202E⟩gpj.exe"),
        );
      }
    }));

  it("come with headers that allow nothing but themselves", () =>
    withNode(async ({ browser }) => {
      for (const path of ["/login", "/", "/nothing", "/health", "/stats", "/assets/node.css"]) {
        const { headers } = await browser().send(path);
        assert.match(
          headers.get("content-security-policy")!,
          /^default-src 'none'; style-src 'self';/,
        );
        assert.equal(headers.get("x-content-type-options"), "nosniff");
        assert.equal(headers.get("access-control-allow-origin"), null);
      }
      const page = await browser().page("/login");
      assert.ok(!/<script|<style|style=| on[a-z]+=/.test(page));
    }));

  it("12#29 list the databases of a user, fifty at a time, and nothing of others", () =>
    withNode(async ({ browser, ada, cyn }) => {
      await ada.createDatabase({ name: "of ada" });
      const one = browser();
      await one.logIn("cyn", PASSWORD);
      assert.deepEqual(textFacts(await one.page("/dashboard"))["empty"], [
        "No databases tracked yet.",
      ]);
      for (let at = 0; at <= DATABASES_PER_PAGE; at++) await cyn.createDatabase({ name: `n${at}` });
      const names = await Promise.all(["", "?page=2", "?page=999"].map(async (query) => {
        const { tables } = pageFacts(await one.page(`/dashboard${query}`));
        return tables[0]!.rows.map(([, name]) => name);
      }));
      assert.deepEqual(names.map(({ length }) => length), [DATABASES_PER_PAGE, 1, 1]);
      assert.equal(new Set(names.flat()).size, DATABASES_PER_PAGE + 1);
      for (const page of ["0", "-1", "x", "1e3", ""]) {
        assert.equal((await one.send(`/dashboard?page=${page}`)).status, 400, page);
      }
    }));

  it("12#31 show the entries of a database, a hundred at a time, and count all", () =>
    withNode(async ({ browser, cyn }) => {
      const database = await cyn.createDatabase({ name: "many" });
      for (let at = 0; at < ENTRIES_PER_PAGE + 1; at++) {
        await database.withTransaction(async (tx) => {
          await (await tx.getStore(DocStore, "s")).set("at", at);
        });
      }
      const one = browser();
      await one.logIn("cyn", PASSWORD);
      const path = `/dashboard/database?id=${database.rootId}`;
      const pages = [await one.page(path), await one.page(`${path}&page=2`)];
      const rows = pages.map((page) => pageFacts(page).tables[0]!.rows.flat());
      assert.equal(rows[0]![0], `${database.rootId}`);
      assert.equal(rows.flat().length, ENTRIES_PER_PAGE + 2);
      assert.deepEqual(rows.flat(), (await database.getAllEntries()).map(({ id }) => `${id}`));
      assert.deepEqual(pages.map((page) => textFacts(page)["notice"]), [
        ["Showing first 100 of 102 entries"],
        ["Showing 101 to 102 of 102 entries"],
      ]);
      assert.ok(textFacts(pages[0]!)["info_rows"]!.includes("Entry Count: 102"));
      assert.equal((await one.send(`${path}&page=0`)).status, 400);
    }));

  it("show a database no longer to a key that was revoked", () =>
    withNode(async ({ browser, ada, cyn }) => {
      const database = await ada.createDatabase({ name: "secret" });
      await database.grant(cyn.defaultKey(), "read");
      await cyn.trackDatabase(database.rootId, cyn.defaultKey());
      const one = browser();
      await one.logIn("cyn", PASSWORD);
      const path = `/dashboard/database?id=${database.rootId}`;
      assert.equal((await one.send(path)).status, 200);
      await database.revoke(cyn.defaultKey());
      const answer = await one.send(path);
      assert.equal(answer.status, 403);
      assert.ok(!(await answer.text()).includes("secret"));
      const [row] = pageFacts(await one.page("/dashboard")).tables[0]!.rows;
      assert.deepEqual(row!.slice(1, 3), ["Unknown", "0"]);
    }));

  it("12#34 of statistics tell the number of sessions and nothing else", () =>
    withNode(async ({ browser, cyn }) => {
      await cyn.createDatabase({ name: "secret" });
      await browser().logIn("ada");
      const page = await browser().page("/stats");
      assert.deepEqual(textFacts(page)["stats"], ["Active Sessions: 1"]);
      assert.ok(!page.includes("secret"));
    }));
});

describe("requests from elsewhere", () => {
  it("are refused by where browsers say that they come from", () =>
    withNode(async ({ browser }) => {
      const from: [Record<string, string>, number][] = [
        [{ "sec-fetch-site": "cross-site" }, 403],
        [{ "sec-fetch-site": "same-site" }, 403],
        [{ origin: "https://evil.example" }, 403],
        [{ origin: "null" }, 403],
        [{ "sec-fetch-site": "cross-site", origin: "http://node.example" }, 403],
        [{ "sec-fetch-site": "same-origin", origin: "http://node.example" }, 303],
        [{ origin: "http://node.example" }, 303],
        [{}, 303],
      ];
      for (const [headers, status] of from) {
        const answer = await browser().post("/login", { username: "ada" }, { headers });
        assert.equal(answer.status, status, JSON.stringify(headers));
      }
    }));

  it("of who is logged in need the token of the session", () =>
    withNode(async ({ browser, node }) => {
      const [one, two] = [browser(), browser()];
      await one.logIn("ada");
      await two.logIn("ada");
      const other = csrfOf(await two.page("/dashboard"));
      for (const csrf of [other, "", "x"]) {
        assert.equal((await one.post("/logout", { csrf })).status, 403);
        const form = { ticket: "x", permission: "read", csrf };
        assert.equal((await one.post("/dashboard/track", form)).status, 403);
      }
      assert.equal(
        (await one.post("/dashboard/track", { ticket: "x", permission: "read" })).status,
        403,
      );
      assert.equal(node.sessions, 2);
    }));

  it("are refused under foreign names, where names are told", () =>
    withNode(async ({ browser }) => {
      assert.equal((await browser().send("/login")).status, 200);
      assert.equal((await browser().send("http://evil.example/login")).status, 421);
      assert.equal((await browser().send("http://node.example:81/health")).status, 421);
    }));

  it("log nobody in without a password by a name that anybody could make lead here", () =>
    withNode(async ({ browser }) => {
      const statusAt = async (origin: string, username: string, password: string) => {
        const body = new URLSearchParams({ username, password });
        return (await browser().send(`${origin}/login`, { method: "POST", body })).status;
      };
      for (const origin of ["http://evil.example", "http://127.0.0.1.evil.example:3000"]) {
        assert.equal(await statusAt(origin, "ada", ""), 403);
        assert.equal(await statusAt(origin, "cyn", ""), 403);
        assert.equal(await statusAt(origin, "cyn", PASSWORD), 303);
      }
      for (
        const host of ["127.0.0.1:3000", "[::1]:3000", "localhost", "a.localhost", "192.0.2.1"]
      ) {
        assert.equal(await statusAt(`http://${host}`, "ada", ""), 303, host);
      }
    }, { hosts: [] }));

  it("over TLS get cookies that are sent over TLS alone", async () => {
    const login = { method: "POST", body: new URLSearchParams({ username: "ada" }) };
    const cookieOf = async (url: string, options?: NodeOptions) => {
      let cookie = "";
      await withNode(async ({ browser }) => {
        cookie = (await browser().send(url, login)).headers.getSetCookie()[0]!;
      }, options);
      return cookie;
    };
    assert.match(await cookieOf("https://node.example/login"), /; Secure$/);
    assert.match(await cookieOf("http://node.example/login", { secure: true }), /; Secure$/);
    assert.doesNotMatch(await cookieOf("http://node.example/login"), /Secure/);
  });

  it("have a limit, which is looked at before they are read", () =>
    withNode(async ({ browser }) => {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const sent = async (length: number) => {
        const body = `username=${"x".repeat(length - "username=".length)}`;
        return (await browser().send("/login", { method: "POST", headers, body })).status;
      };
      assert.equal(await sent(MAX_FORM_BYTES), 401);
      assert.equal(await sent(MAX_FORM_BYTES + 1), 413);
      let pulled = 0;
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          pulled += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
      });
      const init = { method: "POST", headers, body: endless, duplex: "half" };
      assert.equal((await browser().send("/login", init as RequestInit)).status, 413);
      assert.ok(pulled <= 2 * MAX_FORM_BYTES, `${pulled}`);
    }));
});

describe("asking for access", () => {
  it("12#32 tracks the database that was granted, and has it compared every 13 seconds", async () => {
    const places = await transcriptPeer();
    await withNode(async ({ browser, instance, cyn, clock }) => {
      clock.set(Date.now());
      await instance.enableSync();
      const one = browser();
      await one.logIn("cyn", PASSWORD);
      const ticket = `eidetica:?db=${places.open}&pr=http:127.0.0.1:${places.peer}`;
      const answer = await one.postOwn("/dashboard/track", { ticket, permission: "write" });
      assert.deepEqual([answer.status, answer.headers.get("location")], [303, "/dashboard"]);
      const [tracked] = await cyn.databases();
      const { syncEnabled, syncOnCommit, intervalSeconds } = tracked!.syncSettings;
      assert.deepEqual([syncEnabled, syncOnCommit, intervalSeconds], [true, false, 13]);
    });
    await places.close();
  });

  it("12#33 leaves the session usable while nobody answers, and is limited", async () => {
    const places = await transcriptPeer();
    await withNode(async ({ browser, instance, clock }) => {
      clock.set(Date.now());
      await instance.enableSync();
      const one = browser();
      await one.logIn("cyn", PASSWORD);
      const ticket = `eidetica:?db=${places.open}&pr=http:127.0.0.1:${places.silent}`;
      const csrf = csrfOf(await one.page("/dashboard"));
      const ask = () => one.post("/dashboard/track", { ticket, permission: "read", csrf });
      const asking = Array.from({ length: MAX_REQUESTS_UNDER_WAY }, ask);
      assert.equal((await one.send("/dashboard")).status, 200);
      assert.equal((await ask()).status, 429);
      places.release();
      const statuses = (await Promise.all(asking)).map(({ status }) => status);
      assert.deepEqual(new Set(statuses), new Set([502]));
    });
    await places.close();
  });

  it("is refused while the node does not synchronise", () =>
    withNode(async ({ browser }) => {
      const one = browser();
      await one.logIn("ada");
      const ticket = "eidetica:?db=bafyr4ihdb2wm5yyyfvbvqoxm4cv4uvuyykuqvxo4mjkcrrrhk6gaveenky";
      assert.equal(
        (await one.postOwn("/dashboard/track", { ticket, permission: "read" })).status,
        503,
      );
      const empty = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
      assert.equal((await one.send("/api/v0", empty)).status, 503);
    }));
});

describe("the handler of a node", () => {
  it("passes on all that is for other instances, and answers it no differently", () =>
    withNode(async ({ browser, instance }) => {
      const sync = await instance.enableSync();
      for (const path of ["/api/v0", "/api/native/1", "/api/native/1/events"]) {
        const answer = await browser().send(path);
        const direct = await sync.fetchHandler()(new Request(`http://node.example${path}`));
        assert.equal(answer.status, direct.status, path);
        assert.notEqual(answer.status, 404, path);
        assert.equal(answer.headers.get("content-security-policy"), null);
        await answer.body?.cancel();
        await direct.body?.cancel();
      }
      assert.equal((await browser().send("/api/native/2")).status, 404);
    }));

  it("12#22 tells whether the storage can be read, and nothing of why it cannot", async () => {
    const lines: string[] = [];
    setLogSink((level, _category, template) => lines.push(`${level} ${template}`));
    const storage = flakyStorage(memoryStorage());
    const bed = await nodeBed({ storage: "sqlite" }, storage);
    const health = async () => {
      const answer = await bed.browser().send("/health");
      return [answer.status, await answer.text()];
    };
    assert.deepEqual(await health(), [200, '{"status":"healthy","backend":"sqlite"}']);
    storage.broken = Infinity;
    assert.deepEqual(await health(), [503, '{"status":"unhealthy","backend":"sqlite"}']);
    storage.broken = 0;
    setLogSink(undefined);
    assert.deepEqual(lines, ["error the storage cannot be read: {error}"]);
    await bed.close();
  });

  it("says that it is closing once its instance is closed", async () => {
    const bed = await nodeBed();
    const one = bed.browser();
    await one.logIn("ada");
    await bed.instance.close();
    for (const path of ["/health", "/dashboard"]) {
      const answer = await one.send(path);
      assert.deepEqual([answer.status, await answer.text()], [503, "This node is closing"]);
    }
    const answer = await one.send("/api/console/me");
    assert.deepEqual([answer.status, (await answer.json()).error], [503, {
      code: "NodeClosing",
      message: "This node is closing",
    }]);
    bed.node.close();
  });

  it("writes no secret into the log", async () => {
    const lines: string[] = [];
    setLogSink((_level, _category, template, fields) => {
      lines.push(template, JSON.stringify(fields));
    });
    await withNode(async ({ browser }) => {
      const one = browser();
      await one.logIn("cyn", "wrong password");
      await one.logIn("cyn", PASSWORD);
      const token = one.cookie.slice("eidetica_session=".length);
      const csrf = csrfOf(await one.page("/dashboard"));
      for (const page of [await one.page("/dashboard"), await one.page("/stats")]) {
        assert.ok(!page.includes(token));
      }
      assert.ok(lines.length > 0);
      for (const secret of ["wrong password", PASSWORD, token, csrf]) {
        assert.ok(!lines.join("\n").includes(secret));
      }
    });
    setLogSink(undefined);
  });

  it("refuses arguments of another type", async () => {
    const { instance, close } = await nodeBed();
    const refused = (make: () => unknown) =>
      assert.throws(make, ({ code }: EideticaError) => code === "InvalidArgument");
    for (const value of [undefined, null, {}, "x"]) refused(() => nodeHandler(value as never));
    for (
      const options of [1, { hosts: "x" }, { hosts: [1] }, { secure: "yes" }, { storage: 1 }, {
        origins: 1,
      }]
    ) refused(() => nodeHandler(instance, options as never));
    nodeHandler(instance, null as never).close();
    await close();
  });
});

describe("html", () => {
  it("escapes everything but the literal parts of templates, and other templates", () => {
    const inner = html`<b>${"<&>"}</b>`;
    assert.equal(
      `${html`<i a="${`"'`}">${inner}${[inner, inner]}${7}${undefined}${false}</i>`}`,
      [
        '<i a="&quot;&#x27;"><b>&lt;&amp;&gt;</b><b>&lt;&amp;&gt;</b><b>&lt;&amp;&gt;</b>7</i>',
      ].join(""),
    );
  });
});
