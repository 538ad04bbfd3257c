import { Permission } from "../auth/permission.ts";
import type { Database } from "../database/database.ts";
import { Doc } from "../crdt/doc.ts";
import type { ID } from "../entry/id.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { DatabaseTicket, Sync, TreeReport } from "../sync/port.ts";
import { optionsOf, requireFunction, requireInstance } from "../util/arguments.ts";
import { EideticaError, SyncError } from "../util/errors.ts";
import { requireSignal } from "../util/work.ts";
import type { UserHost } from "./host.ts";

/** How access is asked for. */
export interface AccessOptions {
  /** Key that asks; the user's default key unless told. */
  readonly key?: PublicKey;
  /** What is asked for; what the key may do already unless told. */
  readonly permission?: Permission;
  /** A note for whoever decides. */
  readonly note?: string | Doc;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
}

/** How a database is joined. */
export interface JoinOptions extends AccessOptions {
  /** Told of what has arrived so far. */
  readonly onProgress?: (report: TreeReport) => void;
}

/** Options of whoever asks for access or joins, checked: before anything is done, and before anybody is asked. */
export function joinOptions(given: JoinOptions | undefined, action: string): JoinOptions {
  const options = optionsOf(given, action);
  const { key, permission, note, signal, onProgress } = options;
  if (key !== undefined) requireInstance(key, PublicKey, action, "the key");
  if (permission !== undefined) requireInstance(permission, Permission, action, "the permission");
  if (note !== undefined && typeof note !== "string") {
    requireInstance(note, Doc, action, "the note");
  }
  requireSignal(signal, action);
  if (onProgress !== undefined) requireFunction(onProgress, action, "`onProgress`");
  return options;
}

/** The pause before it is looked again whether access was granted: at first, and at most, in milliseconds. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 15_000];

/** Synchronisation of an instance; `SyncNotEnabled` when it is not. */
export function requireSync(host: UserHost): Sync {
  const sync = host.sync();
  if (sync !== undefined) return sync;
  const message = "Cannot synchronise: it is not enabled; call `instance.enableSync()` first";
  throw new SyncError("SyncNotEnabled", message);
}

/** The ticket first, so that a failure leaves everything as it was. */
export async function share(
  sync: Sync,
  root: ID,
  enable: () => Promise<void>,
): Promise<DatabaseTicket> {
  const ticket = sync.createTicket(root);
  await enable();
  return ticket;
}

/** Asks once for the database of a ticket and for access to it; what came of it. */
export async function ask(
  sync: Sync,
  ticket: DatabaseTicket | string,
  key: PrivateKey,
  options: JoinOptions,
): Promise<{ readonly root: ID; readonly error: unknown }> {
  const parsed = await sync.ticketOf(ticket);
  const { permission, note, signal, onProgress } = options;
  const metadata = typeof note === "string" ? Doc.from({ note }) : note;
  const name = key.publicKey.toString();
  const controls = { signal, onProgress };
  const asked = sync.bootstrapWithTicket(parsed, key, name, permission, metadata, controls);
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason ?? new Error("refused"),
  );
  return { root: parsed.databaseId, error };
}

/** What joining does with the user who joins. */
export interface Joiner {
  /** Key that asks. */
  readonly key: PrivateKey;
  /** Notes what came of asking. */
  record(root: ID, key: PublicKey, error?: unknown): Promise<void>;
  /** Maps the key to the database. */
  map(root: ID, key: PublicKey): Promise<void>;
  /** Tracks the database, to be kept in step. */
  follow(root: ID, key: PublicKey): Promise<void>;
  /** Opens the database. */
  open(root: ID, key: PublicKey): Promise<Database>;
}

/** Gets a database by its ticket, asks for access where it is needed, and opens it. */
export async function join(
  sync: Sync,
  text: DatabaseTicket | string,
  options: JoinOptions,
  joiner: Joiner,
): Promise<Database> {
  const ticket = await sync.ticketOf(text);
  const { databaseId: root } = ticket;
  const { publicKey } = joiner.key;
  return await withKey(sync, root, joiner.key, async () => {
    await fetchOpenly(sync, ticket, options) || await fetchAsKey(sync, ticket, options, joiner);
    await joiner.follow(root, publicKey);
    return await joiner.open(root, publicKey);
  });
}

/** Reads a database with a key from now on; when the work fails it is read with the key from before again. */
async function withKey<T>(
  sync: Sync,
  root: ID,
  key: PrivateKey,
  work: () => Promise<T>,
): Promise<T> {
  const before = sync.keyFor(root);
  sync.useKey(root, key);
  try {
    return await work();
  } catch (error) {
    if (sync.keyFor(root) === key) sync.useKey(root, before);
    throw error;
  }
}

/** Reads what may be read with the key as it is; false when access has to be asked for. */
async function fetchOpenly(
  sync: Sync,
  ticket: DatabaseTicket,
  { permission, signal, onProgress }: JoinOptions,
): Promise<boolean> {
  if (permission !== undefined) return false;
  try {
    await sync.syncWithTicket(ticket, { signal, onProgress });
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Asks for access, again and again until somebody has decided. */
async function fetchAsKey(
  sync: Sync,
  ticket: DatabaseTicket,
  options: JoinOptions,
  { key, map }: Joiner,
): Promise<void> {
  const wished = { ...options, permission: options.permission ?? DEFAULT_PERMISSION };
  for (let pause = FIRST_PAUSE_MS;; pause = Math.min(LONGEST_PAUSE_MS, 2 * pause)) {
    const { root, error } = await ask(sync, ticket, key, wished);
    if (error === undefined) return;
    if (!(error instanceof EideticaError) || error.code !== "BootstrapPending") throw error;
    if (pause === FIRST_PAUSE_MS) await map(root, key.publicKey);
    await sync.accessAwaited(root, String(error.fields["requestId"]), pause, options.signal);
  }
}

/** What is asked for when a key has no access yet and nothing else is wished. */
const DEFAULT_PERMISSION = Permission.write(10);

function isRefusal(error: unknown): boolean {
  const codes = ["AuthenticationRequired", "PermissionDenied"];
  return error instanceof EideticaError && codes.includes(error.code);
}
