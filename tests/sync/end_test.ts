/** Synchronisation that ends: what is under way then, and what is begun after. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Instance, NewUser, PrivateKey } from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { Transport } from "../../src/sync/mod.ts";
import { SYNC_END_MS } from "../../src/sync/sync.ts";
import type { ByteStream } from "../../src/transport/port.ts";
import { HandTimers, until } from "./cluster_bed.ts";
import { hasCode } from "./wire_bed.ts";

/** Leads to somebody who never answers: every exchange ends with its signal alone. */
class Silence implements Transport {
  readonly type = "silence";
  readonly isRunning: boolean = false;
  asked = Promise.withResolvers<void>();
  count = 0;

  canHandle = ({ transportType }: { transportType: string }) => transportType === this.type;
  start = () => Promise.resolve();
  stop = () => Promise.resolve();
  serverAddress = () => "nowhere";
  exchange: Transport["exchange"] = (_address, _request, options) => {
    this.count++;
    this.asked.resolve();
    return new Promise((_, reject) => {
      options?.signal?.addEventListener("abort", () => reject(options.signal?.reason), {
        once: true,
      });
    });
  };
}

/** Leads to somebody who never answers, and hears of no signal: neither before an answer begins nor in it. */
class Deafness extends Silence {
  isBegun = false;
  ended = Promise.withResolvers<void>();

  override exchange: Transport["exchange"] = () => {
    this.asked.resolve();
    if (!this.isBegun) return new Promise(() => {});
    return Promise.resolve(this.#answer());
  };

  #answer(): ByteStream {
    const next = () => new Promise<IteratorResult<Uint8Array>>(() => {});
    const end = () => {
      this.ended.resolve();
      return Promise.resolve({ done: true, value: undefined } as const);
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
  }
}

async function bed() {
  const { instance, user } = await Instance.createBackend(
    memoryStorage(),
    NewUser.passwordless("ada"),
  );
  const silence = new Silence();
  const sync = await instance.enableSync({ transports: { silence } });
  return { instance, user, sync, silence, db: await user.createDatabase({ name: "x" }) };
}

describe("the end of synchronisation", () => {
  it("ends what waits for somebody who never answers", async () => {
    const { instance, sync, silence } = await bed();
    const asking = sync.connectToPeer({ transportType: "silence", address: "anywhere" });
    const told = assert.rejects(asking, hasCode("InstanceDropped"));
    await silence.asked.promise;
    await sync.close();
    await told;
    await instance.close();
  });

  for (const isBegun of [false, true]) {
    it(`ends what waits for a transport that hears nothing${isBegun ? ", in an answer" : ""}`, async () => {
      const { instance, sync, silence } = await bed();
      const deafness = Object.assign(new Deafness(), { isBegun });
      await sync.addTransport("silence", deafness);
      const address = { transportType: silence.type, address: "anywhere" };
      // Whoever waits may have a signal of his own: that is another one.
      const { signal } = new AbortController();
      const told = assert.rejects(
        sync.connectToPeer(address, { signal }),
        hasCode("InstanceDropped"),
      );
      await deafness.asked.promise;
      await instance.close();
      await told;
      if (isBegun) await deafness.ended.promise;
    });
  }

  it("waits so long for work that never ends, and is over then", async () => {
    const timers = new HandTimers();
    const { instance } = await Instance.createBackend(memoryStorage(), NewUser.passwordless("ada"));
    const stuck = Object.assign(new Silence(), {
      isRunning: true,
      stop: () => new Promise<void>(() => {}),
    });
    const sync = await instance.enableSync({ timers, transports: { stuck } });
    let isOver = false;
    const closing = sync.close().then(() => isOver = true);
    await until(() => timers.pauses.includes(SYNC_END_MS));
    assert.equal(isOver, false);
    timers.fire(SYNC_END_MS);
    await closing;
    await instance.close();
  });

  it("begins nothing for a signal that is aborted already", async () => {
    const { instance, sync, silence } = await bed();
    const asking = sync.connectToPeer({ transportType: "silence", address: "anywhere" }, {
      signal: AbortSignal.abort(new Error("enough")),
    });
    await assert.rejects(asking, hasCode("Aborted"));
    assert.equal(silence.count, 0);
    await instance.close();
  });

  it("ends a server that was still on its way", async () => {
    const { instance, sync } = await bed();
    const serving = assert.rejects(sync.serve(), hasCode("InstanceDropped"));
    await sync.close();
    await serving;
    await instance.close();
  });

  it("nothing begins after it, until it is enabled again", async () => {
    const { instance, sync, db } = await bed();
    const peer = PrivateKey.generate().publicKey;
    await sync.registerPeer(peer, "bob");
    await sync.close();
    await sync.close();
    for (
      const begin of [
        () => sync.serve(),
        () => sync.syncNow(db, { peer }),
        () => sync.follow(db, { peers: [peer] }),
        () => sync.connectToPeer({ transportType: "silence", address: "anywhere" }),
        () => sync.addTransport("silence", new Silence()),
        () => sync.registerSyncPeer({ peer, tree: db.rootId }),
      ]
    ) await assert.rejects(begin, hasCode("InstanceDropped"), `${begin}`);
    const [again, same] = await Promise.all([instance.enableSync(), instance.enableSync()]);
    assert.equal(again, same);
    assert.notEqual(again, sync);
    assert.equal(instance.sync, again);
    assert.deepEqual((await again.listPeers()).map(({ displayName }) => displayName), ["bob"]);
    await (await again.serve()).close();
    await instance.close();
  });
});
