import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { after, before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import {
  type Database,
  Doc,
  DocStore,
  type EideticaError,
  Instance,
  NewUser,
  Permission,
  Table,
  type User,
} from "../../mod.ts";
import { type NodeHandler, nodeHandler } from "../../src/console/mod.ts";
import { Chromium, chromiumPath, type Tab } from "./chromium.ts";

/** Pictures for the documentation are written where this says: `EIDETICA_PICTURES=docs/console`. */
const PICTURES = process.env["EIDETICA_PICTURES"];

/** What is run in pages to find faults. */
function axe(): string {
  const path = new URL("../../node_modules/axe-core/axe.min.js", import.meta.url);
  return readFileSync(fileURLToPath(path), "utf8");
}

const HOSTILE = `<img src=x onerror=alert(1)>\u202egpj`;
const SHOWN = "<img src=x onerror=alert(1)>⟨U+202E⟩gpj";

/** A node with two users who write to one table, and one who has nothing. */
class Bed {
  instance!: Instance;
  node!: NodeHandler;
  /** What answers; the node, unless it is away. */
  answer!: NodeHandler["fetch"];
  readonly #streams = new Set<AbortController>();
  chromium!: Chromium;
  origin!: string;
  ada!: User;
  orchard!: Database;

  async open(): Promise<void> {
    const { instance, user } = await Instance.connectOrCreate(
      "memory://",
      NewUser.passwordless("ada"),
    );
    [this.instance, this.ada] = [instance, user!];
    for (const name of ["ben", "eve"]) {
      await (await user!.admin()).createUser(NewUser.passwordless(name));
    }
    await this.#fill();
    this.node = nodeHandler(instance);
    const sync = await instance.enableSync();
    this.answer = this.node.fetch;
    const { address } = await sync.serve({ handler: (...asked) => this.#answered(...asked) });
    this.origin = `http://${address}`;
    this.chromium = await Chromium.start();
  }

  async #fill(): Promise<void> {
    const ben = await this.instance.loginUser("ben");
    this.orchard = await this.ada.createDatabase({ name: "orchard" });
    await this.orchard.grant(ben.defaultKey(), "write", { name: "ben" });
    await plant(this.orchard, "t-0416", { variety: "Gravenstein", state: "standing" });
    await plant(this.orchard, "t-0417", { variety: "Hubbardston", state: "standing" });
    await ben.trackDatabase(this.orchard.rootId, ben.defaultKey());
    const his = await ben.openDatabase(this.orchard.rootId);
    await plant(his, "t-0417", { variety: "Hubbardston", state: "felled", note: HOSTILE });
    await this.orchard.withTransaction(async (tx) => {
      const plan = await tx.getStore(DocStore, "plan");
      await plan.set(["spring"], { prune: ["Gravenstein", 2], by: "ada" });
    });
    await this.orchard.grant(ben.defaultKey(), "read", { name: "ben" });
    await this.ada.createDatabase({ name: HOSTILE });
    ben.logout();
  }

  /** An answer, whose stream can be cut if it is one of events. */
  async #answered(...asked: Parameters<NodeHandler["fetch"]>): Promise<Response> {
    const response = await this.answer(...asked);
    if (response.headers.get("content-type") !== "text/event-stream") return response;
    const cut = new AbortController();
    this.#streams.add(cut);
    const body = response.body!.pipeThrough(new TransformStream(), { signal: cut.signal });
    return new Response(body, response);
  }

  /** Cuts all streams of events, as a network does. */
  cutStreams(): void {
    for (const cut of this.#streams) cut.abort();
    this.#streams.clear();
  }

  async close(): Promise<void> {
    await this.chromium.close();
    this.node.close();
    await this.instance.close();
  }

  /** A tab of somebody who has logged in. */
  async tab(username: string): Promise<Tab> {
    const tab = await this.chromium.open();
    await tab.look(1280, "light");
    await tab.load(`${this.origin}/login`);
    await tab.evaluate(`document.querySelector("[name=username]").value = "${username}"`);
    await tab.click("Login", "form");
    await tab.until(`location.pathname === "/dashboard"`);
    return tab;
  }

  /** Goes to a view of the orchard. */
  async see(tab: Tab, path: string): Promise<void> {
    await tab.load(`${this.origin}/console${path.replace("ID", `${this.orchard.rootId}`)}`);
    await tab.until(`document.querySelector("h1") !== null`);
  }

  /** Nothing was asked of other hosts, and the page has nothing to complain of. */
  assertQuiet({ requests, complaints }: Tab): void {
    assert.deepEqual(requests.filter((url) => !url.startsWith(`${this.origin}/`)), []);
    assert.deepEqual(complaints, []);
  }
}

async function plant(database: Database, key: string, row: Record<string, string>): Promise<void> {
  await database.withTransaction(async (tx) =>
    await (await tx.getStore(Table, "trees")).set(key, row)
  );
}

/** What axe finds wrong with the page. */
async function faults(tab: Tab): Promise<string[]> {
  await tab.evaluate(`${axe()}; undefined`);
  return await tab.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target, any }) =>
      id + ": " + target.join(" ") + " " + any.map(({ message }) => message).join("; "))))`,
  );
}

const why = chromiumPath === undefined
  ? "Chromium is not installed"
  : "Deno" in globalThis || "Bun" in globalThis
  ? "one runtime is enough to serve a browser: Node"
  : undefined;

describe("the console in Chromium", () => {
  const bed = new Bed();
  before(() => why === undefined ? bed.open() : undefined);
  after(() => why === undefined ? bed.close() : undefined);
  const walk = (title: string, run: (t: TestContext) => Promise<void>) => {
    it(title, async (t) => {
      if (why !== undefined) return t.skip(why);
      await run(t as TestContext);
    });
  };

  walk("answers in three clicks who wrote a value, and whether they may", async () => {
    const tab = await bed.tab("ada");
    await bed.see(tab, "");
    await tab.click("orchard", "main");
    await tab.click("trees", "main");
    await tab.click("t-0417", "main");
    await tab.untilText("Today it may not.");
    const panel: string = await tab.evaluate(`document.querySelector("aside").innerText`);
    assert.match(panel, /Who wrote this, and may they\?/);
    assert.match(panel, /ben/);
    assert.match(
      panel,
      /verified Yes, when it was written: the rules that it names gave the key write:10\./,
    );
    assert.match(panel, /Earlier values/);
    bed.assertQuiet(tab);
  });

  walk("shows markup and what nobody sees as text", async () => {
    const tab = await bed.tab("ada");
    await bed.see(tab, "");
    await tab.untilText(SHOWN);
    await bed.see(tab, "/db/ID/s/trees?row=t-0417");
    await tab.untilText(SHOWN);
    assert.equal(await tab.evaluate(`document.querySelectorAll("main img").length`), 0);
    bed.assertQuiet(tab);
  });

  walk("shows a document as a tree, and any earlier state", async () => {
    const tab = await bed.tab("ada");
    await bed.see(tab, "/db/ID/s/plan");
    await tab.click("▸", "main");
    await tab.click("prune", "main");
    await tab.untilText("Written below");
    await bed.see(tab, "/db/ID/history");
    const first = "document.querySelectorAll('.entries li')";
    await tab.until(`${first}.length === 7`);
    await tab.evaluate(`${first}[3].querySelector("a").click()`);
    await tab.untilText("trees as it was then");
    await tab.click("trees as it was then");
    await tab.untilText("As it was at");
    await tab.until(`document.querySelectorAll("tbody tr").length === 2`);
    assert.ok(!(await tab.evaluate("document.body.innerText")).includes("felled"));
    await tab.press("d");
    await tab.untilText("0 added, 0 removed, 1 changed");
    await tab.untilText("felled");
    assert.deepEqual(await faults(tab), []);
    await tab.press("n");
    await tab.until(`document.querySelectorAll("tbody tr").length === 2`);
    await tab.untilText("felled");
    await tab.evaluate(`(() => {
      const bar = document.querySelector("input[type=range]");
      bar.value = "1";
      bar.dispatchEvent(new Event("input", { bubbles: true }));
    })()`);
    await tab.untilText("It did not exist yet at this point of history.");
    await tab.click("Back to now");
    await tab.untilText("felled");
    assert.deepEqual(tab.complaints.filter((it) => !it.includes("404")), []);
  });

  walk("is walked with the keyboard alone", async () => {
    const tab = await bed.tab("ada");
    await bed.see(tab, "");
    await tab.untilText("orchard");
    const focused = () => tab.evaluate("document.activeElement.textContent.trim()");
    const names = new Set<string>();
    for (let at = 0; at < 2; at++) {
      await tab.press("j");
      names.add(await focused());
    }
    assert.deepEqual(names, new Set(["orchard", SHOWN]));
    if (await focused() !== "orchard") await tab.press("k");
    await tab.press("Enter");
    await tab.until(`document.querySelector("h1")?.textContent === "orchard"`);
    await tab.press("g", "h");
    await tab.until(`document.querySelector("h1")?.textContent === "History"`);
    await tab.until(`document.querySelectorAll(".entries li").length === 7`);
    await tab.press("j", "j", "Enter");
    await tab.until(`document.querySelector("aside") !== null`);
    const open = await focused();
    await tab.press("Escape");
    await tab.until(`document.querySelector("aside") === null`);
    assert.equal(await focused(), open);
    await tab.press("?");
    await tab.until(`document.getElementById("help").open`);
    await tab.press("Escape");
    await tab.until(`!document.getElementById("help").open`);
    await bed.see(tab, "/db/ID/s/trees");
    await tab.until(`document.querySelector("[data-find]") !== null`);
    await tab.press("/");
    await tab.press(..."hubb");
    await tab.until(`document.querySelectorAll("tbody tr").length === 1`);
    bed.assertQuiet(tab);
  });

  walk("shows what is written meanwhile, to two at once", async () => {
    const [one, two] = [await bed.tab("ada"), await bed.tab("ada")];
    for (const tab of [one, two]) {
      await bed.see(tab, "/db/ID/s/trees");
      await tab.until(`document.querySelectorAll("tbody tr").length === 2`);
    }
    await plant(bed.orchard, "t-0500", { variety: "Jonathan" });
    for (const tab of [one, two]) await tab.untilText("Jonathan");
    await bed.orchard.withTransaction(async (tx) => {
      await (await tx.getStore(Table, "trees")).delete("t-0500");
    });
    for (const tab of [one, two]) await tab.until(`!document.body.innerText.includes("Jonathan")`);
    bed.assertQuiet(one);
  });

  walk("shows what was written while its stream was cut, and while the node was away", async () => {
    const tab = await bed.tab("ada");
    await bed.see(tab, "/db/ID/s/trees");
    await tab.until(`document.querySelectorAll("tbody tr").length === 2`);
    bed.cutStreams();
    await plant(bed.orchard, "t-0600", { variety: "Jonathan" });
    await tab.untilText("t-0600");
    const own = bed.answer;
    const refused = new Promise<void>((resolve) => {
      bed.answer = () => {
        resolve();
        return Promise.resolve(new Response("Bad gateway", { status: 502 }));
      };
    });
    bed.cutStreams();
    await plant(bed.orchard, "t-0601", { variety: "Jonathan" });
    await refused;
    bed.answer = own;
    await tab.untilText("t-0601");
    await bed.orchard.withTransaction(async (tx) => {
      const table = await tx.getStore(Table, "trees");
      for (const key of ["t-0600", "t-0601"]) await table.delete(key);
    });
    await tab.until(`!document.body.innerText.includes("Jonathan")`);
  });

  walk("says that the session has ended when the node that is back does not know it", async () => {
    const tab = await bed.tab("ada");
    await bed.see(tab, "/db/ID/s/trees");
    await tab.until(`document.querySelectorAll("tbody tr").length === 2`);
    const [own, other] = [bed.answer, nodeHandler(bed.instance)];
    bed.answer = other.fetch;
    bed.cutStreams();
    await tab.untilText("Your session has ended");
    bed.answer = own;
    other.close();
  });

  walk("changes a row, and says what that does; not over what others have written", async () => {
    const tab = await bed.tab("ada");
    await plant(bed.orchard, "t-0900", { variety: "Jonathan" });
    await bed.see(tab, "/db/ID/s/trees?row=t-0900");
    const fill = (json: string) =>
      tab.evaluate(`(() => {
        const field = document.querySelector("textarea");
        field.value = ${JSON.stringify(json)};
        field.dispatchEvent(new Event("input", { bubbles: true }));
      })()`);
    await tab.click("Change…");
    await tab.untilText("This makes one entry, signed by your key.");
    assert.deepEqual(await faults(tab), []);
    await fill(`{"variety":`);
    await tab.click("Save");
    await tab.untilText("The value is no JSON");
    await fill(`{"variety":"Laxton"}`);
    await tab.click("Save");
    await tab.until(`document.querySelector("tbody").innerText.includes("Laxton")`);
    await tab.untilText("Change…");
    await tab.click("Change…");
    await fill(`{"variety":"mine"}`);
    await plant(bed.orchard, "t-0900", { variety: "theirs" });
    await tab.until(`document.querySelector("tbody").innerText.includes("theirs")`);
    await tab.click("Save");
    await tab.untilText("Somebody has written this meanwhile");
    assert.match(await tab.evaluate(`document.querySelector("textarea").value`), /mine/);
    await tab.click("Leave it", "form");
    await tab.until(`document.querySelector(".versions").innerText.includes("Jonathan")`);
    assert.deepEqual(tab.complaints.filter((it) => !/40[09]/.test(it)), []);
    await bed.orchard.withTransaction(async (tx) => {
      await (await tx.getStore(Table, "trees")).delete("t-0900");
    });
  });

  walk("shows who asks for access, says what an answer does, and gives it", async (t) => {
    const tab = await bed.tab("ada");
    await bed.see(tab, "");
    await tab.untilText("orchard");
    const { instance, user: cora } = await Instance.connectOrCreate(
      "memory://",
      NewUser.passwordless("cora"),
    );
    t.after(() => instance.close());
    await (await instance.enableSync()).serve();
    const ticket = await bed.ada.share(bed.orchard);
    const asked = cora!.requestDatabaseAccess(ticket, {
      permission: Permission.write(10),
      note: Doc.from({ note: HOSTILE }),
    });
    await assert.rejects(asked, ({ code }: EideticaError) => code === "BootstrapPending");
    await tab.untilText("Waiting for you");
    await tab.untilText(SHOWN);
    await tab.click("Approve…");
    await tab.untilText("No entry changes its verdict.");
    assert.deepEqual(await faults(tab), []);
    await tab.click("Approve", "dialog[open]");
    await tab.until(`!document.body.innerText.includes("Waiting for you")`);
    await cora!.join(ticket);
    await bed.see(tab, "/db/ID/sync");
    await tab.untilText("with 1 peer");
    await tab.click("Synchronise now");
    await tab.untilText("All are in step.");
    assert.deepEqual(await faults(tab), []);
    bed.assertQuiet(tab);
  });

  walk("says when the session has ended, and keeps what was seen", async () => {
    const tab = await bed.tab("ada");
    await bed.see(tab, "/db/ID/s/trees");
    await tab.untilText("Gravenstein");
    await tab.evaluate(`fetch("/dashboard").then((it) => it.text()).then((page) => {
      const csrf = /name="csrf" value="([^"]+)"/.exec(page)[1];
      return fetch("/logout", { method: "POST", body: new URLSearchParams({ csrf }), redirect: "manual" });
    }).then(() => undefined)`);
    await tab.untilText("Your session has ended.");
    await tab.untilText("Gravenstein");
  });

  walk("shows a user without any right nothing, and says why", async () => {
    const tab = await bed.tab("eve");
    await bed.see(tab, "");
    await tab.untilText("No databases yet.");
    await bed.see(tab, "/nothing");
    await tab.untilText("Nothing here");
    bed.assertQuiet(tab);
    await tab.load(`${bed.origin}/console/db/${bed.orchard.rootId}`);
    await tab.untilText("There is no such thing here");
    assert.deepEqual(await faults(tab), []);
  });

  walk("has no fault that axe finds: every view, light and dark, wide and as a phone", async () => {
    const tab = await bed.tab("ada");
    const views: [name: string, path: string, seen: string][] = [
      ["databases", "", "orchard"],
      ["overview", "/db/ID", "Who may do what"],
      ["table", "/db/ID/s/trees?row=t-0417", "Today it may not."],
      ["tree", "/db/ID/s/plan?path=spring&path=by", "Written below"],
      ["history", "/db/ID/history", "newest first"],
      ["sync", "/db/ID/sync", "Synchronisation"],
    ];
    for (const [name, path, seen] of views) {
      await bed.see(tab, path);
      await tab.untilText(seen);
      for (
        const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [
          390,
          "dark",
        ]] as const
      ) {
        await tab.look(width, scheme);
        assert.deepEqual(await faults(tab), [], `${name} ${width} ${scheme}`);
        const isWider = "document.documentElement.scrollWidth > innerWidth";
        assert.equal(await tab.evaluate(isWider), false, `${name} ${width} is too wide`);
        await keep(tab, `${name}-${width}-${scheme}`);
      }
      await tab.look(1280, "light");
    }
    bed.assertQuiet(tab);
  });

  walk("and the pages without scripts have none, either", async () => {
    const tab = await bed.tab("ada");
    const paths = ["/dashboard", `/dashboard/database?id=${bed.orchard.rootId}`, "/stats"];
    for (const path of paths) {
      await tab.load(`${bed.origin}${path}`);
      for (const scheme of ["light", "dark"] as const) {
        await tab.look(390, scheme);
        assert.deepEqual(await faults(tab), [], `${path} ${scheme}`);
      }
    }
    bed.assertQuiet(tab);
  });

  walk("shows cells that look like something else, and addresses that mean nothing", async () => {
    const tab = await bed.tab("ada");
    const row = { variety: { $cut: null }, constructor: "x" };
    await bed.orchard.withTransaction(async (tx) =>
      await (await tx.getStore(Table, "odd")).set("o-1", row)
    );
    await bed.orchard.withTransaction(async (tx) =>
      await (await tx.getStore(Table, "odd")).set("o-2", { variety: "y" })
    );
    await bed.see(tab, "/db/ID/s/odd");
    await tab.untilText('{"$cut":null}');
    const plain: string = await tab.evaluate(`document.querySelectorAll("tbody tr")[1].innerText`);
    assert.match(plain, /^o-2\s+y\s+–$/);
    await bed.see(tab, "/%E0%A4%A");
    await tab.untilText("Nothing here");
    bed.assertQuiet(tab);
  });
});

async function keep(tab: Tab, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  writeFileSync(`${PICTURES}/${name}.png`, await tab.picture());
}
