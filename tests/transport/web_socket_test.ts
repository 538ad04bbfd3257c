import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { connectWebSocket } from "../../src/transport/connect_web_socket.ts";
import { HELD_BACK_BYTES, Incoming, MAX_WAITING_BYTES } from "../../src/transport/incoming.ts";
import type { FetchHandler, Link, Listening } from "../../src/transport/port.ts";
import {
  MAX_BUFFERED_BYTES,
  MAX_MESSAGE_BYTES,
  NATIVE_PATH,
  NATIVE_SUBPROTOCOL,
  type WebSocketLike,
  WebSocketLink,
} from "../../src/transport/web_socket_link.ts";
import { equalBytes as areEqual } from "../../src/util/bytes.ts";
import { freePort, listenHere } from "./bed.ts";

/** A server of this runtime that upgrades every request, and its connections. */
async function withServer(
  test: (url: string, accepted: () => Promise<Link>, server: Listening) => Promise<void>,
): Promise<void> {
  const links: Link[] = [];
  let wake = () => {};
  const handler: FetchHandler = (_request, info) => {
    const { link, response } = info!.upgrade!(_request)!;
    links.push(link);
    wake();
    return Promise.resolve(response);
  };
  const server = await (await listenHere())({ hostname: "127.0.0.1", port: 0, handler });
  const accepted = async () => {
    while (links.length === 0) await new Promise<void>((resolve) => wake = resolve);
    return links.shift()!;
  };
  try {
    await test(`http://127.0.0.1:${server.port}${NATIVE_PATH}`, accepted, server);
  } finally {
    await server.close(0);
  }
}

/** The next bytes of a connection, so many of them; fewer when it ends. */
async function read(reader: AsyncIterator<Uint8Array>, length: number): Promise<Uint8Array> {
  const all = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const { value, done } = await reader.next();
    if (done === true) return all.subarray(0, at);
    all.set(value, at);
    at += value.length;
  }
  return all;
}

/** Bytes of which no two parts are the same. */
const bytes = (length: number) => Uint8Array.from({ length }, (_, at) => at * 31 + (at >> 8));

/** Opens a WebSocket by hand, with raw frames; what the server closes it with. */
async function closedAfter(url: string, send: (socket: WebSocket) => void): Promise<number> {
  const socket = new WebSocket(url.replace("http", "ws"), NATIVE_SUBPROTOCOL);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener("close", ({ code }) => resolve(code));
  });
  send(socket);
  return await closed;
}

/** Makes a WebSocket by hand, sends text over it, and tells the code with which it is closed. */
function textFirst(socket: Socket, tell: (code: number) => void): void {
  socket.on("error", () => {});
  socket.once("data", (head) => {
    const key = /^sec-websocket-key: *(.*)\r$/im.exec(String(head))![1]!;
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    const fields = [
      ...["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"],
      `Sec-WebSocket-Accept: ${accept.digest("base64")}`,
      `Sec-WebSocket-Protocol: ${NATIVE_SUBPROTOCOL}`,
    ];
    socket.write(`${fields.join("\r\n")}\r\n\r\n`);
    socket.write(new Uint8Array([0x81, 2, 104, 105]));
    socket.once("data", (frame: Uint8Array) => {
      tell((frame[6]! ^ frame[2]!) << 8 | (frame[7]! ^ frame[3]!));
      socket.destroy();
    });
  });
}

