import { type Database, Instance, NewUser, Permission, type Sync, type User } from "eidetica";
import { Progress } from "./progress.ts";

/** Who has the copy. */
const USER = "bob";

/** What the second instance has. */
export interface Copy {
  /** The copy, open until `close`. */
  readonly database: Database;
  /** How many entries it did not have before. */
  readonly arrived: number;
  /** Ends the second instance. */
  close(): Promise<void>;
}

/**
 * A second instance, at `url`, joins a database with a ticket, over HTTP on this machine, as one of another person
 * would over a network. The first time its user asks for access, which the owner grants; after that the copy is
 * brought up to date.
 */
export async function copyOf(
  database: Database,
  owner: User,
  sync: Sync,
  url: string,
  say: (text: string) => void,
): Promise<Copy> {
  const server = await sync.serve();
  const ticket = await owner.share(database);
  say(`Shared: ${ticket}`);
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless(USER));
  const over = new AbortController();
  // Who waits for access would wait for ever if it could not be granted.
  const granting = grantAll(owner, sync, over.signal).catch((error) => over.abort(error));
  try {
    await instance.enableSync();
    const me = user ?? await instance.loginUser(USER);
    const joined = await join(me, `${ticket}`, over.signal);
    return { ...joined, close: () => instance.close() };
  } catch (error) {
    await instance.close();
    throw error;
  } finally {
    over.abort();
    await granting;
    await server.close();
  }
}

/** Lets everybody in who asks; somebody else would look first who it is. */
async function grantAll(owner: User, sync: Sync, signal: AbortSignal): Promise<void> {
  for await (const event of sync.events({ signal })) {
    if (event.type === "accessRequested") await owner.approveBootstrapRequest(event.request);
  }
}

async function join(
  user: User,
  ticket: string,
  signal: AbortSignal,
): Promise<Omit<Copy, "close">> {
  const progress = new Progress("Copying");
  let arrived = 0;
  const database = await user.join(ticket, {
    permission: Permission.read,
    note: "the second instance of npm start",
    signal,
    onProgress: ({ verified }) => progress.tell(`${arrived = verified} entries`),
  });
  progress.end();
  return { database, arrived };
}
