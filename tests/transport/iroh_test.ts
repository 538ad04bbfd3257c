import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, it } from "node:test";
import {
  type AddonIncoming,
  borderOf,
  problemOf,
  reasonOf,
} from "../../src/transport/edge/iroh_addon.ts";
import { IrohEndpoint } from "../../src/transport/edge/iroh_endpoint.ts";
import { type IrohLimits, IrohServer } from "../../src/transport/edge/iroh_server.ts";
import { MAX_IROH_BYTES, V0_ALPN } from "../../src/transport/edge/iroh_v0.ts";
import { type IrohOptions, irohOptions } from "../../src/transport/iroh_options.ts";
import type { Address, ByteStream, Link, ServerSide, Transport } from "../../src/transport/port.ts";
import { Room } from "../../src/transport/room.ts";
import { MAX_BUFFERED_BYTES } from "../../src/transport/web_socket_link.ts";
import { concat, equalBytes } from "../../src/util/bytes.ts";
import { ArgumentError, SyncError } from "../../src/util/errors.ts";
import {
  addon,
  addressOf,
  all,
  bytes,
  echo,
  HERE,
  nobody,
  skip,
  transport,
  withIroh,
} from "./iroh_bed.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** Whether an error has a code, and says no more than one line, without places in the source of the add-on. */
function failsWith(code: string, words: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SyncError);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    const cause = error.cause instanceof Error ? error.cause.message : "";
    assert.doesNotMatch(error.message + cause, /\n|backtrace|\.rs/);
    return true;
  };
}

