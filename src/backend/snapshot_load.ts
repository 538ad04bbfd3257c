import { Entry } from "../entry/entry.ts";
import { requireNotAborted } from "../util/abort.ts";
import { BackendError } from "../util/errors.ts";
import { type Json64, parseJson64InTurns } from "../util/json64.ts";
import { turns } from "../util/turns.ts";
import type { WorkOptions } from "../util/work.ts";
import type { InstanceMetadata, InstanceSecrets, VerificationStatus } from "./backend.ts";
import type { LocalBackend } from "./local.ts";
import { compareInTree } from "./tree/walk.ts";

/** The one version of the format that is read; it is never written while it is 0. */
export const SNAPSHOT_VERSION = 0;

/** Deepest nesting that is read. */
const MAX_DEPTH = 127;

/** After how many entries the progress is told. */
const TOLD_AT = 256;

function refuse(reason: string, cause?: unknown): BackendError {
  return new BackendError("DeserializationFailed", `Cannot read a snapshot: ${reason}`, {
    cause,
    fields: { reason },
  });
}

function object(value: Json64 | undefined, what: string): ReadonlyMap<string, Json64> {
  if (value instanceof Map) return value;
  throw refuse(`"${what}" is not an object`);
}

/**
 * Puts the content of a snapshot file (snapshot_file.ts) into an empty engine; nothing of a bad file is
 * kept. Progress is told in entries, in parts; an abort is heard after each part.
 */
export async function loadSnapshot(
  backend: LocalBackend,
  text: string,
  work: WorkOptions = {},
): Promise<void> {
  const file = await parseFile(text);
  const version = file.get("_v") ?? SNAPSHOT_VERSION;
  if (version !== SNAPSHOT_VERSION) throw refuse(`its version is ${String(version)}, expected 0`);
  const entries = await readEntries(object(file.get("entries"), "entries"));
  const statuses = object(file.get("verification_status") ?? new Map(), "verification_status");
  const steps = new Steps(entries.length, work);
  for (const [tree, group] of groupByTree(entries)) {
    await backend.update(tree, async (update) => {
      for (const entry of group) {
        await update.insert(entry, readStatus(statuses.get(entry.id.toString())));
        await steps.next();
      }
    });
  }
  await loadRecords(backend, file);
  steps.tell();
}

/** Counts entries, tells the progress now and then, and lets others have their turns. */
class Steps {
  readonly #total: number;
  readonly #work: WorkOptions;
  #done = 0;

  /** Begins with none of `total`. */
  constructor(total: number, work: WorkOptions) {
    this.#total = total;
    this.#work = work;
    this.tell();
  }

  /** One entry more is done. */
  async next(): Promise<void> {
    if (++this.#done % TOLD_AT === 0 && this.#done < this.#total) this.tell();
    if (turns.isOver) await turns.next();
  }

  /** A part is done. */
  tell(): void {
    requireNotAborted({ signal: this.#work.signal, action: "read a snapshot" });
    this.#work.onProgress?.({ done: this.#done, total: this.#total });
  }
}

async function parseFile(text: string): Promise<ReadonlyMap<string, Json64>> {
  try {
    return object(await parseJson64InTurns(text, { maxDepth: MAX_DEPTH }), "the file");
  } catch (cause) {
    // The text holds private keys: only our own messages may be passed on.
    throw cause instanceof BackendError ? cause : refuse("it is not JSON of the expected form");
  }
}

async function readEntries(map: ReadonlyMap<string, Json64>): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const [id, json] of map) {
    const entry = readEntry(id, json);
    if (entry.id.toString() !== id) throw refuse(`the entry "${id}" has the ID "${entry.id}"`);
    entries.push(entry);
    if (turns.isOver) await turns.next();
  }
  return entries;
}

function readEntry(id: string, json: Json64): Entry {
  try {
    return Entry.fromJson64(json);
  } catch (cause) {
    throw refuse(`the entry "${id}" is not one`, cause);
  }
}

function groupByTree(entries: readonly Entry[]): [Entry["id"], Entry[]][] {
  const groups = new Map<string, [Entry["id"], Entry[]]>();
  for (const entry of [...entries].sort(compareInTree)) {
    const tree = entry.root ?? entry.id;
    const group = groups.get(tree.toString()) ?? [tree, []];
    group[1].push(entry);
    groups.set(tree.toString(), group);
  }
  return [...groups.values()];
}

const STATUSES: readonly unknown[] = ["Verified", "Failed", "Unverified"];

/** Without a record nothing was decided. */
function readStatus(value: Json64 | undefined): VerificationStatus {
  if (value === undefined) return "Unverified";
  if (STATUSES.includes(value)) return value as VerificationStatus;
  throw refuse("a verification status is not one of Verified, Failed and Unverified");
}

async function loadRecords(
  backend: LocalBackend,
  file: ReadonlyMap<string, Json64>,
): Promise<void> {
  const secrets = file.get("instance_secrets") ?? null;
  if (secrets !== null) {
    const map = object(secrets, "instance_secrets");
    await backend.setInstanceSecrets(
      { signing_key: text(map, "signing_key") } satisfies InstanceSecrets,
    );
  }
  const metadata = file.get("instance_metadata") ?? null;
  if (metadata === null) return;
  const map = object(metadata, "instance_metadata");
  const syncDb = map.get("sync_db") ?? null;
  const record: InstanceMetadata = {
    id: text(map, "id"),
    users_db: text(map, "users_db"),
    databases_db: text(map, "databases_db"),
    sync_db: syncDb === null ? null : text(map, "sync_db"),
  };
  await backend.setInstanceMetadata(record);
}

function text(map: ReadonlyMap<string, Json64>, name: string): string {
  const value = map.get(name);
  if (typeof value === "string") return value;
  throw refuse(`"${name}" is not a text`);
}
