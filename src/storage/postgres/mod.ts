/**
 * EDGE: storage in PostgreSQL, by the npm package `postgres` (an optional peer dependency).
 *
 * The tables are in a schema of their own (postgres_schema.ts). A commit is one round trip; commits
 * that are made at the same time share one.
 *
 * @module
 */

import { abortable, requireNotAborted } from "../../util/abort.ts";
import { redactUrl } from "../../util/redact_url.ts";
import type { StorageDriver } from "../driver.ts";
import { driverOptions, requirePlace } from "../shared/options.ts";
import { answering, connectPostgres, type PostgresClient } from "./client.ts";
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
  /** Gives up opening, with the code `Aborted`, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Schema that the tables are in, in lower case; `eidetica` by default. */
  readonly schema?: string;
}

const OPEN = "open a PostgreSQL storage";
const DEFAULT_SCHEMA = "eidetica";
/** How long the connections of a client that is of no use any more may take to end, in seconds. */
const END_S = 1;

/**
 * Opens a storage in PostgreSQL, by a `postgres://` URL or by a `postgres()` function of your own, which
 * is not ended when the storage is closed. Throws `StorageError` `InvalidUrl`, `Unavailable`,
 * `CannotOpen`, `PermissionDenied`, `NotFound`, `ForeignFile`, `UnsupportedSchema` or `Aborted`.
 */
export async function postgresStorage(
  urlOrSql: string | PostgresSql,
  given?: PostgresOptions,
): Promise<StorageDriver> {
  const options = driverOptions(given, OPEN);
  requirePlace(urlOrSql, ["unsafe"], OPEN, "a URL or the function of a client");
  const isUrl = typeof urlOrSql === "string";
  const place = isUrl ? redactUrl(urlOrSql) : "(given)";
  const schema = requireName(place, options.schema ?? DEFAULT_SCHEMA);
  const wait = { signal: options.signal, action: `open the PostgreSQL storage "${place}"` };
  requireNotAborted(wait);
  const client = isUrl ? await connectPostgres(urlOrSql) : handedIn(urlOrSql);
  const isReadOnly = options.readOnly === true;
  try {
    const mayCreate = options.create !== false && !isReadOnly;
    await abortable(wait, () => prepareSchema(client.sql, place, schema, mayCreate));
    return new PostgresStorage(client, { place, schema, isOwner: isUrl, isReadOnly });
  } catch (cause) {
    client.end();
    if (isUrl) await client.sql.end({ timeout: END_S });
    throw postgresError(place, "open", cause);
  }
}

/** A function that was handed in belongs to who has made it. */
function handedIn(sql: PostgresSql): PostgresClient {
  return { sql: answering(sql), end: () => {} };
}

function requireName(place: string, schema: string): string {
  if (/^[a-z_][a-z0-9_]{0,50}$/.test(schema)) return schema;
  const what = `"${schema}" is no name for a schema; use lower case letters, digits and "_"`;
  throw placeError("CannotOpen", place, "open", what);
}
