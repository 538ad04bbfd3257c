import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { ID, Instance } from "../../mod.ts";
import { Connection } from "../../src/service/client/connection.ts";
import { connectSocket } from "../../src/service/edge/connect_socket.ts";
import { encodeFrame, MAX_FRAME_BYTES } from "../../src/service/protocol/frames.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { hasCode } from "../database/bed.ts";
import { greeting, HANDSHAKE, METADATA, type Script, ScriptedDaemon } from "./scripted_daemon.ts";

const ROOT = ID.parse("bafyr4igo2cfxjivtvt7k3utaghswqk4lkm62dcb7yor3qvabsqlubrrmdm");
const NOTIFICATION =
  `{"Notification":{"DatabaseWrite":{"root_id":"${ROOT}","previous_tips":[],"post_tips":["${ROOT}"],"source":"Remote"}}}`;

async function withScript(
  script: Script,
  test: (url: string) => Promise<void>,
): Promise<void> {
  const daemon = await ScriptedDaemon.open(script);
  try {
    await test(daemon.url);
  } finally {
    daemon.close();
  }
}

/** A connection to a script, with what it is told of. */
async function connectTo(url: string): Promise<{ connection: Connection; told: string[] }> {
  const told: string[] = [];
  const connection = await Connection.open({ connectSocket }, url.slice("unix://".length), {
    wrote: ({ rootId }) => told.push(`wrote ${rootId}`),
    ended: ({ code }) => told.push(`ended ${code}`),
  });
  return { connection, told };
}

const ask = { type: "GetInstanceMetadata" } as const;

describe("the handshake of a client", () => {
  const cases: [string, Script, string][] = [
    ["11#1 another version", () => '{"protocol_version":999}', "VersionMismatch"],
    ["11 §2.3 a daemon that closes", (_, __, socket) => void socket.destroy(), "ConnectionAborted"],
    ["11 §2.3 an answer that is none", () => "{}", "Undecodable"],
    ["11 §2.3 an answer that is no JSON", () => "hello", "Undecodable"],
  ];
  for (const [what, script, code] of cases) {
    it(`${what} fails with ${code}`, () =>
      withScript(script, async (url) => {
        await assert.rejects(Instance.connect(url), hasCode(code));
      }));
  }

  it("11 §2.3 an abort ends the wait for a daemon that says nothing, and its connection", async () => {
    const controller = new AbortController();
    let closed = () => {};
    const isClosed = new Promise<void>((done) => closed = done);
    await withScript((_, __, socket) => {
      socket.once("close", () => closed());
      controller.abort();
      return undefined;
    }, async (url) => {
      const { signal } = controller;
      await assert.rejects(Instance.connect(url, { signal }), hasCode("Aborted"));
      await isClosed;
    });
  });

  it("11 §9 a client that is closed ends the connection that it was about to make", async () => {
    let first: Socket | undefined;
    let tell = (_: Socket) => {};
    const second = new Promise<Socket>((resolve) => tell = resolve);
    await withScript((_, at, socket) => {
      first ??= socket;
      if (socket === first) return at === 0 ? HANDSHAKE : METADATA;
      tell(socket);
      return undefined;
    }, async (url) => {
      const instance = await Instance.connect(url, { reconnect: true });
      first!.destroy();
      const closed = once(await second, "close");
      await instance.close();
      await closed;
    });
  });

  it("11 §7.1 a daemon without an instance is told as such", () =>
    withScript(
      (_, at) => at === 0 ? HANDSHAKE : '{"Response":{"InstanceMetadata":null}}',
      async (url) => {
        await assert.rejects(Instance.connect(url), hasCode("DeviceKeyNotFound"));
      },
    ));
});

