import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_HOST_ATTEMPTS, MAX_NAME_ATTEMPTS } from "../../src/console/login_attempts.ts";
import {
  MAX_IDLE_MS,
  MAX_SESSION_MS,
  MAX_SESSIONS,
  MAX_USER_SESSIONS,
  Sessions,
} from "../../src/console/sessions.ts";
import type { User } from "../../mod.ts";
import { FixedClock } from "../../src/testing/mod.ts";
import { systemRandom } from "../../src/util/random.ts";
import { type Browser, type NodeBed, nodeBed, PASSWORD } from "./node_bed.ts";

async function withNode(test: (bed: NodeBed) => Promise<void>): Promise<void> {
  const bed = await nodeBed();
  try {
    await test(bed);
  } finally {
    await bed.close();
  }
}

async function isLoggedIn(browser: Browser): Promise<boolean> {
  const { status, headers } = await browser.send("/dashboard");
  if (status === 303) assert.equal(headers.get("location"), "/login");
  return status === 200;
}

/** A user of whom only the name and the end of the session are asked. */
function namesake(uuid: string, ended: string[]): User {
  return { uuid, logout: () => ended.push(uuid) } as unknown as User;
}

describe("sessions", () => {
  it("12#23,#24,#26,#27 begin with a login, end with a logout, and are not made up", () =>
    withNode(async ({ browser, node }) => {
      const [cyn, ada, mallory] = [browser(), browser(), browser()];
      assert.equal((await cyn.logIn("cyn", PASSWORD)).headers.get("location"), "/dashboard");
      assert.equal((await ada.logIn("ada")).headers.get("location"), "/dashboard");
      mallory.cookie = "eidetica_session=00000000-0000-4000-8000-000000000000";
      assert.deepEqual(
        [await isLoggedIn(cyn), await isLoggedIn(ada), await isLoggedIn(mallory)],
        [true, true, false],
      );
      assert.equal(node.sessions, 2);
      const kept = cyn.cookie;
      assert.equal((await cyn.postOwn("/logout")).status, 303);
      cyn.cookie = kept;
      assert.equal(await isLoggedIn(cyn), false);
      assert.equal(node.sessions, 1);
    }));

  it("end when they are left alone, and after half a day in any case", () =>
    withNode(async ({ browser, node, clock }) => {
      const cyn = browser();
      await cyn.logIn("cyn", PASSWORD);
      clock.advance(MAX_IDLE_MS - 1);
      assert.equal(await isLoggedIn(cyn), true);
      clock.advance(MAX_IDLE_MS);
      assert.equal(await isLoggedIn(cyn), false);
      await cyn.logIn("cyn", PASSWORD);
      const step = MAX_IDLE_MS / 2;
      for (let spent = 0; spent + step < MAX_SESSION_MS; spent += step) {
        clock.advance(step);
        assert.equal(await isLoggedIn(cyn), true, `after ${spent}`);
      }
      clock.advance(step);
      assert.equal(await isLoggedIn(cyn), false);
      assert.equal(node.sessions, 0);
    }));

  it("of one user are limited, and of all together: those that were left alone longest end", () => {
    const ended: string[] = [];
    const sessions = new Sessions({ clock: new FixedClock(), random: systemRandom });
    const own = Array.from({ length: MAX_USER_SESSIONS + 1 }, () => {
      return sessions.begin(namesake("one", ended));
    });
    assert.deepEqual(ended, ["one"]);
    assert.equal(sessions.use(own[0]!.token), undefined);
    assert.equal(sessions.use(own[1]!.token), own[1]);
    for (let at = sessions.size; at <= MAX_SESSIONS; at++) {
      sessions.begin(namesake(`u${at}`, ended));
    }
    assert.deepEqual(ended, ["one", "one"]);
    assert.equal(sessions.use(own[1]!.token), own[1], "it was used, the next one was not");
    assert.equal(sessions.use(own[2]!.token), undefined);
    assert.equal(sessions.size, MAX_SESSIONS);
    sessions.close();
    assert.equal(sessions.size, 0);
    assert.equal(ended.length, MAX_USER_SESSIONS + 1 + MAX_SESSIONS - MAX_USER_SESSIONS + 1);
  });

  it("end with the handler, and do not come back with the next one (12#37)", () =>
    withNode(async ({ browser, node }) => {
      const cyn = browser();
      await cyn.logIn("cyn", PASSWORD);
      node.close();
      assert.equal(node.sessions, 0);
      assert.equal(await isLoggedIn(cyn), false);
    }));

  it("end when the user is disabled", () =>
    withNode(async ({ browser, node, ada }) => {
      const [cyn, other] = [browser(), browser()];
      await cyn.logIn("cyn", PASSWORD);
      await other.logIn("ada");
      await (await ada.admin()).disableUser("cyn");
      assert.deepEqual([await isLoggedIn(cyn), await isLoggedIn(other)], [false, true]);
      assert.equal(node.sessions, 1);
      await cyn.logIn("cyn", PASSWORD);
      assert.equal((await cyn.send("/api/console/me")).status, 401);
    }));

  it("two at once do not know each other, and one that ends in the middle leads to the login", () =>
    withNode(async ({ browser }) => {
      const [one, two] = [browser(), browser()];
      await Promise.all([one.logIn("cyn", PASSWORD), two.logIn("cyn", PASSWORD)]);
      assert.notEqual(one.cookie, two.cookie);
      const [page] = await Promise.all([one.send("/dashboard"), one.postOwn("/logout")]);
      assert.ok([200, 303].includes(page.status), `${page.status}`);
      assert.deepEqual([await isLoggedIn(one), await isLoggedIn(two)], [false, true]);
    }));
});

