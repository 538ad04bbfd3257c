/**
 * EDGE: storage in PostgreSQL, by the npm package `postgres` (an optional peer dependency).
 *
 * The tables are in a schema of their own (postgres_schema.ts). A commit is one round trip; commits
 * that are made at the same time share one.
 *
 * @module
 */

import { redactUrl } from "../../util/redact_url.ts";
import type { StorageDriver } from "../driver.ts";
import { placeError, postgresError } from "./errors.ts";
import { prepareSchema } from "./schema.ts";
import { PostgresStorage } from "./storage.ts";
import type { PostgresSql } from "./types.ts";

export type { PostgresRow, PostgresSql } from "./types.ts";

/** How a PostgreSQL storage is opened. */
export interface PostgresOptions {
  /** Whether the tables are created when they are missing; true by default. */
  readonly create?: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Schema that the tables are in, in lower case; `eidetica` by default. */
  readonly schema?: string;
}

const DEFAULT_SCHEMA = "eidetica";
/** How connections are made; times are in seconds. */
const CONNECTION = {
  connect_timeout: 10,
  onnotice: () => {},
  // The client would ask for types at every new connection, and fail where nobody can catch it.
  fetch_types: false,
  connection: {
    application_name: "eidetica",
    default_transaction_isolation: "read committed",
    // A lock that is not given in this time is told as `Busy`.
    lock_timeout: "10s",
  },
} as const;

/**
 * Opens a storage in PostgreSQL, by a `postgres://` URL or by a `postgres()` function of your own, which
 * is not ended when the storage is closed. Throws `StorageError` `Unavailable`, `CannotOpen`,
 * `NotFound`, `ForeignFile` or `UnsupportedSchema`.
 */
export async function postgresStorage(
  urlOrSql: string | PostgresSql,
  options: PostgresOptions = {},
): Promise<StorageDriver> {
  const isUrl = typeof urlOrSql === "string";
  const place = isUrl ? redactUrl(urlOrSql) : "(given)";
  const schema = requireName(place, options.schema ?? DEFAULT_SCHEMA);
  const sql = isUrl ? await connect(urlOrSql) : urlOrSql;
  try {
    const isReadOnly = options.readOnly === true;
    await prepareSchema(sql, place, schema, options.create !== false && !isReadOnly);
    return new PostgresStorage(sql, { place, schema, isOwner: isUrl, isReadOnly });
  } catch (cause) {
    if (isUrl) await sql.end({ timeout: 0 });
    throw postgresError(place, "open", cause);
  }
}

function requireName(place: string, schema: string): string {
  if (/^[a-z_][a-z0-9_]{0,50}$/.test(schema)) return schema;
  const what = `"${schema}" is no name for a schema; use lower case letters, digits and "_"`;
  throw placeError("CannotOpen", place, "open", what);
}

type Postgres = (url: string, options: object) => PostgresSql;

async function connect(url: string): Promise<PostgresSql> {
  const place = redactUrl(url);
  const postgres = await loadPostgres(place);
  try {
    return postgres(url, CONNECTION);
  } catch {
    // What the client throws quotes the address with the password, so it is not passed on as a cause.
    const what =
      "that is no address of a server; write postgres://user:password@host:port/database";
    throw placeError("CannotOpen", place, "open", what);
  }
}

async function loadPostgres(place: string): Promise<Postgres> {
  try {
    // The name is not in the import, so that no bundler asks those for it who do not need it.
    const name = "postgres";
    return (await import(name) as { default: Postgres }).default;
  } catch (cause) {
    const what = 'the npm package "postgres" is missing; install it, or hand in its function';
    throw placeError("Unavailable", place, "open", what, { cause });
  }
}