/** Asks for a WebSocket by hand; resolves when there is an answer, or the connection is over. */
async function asked(socket: Socket, head: string): Promise<void> {
  await new Promise((resolve) => {
    for (const type of ["data", "close", "error"]) socket.once(type, resolve);
    socket.write(`${head}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  });
}

describe("WebSockets", () => {
  it("carry bytes in both directions, in order, in messages of bounded length", () =>
    withServer(async (url, accepted) => {
      const client = await connectWebSocket(url);
      const server = await accepted();
      const sent = bytes(3 * MAX_MESSAGE_BYTES + 5);
      client.send(sent);
      client.send(new Uint8Array([7]));
      const reader = server.incoming[Symbol.asyncIterator]();
      const first = await reader.next();
      assert.equal(first.value!.length, MAX_MESSAGE_BYTES);
      const rest = new Uint8Array([...sent.subarray(MAX_MESSAGE_BYTES), 7]);
      assert.ok(areEqual(await read(reader, rest.length), rest));
      server.send(bytes(1000));
      const back = client.incoming[Symbol.asyncIterator]();
      assert.deepEqual(await read(back, 1000), bytes(1000));
      client.close();
      assert.equal((await reader.next()).done, true);
      assert.equal((await back.next()).done, true);
    }));

  it("end with their server", () =>
    withServer(async (url, accepted, server) => {
      const client = await connectWebSocket(url);
      await accepted();
      await server.close();
      assert.equal((await read(client.incoming[Symbol.asyncIterator](), 1)).length, 0);
    }));

  it("text from a server closes the connection that it was asked for, with a code that clients may use", async () => {
    let tell!: (code: number) => void;
    const closed = new Promise<number>((resolve) => tell = resolve);
    const server = createServer((socket) => textFirst(socket, tell));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const client = await connectWebSocket(`http://127.0.0.1:${port}${NATIVE_PATH}`);
    assert.equal((await read(client.incoming[Symbol.asyncIterator](), 1)).length, 0);
    assert.equal(await closed, 4003);
    await new Promise((resolve) => server.close(resolve));
  });

  it("text, and messages that are too long, close the connection", () =>
    withServer(async (url, accepted) => {
      assert.equal(await closedAfter(url, (socket) => socket.send("hello")), 1003);
      const text = await accepted();
      assert.equal((await read(text.incoming[Symbol.asyncIterator](), 1)).length, 0);
      const tooLong = (socket: WebSocket) => socket.send(new Uint8Array(MAX_MESSAGE_BYTES + 1));
      // Some servers end a connection on which too much comes without another word.
      assert.ok([1009, 1006].includes(await closedAfter(url, tooLong)));
      const long = await accepted();
      assert.equal((await read(long.incoming[Symbol.asyncIterator](), 1)).length, 0);
    }));

  it("nobody there, nobody who answers, and an abort are told", async () => {
    const address = `http://127.0.0.1:${await freePort()}${NATIVE_PATH}`;
    for (const nowhere of [address, "http://a b", "http://127.0.0.1:99999"]) {
      await assert.rejects(connectWebSocket(nowhere), { code: "ConnectionFailed" });
    }
    const given = AbortSignal.abort(new Error("given up"));
    await assert.rejects(connectWebSocket(address, { signal: given }), { message: "given up" });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
    const { port } = server.address() as { port: number };
    try {
      const silent = `http://127.0.0.1:${port}${NATIVE_PATH}`;
      await assert.rejects(connectWebSocket(silent, { openMs: 30 }), { code: "ConnectionFailed" });
      const abort = new AbortController();
      const opening = connectWebSocket(silent, { signal: abort.signal });
      abort.abort(new Error("given up"));
      await assert.rejects(opening, { message: "given up" });
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("a request for one that cannot be answered ends nothing but its connection", async () => {
    const handler: FetchHandler = () => Promise.resolve(new Response("no", { status: 400 }));
    const server = await (await listenHere())({ hostname: "127.0.0.1", port: 0, handler });
    try {
      for (const head of ["GET / HTTP/1.1\r\nHost: a[b", "GET // HTTP/1.1\r\nHost: a"]) {
        const socket = connect({ port: server.port, host: "127.0.0.1" });
        await asked(socket, head);
        socket.destroy();
      }
      const response = await fetch(`http://127.0.0.1:${server.port}/`);
      assert.equal(await response.text(), "no");
    } finally {
      await server.close(0);
    }
  });

  it("whoever is refused one and stays connected holds up no end of the server", async () => {
    const handler: FetchHandler = () => Promise.resolve(new Response("no", { status: 400 }));
    const server = await (await listenHere())({ hostname: "127.0.0.1", port: 0, handler });
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    await asked(socket, "GET / HTTP/1.1\r\nHost: a");
    await server.close(0);
    socket.destroy();
  });

  it("whoever does not read what it is sent is left at that", () => {
    const socket = { bufferedAmount: MAX_BUFFERED_BYTES + 1, addEventListener: () => {} };
    const link = new WebSocketLink(socket as unknown as WebSocketLike);
    assert.throws(() => link.send(new Uint8Array(1)), { code: "Network" });
  });
});

describe("what has come and was not read", () => {
  it("is bounded; whoever sends is held back before, and let go on", async () => {
    const told: string[] = [];
    const incoming = new Incoming({
      pause: () => told.push("pause"),
      resume: () => told.push("resume"),
    });
    const piece = new Uint8Array(HELD_BACK_BYTES / 2);
    for (let n = 0; n < 3; n++) assert.ok(incoming.push(piece));
    assert.deepEqual(told, ["pause"]);
    const reader = incoming.messages[Symbol.asyncIterator]();
    await reader.next();
    assert.deepEqual(told, ["pause", "resume"]);
    while (incoming.push(piece));
    incoming.end();
    let left = 0;
    for (let it = await reader.next(); it.done !== true; it = await reader.next()) {
      left += it.value.length;
    }
    assert.ok(left <= MAX_WAITING_BYTES && left > MAX_WAITING_BYTES - 3 * piece.length);
  });

  it("is bounded in number as well: messages with nothing in them take room, too", async () => {
    const told: string[] = [];
    const flow = { pause: () => told.push("pause"), resume: () => told.push("resume") };
    const incoming = new Incoming(flow);
    let taken = 0;
    while (taken <= MAX_WAITING_BYTES / 128 && incoming.push(new Uint8Array())) taken++;
    assert.equal(taken, MAX_WAITING_BYTES / 128);
    assert.deepEqual(told, ["pause"]);
    incoming.end();
    for await (const _ of incoming.messages) taken--;
    assert.equal(taken, 0);
    assert.deepEqual(told, ["pause", "resume"]);
  });
});
