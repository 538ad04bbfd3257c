import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { DocStore, type EideticaError, Instance, NewUser, type User } from "../../mod.ts";
import { serveSocket, type SocketService } from "../../src/service/edge/serve_socket.ts";
import { encodeFrame, MAX_FRAME_BYTES } from "../../src/service/protocol/frames.ts";
import { MAX_UNREAD_BYTES } from "../../src/service/server/limits.ts";
import { concat, utf8 } from "../../src/util/bytes.ts";
import { FEATURES } from "../../src/service/protocol/features.ts";
import { RawClient } from "./raw_client.ts";

const METADATA = '"GetInstanceMetadata"';
const skip = process.platform === "win32" ? "Unix sockets" : false;

/** Logs a user without a password in. */
async function login(client: RawClient, username: string): Promise<string> {
  const { PrivateKey } = await import("../../mod.ts");
  const answer = JSON.parse(await client.ask(`{"TrustedLoginUser":{"username":"${username}"}}`));
  const { challenge, user_info } = answer.Response.TrustedLoginChallenge;
  const key = PrivateKey.parse(user_info.credentials.root_key.key);
  const signature = [...key.sign(Uint8Array.from(challenge))];
  await client.ask(`{"TrustedLoginProve":{"signature":${JSON.stringify(signature)}}}`);
  return `{"Direct":{"hint":{"pubkey":"${key.publicKey}"}}}`;
}

describe("clients of the service socket that mean no good", { skip }, () => {
  let folder: string;
  let instance: Instance;
  let ada: User;
  let service: SocketService;
  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "svc-"));
    const made = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
    instance = made.instance;
    ada = made.user!;
    service = await serveSocket(instance, { path: path.join(folder, "d.sock") });
  });
  after(async () => {
    await service.close();
    await instance.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** Somebody else is served as if nothing were. */
  async function assertServed(): Promise<void> {
    const client = await RawClient.greeted(service.path);
    assert.match(await client.ask(METADATA), /^{"Response":{"InstanceMetadata":{/);
    client.close();
  }

  it("flood the server with requests, and read no answer", async () => {
    const flood = await RawClient.greeted(service.path);
    flood.socket.pause();
    const many = concat(...Array.from({ length: 5000 }, () => encodeFrame(utf8(METADATA))));
    for (let at = 0; at < 20; at++) flood.send(many);
    await assertServed();
    // It is not read faster than it reads: most of what it has sent waits with it.
    assert.ok(flood.socket.writableLength > many.length, String(flood.socket.writableLength));
    flood.close();
    await assertServed();
  });

  it("listen, and never read: they are cut off with a reason, and writers do not notice", async () => {
    const notes = await ada.createDatabase({ name: "notes" });
    const root = `"root_id":"${notes.rootId}"`;
    const clients: RawClient[] = [];
    const key = await ada.signingKey(notes.key!.publicKey);
    for (const features of [[...FEATURES].filter((name) => name !== "binary"), undefined]) {
      const client = await RawClient.greeted(service.path, features);
      await login(client, "ada");
      const pubkey = `"pubkey":"${key.publicKey}"`;
      const asked = JSON.parse(await client.ask(`{"SessionKeyChallenge":{${pubkey}}}`));
      const { challenge } = asked.Response.SessionKeyChallenge;
      const signature = JSON.stringify([...key.sign(Uint8Array.from(challenge))]);
      await client.ask(`{"SessionKeyRegister":{${pubkey},"signature":${signature}}}`);
      const identity = `{"Direct":{"hint":{${pubkey}}}}`;
      const subscribe = `{"AuthenticatedDb":{${root},"identity":${identity},` +
        '"op":{"SubscribeWrites":{"tips":[]}}}}';
      assert.equal(await client.ask(subscribe), '{"Response":"Ok"}');
      client.socket.pause();
      clients.push(client);
    }
    const [rich, plain] = clients as [RawClient, RawClient];
    // Each notification has the entry as an array of numbers: some 800 kB.
    const text = "x".repeat(200_000);
    const count = Math.ceil(MAX_UNREAD_BYTES / 700_000) + 10;
    for (let at = 0; at < count; at++) {
      await notes.withTransaction(async (tx) => {
        await (await tx.getStore(DocStore, "s")).set("k", `${at}${text}`);
      });
    }
    rich.socket.resume();
    const frames = await rich.ended();
    assert.ok(frames.length < count, `${frames.length} of ${count}`);
    assert.match(frames.at(-1)!, /^{"Closing":{.*"code":"NotReading"/);
    // The other's notifications are small: it is behind, and gets them all.
    plain.socket.resume();
    assert.equal((await plain.next(count)).length, count);
    rich.close();
    plain.close();
    await assertServed();
  });

  it("begin to log in, and never prove it", async () => {
    const clients = await Promise.all(Array.from({ length: 100 }, async () => {
      const client = await RawClient.greeted(service.path);
      for (let at = 0; at < 3; at++) {
        assert.match(await client.ask('{"TrustedLoginUser":{"username":"ada"}}'), /Challenge/);
      }
      return client;
    }));
    await assertServed();
    for (const client of clients) client.close();
  });

  it("send a message of 64 MiB: it is read, and refused for what it is", async () => {
    const client = await RawClient.greeted(service.path);
    const open = utf8('{"TrustedLoginUser":{"username":"nobody","x":"');
    const payload = new Uint8Array(MAX_FRAME_BYTES).fill(0x61);
    payload.set(open);
    payload.set(utf8('"}}'), MAX_FRAME_BYTES - 3);
    client.send(encodeFrame(payload));
    await assertServed();
    const [answer] = await client.next();
    assert.match(answer!, /"kind":"UserNotFound"/);
    client.close();
  });

  it("announce 64 MiB and send nothing: nothing is kept for them", async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, async () => {
      const client = await RawClient.greeted(service.path);
      client.send(Uint8Array.of(4, 0, 0, 0, 0x7b));
      return client;
    }));
    await assertServed();
    for (const client of clients) client.close();
  });

  it("wait for a handler that never ends: the service does not", async () => {
    const other = await serveSocket(instance, { path: path.join(folder, "other.sock") });
    const stuck = await ada.createDatabase({ name: "stuck" });
    const handler = await stuck.onWrite(() => new Promise<void>(() => {}));
    const client = await Instance.connect(`unix://${other.path}`);
    const db = await (await client.loginUser("ada")).openDatabase(stuck.rootId);
    const writing = db.withTransaction(async (tx) => {
      await (await tx.getStore(DocStore, "s")).set("k", 1);
    });
    const failed = assert.rejects(writing, (error: EideticaError) => {
      return error.code === "ConnectionAborted";
    });
    while ((await stuck.snapshot()).tips.some((tip) => tip.equals(stuck.rootId))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await other.close(100);
    await failed;
    handler[Symbol.dispose]();
    await client.close();
  });

  it("leave in the middle of everything", async () => {
    for (let at = 0; at < 50; at++) {
      const client = await RawClient.greeted(service.path);
      client.sendTexts('{"TrustedLoginUser":{"username":"ada"}}', METADATA);
      if (at % 2 === 0) client.send(Uint8Array.of(0, 0, 1));
      client.close();
    }
    await assertServed();
  });
});
