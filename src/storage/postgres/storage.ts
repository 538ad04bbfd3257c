import { setInspection } from "#inspect";
import { buffer, timers } from "#node";
import type {
  Batch,
  Capabilities,
  CommitResult,
  Pair,
  Range,
  StorageDriver,
  Stored,
  Version,
} from "../driver.ts";
import { StorageError } from "../../util/errors.ts";
import { GroupCommit } from "../group_commit.ts";
import { independentRuns, nameOf } from "../shared/independent.ts";
import { LookLog } from "../shared/look_log.ts";
import { KeyWatch } from "../shared/key_watch.ts";
import { requireFits } from "../shared/limits.ts";
import { answerWithin } from "../shared/patience.ts";
import { listByPage } from "../shared/pages.ts";
import type { PostgresClient } from "./client.ts";
import { isLost, isPassing, noAnswer, placeError, postgresError } from "./errors.ts";
import type { PostgresRow, PostgresSql } from "./types.ts";

/** How often a transaction is tried that other writers get in the way of. */
const MAX_ATTEMPTS = 10;
const MAX_BATCH_BYTES = 200_000_000;
/** How long the server may take to be told goodbye, in milliseconds. */
const GOODBYE_MS = 5000;
/** How often watchers look for what no notification has told, in milliseconds. */
const LOOK_MS = 2000;

const CAPABILITIES: Capabilities = Object.freeze({
  durable: true,
  multiWriter: true,
  isFar: true,
  // PostgreSQL takes 2,704 bytes into an index.
  maxKeyBytes: 2600,
  maxValueBytes: 100_000_000,
  maxBatchChanges: 100_000,
});

/** Where a storage is, and whose the connections are. */
export interface PostgresPlace {
  /** Name for errors. */
  readonly place: string;
  /** Schema of the tables. */
  readonly schema: string;
  /** Whether closing the storage ends the connections. */
  readonly isOwner: boolean;
  /** Whether every write is refused. */
  readonly isReadOnly: boolean;
}

/** What came of a batch; with an error when it failed for another reason than its checks. */
type Outcome = CommitResult | Failure;

interface Failure {
  readonly ok: false;
  readonly error: unknown;
}

/** The driver on tables that are there. */
export class PostgresStorage implements StorageDriver {
  /** Kind of storage. */
  readonly name: string = "postgres";
  /** What it can do and bear. */
  readonly capabilities: Capabilities = CAPABILITIES;
  readonly #client: PostgresClient;
  readonly #sql: PostgresSql;
  readonly #at: PostgresPlace;
  readonly #queries: Queries;
  readonly #group = new GroupCommit((batches) => this.#apply(batches));
  readonly #log = new LookLog("postgres");
  readonly #watch = new KeyWatch((keys) => this.#versions(keys));
  #listening: Promise<() => PromiseLike<unknown>> | undefined;
  #looking: ReturnType<typeof timers.setInterval> | undefined;
  #isClosing = false;
  #isClosed = false;

  /** A storage by `client`. */
  constructor(client: PostgresClient, at: PostgresPlace) {
    this.#client = client;
    this.#sql = client.sql;
    this.#at = at;
    this.#queries = queriesOf(at.schema);
  }

