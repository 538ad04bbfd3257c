import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parsePostgresUrl } from "../../src/storage/postgres/url.ts";
import { StorageError } from "../../src/util/errors.ts";

const places = (url: string) => parsePostgresUrl(url).places;

function refused(url: string, part: string): void {
  assert.throws(() => parsePostgresUrl(url), (error) => {
    assert.ok(error instanceof StorageError && error.code === "InvalidUrl", String(error));
    assert.ok(error.message.includes(part), `${url}: ${error.message}`);
    return !JSON.stringify([error.message, error.fields]).includes("geheim");
  });
}

describe("URLs of PostgreSQL", () => {
  it("00 §C4 hosts and ports, names and IPv6, one and several", () => {
    assert.deepEqual(places("postgres://u:p@h/d"), [{ host: "h", port: 5432 }]);
    assert.deepEqual(places("postgresql:u@h:1/d"), [{ host: "h", port: 1 }]);
    assert.deepEqual(places("postgres://[::1]:5433/d"), [{ host: "::1", port: 5433 }]);
    assert.deepEqual(places("postgres://u@[fe80::1%25eth0]/d"), [
      { host: "fe80::1%eth0", port: 5432 },
    ]);
    assert.deepEqual(places("postgres://a:1,[::2]:2,c/d"), [
      { host: "a", port: 1 },
      { host: "::2", port: 2 },
      { host: "c", port: 5432 },
    ]);
    assert.deepEqual(places("postgres://a,b/d?port=7"), [
      { host: "a", port: 7 },
      { host: "b", port: 7 },
    ]);
    assert.deepEqual(places("postgres:///d?host=a,::1&port=1,2"), [
      { host: "a", port: 1 },
      { host: "::1", port: 2 },
    ]);
  });

  it("00 §C4 a host that begins with a slash is the folder of a socket", () => {
    const path = "/run/pg/.s.PGSQL.5432";
    assert.deepEqual(places("postgres://u@localhost:5432/d?host=/run/pg"), [{ path }]);
    assert.deepEqual(places("postgres://u@%2Frun%2Fpg/d"), [{ path }]);
    assert.deepEqual(places("postgres:///d?host=/run/pg/&port=1"), [
      { path: "/run/pg/.s.PGSQL.1" },
    ]);
    refused("postgres:///d?host=/run/pg,h", "socket");
  });

  it("00 §C4 what is not said comes from the environment, as for libpq", () => {
    const defaults = { host: "/run/pg", port: "77" };
    assert.deepEqual(parsePostgresUrl("postgres:///d", defaults).places, [
      { path: "/run/pg/.s.PGSQL.77" },
    ]);
    assert.deepEqual(parsePostgresUrl("postgres://h/d", defaults).places, [
      { host: "h", port: 77 },
    ]);
    assert.deepEqual(parsePostgresUrl("postgres:"), {
      places: [{ host: "localhost", port: 5432 }],
      user: undefined,
      password: undefined,
      database: undefined,
      tls: { mode: "disable", files: { ca: undefined, cert: undefined, key: undefined } },
      settings: {},
      target: undefined,
      session: {},
    });
  });

  it("00 §C4 every name comes back whole, whatever is in it", () => {
    const name = fc.string({ minLength: 1, unit: "grapheme" }).filter((it) => !it.includes("\0"));
    fc.assert(
      fc.property(name, name, name, (user, password, database) => {
        const [u, p, d] = [user, password, database].map(encodeURIComponent);
        for (
          const url of [
            `postgres://${u}:${p}@h/${d}`,
            `postgres://h?user=${u}&password=${p}&dbname=${d}`,
          ]
        ) {
          const found = parsePostgresUrl(url);
          assert.deepEqual([found.user, found.password, found.database], [
            user,
            password,
            database,
          ]);
        }
      }),
      { numRuns: 40 },
    );
    const raw = parsePostgresUrl("postgres://u:a+b:c@d#e@h/d");
    assert.deepEqual([raw.user, raw.password, raw.places], ["u", "a+b:c@d#e", [{
      host: "h",
      port: 5432,
    }]]);
  });

  it("whatever a URL says, it is read or refused, never anything else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (rest) => {
        try {
          parsePostgresUrl(`postgres://${rest}`);
        } catch (error) {
          assert.ok(error instanceof StorageError && error.code === "InvalidUrl", String(error));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("encryption is what sslmode says; authorities that are named are asked", () => {
    const tls = (options: string) => parsePostgresUrl(`postgres://h/d?${options}`).tls;
    assert.equal(tls("").mode, "disable");
    assert.equal(tls("sslmode=require").mode, "require");
    assert.equal(tls("ssl=true").mode, "require");
    assert.equal(tls("sslmode=verify-full").mode, "verify-full");
    assert.equal(tls("sslmode=require&sslrootcert=/ca.pem").mode, "verify-ca");
    assert.deepEqual(tls("sslmode=require&sslrootcert=system"), {
      mode: "verify-full",
      files: { ca: undefined, cert: undefined, key: undefined },
    });
    refused("postgres://h/d?sslmode=maybe", "sslmode");
    refused("postgres://h/d?channel_binding=require", "channel_binding");
  });

  it("settings are bounded, other options are parameters of the session", () => {
    const found = parsePostgresUrl("postgres://h/d?connect_timeout=3&max=2&application_name=a%20b");
    assert.deepEqual(found.settings, { connect_timeout: 3, max: 2 });
    assert.deepEqual(found.session, { application_name: "a b" });
    // For libpq this is a wait without an end.
    assert.deepEqual(parsePostgresUrl("postgres://h/d?connect_timeout=0").settings, {});
    assert.equal(parsePostgresUrl("postgres://h?target_session_attrs=any").target, undefined);
    for (const name of ["connect_timeout=3601", "max=0", "max=x", "target_session_attrs=best"]) {
      refused(`postgres://h/d?${name}`, name.split("=")[0]!);
    }
  });

  it("what is malformed is InvalidUrl, without the password", () => {
    refused("postgres://u:geheim@h:0/d", "port");
    refused("postgres://u:geheim@h:65536/d", "port");
    refused("postgres://u:geheim@h:x/d", "port");
    refused("postgres://u:geheim@::1/d", "port");
    refused("postgres://u:geheim@[::1]x/d", "IPv6");
    refused("postgres://u:geheim%zz@h/d", "%25");
    refused("postgres://u:geheim@h/a%00b", "NUL");
    refused("postgres://u:geheim@h/d?a%20b=1", "name of an option");
    refused("postgres://a,b/d?port=1,2,3", "ports");
    refused("mysql://h", "address");
  });
});
