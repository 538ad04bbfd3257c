import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolve } from "node:path/posix";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { Instance, InstanceError, parseConnectionUrl } from "../../mod.ts";

function refusal(url: string): InstanceError {
  try {
    parseConnectionUrl(url);
  } catch (error) {
    if (error instanceof InstanceError) return error;
    throw error;
  }
  throw new Error(`"${url}" was accepted`);
}

function refused(url: string, code: string, ...parts: string[]): void {
  const error = refusal(url);
  assert.equal(error.code, code, url);
  for (const part of parts) assert.ok(error.message.includes(part), `${url}: ${error.message}`);
}

describe("connection URLs", () => {
  it("07#11,#12,#13 schemes are case-insensitive, the rest is kept", () => {
    const upper = parseConnectionUrl("SQLITE://./MyApp.DB");
    assert.deepEqual(upper, {
      scheme: "sqlite",
      url: "sqlite://./MyApp.DB",
      path: "./MyApp.DB",
      mode: "default",
    });
    assert.equal(parseConnectionUrl("sqlite:file::memory:?cache=shared").scheme, "sqlite");
    const postgres = parseConnectionUrl("postgres:user@host/db");
    assert.deepEqual(postgres, { scheme: "postgres", url: "postgres:user@host/db" });
    assert.deepEqual(parseConnectionUrl("postgresql://u@h/db"), {
      scheme: "postgres",
      url: "postgresql://u@h/db",
    });
  });

  it("07 §3 SQLite modes, memory databases and percent-encoding", () => {
    const sqlite = (url: string) => parseConnectionUrl(url) as { path: string; mode: string };
    assert.equal(sqlite("sqlite://a.db?mode=rwc").mode, "rwc");
    assert.deepEqual([sqlite("sqlite::memory:").path, sqlite("sqlite://x?mode=memory").path], [
      ":memory:",
      ":memory:",
    ]);
    assert.equal(sqlite("sqlite://my%20app.db").path, "my app.db");
    refused("sqlite://a.db?journal_mode=WAL", "InvalidUrl", "journal_mode=WAL");
    refused("sqlite://a.db?mode=x", "InvalidUrl", "mode=x");
    refused("sqlite://%zz", "InvalidUrl", "percent");
    refused("sqlite://", "InvalidUrl", "name a file");
  });

  it("07#14,#15 sockets", () => {
    assert.deepEqual(parseConnectionUrl("unix:///run/sock"), { scheme: "unix", path: "/run/sock" });
    refused("unix://run/sock", "InvalidUrl", "unix:///run/sock", "unix:///sock", "no hostname");
    refused("unix://host", "InvalidUrl", "unix:///host", "/path/to/sock");
    refused("unix://", "InvalidUrl", "requires an absolute");
    refused("unix:///s?x=1", "InvalidUrl");
    refused("unix:///s#f", "InvalidUrl");
    refused("unix:/run/sock", "InvalidUrl", "unix://");
    refused("UNIX:/run/sock", "InvalidUrl", "unix://");
  });

  it("07#16 memory", () => {
    for (const url of ["memory://", "memory:", "MEMORY:"]) {
      assert.deepEqual(parseConnectionUrl(url), { scheme: "memory", path: undefined });
    }
    assert.deepEqual(parseConnectionUrl("memory:///a/b.json"), {
      scheme: "memory",
      path: "/a/b.json",
    });
    refused("memory://./s.json", "InvalidUrl", "absolute");
    refused("memory:///", "InvalidUrl", "must name a file");
    refused("memory:////etc/x", "InvalidUrl", "must name a file");
    refused("memory:///s?x", "InvalidUrl");
    refused("memory:///s#x", "InvalidUrl");
    refused("memory:/x", "InvalidUrl", "memory:///x");
    // The reference takes the path byte for byte.
    assert.equal((parseConnectionUrl("memory:///a%20b") as { path: string }).path, "/a%20b");
  });

  it("07#17,#18 no scheme, unknown schemes, and what was meant", () => {
    refused("", "InvalidUrl", "sqlite://");
    refused("./app.db", "InvalidUrl", "sqlite://./app.db");
    refused("/var/app", "InvalidUrl", "sqlite:///var/app");
    refused("memory:/x", "InvalidUrl");
    refused("http:foo", "InvalidUrl");
    for (
      const [url, suggestion] of [
        ["mysql://x", "postgres"],
        ["mariadb://x", "postgres"],
        ["tcp://x", "unix"],
        ["https://x", "unix"],
        ["foo://x", undefined],
      ] as const
    ) {
      const error = refusal(url);
      assert.equal(error.code, "UnsupportedScheme");
      assert.equal(error.fields.suggestion, suggestion, url);
    }
    refused("what is this://x", "UnsupportedScheme");
    assert.equal(refusal("FOO://x").fields.scheme, "foo");
  });

  it("no message recommends a scheme that this build has nothing for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "eidetica-url-"));
    for (const url of ["mysql://x", "tcp://x", "https://x", "foo://x", "x", ""]) {
      const { message } = refusal(url);
      for (const [, scheme] of message.matchAll(/\b(sqlite|postgres|unix|denokv|file|memory):/g)) {
        const there = await Instance.connect(
          scheme === "postgres" ? "postgres://x:1/" : `${scheme}://${folder}/x`,
        )
          .catch((error: InstanceError) => error.code);
        // Deno KV is there on Deno alone, where it may not be enabled.
        if (scheme !== "denokv") assert.notEqual(there, "BackendUnavailable", `${url}: ${scheme}`);
      }
    }
    rmSync(folder, { recursive: true });
  });

  it("00 §C4 Deno KV and files", () => {
    assert.deepEqual(parseConnectionUrl("denokv:"), { scheme: "denokv", path: undefined });
    assert.deepEqual(parseConnectionUrl("denokv:./kv.db"), { scheme: "denokv", path: "./kv.db" });
    assert.deepEqual(parseConnectionUrl("file:///var/lib/app"), {
      scheme: "file",
      path: "/var/lib/app",
    });
    refused("file://relative", "InvalidUrl", "absolute", "file:///relative");
    refused("denokv:a\0b", "InvalidUrl", "NUL");
  });

  const directory = (url: string, isWindows = false) =>
    (parseConnectionUrl(url, isWindows) as { path: string }).path;

  it("00 §C4 a file URL is one of the platform: percent-encoded, with or without localhost", () => {
    const same = ["file:///a/b%20c", "file://localhost/a/b%20c", "file:/a/b%20c", "FILE:///a/b c"];
    for (const url of same) assert.equal(directory(url), "/a/b c", url);
    assert.equal(directory("file:///50%25/%C3%BC%23%3F"), "/50%/ü#?");
    assert.equal(directory("file:///a/x/../b"), "/a/b");
    refused("file:///50%", "InvalidUrl", "%25");
    refused("file:///a%2Fb", "InvalidUrl", "slash");
    refused("file:///a%00b", "InvalidUrl", "NUL");
    refused("file:relative", "InvalidUrl", "absolute");
    for (const url of ["file://", "file:///", "file:", "file:/"]) refused(url, "InvalidUrl");
    refused("file:///a?b", "InvalidUrl", "query");
    refused("file:///a#b", "InvalidUrl", "fragment");
  });

  it("00 §C4 what pathToFileURL makes of a path leads to that path", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (name) => {
        const path = resolve("/eidetica", name.replaceAll("\0", ""));
        if (path !== "/") assert.equal(directory(pathToFileURL(path).href, false), path);
      }),
      { numRuns: 200 },
    );
  });

  it("00 §C4 paths of Windows: drives, shares, and the slash before a drive", () => {
    const at = (url: string) => directory(url, true);
    assert.equal(at("file:///C:/Users/%C3%BC/my%20app"), "C:\\Users\\ü\\my app");
    assert.equal(at("file://server/share/dir"), "\\\\server\\share\\dir");
    assert.equal(at("sqlite:///C:/data/app.db"), "C:/data/app.db");
    assert.equal(at("sqlite://./app.db"), "./app.db");
    assert.equal(at("memory:///D:/data/app.json"), "D:/data/app.json");
    for (const url of ["file:///dir", "file:///C:", "file:///C:/", "file:///C:/a%5Cb"]) {
      assert.throws(() => at(url), { code: "InvalidUrl" }, url);
    }
    assert.equal(directory("file:///C:/dir"), "/C:/dir");
    refused("C:\\data\\app.db", "InvalidUrl", "sqlite://");
  });

  it("what is no text is refused, whatever it is", () => {
    for (const value of [undefined, null, 5, {}, new URL("file:///a")]) {
      refused(value as unknown as string, "InvalidUrl", "string");
    }
    refused(new URL("file:///a") as unknown as string, "InvalidUrl", "href");
  });

  it("what is no text is refused by whoever connects, also if its text would lead to memory", async () => {
    for (const value of [undefined, Symbol(), new URL("memory://"), ["memory://"]]) {
      await assert.rejects(Instance.connect(value as unknown as string), { code: "InvalidUrl" });
    }
  });

  it("07 better 4 a second :// does not confuse the scheme; passwords stay out of messages", () => {
    assert.equal(parseConnectionUrl("sqlite:file:x").scheme, "sqlite");
    const error = refusal("memory://user:geheim@host/x");
    assert.ok(
      !error.message.includes("geheim") && !JSON.stringify(error.fields).includes("geheim"),
    );
  });
});
