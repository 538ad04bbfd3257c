/**
 * Errors on the wire, both ways (11 §10).
 *
 * ```text
 * error = { "module", "kind", "message", "error"?: … }       "error": see error_json.ts
 * ```
 *
 * An error comes back as one of the same class with the same code, from the reference's daemon as well; its fields
 * and its own message come back where the feature `errors` was agreed on.
 *
 * @module
 */

import { ID } from "../../entry/id.ts";
import { EideticaError, SerializeError, ServiceError } from "../../util/errors.ts";
import { CLASSES, errorFromJson, errorJson } from "./error_json.ts";
import type { Features } from "./features.ts";
import type { WireError } from "./messages.ts";
import { messageOf } from "./wire_messages.ts";

/** Modules that the reference has; errors of others are I/O errors to it. */
const MODULES = new Set([
  ...["auth", "backend", "instance", "crdt", "store", "transaction"],
  ...["sync", "entry", "id", "user"],
]);

const IO_PREFIX = "I/O error: ";
const SERIALIZE_PREFIX = "Serialization error: ";

/** An error as it stands on the wire. What is no error of this package tells its message alone. */
export function toWireError(error: unknown, features: Features): WireError {
  const known = error instanceof EideticaError ? error : unexpected(error);
  const wire = asReference(known);
  return features.has("errors") ? { ...wire, error: errorJson(known) } : wire;
}

function unexpected(error: unknown): EideticaError {
  const reason = (error instanceof Error ? error.message : String(error)).toWellFormed();
  return new ServiceError("Io", reason, { cause: error });
}

function asReference(error: EideticaError): WireError {
  const { module, code: kind } = error;
  const message = messageOf(error).toWellFormed();
  if (MODULES.has(module)) return { module, kind, message };
  if (module !== "serialize") return { module: "io", kind: "Io", message: IO_PREFIX + message };
  return { module, kind: "Serialize", message: SERIALIZE_PREFIX + message };
}

/** The error that stands on the wire. */
export function fromWireError({ module, kind, message, error }: WireError): EideticaError {
  const whole = error === undefined ? undefined : errorFromJson(error);
  return whole ?? fromReference(module, kind, message);
}

function fromReference(module: string, kind: string, message: string): EideticaError {
  if (module === "serialize") {
    return new SerializeError(kind, without(SERIALIZE_PREFIX, message));
  }
  if (module === "io") return new ServiceError(kind, without(IO_PREFIX, message));
  const known = MODULES.has(module) ? CLASSES.get(module) : undefined;
  if (known === undefined) return unknownError(`[${module}::${kind}] ${message}`);
  return new known(kind, message, { fields: fieldsOf(kind, message) });
}

function unknownError(message: string): ServiceError {
  return new ServiceError("Io", message);
}

function without(prefix: string, message: string): string {
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

/** Kinds whose message ends with the ID of an entry. */
const WITH_ID = new Set(["EntryNotFound", "VerificationStatusNotFound"]);

/** What the message of the reference tells of the payload. */
function fieldsOf(kind: string, message: string): Readonly<Record<string, unknown>> {
  if (WITH_ID.has(kind)) return { id: lastId(message) };
  if (kind === "NoCommonAncestor") return { entryIds: [] };
  if (kind === "EmptyEntryList") return { operation: message };
  return kind === "DatabaseNotFound" ? { name: message } : {};
}

function lastId(message: string): ID {
  const at = message.lastIndexOf(": ");
  try {
    return ID.parse(at < 0 ? message : message.slice(at + 2));
  } catch {
    return ID.EMPTY;
  }
}

/** What `read` makes of a payload; throws `ServiceError` `Undecodable` when that is not `what`. */
export function decoding<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof EideticaError)) throw cause;
    throw new ServiceError("Undecodable", `Cannot read ${what}: ${cause.message}`, { cause });
  }
}
