import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { temporaryFolder } from "../bed.ts";
import { change, load, type Peer, pinned } from "./peer.ts";

type Privacy = "private" | "trusting";
type Engine = "NapiCrypto" | "WasmCrypto";

interface Crypto {
  newRandomAgentSecret(): string;
  getAgentID(secret: string): string;
  newRandomSessionID(agent: string): string;
}

interface Node {
  setStorage(storage: object): void;
  createGroup(): { createMap(): { set(key: string, value: string, privacy: Privacy): void } };
  gracefulShutdown(): Promise<void>;
}

interface Library {
  LocalNode: new (secret: string, session: string, crypto: Crypto) => Node;
  getSqliteStorage(driver: object): object;
}

async function node(engine: Engine): Promise<{ library: Library; node: Node }> {
  const library = await load<Library>("cojson");
  const cryptos = await load<Record<Engine, { create(): Promise<Crypto> }>>(
    `cojson/crypto/${engine}`,
  );
  const crypto = await cryptos[engine].create();
  const secret = crypto.newRandomAgentSecret();
  const session = crypto.newRandomSessionID(crypto.getAgentID(secret));
  return { library, node: new library.LocalNode(secret, session, crypto) };
}

type Parameters = (string | number | null)[];

/** A driver as its authors' own ones, on the SQLite that the runtimes have, as durable as ours. */
class Driver {
  /** How many transactions were committed. */
  committed = 0;
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  }

  #statement(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      this.#prepared.set(sql, statement = this.#database.prepare(sql));
    }
    return statement;
  }

  run(sql: string, parameters: Parameters): void {
    this.#statement(sql).run(...parameters);
  }

  get(sql: string, parameters: Parameters): unknown {
    return this.#statement(sql).get(...parameters);
  }

  query(sql: string, parameters: Parameters): unknown[] {
    return this.#statement(sql).all(...parameters);
  }

  transaction(work: () => unknown): void {
    this.#database.exec("BEGIN");
    try {
      work();
      this.#database.exec("COMMIT");
      this.committed++;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  getMigrationVersion(): number {
    return Number(this.#database.prepare("PRAGMA user_version").get()!.user_version);
  }

  saveMigrationVersion(version: number): void {
    this.#database.exec(`PRAGMA user_version = ${version}`);
  }

  closeDb(): void {
    this.#database.close();
  }
}

const DOES = {
  private:
    "transaction in its writer's session: hashes, encrypts, signs; the last signature is kept",
  trusting: "transaction in its writer's session: hashes, signs; the last signature is kept",
} as const;

function inMemory(privacy: Privacy, engine: Engine): Peer {
  const made = engine === "NapiCrypto" ? "native" : "WASM";
  return {
    name: `Jazz (cojson), ${privacy}, ${made}`,
    version: pinned("cojson"),
    signs: true,
    keeps: "memory",
    does: DOES[privacy],
    async prepare() {
      const { node: own } = await node(engine);
      const map = own.createGroup().createMap();
      return {
        // What follows a change is done when the code that made it has ended.
        step: async (number) => {
          const { key, value } = change(number);
          await map.set(key, value, privacy);
        },
        end: () => own.gracefulShutdown(),
      };
    },
  };
}

const inSqlite: Peer = {
  name: "Jazz (cojson), private, native, SQLite",
  version: pinned("cojson"),
  signs: true,
  keeps: "SQLite, WAL, synchronous=NORMAL",
  does: DOES.private,
  async prepare() {
    const { library, node: own } = await node("NapiCrypto");
    const { folder, remove } = temporaryFolder();
    const driver = new Driver(join(folder, "jazz.db"));
    own.setStorage(library.getSqliteStorage(driver));
    const map = own.createGroup().createMap();
    await Promise.resolve();
    return {
      step: async (number) => {
        const before = driver.committed;
        const { key, value } = change(number);
        await map.set(key, value, "private");
        if (driver.committed === before) throw new Error("The change was not stored at once");
      },
      end: async () => {
        await own.gracefulShutdown();
        remove();
      },
    };
  },
};

export const COJSON: readonly Peer[] = [
  inMemory("private", "NapiCrypto"),
  inMemory("private", "WasmCrypto"),
  inMemory("trusting", "NapiCrypto"),
  inSqlite,
];
