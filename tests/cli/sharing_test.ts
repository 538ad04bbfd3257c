import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { atDesk, lines, members } from "./desk.ts";
import { eidetica, Running } from "./process.ts";

describe("commands that share a database", () => {
  it("a ticket is asked with, approved by who administers, joined and kept in step", () =>
    atDesk(async (ada) => {
      await ada.ok("db", "create", "orchard");
      await ada.ok("db", "set", "orchard", "trees", "t1", '{"n":1}', "--table");
      const node = new Running(["serve", "-p", "0", "--json"], { cwd: ada.cwd });
      await node.until(/"type":"listening"/);
      const [shared] = await ada.json("db", "share", "orchard");
      assert.equal(members(shared), "addresses id ticket");
      const ticket = String(shared!.ticket);
      await atDesk(async (bob) => {
        const asked = await eidetica(["db", "join", ticket, "--note", "please", "--json"], bob);
        assert.equal(asked.code, 3, asked.stderr);
        const [pending] = lines(asked.stdout);
        assert.equal(members(pending), "entries id request status");
        assert.equal(pending!.status, "pending");
        const [[request]] = await ada.json("requests", "list") as unknown as [
          [{ id: string; permission: string }],
        ];
        // As options take it, and as `db keys` says it.
        assert.match(request.permission, /^(read|(write|admin):\d+)$/);
        assert.equal(members(request), "database id key name note permission since state");
        assert.equal(request.id, pending!.request);
        const part = request.id.slice(0, 8);
        await ada.ok("requests", "approve", part, "--dry-run");
        await ada.ok("requests", "approve", part);
        await ada.fails(1, /it is Approved since/, "requests", "reject", part);
        assert.equal(await ada.ok("requests", "list"), "Nobody asks for access.\n");
        const [joined] = await bob.json("db", "join", ticket);
        assert.equal(joined!.status, "joined");
        await bob.ok("db", "set", "orchard", "trees", "t2", '{"n":2}');
        const [[round]] = await bob.json("db", "sync", "orchard") as unknown as [[object]];
        assert.equal(members(round), "bytes complete peer received sent");
        assert.equal((await ada.ok("db", "get", "orchard", "trees")).split("\n").length, 3);
        const [[peer]] = await bob.json("peers", "--db", "orchard") as unknown as [[object]];
        assert.equal(members(peer), "databases error last_seen last_sync name peer routes state");
        await node.stop("SIGTERM");
        const late = await eidetica(["db", "sync", "orchard", "--timeout", "5", "--json"], bob);
        assert.equal(late.code, 3, late.stderr);
      }, "bob");
    }));
  it("what cannot be shared or joined is told with what to do", () =>
    atDesk(async (ada) => {
      await ada.ok("db", "create", "orchard");
      const alone = await eidetica(["db", "share", "orchard"], ada);
      assert.equal(alone.code, 0);
      assert.match(alone.stderr, /nobody serves: eidetica serve/);
      const there = await eidetica(["db", "share", "orchard", "--address", "node.example:1"], ada);
      assert.match(there.stdout, /^eidetica:\?db=bafyr4i\w+&pr=http:node\.example:1&native=1\n$/);
      await ada.fails(
        1,
        /Invalid address.*nonsense\n +Next +eidetica db share/,
        "db",
        "join",
        "nonsense",
      );
      await ada.fails(1, /nobody to do so with.*\n.*db share/, "db", "sync", "orchard");
      await ada.fails(1, /Cannot find a request/, "requests", "approve", "none");
      assert.equal(await ada.ok("peers"), "No peers.\n");
    }));
});
