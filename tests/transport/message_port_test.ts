import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MessagePortLink, PORT_WINDOW_BYTES } from "../../src/transport/message_port_link.ts";
import {
  MAX_PORT_LINKS,
  MessagePortTransport,
} from "../../src/transport/message_port_transport.ts";
import type { ByteStream, Link, ServerSide } from "../../src/transport/port.ts";
import { MAX_BUFFERED_BYTES, MAX_MESSAGE_BYTES } from "../../src/transport/web_socket_link.ts";
import { concat, equalBytes } from "../../src/util/bytes.ts";

const ADDRESS = { transportType: "port", address: "port" };

/** Two ends of a connection. */
function pair(): [MessagePortLink, MessagePortLink] {
  const { port1, port2 } = new MessageChannel();
  return [new MessagePortLink(port1), new MessagePortLink(port2)];
}

async function all(stream: ByteStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return concat(...pieces);
}

/** Bytes of which no two parts are the same. */
function bytes(length: number): Uint8Array {
  const all = new Uint8Array(length);
  for (let at = 0; at < length; at++) all[at] = at * 31 + (at >> 8);
  return all;
}

/** What a server does that sends back what it is sent. */
function echo(accepted: Link[] = []): ServerSide {
  return {
    exchange: async (request) => [await all(request)] as unknown as ByteStream,
    accept: (link) => accepted.push(link),
    fetch: () => Promise.reject(new Error("not asked")),
  };
}

/** A transport that connects, and one at the other end of its port that serves. */
async function withTransports(
  server: ServerSide,
  test: (client: MessagePortTransport, serving: MessagePortTransport) => Promise<void>,
): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const serving = new MessagePortTransport(port2);
  await serving.start(server);
  try {
    await test(new MessagePortTransport(port1), serving);
  } finally {
    if (serving.isRunning) await serving.stop();
    port1.close();
    port2.close();
  }
}

describe("message ports", () => {
  it("carry bytes in both directions, in order, in messages of bounded length", async () => {
    const [one, other] = pair();
    const large = bytes(20 * 1024 * 1024 + 5);
    one.send(large);
    one.send(new Uint8Array([7]));
    one.end();
    const pieces: Uint8Array[] = [];
    for await (const piece of other.incoming) pieces.push(piece);
    assert.ok(pieces.every(({ length }) => length > 0 && length <= MAX_MESSAGE_BYTES));
    assert.ok(equalBytes(concat(...pieces), concat(large, new Uint8Array([7]))));
    assert.ok(other.isWhole);
    other.send(bytes(9));
    other.end();
    assert.deepEqual(await all(one.incoming), bytes(9));
    one.close();
  });

  it("whoever does not read is sent a window and no more; a limit ends the rest", async () => {
    const [one, other] = pair();
    const piece = new Uint8Array(MAX_MESSAGE_BYTES);
    while (one.buffered <= MAX_BUFFERED_BYTES) one.send(piece);
    assert.throws(() => one.send(piece), { code: "Network" });
    const reader = other.incoming[Symbol.asyncIterator]();
    await reader.next();
    // What is on its way was sent when the first piece was: nothing is told before a part of the window was read.
    assert.ok(one.buffered > MAX_BUFFERED_BYTES - PORT_WINDOW_BYTES);
    let got = 1;
    one.end();
    while ((await reader.next()).done !== true) got++;
    assert.equal(got, MAX_BUFFERED_BYTES / MAX_MESSAGE_BYTES + 1);
    await one.drained();
    one.close();
  });

  it("what was sent before the end arrives; the end is told on both sides", async () => {
    const [one, other] = pair();
    one.send(bytes(100));
    one.close();
    assert.deepEqual(await all(other.incoming), bytes(100));
    assert.equal(other.isWhole, false);
    assert.equal((await all(one.incoming)).length, 0);
    one.send(bytes(1));
    one.close();
    await one.drained();
  });

  it("any other message ends the connection", async () => {
    const wrong = [
      "hello",
      null,
      undefined,
      {},
      [1],
      0,
      -1,
      1.5,
      NaN,
      1,
      new Uint8Array(),
      new Uint8Array(MAX_MESSAGE_BYTES + 1),
      new ArrayBuffer(8),
      new Uint8Array(new SharedArrayBuffer(8)),
      new Uint16Array(4),
      "end twice",
    ];
    for (const message of wrong) {
      const { port1, port2 } = new MessageChannel();
      const link = new MessagePortLink(port1);
      if (message === "end twice") {
        port2.postMessage("end");
        port2.postMessage(bytes(1));
      } else port2.postMessage(message);
      assert.equal(await link.opened, false, String(message));
      port2.close();
    }
  });
});

describe("message ports, fuzzed", () => {
  it("whatever comes is taken in order, up to the first that may not come", async () => {
    const piece = fc.uint8Array({ minLength: 1, maxLength: 9 });
    const message = fc.oneof(piece, fc.constant("open"), fc.anything({ maxDepth: 1 }));
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 8 }), async (messages) => {
        const { port1, port2 } = new MessageChannel();
        const link = new MessagePortLink(port1);
        for (const message of [...messages, "end"]) postIfPossible(port2, message);
        const got = await all(link.incoming);
        const bad = messages.findIndex((it) => it !== "open" && !isTaken(it));
        const good = (bad < 0 ? messages : messages.slice(0, bad)).filter(isTaken);
        assert.deepEqual(got, concat(...good));
        link.close();
        port2.close();
      }),
      { numRuns: 60 },
    );
  });
});

