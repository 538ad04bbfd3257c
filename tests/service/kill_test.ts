import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  type Database,
  DocStore,
  type EideticaError,
  type ID,
  Instance,
  NewUser,
} from "../../mod.ts";
import { serveSocket } from "../../src/service/edge/serve_socket.ts";
import { exitCode, startChild } from "../storage/child.ts";

const CLIENTS = 8;
/** Acknowledged commits after which the daemon is killed. */
const ENOUGH = 200;
const skip = process.platform === "win32" ? "Unix sockets" : false;

/** Commits until the daemon is gone; what was acknowledged goes to `told`. */
async function writeUntilTheEnd(db: Database, told: (id: ID) => void): Promise<void> {
  try {
    for (let at = 0;; at++) {
      const transaction = await db.newTransaction();
      await (await transaction.getStore(DocStore, "s")).set(`${at % 7}`, at);
      told(await transaction.commit());
    }
  } catch {
    // The daemon is gone.
  }
}

function isReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout!.on("data", (text) => String(text).includes("ready") && resolve());
    child.once("exit", (code) => reject(new Error(`the daemon has ended: ${code}`)));
  });
}

/** A folder, daemons in it, and nothing of that afterwards. */
async function withDaemons(
  test: (start: () => Promise<ChildProcess>, socket: string) => Promise<void>,
): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "svc-"));
  const socket = path.join(folder, "d.sock");
  const children: ChildProcess[] = [];
  const start = async () => {
    const storage = `sqlite://${path.join(folder, "data.db")}`;
    const child = startChild("../../service/daemon_main.ts", storage, socket);
    children.push(child);
    await isReady(child);
    return child;
  };
  try {
    await test(start, socket);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

describe("a daemon of its own process", { skip }, () => {
  it("killed under eight writing clients: what was acknowledged is there, and the next begins", async () => {
    await withDaemons(async (start, socket) => {
      const first = await start();
      const clients: Instance[] = [];
      const opened: Database[] = [];
      for (let at = 0; at < CLIENTS; at++) {
        const client = await Instance.connect(`unix://${socket}`);
        const user = await client.loginUser("ada");
        clients.push(client);
        opened.push(await user.openOrCreateDatabase({ name: "notes" }));
      }
      const acknowledged: ID[] = [];
      const ended = exitCode(first);
      await Promise.all(opened.map((db) =>
        writeUntilTheEnd(db, (id) => {
          if (acknowledged.push(id) === ENOUGH) first.kill("SIGKILL");
        })
      ));
      await ended;
      await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
      assert.ok(acknowledged.length >= ENOUGH);

      const second = await start();
      const again = await Instance.connect(`unix://${socket}`);
      const [db] = await (await again.loginUser("ada")).findDatabase("notes");
      for (const id of acknowledged) assert.ok((await db!.getEntry(id)).id.equals(id));
      await again.close();
      const over = exitCode(second);
      process.kill(second.pid!, "SIGTERM");
      assert.equal(await over, 0);
      assert.equal(fs.existsSync(socket), false);
    });
  });

  it("that stands still is not displaced, and the error names it (F1)", async () => {
    await withDaemons(async (start, socket) => {
      const daemon = await start();
      process.kill(daemon.pid!, "SIGSTOP");
      const { instance } = await Instance.connectOrCreate("memory://", NewUser.passwordless("eve"));
      await assert.rejects(serveSocket(instance, { path: socket }), (error: EideticaError) => {
        assert.deepEqual([error.code, error.fields.pid], ["AddressInUse", daemon.pid]);
        return true;
      });
      await instance.close();
      process.kill(daemon.pid!, "SIGCONT");
      const client = await Instance.connect(`unix://${socket}`);
      await client.close();
    });
  });
});
