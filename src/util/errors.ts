/**
 * Every error this package throws: one subclass of {@link EideticaError} per module, with a stable
 * `code` (the variant name of the specification) and the variant's payload as camelCase fields.
 *
 * Messages say the action that failed, the current and the wished state, and never hold secrets.
 *
 * @module
 */

/** Payload and cause of an {@link EideticaError}. */
export interface ErrorOptionsWithFields {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** The variant's payload; each member becomes a field of the error. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Base of all errors of this package. */
export class EideticaError extends Error {
  /** Stable identifier of the failure, for example `"EntryNotFound"`. */
  readonly code: string;
  /** The module that failed, for example `"backend"`. */
  readonly module: string;
  /** The variant's payload, for example `{ id }`. Every member is also a field of the error. */
  readonly fields: Readonly<Record<string, unknown>>;

  /** Makes an error of `module` with a stable `code`; the payload comes in `options.fields`. */
  constructor(module: string, code: string, message: string, options: ErrorOptionsWithFields = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.module = module;
    this.code = code;
    this.fields = Object.freeze({ ...options.fields });
    for (const [name, value] of Object.entries(this.fields)) {
      // Not enumerable: consoles show the payload once, as `fields`.
      if (!(name in this)) Object.defineProperty(this, name, { value });
    }
  }

  /**
   * What a log keeps of the error when it is written as JSON: name, code, module, message and fields, and
   * the same of its cause. Nothing of it is secret.
   */
  toJSON(): Readonly<Record<string, unknown>> {
    const { name, code, module, message, cause } = this;
    const fields = plain(this.fields, 0);
    const json = { name, code, module, message, fields };
    return cause === undefined ? json : { ...json, cause: plainCause(cause) };
  }
}

/** How deep the fields of an error go in its JSON form; what is deeper is left out. */
const MAX_FIELD_DEPTH = 8;

/** A value that `JSON.stringify` takes: it refuses big integers, and shows bytes as objects. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_FIELD_DEPTH) return undefined;
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return plain(value.toJSON(), depth + 1);
  }
  if (value instanceof Error) return plainCause(value);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]),
  );
}

/** Of an error that is not ours the name, the message and the code alone: nobody knows what else it holds. */
function plainCause(cause: unknown): unknown {
  if (cause instanceof EideticaError) return cause.toJSON();
  if (!(cause instanceof Error)) return undefined;
  const { name, message } = cause;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  return { name, message, code };
}

/** An argument that is missing, of another type than the one that is documented, or not allowed. */
export class ArgumentError extends EideticaError {
  /** Makes an error with the code `InvalidArgument`, or a special one. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("argument", code, message, options);
  }
}

/** A text or bytes that cannot be read as an ID: `InvalidFormat`. */
export class IdError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("id", code, message, options);
  }
}

/** An entry that cannot be built, encoded or decoded, such as `InvalidStructure`. */
export class EntryError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("entry", code, message, options);
  }
}

/** A document, list or path operation that failed, such as `TypeMismatch`, `InvalidValue`, `InvalidPath`. */
export class CrdtError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("crdt", code, message, options);
  }
}

/** A JSON text that cannot be read or written. */
export class SerializeError extends EideticaError {
  /** Makes an error of the JSON layer. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("serialize", code, message, options);
  }
}

/** A failure of the crypto core: it is not ready, was given what it cannot use, or a key was wiped. */
export class CryptoError extends EideticaError {
  /** Makes an error of the crypto core. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("crypto", code, message, options);
  }
}

/** A key, permission, signature or delegation that is refused, such as `KeyNotFound`, `PermissionDenied`. */
export class AuthError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("auth", code, message, options);
  }
}

/** A storage driver that failed: the file, the server, or what they hold. */
export class StorageError extends EideticaError {
  /** Makes an error of a storage driver. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("storage", code, message, options);
  }
}

/** A failure of the storage engine, such as `EntryNotFound`, `EntryNotInTree`, `TreeIntegrityViolation`. */
export class BackendError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("backend", code, message, options);
  }
}

/** A store operation that failed, such as `KeyNotFound`, `TypeMismatch`, `SerializationFailed`. */
export class StoreError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("store", code, message, options);
  }
}

/** A transaction that cannot go on, such as `EntryValidationFailed`, `TransactionAlreadyCommitted`. */
export class TransactionError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("transaction", code, message, options);
  }
}

/** A failure of the instance, such as `NotInitialized`, `InvalidUrl`, `InstanceDropped`, `Aborted`. */
export class InstanceError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("instance", code, message, options);
  }
}

/** A user account or session that is refused, such as `UserNotFound`, `DecryptionFailed`, `NoKeyForDatabase`. */
export class UserError extends EideticaError {
  /** Makes an error with a stable code; the facts come in `options.fields`. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("user", code, message, options);
  }
}

/** A failure of synchronisation: a peer, a transport, a message, or an access that is refused. */
export class SyncError extends EideticaError {
  /** Makes an error of synchronisation. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("sync", code, message, options);
  }
}

/** A failure of the service socket: a frame, a message, the connection, or a request that was given up. */
export class ServiceError extends EideticaError {
  /** Makes an error of the service socket. */
  constructor(code: string, message: string, options?: ErrorOptionsWithFields) {
    super("service", code, message, options);
  }
}

const NOT_FOUND = new Set([
  "KeyNotFound",
  "DelegationNotFound",
  "EntryNotFound",
  "VerificationStatusNotFound",
  "ElementNotFound",
  "DatabaseNotFound",
  "SigningKeyNotFound",
  "SystemDatabaseNotFound",
  "UserNotFound",
  "DatabaseNotTracked",
  "DatabaseNotFoundByName",
  "TreeNotFound",
  "PeerNotFound",
  "RequestNotFound",
]);

const CONFLICT = new Set([
  "DatabaseAlreadyExists",
  "InstanceAlreadyExists",
  "KeyAlreadyExists",
  "PeerAlreadyExists",
  "RequestAlreadyExists",
]);

const AUTHENTICATION = new Set([
  "AuthenticationRequired",
  "AuthenticationFailed",
  "NoAuthConfiguration",
  "AuthenticationValidationFailed",
  "InsufficientPermissions",
  "SignatureVerificationFailed",
  "SigningKeyNotFound",
  "CorruptedAuthConfiguration",
]);

const DENIED = new Set(["PermissionDenied", "InsufficientPermissions", "InsufficientPermission"]);

function hasCode(error: unknown, codes: ReadonlySet<string>): error is EideticaError {
  return error instanceof EideticaError && codes.has(error.code);
}

/** Whether something looked up does not exist: entry, key, user, database, element. */
export function isNotFound(error: unknown): error is EideticaError {
  return hasCode(error, NOT_FOUND);
}

/** Whether something that must be new exists already. */
export function isConflict(error: unknown): error is EideticaError {
  return hasCode(error, CONFLICT);
}

/** Whether the failure is about keys, signatures or permissions, whichever module tells it. */
export function isAuthenticationError(error: unknown): error is EideticaError {
  if (error instanceof AuthError || hasCode(error, AUTHENTICATION)) return true;
  return error instanceof TransactionError && error.code === "EntryValidationFailed";
}

/** Whether the caller lacks a permission it would need. */
export function isPermissionDenied(error: unknown): error is EideticaError {
  if (hasCode(error, DENIED)) return true;
  return error instanceof TransactionError && isAuthenticationError(error);
}
