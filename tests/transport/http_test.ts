import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { joinAddress, splitAddress } from "../../src/transport/addresses.ts";
import { HttpTransport } from "../../src/transport/http_transport.ts";
import { piecesOf, streamOf } from "../../src/transport/silence.ts";
import type { ByteStream, FetchHandler, Listen, ServerSide } from "../../src/transport/port.ts";
import { freePort, listenHere } from "./bed.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (said: string): Uint8Array => new TextEncoder().encode(said);
const http = (address: string) => ({ transportType: "http", address });

async function all(stream: ByteStream): Promise<string> {
  let said = "";
  for await (const piece of stream) said += text(piece);
  return said;
}

function serverOf(fetch: FetchHandler): ServerSide {
  return { fetch, exchange: () => Promise.reject(new Error("not over HTTP")) };
}

const echo = serverOf(async (request, info) => {
  const said = await all(piecesOf(request.body));
  return new Response(
    `${request.method} ${new URL(request.url).pathname} ${said} ${info?.remoteAddress}`,
  );
});

async function serving(
  server: ServerSide,
  use: (it: HttpTransport) => Promise<void>,
): Promise<void> {
  const transport = new HttpTransport({ bindAddress: "127.0.0.1:0", listen: await listenHere() });
  await transport.start(server);
  try {
    await use(transport);
  } finally {
    if (transport.isRunning) await transport.stop();
  }
}

describe("the HTTP transport", () => {
  it("sends to /api/v0 and hears the answer; the server knows who asked", () =>
    serving(echo, async (transport) => {
      const said = await all(
        await transport.exchange(http(transport.serverAddress()), bytes("hi")),
      );
      assert.match(said, /^POST \/api\/v0 hi 127\.0\.0\.1:\d+$/);
      const url = http(`http://${transport.serverAddress()}/`);
      assert.match(await all(await transport.exchange(url, bytes("x"))), /^POST \/api\/v0 x /);
    }));

  it("09#44 tells the port it got; starting twice, stopping and asking when stopped are errors", () =>
    serving(echo, async (transport) => {
      assert.match(transport.serverAddress(), /^127\.0\.0\.1:[1-9]\d*$/);
      await assert.rejects(transport.start(echo), { code: "ServerAlreadyRunning" });
      await transport.stop();
      await assert.rejects(transport.stop(), { code: "ServerNotRunning" });
      assert.throws(() => transport.serverAddress(), { code: "ServerNotRunning" });
      await transport.start(echo);
      assert.ok(transport.isRunning);
    }));

  it("09#45 without an address to bind it starts, serves nobody and has no address", async () => {
    const transport = new HttpTransport({ listen: await listenHere() });
    await transport.start(echo);
    assert.equal(transport.isRunning, false);
    assert.throws(() => transport.serverAddress(), { code: "ServerNotRunning" });
  });

  it("a port in use, and an address that is none, are told at the start", () =>
    serving(echo, async (transport) => {
      const listen: Listen = await listenHere();
      const again = new HttpTransport({ bindAddress: transport.serverAddress(), listen });
      await assert.rejects(again.start(echo), { code: "ServerBind" });
      await assert.rejects(again.start(echo), { code: "ServerBind" });
      await assert.rejects(new HttpTransport({ bindAddress: "nowhere", listen }).start(echo), {
        code: "ServerBind",
      });
    }));

  it("nobody there is a failed connection with address and reason", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    await assert.rejects(new HttpTransport().exchange(http(address), bytes("x")), {
      code: "ConnectionFailed",
      address,
    });
  });

  it("a status that is no success is told with its number", () =>
    serving(serverOf(() => Promise.resolve(new Response("no", { status: 418 }))), async (it) => {
      const asked = it.exchange(http(it.serverAddress()), bytes("x"));
      await assert.rejects(asked, { code: "Network", message: /status 418/ });
    }));

  it("of a failure no more is read than is told", async () => {
    const [piece, most] = [bytes("no ".repeat(10_000)), 2000];
    let sent = 0;
    const long = serverOf(() => {
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => sent++ < most ? controller.enqueue(piece) : controller.close(),
      });
      return Promise.resolve(new Response(body, { status: 500 }));
    });
    await serving(long, async (transport) => {
      const failed = transport.exchange(http(transport.serverAddress()), bytes("x"));
      await assert.rejects(failed, ({ message }: Error) => message.length < 400);
    });
    assert.ok(sent < most, "all of 60 MB was read");
  });

  it("a server that accepts and says nothing ends the exchange, an abort as well", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.on("error", () => {})));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    try {
      const transport = new HttpTransport();
      const to = http(`127.0.0.1:${port}`);
      await assert.rejects(transport.exchange(to, bytes("x"), { silenceMs: 50 }), {
        code: "Network",
        message: /nothing was heard for 50 ms/,
      });
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      await assert.rejects(transport.exchange(to, bytes("x"), { signal }), {
        code: "Aborted",
        cause: reason,
      });
      const later = new AbortController();
      const asked = transport.exchange(to, bytes("x"), { signal: later.signal });
      setTimeout(() => later.abort(reason), 20);
      await assert.rejects(asked, { code: "Aborted", cause: reason });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  it("silence counts from the last byte: a slow answer arrives whole, one that stops fails", () => {
    const pieces = async function* (count: number, gap: number): ByteStream {
      for (let at = 0; at < count; at++) {
        await new Promise((done) => setTimeout(done, gap));
        yield bytes("piece ");
      }
    };
    let gap = 30;
    const slow = serverOf(() => Promise.resolve(new Response(streamOf(pieces(10, gap)))));
    return serving(slow, async (it) => {
      const ask = async () =>
        await all(await it.exchange(http(it.serverAddress()), bytes("x"), { silenceMs: 200 }));
      assert.equal(await ask(), "piece ".repeat(10));
      gap = 400;
      await assert.rejects(ask(), { code: "Network" });
    });
  });

  it("a body that nobody reads is given up by its handler, and the server goes on", () => {
    const refusing = serverOf(async (request) => {
      await request.body?.cancel();
      return new Response("no", { status: 415 });
    });
    return serving(refusing, async (transport) => {
      const url = `http://${transport.serverAddress()}/`;
      for (const length of [1, 100_000, 1, 100_000, 1]) {
        // What the end of the one before does to the connection is done.
        await new Promise((resolve) => setTimeout(resolve, 20));
        const response = await fetch(url, { method: "POST", body: "x".repeat(length) });
        assert.equal(response.status, 415);
        assert.equal(await response.text(), "no");
      }
    });
  });

  it("stopping lets exchanges under way finish", () => {
    let release = () => {};
    const held = new Promise<void>((done) => release = done);
    let arrived = () => {};
    const waiting = new Promise<void>((done) => arrived = done);
    const slow = serverOf(async () => {
      arrived();
      await held;
      return new Response("done");
    });
    return serving(slow, async (transport) => {
      const asked = transport.exchange(http(transport.serverAddress()), bytes("x"));
      await waiting;
      const stopped = transport.stop();
      release();
      assert.equal(await all(await asked), "done");
      await stopped;
    });
  });

  it("addresses with a host name, an IPv4 and an IPv6 address are read and written", () => {
    for (const [host, port] of [["::1", 80], ["127.0.0.1", 0], ["localhost", 65535]] as const) {
      assert.deepEqual(splitAddress(joinAddress(host, port)), { hostname: host, port });
    }
    for (const wrong of ["", "x", "x:", "x:65536", "x:1:2", "x:-1"]) {
      assert.throws(() => splitAddress(wrong), { code: "ServerBind" }, wrong);
    }
  });
});
