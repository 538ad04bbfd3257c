import { join } from "node:path";
import { temporaryFolder } from "../bed.ts";
import { change, load, type Peer, pinned } from "./peer.ts";

type Storage = object;

interface Identities {
  createIdentity(options: { id: string }): Promise<object>;
}

interface Log {
  append(data: unknown): Promise<unknown>;
  close(): Promise<void>;
}

interface Library {
  KeyStore(options: { storage: Storage }): Promise<object>;
  Identities(options: { keystore: object }): Promise<Identities>;
  Log(identity: object, options: Readonly<Record<string, unknown>>): Promise<Log>;
  MemoryStorage(): Promise<Storage>;
  LevelStorage(options: { path: string }): Promise<Storage>;
}

/** The three storages of a log: entries, heads, index. */
async function storages(library: Library, folder: string): Promise<Record<string, Storage>> {
  const open = (name: string) => library.LevelStorage({ path: join(folder, name) });
  return {
    entryStorage: await open("entries"),
    headsStorage: await open("heads"),
    indexStorage: await open("index"),
  };
}

function orbitDb(isDurable: boolean, name: string, keeps: string): Peer {
  return {
    name,
    version: pinned("@orbitdb/core"),
    signs: true,
    keeps,
    does: "entry in a DAG: encodes, hashes, signs (secp256k1), indexes",
    async prepare() {
      const library = await load<Library>("@orbitdb/core");
      const keystore = await library.KeyStore({ storage: await library.MemoryStorage() });
      const identities = await library.Identities({ keystore });
      const identity = await identities.createIdentity({ id: "bench" });
      const { folder, remove } = temporaryFolder();
      const more = isDurable ? await storages(library, folder) : {};
      const log = await library.Log(identity, { logId: "bench", ...more });
      return { step: (number) => log.append(change(number)), end: () => log.close().then(remove) };
    },
  };
}

export const ORBITDB: readonly Peer[] = [
  orbitDb(false, "OrbitDB, Log.append", "memory"),
  orbitDb(true, "OrbitDB, Log.append, LevelDB", "LevelDB, not synced"),
];
