/**
 * EDGE: the tables of a PostgreSQL storage, and the function that commits in one round trip.
 *
 * ```text
 * schema eidetica
 *   layout(version integer)                                            one row: 1
 *   kv(key bytea PRIMARY KEY, value bytea, version bigint)
 *   version                                                            sequence
 *   commit(…) → (version bigint, refused integer[])
 * ```
 *
 * `commit` takes a lock that writers alone want, so that what it checks stays true until it has
 * written; each of its statements sees what others have committed before it got the lock, which is so
 * at the isolation level `read committed` only.
 *
 * @module
 */

import { placeError } from "./errors.ts";
import type { PostgresSql } from "./types.ts";

/** The layout that this version reads and writes. */
const LAYOUT = 1;
/** "EIDE": tells our locks from those of other applications. */
const LOCK_CLASS = 0x45494445;

/** Makes the tables, unless they are there; refuses those of others and of newer versions. */
export async function prepareSchema(
  sql: PostgresSql,
  place: string,
  schema: string,
  mayCreate: boolean,
): Promise<void> {
  const found = await findLayout(sql, schema);
  if (found === LAYOUT) return;
  if (typeof found === "number") {
    const what =
      `its layout is version ${found}, this release reads ${LAYOUT}; use a newer release`;
    throw placeError("UnsupportedSchema", place, "open", what, { found, supported: LAYOUT });
  }
  if (found === "foreign") {
    const what = `its schema "${schema}" belongs to another application; name another schema`;
    throw placeError("ForeignFile", place, "open", what);
  }
  if (!mayCreate) {
    const what =
      "it holds none, and none is to be created; check the address, or make it with `connectOrCreate`, or `create` of `postgresStorage`";
    throw placeError("NotFound", place, "open", what);
  }
  await sql.unsafe(creation(schema));
}

/** The layout of the schema; `foreign` when it is not ours, undefined when there is none. */
async function findLayout(
  sql: PostgresSql,
  schema: string,
): Promise<number | "foreign" | undefined> {
  const [row] = await sql.unsafe(
    `SELECT to_regnamespace($1) IS NOT NULL AS schema, to_regclass($1 || '.layout') IS NOT NULL AS layout,
      to_regclass($1 || '.kv') IS NOT NULL AS kv`,
    [schema],
  );
  if (!row!.schema) return undefined;
  if (!row!.layout || !row!.kv) return "foreign";
  const [layout] = await sql.unsafe(`SELECT version FROM ${schema}.layout`);
  return Number(layout?.version);
}

/** Statements of one query are one transaction; processes that come at once wait for each other. */
function creation(schema: string): string {
  return `
SELECT set_config('client_min_messages', 'warning', true);
SELECT pg_advisory_xact_lock(${LOCK_CLASS}, hashtext('${schema}'));
CREATE SCHEMA IF NOT EXISTS ${schema};
CREATE TABLE IF NOT EXISTS ${schema}.kv(
  key bytea PRIMARY KEY, value bytea NOT NULL, version bigint NOT NULL
);
CREATE SEQUENCE IF NOT EXISTS ${schema}.version;
CREATE TABLE IF NOT EXISTS ${schema}.layout(version integer PRIMARY KEY);
INSERT INTO ${schema}.layout VALUES (${LAYOUT}) ON CONFLICT DO NOTHING;
CREATE OR REPLACE FUNCTION ${schema}.commit(
  check_batch integer[], check_key bytea[], check_version bigint[],
  delete_batch integer[], delete_key bytea[],
  set_batch integer[], set_key bytea[], set_value bytea[],
  OUT version bigint, OUT refused integer[]
) LANGUAGE plpgsql AS $commit$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'the isolation level must be read committed';
  END IF;
  PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, hashtext('${schema}'));
  commit.version := nextval('${schema}.version');
  commit.refused := ARRAY(
    SELECT DISTINCT c.batch FROM unnest(check_batch, check_key, check_version) AS c(batch, key, version)
    LEFT JOIN ${schema}.kv ON kv.key = c.key WHERE kv.version IS DISTINCT FROM c.version);
  DELETE FROM ${schema}.kv USING unnest(delete_batch, delete_key) AS d(batch, key)
    WHERE kv.key = d.key AND d.batch <> ALL (commit.refused);
  INSERT INTO ${schema}.kv
    SELECT s.key, s.value, commit.version FROM unnest(set_batch, set_key, set_value) AS s(batch, key, value)
    WHERE s.batch <> ALL (commit.refused)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version;
  PERFORM pg_notify('${schema}', '');
END $commit$;`;
}
