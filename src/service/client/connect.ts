import type { Engine } from "../../instance/port.ts";
import type { OpenedStorage } from "../../instance/opened_storage.ts";
import type { OpenOptions } from "../../instance/storage_opener.ts";
import type { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import { SystemClock } from "../../util/clock.ts";
import { InstanceError } from "../../util/errors.ts";
import type { Sync } from "../../sync/port.ts";
import { ConnectedBackend } from "./connected_backend.ts";
import { ConnectedWrites } from "./connected_writes.ts";
import { Connection } from "./connection.ts";
import type { ClientPlace } from "./port.ts";
import { loginAtDaemon } from "./login.ts";
import { Mirrors } from "./mirrors.ts";
import { DaemonSession, expected } from "./session.ts";

/** Connects to the daemon whose socket is at `path`. */
export async function connectThrough(
  place: ClientPlace,
  path: string,
  options: OpenOptions,
): Promise<OpenedStorage> {
  let mirrors: Mirrors | undefined;
  const connection = await Connection.open(place, path, {
    wrote: (write) => mirrors?.heard(write),
    ended: () => mirrors?.ended(),
  }, options.signal);
  try {
    const { clock = new SystemClock() } = options;
    const session = new DaemonSession(connection);
    const backend = await connectedBackend(connection, session, options, () => mirrors!);
    mirrors = new Mirrors({
      session,
      backend,
      clock,
      place,
      readOnly: options.readOnly,
      hangUp: () => connection.close(),
    });
    return { driver: backend.driver, backend, engine: engineOf(mirrors) };
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function connectedBackend(
  connection: Connection,
  session: DaemonSession,
  { random }: OpenOptions,
  mirrors: () => Mirrors,
): Promise<ConnectedBackend> {
  const asked = await connection.request({ type: "GetInstanceMetadata" });
  const { metadata } = expected(asked, "InstanceMetadata");
  if (metadata === undefined) throw noInstance();
  return new ConnectedBackend({
    metadata,
    hangUp: () => connection.close(),
    settle: (tree) => mirrors().of(tree).settle(),
    read: (id) => readEntry(session, id),
    submit: async (entry) => void await mirrors().submit(entry.root ?? entry.id, entry),
    setMetadata: async (changed) => {
      const op = { type: "SetInstanceMetadata", metadata: changed } as const;
      await session.ask(ID.parse(metadata.databases_db), op, "Ok");
    },
  }, random);
}

/** An entry of whatever database: the daemon looks at its own database, and whether that may be read. */
async function readEntry(session: DaemonSession, id: ID): Promise<Entry> {
  return (await session.ask(id, { type: "GetEntry", id }, "Entry")).entry;
}

function engineOf(mirrors: Mirrors): Engine {
  return {
    writes: new ConnectedWrites(mirrors),
    login: (host, name, password) => loginAtDaemon(mirrors, host, name, password),
    // The daemon synchronises what it is told to; there is nothing that a client could do.
    enableSync: () => Promise.resolve(undefined as unknown as Sync),
  };
}

function noInstance(): InstanceError {
  return new InstanceError(
    "DeviceKeyNotFound",
    "Cannot connect: the daemon's storage holds no instance; start the daemon on one that does",
  );
}