function isTaken(message: unknown): message is Uint8Array {
  return message instanceof Uint8Array && message.length > 0;
}

/** What cannot be cloned cannot come: something else that may not comes instead. */
function postIfPossible(port: MessagePort, message: unknown): void {
  try {
    port.postMessage(message);
  } catch {
    port.postMessage("wrong");
  }
}

describe("transports over message ports", () => {
  it("exchange one request for one answer, and open connections, side by side", async () => {
    const accepted: Link[] = [];
    await withTransports(echo(accepted), async (client) => {
      const sizes = [0, 1, 5000, 3 * PORT_WINDOW_BYTES];
      await Promise.all(sizes.map(async (size) => {
        const answer = await client.exchange(ADDRESS, bytes(size));
        assert.deepEqual(await all(answer), bytes(size));
      }));
      const link = await client.connect(ADDRESS);
      link.send(bytes(10));
      const reader = accepted[0]!.incoming[Symbol.asyncIterator]();
      assert.deepEqual((await reader.next()).value, bytes(10));
      link.close();
      assert.equal((await reader.next()).done, true);
    });
  });

  it("nobody there, aborts, too many at once, and answers that fail are told", async () => {
    const { port1, port2 } = new MessageChannel();
    const alone = new MessagePortTransport(port1, { openMs: 10 });
    await assert.rejects(alone.connect(ADDRESS), { code: "ConnectionFailed" });
    await assert.rejects(alone.exchange(ADDRESS, bytes(1)), { code: "ConnectionFailed" });
    const given = AbortSignal.abort();
    await assert.rejects(alone.connect(ADDRESS, { signal: given }), { code: "Aborted" });
    const abort = new AbortController();
    const waits = new MessagePortTransport(port1).connect(ADDRESS, { signal: abort.signal });
    abort.abort();
    await assert.rejects(waits, { code: "Aborted" });
    port2.close();
    const failing = { ...echo(), exchange: () => Promise.reject(new Error("no")) };
    await withTransports(failing, async (client) => {
      await assert.rejects(async () => all(await client.exchange(ADDRESS, bytes(1))), {
        code: "Network",
      });
    });
    await withTransports(echo(), async (client, serving) => {
      const links = [];
      for (let n = 0; n < MAX_PORT_LINKS; n++) links.push(await client.connect(ADDRESS));
      await assert.rejects(client.connect(ADDRESS), { code: "ConnectionFailed" });
      await serving.stop();
      for (const link of links) assert.equal((await all(link.incoming)).length, 0);
      await assert.rejects(serving.stop(), { code: "ServerNotRunning" });
    });
  });

  it("an exchange that falls silent, or is aborted, ends", async () => {
    const silent: ServerSide = { ...echo(), exchange: () => new Promise(() => {}) };
    await withTransports(silent, async (client) => {
      const answer = await client.exchange(ADDRESS, bytes(1), { silenceMs: 10 });
      await assert.rejects(all(answer), {
        code: "Network",
        message: /nothing was heard for 10 ms/,
      });
      const abort = new AbortController();
      const other = all(await client.exchange(ADDRESS, bytes(1), { signal: abort.signal }));
      abort.abort();
      await assert.rejects(other, { code: "Aborted" });
    });
  });

  it("nobody works on for one who has given up", async () => {
    const most = 1000;
    let said = 0;
    let tell!: () => void;
    const over = new Promise<void>((resolve) => tell = resolve);
    async function* long(): ByteStream {
      try {
        for (; said < most; said++) {
          yield bytes(1);
          await new Promise((resolve) => setTimeout(resolve));
        }
      } finally {
        tell();
      }
    }
    const server: ServerSide = { ...echo(), exchange: () => Promise.resolve(long()) };
    await withTransports(server, async (client) => {
      for await (const _ of await client.exchange(ADDRESS, bytes(1))) break;
      await over;
    });
    assert.ok(said < most);
  });

  it("other messages on the port are none of its business", async () => {
    const { port1, port2 } = new MessageChannel();
    const serving = new MessagePortTransport(port2, { name: "pair" });
    await serving.start(echo());
    assert.equal(serving.serverAddress(), "pair");
    await assert.rejects(serving.start(echo()), { code: "ServerAlreadyRunning" });
    for (const other of [null, 1, "x", {}, { eidetica: "link" }, { eidetica: "link", port: {} }]) {
      port1.postMessage(other);
    }
    const client = new MessagePortTransport(port1, { name: "pair" });
    assert.ok(client.canHandle({ transportType: "port", address: "pair" }));
    assert.ok(!client.canHandle(ADDRESS) && !client.isRunning);
    const answer = await client.exchange({ ...ADDRESS, address: "pair" }, bytes(5));
    assert.deepEqual(await all(answer), bytes(5));
    await serving.stop();
    port1.close();
    port2.close();
  });

  it("what is no port is refused", () => {
    for (const wrong of [undefined, null, {}, { postMessage: () => {} }]) {
      assert.throws(() => new MessagePortTransport(wrong as never), { code: "InvalidArgument" });
    }
    const { port1 } = new MessageChannel();
    for (const name of [null, 1]) {
      assert.throws(() => new MessagePortTransport(port1, { name } as never), {
        code: "InvalidArgument",
      });
    }
    port1.close();
  });
});