describe("a connection", () => {
  it("11#49 responses are matched in the order of requests, with notifications in between", () =>
    withScript((message, at) => {
      if (at === 0) return HANDSHAKE;
      return message.includes("TrustedLoginUser") ? NOTIFICATION : METADATA;
    }, async (url) => {
      const { connection, told } = await connectTo(url);
      const login = connection.request({ type: "TrustedLoginUser", username: "ada" });
      const second = connection.request(ask);
      // The script answers the login with a notification alone: the next response is the login's.
      assert.equal((await login).type, "InstanceMetadata");
      assert.deepEqual(told, [`wrote ${ROOT}`]);
      connection.close();
      await assert.rejects(second, hasCode("ConnectionAborted"));
    }));

  it("11#46 what is pending, and what is asked later, fails when the daemon has gone", () =>
    withScript((_, at, socket) => {
      if (at === 0) return HANDSHAKE;
      if (at === 3) socket.destroy();
      return undefined;
    }, async (url) => {
      const { connection, told } = await connectTo(url);
      const pending = [1, 2, 3].map(() => connection.request(ask));
      const settled = await Promise.allSettled(pending);
      for (const result of settled) {
        assert.ok(result.status === "rejected" && hasCode("ConnectionAborted")(result.reason));
      }
      await assert.rejects(connection.request(ask), hasCode("ConnectionAborted"));
      assert.deepEqual(told, ["ended ConnectionAborted"]);
    }));

  const broken: [string, (socket: Parameters<Script>[2]) => void, string][] = [
    ["a frame that is too large", (socket) => {
      const header = new Uint8Array(4);
      new DataView(header.buffer).setUint32(0, MAX_FRAME_BYTES + 1);
      socket.write(header);
    }, "FrameTooLarge"],
    ["a message that is none", (socket) => {
      socket.write(encodeFrame(utf8('{"Nothing":1}')));
    }, "Undecodable"],
    ["half a frame", (socket) => {
      socket.end(encodeFrame(utf8(METADATA)).subarray(0, 20));
    }, "ConnectionAborted"],
  ];
  for (const [what, harm, code] of broken) {
    it(`11#2,#3 ${what} ends it with ${code}`, () =>
      withScript((_, at, socket) => {
        if (at === 0) return HANDSHAKE;
        harm(socket);
        return undefined;
      }, async (url) => {
        const { connection } = await connectTo(url);
        await assert.rejects(connection.request(ask), hasCode(code));
        assert.equal(connection.closed?.code, code);
      }));
  }

  it("11 §7.1 an answer of another kind is an error, and the next one is not affected", () =>
    withScript(greeting((_, at) => at === 2 ? '{"Response":"Ok"}' : METADATA), async (url) => {
      const instance = await Instance.connect(url);
      await assert.rejects(instance.loginUser("ada"), hasCode("UnexpectedResponse"));
      await instance.close();
    }));

  it("11 §10 errors keep their class and code", () =>
    withScript((_, at) => {
      const error =
        '{"module":"auth","kind":"PermissionDenied","message":"Permission denied: tree x"}';
      return at === 0 ? HANDSHAKE : `{"Response":{"Error":${error}}}`;
    }, async (url) => {
      const { connection } = await connectTo(url);
      await assert.rejects(connection.request(ask), hasCode("PermissionDenied"));
      connection.close();
    }));

  it("11 §4.1 a challenge of another length is not signed", () =>
    withScript(
      greeting(() => {
        const info =
          '{"username":"ada","user_database_id":"bafyr4ifk2vo7skqpb33h6nrptc53uublgvv4sfttzabyiadexjjcpxupva","credentials":{"root_key_id":"ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=","root_key":{"type":"unencrypted","key":"ed25519:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},"password_salt":null},"created_at":1,"status":"Active"}';
        const challenge = `[${Array.from({ length: 64 }, () => 1)}]`;
        return `{"Response":{"TrustedLoginChallenge":{"challenge":${challenge},"user_uuid":"u","user_info":${info}}}}`;
      }),
      async (url) => {
        const instance = await Instance.connect(url);
        await assert.rejects(instance.loginUser("ada"), hasCode("InvalidChallenge"));
        await instance.close();
      },
    ));
});
