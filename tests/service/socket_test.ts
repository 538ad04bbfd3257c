import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { Instance, NewUser } from "../../mod.ts";
import {
  defaultSocketPath,
  defaultSocketUrl,
  MAX_PATH_BYTES_BSD,
  MAX_PATH_BYTES_LINUX,
  socketPath,
} from "../../src/service/edge/socket_path.ts";
import { serveSocket, type ServeSocketOptions } from "../../src/service/edge/serve_socket.ts";
import { EideticaError } from "../../src/util/errors.ts";
import { RawClient } from "./raw_client.ts";

const HANDSHAKE = '{"protocol_version":0}';
const METADATA = '"GetInstanceMetadata"';
const skip = process.platform === "win32" ? "Unix sockets" : false;

function hasCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof EideticaError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

const modeOf = (at: string) => fs.lstatSync(at).mode & 0o777;

describe("the service socket", () => {
  let folder: string;
  let instance: Instance;
  let count = 0;
  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "svc-"));
    instance = (await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"))).instance;
  });
  after(async () => {
    await instance.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const newPath = () => path.join(folder, `d${count++}`, "d.sock");
  const serve = (at: string, options?: Partial<ServeSocketOptions>) =>
    serveSocket(instance, { path: at, ...options });

  it(
    "11#1: a handshake of version 0 is answered with 0, one of 999 with 0 and the end",
    { skip },
    async () => {
      const service = await serve(newPath());
      const client = await RawClient.open(service.path);
      assert.equal(await client.ask(HANDSHAKE), HANDSHAKE);
      assert.match(await client.ask(METADATA), /^{"Response":{"InstanceMetadata":{"id":"ed25519:/);
      const later = await RawClient.open(service.path);
      assert.equal(await later.ask('{"protocol_version":999}'), HANDSHAKE);
      assert.deepEqual(await later.ended(), []);
      client.close();
      later.close();
      await service.close();
    },
  );

  it("11#4: whatever one client sends, others go on", { skip }, async () => {
    const service = await serve(newPath());
    const bad = [[0xff, 0xff, 0xff, 0xff], [0, 0, 0], [0, 0, 0, 3, 1, 2, 3], [0, 0, 0, 9, 1]];
    for (const bytes of bad) {
      const client = await RawClient.greeted(service.path);
      client.send(Uint8Array.from(bytes));
      client.halfClose();
      assert.deepEqual(await client.ended(), []);
    }
    (await RawClient.greeted(service.path)).close();
    const good = await RawClient.greeted(service.path);
    assert.match(
      await good.ask('{"TrustedLoginUser":{"username":"ada"}}'),
      /TrustedLoginChallenge/,
    );
    good.close();
    await service.close();
  });

  it("11#5: folder 0700, socket 0600, gone when it ends", { skip }, async () => {
    const at = newPath();
    const mask = process.umask(0);
    try {
      const service = await serve(at);
      assert.deepEqual([modeOf(path.dirname(at)), modeOf(at)], [0o700, 0o600]);
      assert.ok(fs.lstatSync(at).isSocket());
      assert.equal(process.umask(), 0);
      await service.close();
      assert.deepEqual(fs.readdirSync(path.dirname(at)), []);
    } finally {
      process.umask(mask);
    }
  });

  it("a folder that is there keeps its mode (F2)", { skip }, async () => {
    const parent = path.join(folder, `d${count++}`);
    fs.mkdirSync(parent);
    fs.chmodSync(parent, 0o755);
    const service = await serve(path.join(parent, "d.sock"));
    assert.equal(modeOf(parent), 0o755);
    await service.close();
  });

  it(
    "11#5: a socket that nobody serves is replaced, other things are not (F1)",
    { skip },
    async () => {
      const at = newPath();
      fs.mkdirSync(path.dirname(at));
      // A process that is killed leaves its socket.
      const code =
        `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, 9))`;
      const killed = spawn(process.env.EIDETICA_NODE ?? "node", ["-e", code, at]);
      await new Promise((resolve) => killed.once("exit", resolve));
      assert.ok(fs.lstatSync(at).isSocket());
      await (await serve(at)).close();

      fs.writeFileSync(at, "mine");
      await assert.rejects(serve(at), hasCode("NotASocket"));
      assert.equal(fs.readFileSync(at, "utf8"), "mine");
      fs.unlinkSync(at);
      fs.mkdirSync(at);
      await assert.rejects(serve(at), hasCode("NotASocket"));
      fs.rmdirSync(at);
      fs.symlinkSync(path.join(folder, "nowhere"), at);
      await assert.rejects(serve(at), hasCode("NotASocket"));
      assert.ok(fs.lstatSync(at).isSymbolicLink());
      // What was refused leaves no lock behind.
      fs.unlinkSync(at);
      await (await serve(at)).close();
    },
  );

  it("of twenty that begin at once one serves, and the others name it (F1)", { skip }, async () => {
    const at = newPath();
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => serve(at)));
    const serving = all.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    assert.equal(serving.length, 1);
    for (const one of all) {
      if (one.status === "fulfilled") continue;
      hasCode("AddressInUse")(one.reason);
      assert.match(one.reason.message, new RegExp(`d.sock.*process ${process.pid}`));
    }
    const client = await RawClient.greeted(at);
    client.close();
    await serving[0]!.close();
    await (await serve(at)).close();
  });

  it("somebody who serves without a lock is not displaced (F1)", { skip }, async () => {
    const { createServer } = await import("node:net");
    const at = newPath();
    fs.mkdirSync(path.dirname(at));
    const foreign = createServer();
    await new Promise<void>((resolve) => foreign.listen(at, resolve));
    await assert.rejects(serve(at), hasCode("AddressInUse"));
    assert.ok(fs.lstatSync(at).isSocket());
    await new Promise((resolve) => foreign.close(resolve));
  });

  it(
    "a socket that was replaced meanwhile stays when the service ends (F1)",
    { skip },
    async () => {
      const at = newPath();
      const service = await serve(at);
      fs.unlinkSync(at);
      fs.writeFileSync(at, "another");
      await service.close();
      assert.equal(fs.readFileSync(at, "utf8"), "another");
    },
  );

  it("paths that sockets cannot have are named, with the limit (F2)", async () => {
    const at = (length: number) => `/${"x".repeat(length - 1)}`;
    for (
      const [platform, limit] of [["linux", MAX_PATH_BYTES_LINUX], [
        "darwin",
        MAX_PATH_BYTES_BSD,
      ]] as const
    ) {
      assert.equal(socketPath(at(limit), "serve", platform), at(limit));
      assert.throws(() => socketPath(at(limit + 1), "serve", platform), hasCode("InvalidPath"));
      const accented = `/${"é".repeat(limit / 2 | 0)}`;
      assert.throws(() => socketPath(accented + "é", "serve", platform), /bytes.*--socket/);
    }
    assert.throws(() => socketPath("a\0b", "serve"), hasCode("InvalidPath"));
    for (const wrong of ["", undefined, null, 7] as string[]) {
      await assert.rejects(serve(wrong), hasCode("InvalidArgument"));
    }
  });

  it("a path of just the longest length works", { skip }, async () => {
    const limit = process.platform === "linux" ? MAX_PATH_BYTES_LINUX : MAX_PATH_BYTES_BSD;
    for (const length of [limit, limit - 1]) {
      const at = path.join(folder, "y".repeat(length - folder.length - 1));
      const service = await serve(at);
      (await RawClient.greeted(at)).close();
      await service.close();
    }
    await assert.rejects(serve(path.join(folder, "y".repeat(limit))), hasCode("InvalidPath"));
  });

  it("a path below a file is refused with the reason", { skip }, async () => {
    const file = path.join(folder, "file");
    fs.writeFileSync(file, "");
    await assert.rejects(serve(path.join(file, "d.sock")), hasCode("BindFailed"));
    await assert.rejects(serve(path.join(file, "deeper", "d.sock")), hasCode("BindFailed"));
  });

  it("on Windows sockets are named pipes", () => {
    for (const pipe of ["\\\\.\\pipe\\eidetica", "\\\\?\\pipe\\a\\b"]) {
      assert.equal(socketPath(pipe, "serve", "win32"), pipe);
    }
    for (const wrong of ["C:\\data\\d.sock", "\\\\.\\pipe\\", "/tmp/d.sock", "pipe"]) {
      assert.throws(() => socketPath(wrong, "serve", "win32"), hasCode("InvalidPath"));
    }
    assert.equal(defaultSocketPath({ USERNAME: "ada" }, "win32"), "\\\\.\\pipe\\eidetica-ada");
  });

  it("11 §2.1: where the socket is unless told", () => {
    const env = { EIDETICA_SOCKET: "s", XDG_RUNTIME_DIR: "/run/user/7", USER: "ada" };
    assert.equal(defaultSocketPath(env, "linux"), "s");
    const { EIDETICA_SOCKET: _, ...rest } = env;
    assert.equal(defaultSocketPath(rest, "linux"), "/run/user/7/eidetica/service.sock");
    assert.equal(defaultSocketPath({ USER: "ada" }, "linux"), "/tmp/eidetica-ada/service.sock");
    assert.equal(defaultSocketPath({}, "linux"), "/tmp/eidetica-unknown/service.sock");
    assert.equal(defaultSocketUrl({ EIDETICA_SOCKET: "/a/b" }), "unix:///a/b");
  });

  it(
    "11#46: when the service ends, clients see the end, and nobody can connect",
    { skip },
    async () => {
      const service = await serve(newPath());
      const client = await RawClient.greeted(service.path);
      await client.ask('{"TrustedLoginUser":{"username":"ada"}}');
      const closing = service.close();
      assert.deepEqual(await client.ended(), []);
      client.close();
      await closing;
      await assert.rejects(RawClient.open(service.path));
      await service.close();
      // The instance stays open.
      assert.equal(instance.isClosed, false);
    },
  );

  it("what itself works for a service is not served", { skip }, async () => {
    const service = await serve(newPath());
    const client = await Instance.connect(`unix://${service.path}`);
    const at = newPath();
    await assert.rejects(serveSocket(client, { path: at }), hasCode("OperationNotSupported"));
    assert.equal(fs.existsSync(at), false);
    await client.close();
    await service.close();
  });

  it("a signal ends the service", { skip }, async () => {
    const control = new AbortController();
    const service = await serve(newPath(), { signal: control.signal });
    const client = await RawClient.greeted(service.path);
    control.abort();
    assert.deepEqual(await client.ended(), []);
    client.close();
    await service.close();
    assert.equal(fs.existsSync(service.path), false);
    const at = newPath();
    await assert.rejects(serve(at, { signal: AbortSignal.abort() }), hasCode("Aborted"));
    assert.equal(fs.existsSync(at), false);
  });

  it("1,000 idle connections do not disturb a client, and the end is quick", { skip }, async () => {
    const service = await serve(newPath());
    const idle: RawClient[] = [];
    for (let at = 0; at < 1000; at += 50) {
      const some = Array.from({ length: 50 }, () => RawClient.open(service.path));
      idle.push(...await Promise.all(some));
    }
    const client = await RawClient.greeted(service.path);
    assert.match(await client.ask(METADATA), /InstanceMetadata/);
    const closing = service.close();
    for (const one of [...idle, client]) {
      await one.ended();
      one.close();
    }
    await closing;
  });
});
