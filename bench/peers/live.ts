import { addressOf, copies, databases, node } from "../live_bed.ts";
import { commitOne } from "../workloads.ts";
import { change, load, ownVersion, type Peer, pinned, type Steps } from "./peer.ts";

/*
 * Two sides over WebSockets of this machine, in one process: a step is a change at one side, until a handler of the other
 * has been called for it. With most of them both sides are clients, and a server is between them.
 */

/** Something that can be waited for again and again. */
function signal(): { readonly call: () => void; next(): Promise<void> } {
  let resolve = () => {};
  return {
    call: () => resolve(),
    next: () => new Promise<void>((done) => resolve = done),
  };
}

function eidetica(name: string, does: string, prepare: () => Promise<Steps>): Peer {
  return { name, version: ownVersion(), signs: true, keeps: "memory", does, prepare };
}

const direct = eidetica(
  "Eidetica, direct",
  "entry in a DAG: signed, its signature and permission verified by the other side",
  async () => {
    const [home, away] = [await node("home"), await node("away")];
    const [source] = await databases(home, 1);
    const [copy] = await copies(away, [source!], await addressOf(home));
    const arrived = signal();
    await copy!.onWrite(arrived.call);
    return {
      async step(number) {
        const { key, value } = change(number);
        const next = arrived.next();
        await commitOne(source!, key, value);
        await next;
      },
      async end() {
        await away.instance.close();
        await home.instance.close();
      },
    };
  },
);

const relayed = eidetica(
  "Eidetica, over a relay",
  "the same, verified by a relay between both as well",
  async () => {
    const [ada, relay, bob] = [await node("ada"), await node("relay"), await node("bob")];
    relay.sync.fetchHandler({ relay: true });
    const at = await addressOf(relay);
    const [source] = await databases(ada, 1);
    await (await ada.sync.follow(source!, { peers: [at] })).synced();
    const [copy] = await copies(bob, [source!], at);
    const arrived = signal();
    await copy!.onWrite(arrived.call);
    return {
      async step(number) {
        const { key, value } = change(number);
        const next = arrived.next();
        await commitOne(source!, key, value);
        await next;
      },
      async end() {
        for (const { instance } of [bob, ada, relay]) await instance.close();
      },
    };
  },
);

interface YMap {
  set(key: string, value: string): void;
  observe(call: () => void): void;
}

interface YDoc {
  getMap(name: string): YMap;
  destroy(): void;
}

interface HocuspocusServer {
  listen(): Promise<unknown>;
  readonly webSocketURL: string;
  destroy(): Promise<unknown>;
}

interface HocuspocusProvider {
  destroy(): void;
}

const hocuspocus: Peer = {
  name: "Yjs, Hocuspocus",
  version: pinned("@hocuspocus/server"),
  signs: false,
  keeps: "memory",
  does: "document that merges, over a server between both",
  async prepare() {
    const { Server } = await load<{ Server: new (options: object) => HocuspocusServer }>(
      "@hocuspocus/server",
    );
    const { HocuspocusProvider } = await load<{
      HocuspocusProvider: new (options: object) => HocuspocusProvider;
    }>("@hocuspocus/provider");
    const { Doc } = await load<{ Doc: new () => YDoc }>("yjs");
    const server = new Server({ port: 0, address: "127.0.0.1", quiet: true });
    await server.listen();
    const provider = async (document: YDoc) => {
      const synced = signal();
      const done = synced.next();
      const options = { url: server.webSocketURL, name: "bench", document, onSynced: synced.call };
      const made = new HocuspocusProvider(options);
      await done;
      return made;
    };
    const [one, two] = [new Doc(), new Doc()];
    const providers = [await provider(one), await provider(two)];
    const arrived = signal();
    two.getMap("data").observe(arrived.call);
    const map = one.getMap("data");
    return {
      async step(number) {
        const { key, value } = change(number);
        const next = arrived.next();
        map.set(key, value);
        await next;
      },
      async end() {
        for (const made of providers) made.destroy();
        await server.destroy();
      },
    };
  },
};

