import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { Instance, NewUser } from "../../mod.ts";
import { isLost, postgresError } from "../../src/storage/postgres/errors.ts";
import { postgresStorage } from "../../src/storage/postgres/mod.ts";
import { PostgresStorage } from "../../src/storage/postgres/storage.ts";
import type { StorageError } from "../../src/util/errors.ts";

const client = await import("postgres" as string).catch(() => undefined);
const skip = client === undefined && "the npm package postgres is not installed";

/** What a server says that lets nobody in: the client gives up at once. */
const REFUSAL = (() => {
  const fields = Buffer.from("SFATAL\0C28P01\0Mno\0\0");
  return Buffer.concat([Buffer.from([0x45, 0, 0, 0, fields.length + 4]), fields]);
})();

/** Listens at `place` while `step` runs; `met` is what happens to each connection. */
async function listening(
  place: { readonly host: string } | { readonly path: string },
  met: (socket: Socket) => void,
  step: (port: number) => Promise<void>,
): Promise<void> {
  const server: Server = createServer((socket) => met(socket.on("error", () => {})));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if ("path" in place) server.listen(place.path, resolve);
    else server.listen(0, place.host, resolve);
  });
  try {
    await step("path" in place ? 0 : (server.address() as AddressInfo).port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** The first words that arrive at a place when the URL that is made of its port is opened. */
async function firstWords(
  place: Parameters<typeof listening>[0],
  url: (port: number) => string,
): Promise<string> {
  let words = "";
  const refuse = (socket: Socket) =>
    void socket.once("data", (data) => {
      words += data.toString("utf8");
      socket.end(REFUSAL);
    });
  await listening(place, refuse, async (port) => {
    await assert.rejects(postgresStorage(url(port)), { code: "CannotOpen" });
  });
  return words;
}

const HERE = { host: "127.0.0.1" };

describe("the way to a PostgreSQL server", { skip }, () => {
  it("00 §C4 user and database arrive decoded", async () => {
    const url = (port: number) => `postgres://%C3%BC%40x:p@127.0.0.1:${port}/my%20n%C3%B6tes`;
    const words = await firstWords(HERE, url);
    assert.match(words, /user\0ü@x\0/);
    assert.match(words, /database\0my nötes\0/);
    assert.match(words, /default_transaction_isolation\0read committed\0/);
  });
  it("00 §C4 an IPv6 address in brackets is reached", async (t) => {
    const url = (port: number) => `postgres://u:p@[::1]:${port}/d`;
    const words = await firstWords({ host: "::1" }, url).catch((error) => {
      if (["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(error.code)) return undefined;
      throw error;
    });
    if (words === undefined) return t.skip("no IPv6 here");
    assert.match(words, /user\0u\0/);
  });
  it("00 §C4 the folder of a socket is reached", {
    skip: process.platform === "win32" && "no such sockets here",
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "pg-"));
    const path = join(folder, ".s.PGSQL.5432");
    for (
      const url of [
        `postgres://u@localhost:5432/d?host=${folder}`,
        `postgres://u@${encodeURIComponent(folder)}/d?sslmode=require`,
      ]
    ) {
      assert.match(await firstWords({ path }, () => url), /user\0u\0/);
      if (existsSync(path)) rmSync(path);
    }
    rmSync(folder, { recursive: true });
  });
  it("of several hosts the one is found that is there", async () => {
    const url = (port: number) => `postgres://u:p@127.0.0.1:1,127.0.0.1:${port}/d`;
    assert.match(await firstWords(HERE, url), /user\0u\0/);
  });

  it("00 §C6 an abort ends the wait for a server that is silent, and nothing is left", async () => {
    let open = 0;
    let [gone, wake] = [0, () => {}];
    let controller = new AbortController();
    const met = (socket: Socket) => {
      open++;
      setTimeout(() => controller.abort(new Error("enough")), 50);
      socket.resume().on("close", () => (gone++, wake()));
    };
    await listening(HERE, met, async (port) => {
      const url = `postgres://u:geheim@127.0.0.1:${port}/d`;
      for (const connect of [Instance.connect, create]) {
        controller = new AbortController();
        await assert.rejects(connect(url, { signal: controller.signal }), (error: Error) => {
          assert.equal((error as StorageError).code, "Aborted");
          assert.match(error.message, /127\.0\.0\.1.*\d+ ms \(enough\)/);
          return !error.message.includes("geheim");
        });
      }
      while (gone < open) await new Promise<void>((resolve) => wake = resolve);
    });
    assert.equal(open, 2);
  });
  const create = (url: string, options: object) =>
    Instance.connectOrCreate(url, NewUser.passwordless("ada"), options);

  it("a server that is silent is given up after connect_timeout", async () => {
    await listening(HERE, (socket) => void socket.resume(), async (port) => {
      const url = `postgres://u:p@127.0.0.1:${port}/d?connect_timeout=1`;
      await assert.rejects(postgresStorage(url), { code: "CannotOpen", message: /in time/ });
    });
  });
  it("whoever ends every connection at once is not asked for ever", async () => {
    let connections = 0;
    const met = (socket: Socket) => (connections++, void socket.resume().end());
    await listening(HERE, met, async (port) => {
      const url = `postgres://u:p@127.0.0.1:${port}/d`;
      await assert.rejects(postgresStorage(url), { code: "CannotOpen", message: /ends every/ });
      const before = connections;
      assert.ok(before <= 100, `${before} connections were tried`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(connections, before, "it goes on in the background");
    });
  });
});

it("whoever loses a connection amid a write is told that it may be done, whatever the system calls it", () => {
  for (const code of ["ECONNRESET", "EPIPE", "ETIMEDOUT", "CONNECTION_CLOSED"]) {
    const cause = Object.assign(new Error("lost"), { code });
    const error = postgresError("db", "write", cause) as StorageError;
    assert.deepEqual([error.code, isLost(cause)], ["Io", true], code);
    assert.match(error.message, /may or may not be done/);
  }
});

it("a server that cannot be reached is waited for once by all who commit at once, also to the same key", async () => {
  let attempts = 0;
  const unsafe = () => {
    attempts++;
    return Promise.reject(Object.assign(new Error("late"), { code: "CONNECT_TIMEOUT" }));
  };
  const sql = { unsafe, end: () => Promise.resolve() };
  const place = { place: "db", schema: "eidetica", isOwner: false, isReadOnly: false };
  const storage = new PostgresStorage({ sql, end: () => {} }, place);
  const batch = { set: [[Uint8Array.of(1), Uint8Array.of(2)]] } as const;
  const all = [1, 2, 3].map(() => assert.rejects(storage.commit(batch), { code: "CannotOpen" }));
  await Promise.all(all);
  assert.equal(attempts, 1);
  await storage.close();
});