describe("logging in", () => {
  it("12#23 says the same of unknown users and wrong passwords, and sets no cookie", () =>
    withNode(async ({ browser, instance, ada }) => {
      await (await ada.admin()).disableUser("cyn");
      const wrong = [["ghost", "x"], ["ghost", ""], ["cyn", PASSWORD], ["ada", "x"], ["", ""]];
      const answers = await Promise.all(wrong.map(async ([name, password]) => {
        const response = await browser().logIn(name!, password);
        assert.equal(response.status, 401);
        assert.deepEqual(response.headers.getSetCookie(), []);
        return (await response.text()).replaceAll(/value="[^"]*"/g, "");
      }));
      assert.equal(new Set(answers).size, 1);
      assert.ok(!answers[0]!.includes("ghost"));
      assert.ok(instance);
    }));

  it("is refused after some failures, by name and host, until a minute has gone by", () =>
    withNode(async ({ browser, clock }) => {
      const guesser = browser();
      for (let at = 0; at < MAX_NAME_ATTEMPTS; at++) {
        assert.equal((await guesser.logIn("cyn")).status, 401);
      }
      const refused = await guesser.logIn("cyn", PASSWORD);
      assert.equal(refused.status, 429);
      assert.equal(refused.headers.get("retry-after"), "60");
      const elsewhere = {
        method: "POST",
        body: new URLSearchParams({ username: "cyn", password: PASSWORD }),
      };
      assert.equal((await browser().send("/login", elsewhere, "192.0.2.8:1")).status, 303);
      clock.advance(60_000);
      assert.equal((await guesser.logIn("cyn", PASSWORD)).status, 303);
    }));

  it("is refused after many failures from one host under whatever names, also at once", () =>
    withNode(async ({ browser }) => {
      const names = Array.from({ length: MAX_HOST_ATTEMPTS + 5 }, (_, at) => `ghost${at}`);
      const answers = await Promise.all(names.map((name) => browser().logIn(name)));
      const count = (status: number) => answers.filter((it) => it.status === status).length;
      assert.deepEqual([count(401), count(429)], [MAX_HOST_ATTEMPTS, 5]);
    }));

  it("counts IPv6 by network, of which everybody has 2^64 addresses", () =>
    withNode(async ({ browser }) => {
      const from = async (at: number) => {
        const login = { method: "POST", body: new URLSearchParams({ username: "cyn" }) };
        return (await browser().send("/login", login, `[2001:db8::${at.toString(16)}]:4711`))
          .status;
      };
      for (let at = 1; at <= MAX_NAME_ATTEMPTS; at++) assert.equal(await from(at), 401);
      assert.equal(await from(77), 429);
    }));

  it("does not count those who log in", () =>
    withNode(async ({ browser }) => {
      for (let at = 0; at < MAX_NAME_ATTEMPTS * 3; at++) {
        assert.equal((await browser().logIn("ada")).status, 303);
      }
    }));
});