interface SocketServer {
  address(): { readonly port: number };
  on(event: string, call: () => void): void;
  close(call: () => void): void;
}

/** A server of `ws`, and the address of it. */
async function socketServer(): Promise<
  { server: SocketServer; url: string; close(): Promise<void> }
> {
  const { WebSocketServer } = await load<{
    WebSocketServer: new (options: object) => SocketServer;
  }>("ws");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise<void>((resolve) => server.on("listening", resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { server, url: `ws://127.0.0.1:${server.address().port}`, close };
}

interface TinyStore {
  setCell(table: string, row: string, cell: string, value: string): void;
  addTableListener(table: string, call: () => void): string;
}

interface Synchronizer {
  startSync(): Promise<unknown>;
  destroy(): Promise<unknown>;
}

const tinyBase: Peer = {
  name: "TinyBase, MergeableStore",
  version: pinned("tinybase"),
  signs: false,
  keeps: "memory",
  does: "cells that merge, over a server between both",
  async prepare() {
    const { createMergeableStore } = await load<{ createMergeableStore(): TinyStore }>("tinybase");
    const { createWsServerSimple } = await load<{
      createWsServerSimple(server: SocketServer): { destroy(): Promise<unknown> };
    }>("tinybase/synchronizers/synchronizer-ws-server-simple");
    const { createWsSynchronizer } = await load<{
      createWsSynchronizer(store: TinyStore, socket: WebSocket): Promise<Synchronizer>;
    }>("tinybase/synchronizers/synchronizer-ws-client");
    const { server, url, close } = await socketServer();
    const between = createWsServerSimple(server);
    const [one, two] = [createMergeableStore(), createMergeableStore()];
    const synchronizers: Synchronizer[] = [];
    for (const store of [one, two]) {
      const made = await createWsSynchronizer(store, new WebSocket(url));
      await made.startSync();
      synchronizers.push(made);
    }
    const arrived = signal();
    two.addTableListener("data", arrived.call);
    return {
      async step(number) {
        const { key, value } = change(number);
        const next = arrived.next();
        one.setCell("data", key, "value", value);
        await next;
      },
      async end() {
        for (const made of synchronizers) await made.destroy();
        await between.destroy();
        await close();
      },
    };
  },
};

interface DocHandle {
  readonly url: string;
  change(work: (draft: Record<string, string>) => void): void;
  on(event: string, call: () => void): void;
}

interface Repo {
  create(value: object): DocHandle;
  find(url: string): Promise<DocHandle>;
  shutdown(): Promise<unknown>;
}

const automergeRepo: Peer = {
  name: "automerge-repo",
  version: pinned("@automerge/automerge-repo"),
  signs: false,
  keeps: "memory",
  does: "document that merges, each change hashed, direct",
  async prepare() {
    const { Repo } = await load<{ Repo: new (options: object) => Repo }>(
      "@automerge/automerge-repo",
    );
    const { WebSocketServerAdapter, WebSocketClientAdapter } = await load<{
      WebSocketServerAdapter: new (server: SocketServer) => object;
      WebSocketClientAdapter: new (url: string) => object;
    }>("@automerge/automerge-repo-network-websocket");
    const { server, url, close } = await socketServer();
    const home = new Repo({ network: [new WebSocketServerAdapter(server)] });
    const away = new Repo({ network: [new WebSocketClientAdapter(url)] });
    const source = home.create({});
    const copy = await away.find(source.url);
    const arrived = signal();
    copy.on("change", arrived.call);
    return {
      async step(number) {
        const { key, value } = change(number);
        const next = arrived.next();
        source.change((draft) => {
          draft[key] = value;
        });
        await next;
      },
      async end() {
        await away.shutdown();
        await home.shutdown();
        await close();
      },
    };
  },
};

/** Databases and documents that are kept in step live. */
export const LIVE: readonly Peer[] = [direct, relayed, hocuspocus, tinyBase, automergeRepo];
