import { change, load, type Peer, pinned } from "./peer.ts";

/*
 * Documents that merge, in memory alone and without signatures: what a database adds to them is not in
 * these figures.
 */

interface YjsDoc {
  getMap(name: string): { set(key: string, value: string): void };
  transact(work: () => void): void;
  destroy(): void;
}

const yjs: Peer = {
  name: "Yjs, map.set",
  version: pinned("yjs"),
  signs: false,
  keeps: "memory",
  does: "document that merges",
  async prepare() {
    const { Doc } = await load<{ Doc: new () => YjsDoc }>("yjs");
    const document = new Doc();
    const map = document.getMap("data");
    return {
      step(number) {
        const { key, value } = change(number);
        document.transact(() => map.set(key, value));
      },
      end: () => document.destroy(),
    };
  },
};

interface Automerge {
  init(): object;
  change(document: object, work: (draft: Record<string, string>) => void): object;
  free(document: object): void;
}

const automerge: Peer = {
  name: "Automerge, change",
  version: pinned("@automerge/automerge"),
  signs: false,
  keeps: "memory",
  does: "document that merges: hashes each change",
  async prepare() {
    const library = await load<Automerge>("@automerge/automerge");
    let document = library.init();
    return {
      step(number) {
        const { key, value } = change(number);
        document = library.change(document, (draft) => {
          draft[key] = value;
        });
      },
      end: () => library.free(document),
    };
  },
};

interface LoroDoc {
  getMap(name: string): { set(key: string, value: string): void };
  commit(): void;
  free(): void;
}

const loro: Peer = {
  name: "Loro, map.set and commit",
  version: pinned("loro-crdt"),
  signs: false,
  keeps: "memory",
  does: "document that merges",
  async prepare() {
    const { LoroDoc } = await load<{ LoroDoc: new () => LoroDoc }>("loro-crdt");
    const document = new LoroDoc();
    const map = document.getMap("data");
    return {
      step(number) {
        const { key, value } = change(number);
        map.set(key, value);
        document.commit();
      },
      end: () => document.free(),
    };
  },
};

export const DOCUMENTS: readonly Peer[] = [yjs, automerge, loro];
