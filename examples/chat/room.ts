import {
  type Database,
  type DatabaseTicket,
  Instance,
  NewUser,
  Permission,
  SyncSettings,
  Table,
  type User,
} from "../../mod.ts";

/** A message, as the table holds it: the Rust project's chat reads and writes the same. */
export interface Message {
  id: string;
  author: string;
  content: string;
  /** RFC 3339, in UTC. */
  timestamp: string;
}

const Messages = Table.of<Message>();
const STORE = "messages";
/** What somebody who joins asks for; the room grants it to everybody. */
const ASKED = Permission.write(5);
/** How often peers are compared besides what is sent at each commit, in seconds. */
const INTERVAL_SECONDS = 2;
/** Longest wait for a room that somebody joins, in milliseconds. */
const JOIN_MS = 30_000;

/** A room: a database that everybody with its ticket may write to. */
export class Room {
  readonly name: string;
  readonly ticket: string;
  readonly #database: Database;
  readonly #instance: Instance;

  private constructor(name: string, ticket: string, database: Database, instance: Instance) {
    this.name = name;
    this.ticket = ticket;
    this.#database = database;
    this.#instance = instance;
  }

  /** Makes a room, or joins that of a ticket. */
  static async open(storage: string, author: string, ticket?: DatabaseTicket): Promise<Room> {
    const { instance, user } = await Instance.connectOrCreate(
      storage,
      NewUser.passwordless(author),
    );
    try {
      const me = user ?? await instance.loginUser(author);
      await (await instance.enableSync()).serve();
      const database = ticket === undefined ? await create(me) : await join(me, ticket);
      const shared = ticket ?? await me.share(database);
      return new Room(await database.getName(), `${shared}`, database, instance);
    } catch (error) {
      await instance.close();
      throw error;
    }
  }

  /** All messages, the oldest first. */
  async messages(): Promise<Message[]> {
    const rows = await (await this.#database.getStoreViewer(Messages, STORE)).search(() => true);
    return rows.map(([, message]) => message)
      .sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
  }

  /** Sends a message; blank ones are none. */
  async send(author: string, text: string): Promise<void> {
    const content = text.trim();
    if (content === "") return;
    const message = {
      id: crypto.randomUUID(),
      author,
      content,
      timestamp: new Date().toISOString(),
    };
    await this.#database.withTransaction(async (tx) => {
      await (await tx.getStore(Messages, STORE)).insert(message);
    });
  }

  /** Calls `changed` whenever messages have come; gives what ends that. */
  async follow(changed: () => Promise<void>): Promise<Disposable> {
    return await this.#database.onWrite(changed);
  }

  /** Leaves the room: what was written reaches those who are there. */
  async leave(): Promise<void> {
    await this.#instance.flushSync().catch(() => undefined);
    await this.#instance.close();
  }
}

async function create(user: User): Promise<Database> {
  const now = new Date().toISOString().slice(0, 19).replace("T", " ");
  const database = await user.createDatabase({ name: `Chat Room - ${now}` });
  await database.grant("everyone", "write:0");
  await track(user, database);
  return database;
}

async function join(user: User, ticket: DatabaseTicket): Promise<Database> {
  const signal = AbortSignal.timeout(JOIN_MS);
  const database = await user.join(ticket, { permission: ASKED, signal });
  await track(user, database);
  return database;
}

/** Sends every commit at once, and compares now and then. */
async function track(user: User, database: Database): Promise<void> {
  const settings = SyncSettings.withInterval(SyncSettings.onCommit(), INTERVAL_SECONDS);
  await user.trackDatabase(database.rootId, user.defaultKey(), settings);
}