/** A connection, with the end of it that was taken. */
async function linked(client: Transport, serving: Transport, accepted: Link[]) {
  const link = await client.connect!(addressOf(serving));
  link.send(text("hello"));
  while (accepted.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return [link, accepted.shift()!] as const;
}

describe("exchanges over Iroh", () => {
  it(
    "09 §12.2: a request and its answer of up to 1 MiB, many at once",
    { skip },
    () =>
      withIroh(echo(), async (client, _serving, address) => {
        const requests = [1, 300, MAX_IROH_BYTES].map(bytes);
        const answers = await Promise.all(requests.map(async (request) => {
          return await all(await client.exchange(address, request));
        }));
        assert.ok(answers.every((answer, at) => equalBytes(answer, requests[at]!)));
      }),
  );

  it(
    "a request of more than 1 MiB is not sent, one that was sent is not read",
    { skip },
    () =>
      withIroh(echo(), async (client, _serving, address) => {
        const large = bytes(MAX_IROH_BYTES + 1);
        await assert.rejects(client.exchange(address, large), failsWith("Network", /send less/));
        const { Endpoint, EndpointTicket } = await addon();
        const builder = Endpoint.builder();
        builder.applyMinimal();
        const endpoint = await builder.bind();
        const to = EndpointTicket.fromString(address.address).endpointAddr();
        const connection = await endpoint.connect(to, [...text(V0_ALPN)]);
        const { send, recv } = await connection.openBi();
        await assert.rejects((async () => {
          await send.writeAll([...large]);
          await send.finish();
          await recv.read(1);
        })());
        await endpoint.close();
        // The server is none the worse.
        assert.equal((await all(await client.exchange(address, text("x")))).length, 1);
      }),
  );

  it(
    "an answer may have as many bytes as are allowed, and as come unless told",
    { skip },
    async () => {
      const twice: ServerSide = {
        ...echo(),
        exchange: async (request) => {
          const whole = await all(request);
          return [whole, whole] as unknown as ByteStream;
        },
      };
      const most = bytes(MAX_IROH_BYTES);
      await withIroh(twice, async (client, _serving, address) => {
        const answer = all(await client.exchange(address, most));
        await assert.rejects(answer, failsWith("Network", /answer has more than 1048576 bytes/));
      }, { answerBytes: MAX_IROH_BYTES });
      await withIroh(twice, async (client, _serving, address) => {
        const answer = await all(await client.exchange(address, most));
        assert.ok(equalBytes(answer, concat(most, most)));
      });
    },
  );

  it("what is no request gets no answer, and an answer that breaks off is no whole one", {
    skip,
  }, async () => {
    const broken: ServerSide = {
      ...echo(),
      exchange: async (request) => {
        if ((await all(request)).length === 1) throw new Error("no request");
        return (async function* () {
          yield text("half");
          throw new Error("broken");
        })();
      },
    };
    await withIroh(broken, async (client, _serving, address) => {
      for (const request of ["x", "xx"]) {
        await assert.rejects(
          client.exchange(address, text(request)).then(all),
          failsWith("Network", /exchange with/),
        );
      }
    });
  });

  it("one that is silent is given up, and one that is aborted ends", { skip }, async () => {
    const silent: ServerSide = { ...echo(), exchange: () => new Promise(() => {}) };
    await withIroh(silent, async (client, _serving, address) => {
      const answer = client.exchange(address, text("x"), { silenceMs: 30 }).then(all);
      await assert.rejects(answer, failsWith("Network", /nothing was heard for 30 ms/));
      const abort = new AbortController();
      const other = client.exchange(address, text("x"), { signal: abort.signal }).then(all);
      setTimeout(() => abort.abort(), 20);
      await assert.rejects(other, { code: "Aborted" });
      await assert.rejects(client.exchange(address, text("x"), { signal: abort.signal }), {
        code: "Aborted",
      });
    });
  });

  it("requests under way are answered before a server ends, others not", { skip }, async () => {
    let [answer, asked] = [() => {}, () => {}];
    const isAsked = new Promise<void>((resolve) => asked = resolve);
    const slow: ServerSide = {
      ...echo(),
      exchange: async () => {
        asked();
        await new Promise<void>((resolve) => answer = resolve);
        return [text("late")] as unknown as ByteStream;
      },
    };
    await withIroh(slow, async (client, serving, address) => {
      const answered = client.exchange(address, text("x")).then(all);
      await isAsked;
      const stopped = serving.stop();
      await assert.rejects(
        client.exchange(address, text("x")),
        failsWith("ConnectionFailed", /Cannot reach/),
      );
      answer();
      assert.equal(new TextDecoder().decode(await answered), "late");
      await stopped;
      await serving.start(echo());
      assert.equal((await all(await client.exchange(address, text("x")))).length, 1);
    });
  });
});

describe("addresses of Iroh", () => {
  it("09#50: what is no endpoint ticket is told before anything is sent", { skip }, async () => {
    // An address that cannot be bound: whoever tried would be told of that.
    const client = await transport({ bindAddress: "203.0.113.1:1" });
    for (const address of ["", "x", "127.0.0.1:4000", "endpoint", "endpointaaaa", "ENDPOINTaa"]) {
      const to = { transportType: "iroh", address };
      for (const call of [() => client.exchange(to, text("x")), () => client.connect!(to)]) {
        await assert.rejects(call(), failsWith("SerializationError", /no endpoint ticket/));
      }
    }
    assert.equal(client.canHandle({ transportType: "iroh", address: "x" }), true);
    assert.equal(client.canHandle({ transportType: "http", address: "x" }), false);
    await client.close!();
  });

  it("a ticket that leads to nobody is given up in time, or when that is asked", {
    skip,
  }, async () => {
    const client = await transport({ openMs: 50 });
    const to = { transportType: "iroh", address: nobody(await addon()) };
    const abort = new AbortController();
    const late = client.exchange(to, text("x"));
    const aborted = client.connect!(to, { signal: abort.signal });
    abort.abort();
    await assert.rejects(aborted, { code: "Aborted" });
    await assert.rejects(late, failsWith("ConnectionFailed", /no answer within 50 ms/));
    await client.close!();
    await assert.rejects(
      client.exchange(to, text("x")),
      failsWith("ConnectionFailed", /was closed/),
    );
  });

  it("a server that takes no connections of the native protocol refuses its ALPN at once", {
    skip,
  }, async () => {
    const { accept: _, ...v0 } = echo();
    await withIroh(v0, async (client, _serving, address) => {
      await assert.rejects(
        client.connect!(address),
        failsWith("ConnectionFailed", /doesn't support any known protocol/),
      );
      assert.equal((await all(await client.exchange(address, text("x")))).length, 1);
    });
  });

  it("who serves twice, stops twice or is asked where it is when it is not, is told", {
    skip,
  }, async () => {
    const serving = await transport();
    assert.equal(serving.isRunning, false);
    await assert.rejects(serving.stop(), { code: "ServerNotRunning" });
    assert.throws(() => serving.serverAddress(), { code: "ServerNotRunning" });
    await serving.start(echo());
    assert.equal(serving.isRunning, true);
    assert.match(serving.serverAddress(), /^endpoint[a-z2-7]+$/);
    await assert.rejects(serving.start(echo()), { code: "ServerAlreadyRunning" });
    await serving.stop();
    assert.equal(serving.isRunning, false);
    await serving.close!();
    await assert.rejects(serving.start(echo()), failsWith("ServerBind", /was closed/));
  });

  it("a port that another program has, and relays that are none, are told", { skip }, async () => {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const taken = await transport({ bindAddress: `127.0.0.1:${socket.address().port}` });
    await assert.rejects(taken.start(echo()), failsWith("ServerBind", /Cannot listen on 127/));
    await new Promise<void>((resolve) => void socket.close(resolve));
    // What was in the way is gone.
    await taken.start(echo());
    await taken.close!();
    for (const bindAddress of ["nowhere", "localhost:1", "127.0.0.1"]) {
      const wrong = await transport({ bindAddress });
      await assert.rejects(wrong.start(echo()), failsWith("ServerBind", /Cannot listen/));
      await wrong.close!();
    }
    await assert.rejects(
      transport({ relays: ["https://[half"] }),
      failsWith("TransportInit", /Cannot use the relays/),
    );
  });

  it("relays that nobody has reached do not keep a server from serving", { skip }, async () => {
    const serving = await transport({ relays: ["http://127.0.0.1:9"], relayMs: 30 });
    await serving.start(echo());
    const client = await transport();
    assert.equal((await all(await client.exchange(addressOf(serving), text("x")))).length, 1);
    await client.close!();
    await serving.close!();
  });
});

describe("connections over Iroh", () => {
  it("carry bytes in both directions, in order; what was sent before the end arrives", {
    skip,
  }, async () => {
    const accepted: Link[] = [];
    await withIroh(echo(accepted), async (client, serving) => {
      const [link, taken] = await linked(client, serving, accepted);
      const large = bytes(3 * 1024 * 1024 + 5);
      taken.send(large);
      taken.send(text("end"));
      taken.close();
      assert.ok(equalBytes(await all(link.incoming), concat(large, text("end"))));
      assert.equal(link.buffered, 0);
      link.send(text("too late"));
      assert.equal(link.buffered, 0);
    });
  });

  it("many small messages arrive as well", { skip }, async () => {
    const accepted: Link[] = [];
    await withIroh(echo(accepted), async (client, serving) => {
      const [link, taken] = await linked(client, serving, accepted);
      for (let at = 0; at < 5000; at++) link.send(text(`${at},`));
      link.close();
      const expected = "hello" + Array.from({ length: 5000 }, (_, at) => `${at},`).join("");
      assert.equal(new TextDecoder().decode(await all(taken.incoming)), expected);
    });
  });

  it("whoever does not read holds the other side back, which does not pile up for ever", {
    skip,
  }, async () => {
    const accepted: Link[] = [];
    await withIroh(echo(accepted), async (client, serving) => {
      const [link] = await linked(client, serving, accepted);
      const part = bytes(1024 * 1024);
      assert.throws(() => {
        for (let sent = 0; sent <= 2 * MAX_BUFFERED_BYTES; sent += part.length) link.send(part);
      }, { code: "Network" });
      assert.ok(link.buffered > MAX_BUFFERED_BYTES);
    });
  });

  it("an end that vanishes ends the other; a server that stops ends its connections", {
    skip,
  }, async () => {
    const accepted: Link[] = [];
    await withIroh(echo(accepted), async (client, serving) => {
      const [, taken] = await linked(client, serving, accepted);
      const [read] = await Promise.all([all(taken.incoming), client.close!()]);
      assert.equal(new TextDecoder().decode(read), "hello");
      const other = await transport();
      const [link] = await linked(other, serving, accepted);
      await Promise.all([all(link.incoming), serving.stop()]);
      await other.close!();
    });
  });

  it("both ends are named alike, so that nothing that is signed there is of use elsewhere", {
    skip,
  }, async () => {
    const bindings: string[] = [];
    const accepted: Link[] = [];
    const server: ServerSide = {
      ...echo(),
      accept: (link, { binding }) => (accepted.push(link), bindings.push(binding)),
    };
    await withIroh(server, async (client, serving, address) => {
      await linked(client, serving, accepted);
      assert.deepEqual(bindings, [client.binding!(address)]);
      assert.match(bindings[0]!, /^eidetica-native\/1 [0-9a-f]{64} [0-9a-f]{64}$/);
    });
  });
});

describe("strangers who connect over Iroh", () => {
  /** Serves with limits of its own. */
  async function withLimits(
    limits: IrohLimits,
    server: ServerSide,
    test: (client: Transport, to: Address) => Promise<void>,
    from?: (incoming: AddonIncoming) => AddonIncoming,
  ): Promise<void> {
    const endpoint = new IrohEndpoint(await addon(), HERE, bytes(32));
    const own = new IrohServer(endpoint, server, limits);
    await endpoint.listen(own.alpns, (incoming) => void own.take(from?.(incoming) ?? incoming));
    const client = await transport();
    try {
      await test(client, { transportType: "iroh", address: endpoint.ticket! });
    } finally {
      await client.close!();
      await own.close();
      await endpoint.close();
    }
  }

  it(
    "have so many connections at a time, and no more",
    { skip },
    () =>
      withLimits({ connections: 2 }, echo(), async (client, to) => {
        const links = [await client.connect!(to), await client.connect!(to)];
        await assert.rejects(client.connect!(to), failsWith("ConnectionFailed", /refused/));
        links[0]!.close();
        for (;;) {
          const next = await client.connect!(to).catch(() => undefined);
          if (next !== undefined) break;
        }
      }),
  );

  it("are counted by the host from which their requests come", { skip }, async () => {
    const hosts: unknown[] = [];
    const server: ServerSide = {
      ...echo(),
      exchange: async (request, remote, _takesLinks, from) => {
        hosts.push([remote, from]);
        return [await all(request)] as unknown as ByteStream;
      },
    };
    const fromFar = (incoming: AddonIncoming): AddonIncoming => ({
      accept: () => incoming.accept(),
      refuse: () => incoming.refuse(),
      remoteAddr: () => Promise.resolve({ kind: "ip", addr: "203.0.113.7:9" }),
    });
    await withLimits({}, server, async (client, to) => {
      assert.equal((await all(await client.exchange(to, text("x")))).length, 1);
    }, fromFar);
    assert.deepEqual(hosts, [[undefined, "203.0.113.7"]]);
  });

  it("have so many requests under way at a time, and no more", { skip }, async () => {
    let [answer, asked] = [() => {}, () => {}];
    const isAsked = new Promise<void>((resolve) => asked = resolve);
    const exchange = async () => {
      asked();
      await new Promise<void>((resolve) => answer = resolve);
      return [text("late")] as unknown as ByteStream;
    };
    await withLimits({ exchanges: 1 }, { ...echo(), exchange }, async (client, to) => {
      const first = client.exchange(to, text("x")).then(all);
      await isAsked;
      await assert.rejects(
        client.exchange(to, text("x")).then(all),
        failsWith("Network", /exchange with/),
      );
      answer();
      assert.equal((await first).length, 4);
    });
  });

  it(
    "who open no stream are not waited for",
    { skip },
    () =>
      withLimits({ streamMs: 20 }, echo(), async (client, to) => {
        const link = await client.connect!(to);
        // Nothing is sent, so that the other side has seen no stream.
        assert.equal((await all(link.incoming)).length, 0);
      }),
  );

  it("of one owner of addresses have their share of the room, and leave it for others", () => {
    const room = new Room(3, 2);
    const leave = room.enter("a");
    assert.ok(leave !== undefined && room.enter("a") !== undefined);
    assert.equal(room.enter("a"), undefined);
    const other = room.enter(undefined);
    assert.ok(other !== undefined);
    assert.equal(room.enter("b"), undefined);
    leave();
    other();
    assert.ok(room.enter("a") !== undefined && room.enter(undefined) !== undefined);
    assert.equal(room.enter("b"), undefined);
  });
});

describe("the add-on of Iroh", () => {
  it("is asked for by name where it is missing, with what helps", () => {
    const missing = Object.assign(new Error("Cannot find package"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    assert.match(problemOf(missing), /missing; install it: npm install @number0\/iroh/);
    const noBuild = new Error("Cannot find native binding.", {
      cause: new Error("no such file\nx"),
    });
    assert.match(problemOf(noBuild), /no add-on that loads on this platform \(no such file\);/);
    const denied = Object.assign(new Error('Requires ffi access to "/x"'), { name: "NotCapable" });
    const inside = new Error("Cannot find native binding.", { cause: denied });
    assert.match(problemOf(inside), /lacks a permission; start it with --allow-ffi/);
    for (const odd of [undefined, null, "x", 5]) assert.equal(typeof problemOf(odd), "string");
  });

  it("says what went wrong in one line, without where that is in its source", () => {
    const long =
      "Outer (/a/b.rs:1:2)\nCaused by:\n    Middle (C:\\x.rs:1)\n    inner (really)\n\n" +
      "Stack backtrace:\n  0: x";
    assert.equal(reasonOf(new Error(long)), "inner (really)");
    assert.equal(reasonOf(new Error("Outer (/a/b.rs:1:2)")), "Outer");
    assert.equal(reasonOf(new Error("")), "no reason was given");
    assert.equal(reasonOf("text"), "text");
  });

  it("is given arrays of bytes as soon as it takes them, lists of numbers until then", () => {
    const given: unknown[] = [];
    const secret = { public: () => "" };
    const takes = borderOf({ SecretKey: { fromBytes: (it) => (given.push(it), secret) } });
    assert.deepEqual(takes(bytes(3)), bytes(3));
    const refuses = borderOf({
      SecretKey: {
        fromBytes: () => {
          throw new Error("Failed to get Array length");
        },
      },
    });
    assert.deepEqual(refuses(bytes(3)), [...bytes(3)]);
    assert.ok(given[0] instanceof Uint8Array);
  });

  it("is not begun with options that make no sense", () => {
    const wrong: readonly unknown[] = [
      5,
      "default",
      { relays: "none" },
      { relays: [] },
      { relays: ["ftp://x"] },
      { relays: 5 },
      { bindAddress: 5 },
      { secretKey: new Uint8Array(31) },
      { secretKey: "00" },
      { openMs: -1 },
      { openMs: "1" },
      { relayMs: NaN },
      { answerBytes: null },
    ];
    for (const options of wrong) {
      assert.throws(() => irohOptions(options as IrohOptions, "try"), ArgumentError);
    }
    assert.deepEqual(irohOptions(undefined, "try"), {});
  });

  it("keep the secret key that was given, whatever becomes of the caller's bytes", () => {
    const secretKey = bytes(32);
    const options = irohOptions({ secretKey }, "try");
    secretKey.fill(0);
    assert.deepEqual(options.secretKey, bytes(32));
  });
});
