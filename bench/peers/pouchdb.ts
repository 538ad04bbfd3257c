import { join } from "node:path";
import { temporaryFolder } from "../bed.ts";
import { change, load, type Peer, pinned } from "./peer.ts";

interface PouchDb {
  info(): Promise<unknown>;
  put(document: { readonly _id: string; readonly value: string }): Promise<unknown>;
  destroy(): Promise<unknown>;
}

interface PouchDbClass {
  new (name: string, options: { adapter: string }): PouchDb;
  plugin(adapter: unknown): void;
}

function pouchDb(adapter: "memory" | "leveldb", name: string, keeps: string): Peer {
  return {
    name,
    version: pinned("pouchdb-core"),
    signs: false,
    keeps,
    does: "document with a tree of revisions; conflicts stay side by side",
    async prepare() {
      const { default: PouchDB } = await load<{ default: PouchDbClass }>("pouchdb-core");
      const plugin = await load<{ default: unknown }>(`pouchdb-adapter-${adapter}`);
      PouchDB.plugin(plugin.default);
      const { folder, remove } = temporaryFolder();
      const database = new PouchDB(join(folder, "pouch"), { adapter });
      await database.info();
      return {
        step(number) {
          const { key, value } = change(number);
          return database.put({ _id: key, value });
        },
        end: () => database.destroy().then(remove),
      };
    },
  };
}

export const POUCHDB: readonly Peer[] = [
  pouchDb("memory", "PouchDB", "memory"),
  pouchDb("leveldb", "PouchDB, LevelDB", "LevelDB, not synced"),
];