  async #run(
    action: string,
    query: string,
    parameters: (string | Uint8Array | number)[],
    attempt = 1,
  ): Promise<readonly PostgresRow[]> {
    if (this.#isClosed) throw this.#closed();
    try {
      return await this.#sql.unsafe(query, parameters, { prepare: true });
    } catch (cause) {
      if (isPassing(cause)) throw cause;
      // A read changes nothing, so it can be asked again on another connection.
      const isWorthAsking = action === "read" && isLost(cause) && attempt < MAX_ATTEMPTS;
      if (isWorthAsking) return await this.#run(action, query, parameters, attempt + 1);
      throw postgresError(this.#at.place, action, cause);
    }
  }

  #closed(): Error {
    return placeError("Closed", this.#at.place, "use", "it was closed; open it again");
  }

  #readOnly(): Error {
    const what = "it was opened for reading only; open it without `readOnly`";
    return placeError("ReadOnly", this.#at.place, "write", what);
  }

  /** See {@link StorageDriver.get}. */
  async get(key: Uint8Array): Promise<Stored | undefined> {
    const [row] = await this.#run("read", this.#queries.get, [key]);
    return row && storedOf(row);
  }

  /** See {@link StorageDriver.getMany}. */
  async getMany(keys: readonly Uint8Array[]): Promise<(Stored | undefined)[]> {
    const rows = await this.#run("read", this.#queries.getMany, [arrayOf(keys.map(hexOf))]);
    const found = new Map(rows.map((row) => [nameOf(row.key as Uint8Array), storedOf(row)]));
    return keys.map((key) => found.get(nameOf(key)));
  }

  /** See {@link StorageDriver.list}. */
  list(range: Range): AsyncIterable<readonly Pair[]> {
    const { forward, backward } = this.#queries;
    return listByPage(range, async ({ start, end, reverse }, limit) => {
      const rows = await this.#run("read", reverse ? backward : forward, [start, end, limit]);
      return rows.map((row) => ({ key: bytesOf(row.key), ...storedOf(row) }));
    }, true);
  }

  /** See {@link StorageDriver.commit}. */
  async commit(batch: Batch): Promise<CommitResult> {
    if (this.#isClosing) throw this.#closed();
    if (this.#at.isReadOnly) throw this.#readOnly();
    requireFits(batch, this.capabilities, MAX_BATCH_BYTES);
    const outcome: Outcome = await this.#group.commit(batch);
    if ("error" in outcome) throw outcome.error;
    return outcome;
  }

  async #apply(batches: readonly Batch[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const run of independentRuns(batches)) {
      // A failure belongs to its own run only: those before it are written already.
      const failed = (error: unknown) => run.map(() => ({ ok: false, error } as const));
      const before = outcomes.at(-1);
      // Nor would those after it reach the server, each after the same wait.
      if (before !== undefined && isUnreached(before)) outcomes.push(...failed(before.error));
      else outcomes.push(...await this.#applyRun(run).catch(failed));
    }
    return outcomes;
  }

  async #applyRun(batches: readonly Batch[], attempt = 1): Promise<Outcome[]> {
    try {
      const [row] = await this.#run("write", this.#queries.commit, parametersOf(batches));
      if (row === undefined) throw noAnswer();
      const refused = new Set(String(row.refused).match(/\d+/g)?.map(Number));
      const version = row.version as Version;
      return batches.map((_, at) => refused.has(at) ? { ok: false } : { ok: true, version });
    } catch (cause) {
      if (isPassing(cause) && attempt < MAX_ATTEMPTS) return this.#applyRun(batches, attempt + 1);
      throw postgresError(this.#at.place, "write", cause);
    }
  }

  async #versions(keys: readonly Uint8Array[]): Promise<(Version | undefined)[]> {
    return (await this.getMany(keys)).map((stored) => stored?.version);
  }

  /** See {@link StorageDriver.watch}. */
  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    if (this.#isClosed) throw this.#closed();
    const stop = this.#watch.add(keys, changed);
    this.#listening ??= this.#listen();
    this.#look();
    return stop;
  }

  #look(): void {
    // A connection that is lost is made anew, and then everything is looked at again.
    const failed = (error: unknown) => this.#isClosed || this.#log.failed(error);
    this.#watch.look().then(() => this.#log.worked(), failed);
  }

  async #listen(): Promise<() => PromiseLike<unknown>> {
    const look = () => this.#look();
    // The client gives up listening when it is cut off again while it begins anew, and tells nobody.
    this.#looking = timers.setInterval(look, LOOK_MS);
    this.#looking.unref();
    // Where nobody can listen, behind some pools, looking now and then is all there is.
    const listening = await Promise.resolve(this.#sql.listen?.(this.#at.schema, look, look))
      .catch(() => undefined);
    return () => listening?.unlisten() ?? Promise.resolve();
  }

  /** See {@link StorageDriver.close}. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#group.idle();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch.clear();
    timers.clearInterval(this.#looking);
    if (this.#at.isOwner) await this.#end();
    else await this.#unlisten();
  }

  /** Ends the connections, politely where the server answers. */
  async #end(): Promise<void> {
    await this.#sql.end({ timeout: GOODBYE_MS / 1000 });
    this.#client.end();
  }

  async #unlisten(): Promise<void> {
    const stopped = this.#listening?.then((stop) => stop());
    if (stopped === undefined) return;
    await answerWithin(GOODBYE_MS, stopped, noAnswer).catch(() => undefined);
  }
}

setInspection(PostgresStorage, "PostgresStorage");

/** Whether a batch was not even tried, since the server cannot be reached. */
function isUnreached(outcome: Outcome): outcome is Failure {
  if (!("error" in outcome) || !(outcome.error instanceof StorageError)) return false;
  return outcome.error.code === "CannotOpen";
}

interface Queries {
  readonly get: string;
  readonly getMany: string;
  readonly forward: string;
  readonly backward: string;
  readonly commit: string;
}

function queriesOf(schema: string): Queries {
  const range = `SELECT key, value, version FROM ${schema}.kv WHERE key >= $1 AND key < $2`;
  return {
    get: `SELECT value, version FROM ${schema}.kv WHERE key = $1`,
    getMany: `SELECT key, value, version FROM ${schema}.kv WHERE key = ANY ($1::text::bytea[])`,
    forward: `${range} ORDER BY key ASC LIMIT $3`,
    backward: `${range} ORDER BY key DESC LIMIT $3`,
    commit: `SELECT version, refused::text FROM ${schema}.commit(
      $1::text::integer[], $2::text::bytea[], $3::text::bigint[], $4::text::integer[],
      $5::text::bytea[], $6::text::integer[], $7::text::bytea[], $8::text::bytea[])`,
  };
}

/** The columns that the function takes, with the number of its batch for every item. */
function parametersOf(batches: readonly Batch[]): string[] {
  const columns: string[][] = Array.from({ length: 8 }, () => []);
  const add = (first: number, ...items: string[]) =>
    items.forEach((item, at) => columns[first + at]!.push(item));
  batches.forEach(({ checks = [], set = [], delete: remove = [] }, at) => {
    for (const { key, version } of checks) add(0, String(at), hexOf(key), bigintOf(version));
    for (const key of remove) add(3, String(at), hexOf(key));
    // A key that is written twice would be an error to PostgreSQL.
    const last = new Map(set.map(([key, value]) => [nameOf(key), [key, value] as const]));
    for (const [key, value] of last.values()) add(5, String(at), hexOf(key), hexOf(value));
  });
  return columns.map(arrayOf);
}

/** A version as the server wants it; -1, which no key has, for what it never gave. */
function bigintOf(version: Version | undefined): string {
  if (version === undefined) return "NULL";
  return /^\d{1,18}$/.test(String(version)) ? String(version) : "-1";
}

function hexOf(bytes: Uint8Array): string {
  const hex = buffer.Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  return `"\\\\x${hex}"`;
}

function arrayOf(items: readonly string[]): string {
  return `{${items.join(",")}}`;
}

function storedOf(row: PostgresRow): Stored {
  return { value: bytesOf(row.value), version: row.version as Version };
}

function bytesOf(value: unknown): Uint8Array {
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
