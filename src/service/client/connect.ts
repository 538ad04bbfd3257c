import type { Engine } from "../../instance/port.ts";
import type { OpenedStorage } from "../../instance/opened_storage.ts";
import type { OpenOptions } from "../../instance/storage_opener.ts";
import type { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import { SystemClock } from "../../util/clock.ts";
import type { Sync } from "../../sync/port.ts";
import { type BackendSource, ConnectedBackend } from "./connected_backend.ts";
import { ConnectedWrites } from "./connected_writes.ts";
import type { ClientPlace } from "./port.ts";
import { loginAtDaemon } from "./login.ts";
import { Line } from "./line.ts";
import { Mirrors } from "./mirrors.ts";
import { DaemonSession } from "./session.ts";

/** What is behind a line. */
interface Parts {
  readonly session: DaemonSession;
  readonly mirrors: Mirrors;
}

/** Connects to the daemon whose socket is at `path`. */
export async function connectThrough(
  place: ClientPlace,
  path: string,
  options: OpenOptions,
): Promise<OpenedStorage> {
  const { clock = new SystemClock(), random, readOnly, reconnect, signal } = options;
  // What the line tells of before there is anybody to be told is nobody's.
  const made: { parts?: Parts } = {};
  const line = await Line.open({ place, path, reconnect }, {
    wrote: (write) => made.parts?.mirrors.heard(write),
    lost: () => made.parts?.mirrors.lost(),
    restored: () => void (made.parts && restore(made.parts)),
  }, signal);
  const session = new DaemonSession(line);
  const backend = new ConnectedBackend(sourceOf(line, session, () => made.parts!.mirrors), random);
  const ends = { cut: () => line.cut(), hangUp: () => line.close() };
  const mirrors = new Mirrors({ session, backend, clock, place, readOnly, ...ends });
  made.parts = { session, mirrors };
  return { driver: backend.driver, backend, engine: engineOf(mirrors) };
}

/** Who was logged in is so again; then the daemon is asked to tell again what it told. */
async function restore({ session, mirrors }: Parts): Promise<void> {
  await session.restored();
  await mirrors.loggedIn();
}

function sourceOf(line: Line, session: DaemonSession, mirrors: () => Mirrors): BackendSource {
  const { metadata } = line;
  return {
    metadata,
    hangUp: () => line.close(),
    settle: (tree) => mirrors().of(tree).settle(),
    read: (id) => readEntry(session, id),
    submit: async (entry) => void await mirrors().submit(entry.root ?? entry.id, entry),
    setMetadata: async (changed) => {
      const op = { type: "SetInstanceMetadata", metadata: changed } as const;
      await session.ask(ID.parse(metadata.databases_db), op, "Ok");
    },
  };
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
