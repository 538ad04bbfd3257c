/**
 * An error with all that is needed to make the same one again: the member `error` that the feature `errors` adds.
 *
 * ```text
 * error = { "module", "code", "message", "fields": { name: value… }, "cause"?: error }
 * value = null | true | false | number | text | [value…]
 *       | { "bigint": text } | { "id": text } | { "key": text } | { "tips": [text…] } | { "permission": … }
 *       | { "json": any }      what has no form of its own: what a log would show of it
 * ```
 *
 * @module
 */

import { Permission } from "../../auth/permission.ts";
import { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { PublicKey } from "../../keys/public_key.ts";
import * as errors from "../../util/errors.ts";
import { type EideticaError, SerializeError, ServiceError } from "../../util/errors.ts";
import { defineMember } from "../../util/json64.ts";

/** Errors deeper than this in a chain of causes, and values deeper than this in a field, are left out. */
const MAX_DEPTH = 8;

/** A class of errors, all of which are made alike. */
export type ErrorClass = new (
  code: string,
  message: string,
  options?: errors.ErrorOptionsWithFields,
) => EideticaError;

/** The class of each module's errors. */
export const CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ["argument", errors.ArgumentError],
  ["id", errors.IdError],
  ["entry", errors.EntryError],
  ["crdt", errors.CrdtError],
  ["serialize", SerializeError],
  ["crypto", errors.CryptoError],
  ["auth", errors.AuthError],
  ["storage", errors.StorageError],
  ["backend", errors.BackendError],
  ["store", errors.StoreError],
  ["transaction", errors.TransactionError],
  ["instance", errors.InstanceError],
  ["user", errors.UserError],
  ["sync", errors.SyncError],
  ["service", ServiceError],
]);

type Json = Record<string, unknown>;

/** The JSON of an error and its causes. */
export function errorJson(error: EideticaError): string {
  return JSON.stringify(toJson(error, 0));
}

function toJson(error: EideticaError, depth: number): Json {
  const { module, code, message, cause } = error;
  const json: Json = { module, code, message: message.toWellFormed(), fields: fieldsJson(error) };
  if (cause instanceof errors.EideticaError && depth < MAX_DEPTH) {
    json.cause = toJson(cause, depth + 1);
  }
  return json;
}

function fieldsJson(error: EideticaError): Json {
  const json: Json = {};
  for (const [name, value] of Object.entries(error.fields)) {
    if (value !== undefined) defineMember(json, name, valueJson(value, 0) ?? shown(error, name));
  }
  return json;
}

/** What a log shows of a field. */
function shown(error: EideticaError, name: string): Json {
  const fields = error.toJSON().fields as Json;
  return { json: fields[name] ?? null };
}

/** The form of a value; undefined when it has none. */
function valueJson(value: unknown, depth: number): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "boolean" || Number.isFinite(value) || value === null) return value;
  if (typeof value === "bigint") return { bigint: value.toString() };
  if (value instanceof ID) return { id: value.toString() };
  if (value instanceof PublicKey) return { key: value.toString() };
  if (value instanceof Snapshot) return { tips: value.toJSON() };
  if (value instanceof Permission) return { permission: value.toJSON() };
  if (!Array.isArray(value) || depth > MAX_DEPTH) return undefined;
  const items = value.map((item) => valueJson(item, depth + 1));
  return items.includes(undefined) ? undefined : items;
}

/** Makes the error again; undefined when the JSON is not one. */
export function errorFromJson(text: string): EideticaError | undefined {
  try {
    return fromJson(JSON.parse(text), 0);
  } catch {
    return undefined;
  }
}

function fromJson(json: Json, depth: number): EideticaError | undefined {
  const { module, code, message, fields = {}, cause } = json;
  const known = CLASSES.get(String(module));
  if (known === undefined || typeof code !== "string" || typeof message !== "string") {
    return undefined;
  }
  const isDeeper = typeof cause === "object" && cause !== null && depth < MAX_DEPTH;
  const origin = isDeeper ? fromJson(cause as Json, depth + 1) : undefined;
  return new known(code, message, { fields: readFields(fields as Json), cause: origin });
}

function readFields(json: Json): Json {
  const fields: Json = {};
  for (const [name, value] of Object.entries(json)) defineMember(fields, name, readValue(value));
  return fields;
}

function readValue(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(readValue);
  if (typeof json !== "object" || json === null) return json;
  const [[form, value] = []] = Object.entries(json);
  switch (form) {
    case "bigint":
      return BigInt(value);
    case "id":
      return ID.parse(value);
    case "key":
      return PublicKey.parse(value);
    case "tips":
      return Snapshot.fromJSON(value);
    case "permission":
      return Permission.fromJSON(value);
    default:
      return value;
  }
}
