import { EideticaError, StorageError } from "../../util/errors.ts";
import { permissionProblem } from "../../util/permission.ts";

const CLOSED = ["CannotOpen", "the server cannot be reached; check host, port and that it runs"];
const LOST = ["Io", "the connection was lost, and the write may or may not be done; try again"];

/** SQLSTATE codes and codes of connections: our code, and what they mean to a user. */
const MEANINGS: ReadonlyMap<string, readonly string[]> = new Map([
  ["ECONNREFUSED", CLOSED],
  ["ENOTFOUND", CLOSED],
  ["EHOSTUNREACH", CLOSED],
  ["ENOENT", CLOSED],
  ["CONNECT_TIMEOUT", [
    "CannotOpen",
    "the server has not answered in time; check host, port and that it runs, or raise `connect_timeout` in the URL",
  ]],
  ["SERVER_ENDS", [
    "CannotOpen",
    "whoever listens there ends every connection at once; check that a PostgreSQL server runs behind it",
  ]],
  ["CONNECTION_CLOSED", LOST],
  ["CONNECTION_DESTROYED", LOST],
  ["ECONNRESET", LOST],
  ["ETIMEDOUT", LOST],
  ["EPIPE", LOST],
  ["57P01", LOST],
  ["57P02", LOST],
  ["57P03", CLOSED],
  ["CONNECTION_ENDED", ["Closed", "its connections were ended; open it again"]],
  ["28000", ["CannotOpen", "the server does not know this user; check name and password"]],
  ["28P01", ["CannotOpen", "the server refuses the password; check name and password"]],
  ["3D000", ["NotFound", "there is no such database; create it first"]],
  ["3F000", ["NotFound", "its schema was removed; open it again"]],
  ["42501", ["ReadOnly", "this user lacks a right that is needed; grant it"]],
  ["25006", ["ReadOnly", "the server takes no writes; connect to the primary one"]],
  ["53100", [
    "DiskFull",
    "the disk of the server is full and nothing was written; free some space",
  ]],
  ["53300", ["Busy", "the server has too many connections; try again"]],
  ["40001", ["Busy", "other writers were always faster; try again"]],
  ["40P01", ["Busy", "other writers were always faster; try again"]],
  ["55P03", ["Busy", "another writer holds it; try again"]],
]);

/** Codes of failures after which the same transaction may succeed. */
const PASSING: ReadonlySet<string> = new Set(["40001", "40P01"]);

/** Whether a transaction that failed so has changed nothing and is worth another attempt. */
export function isPassing(error: unknown): boolean {
  return error instanceof Error && PASSING.has(String((error as { code?: unknown }).code));
}

/** Whether the connection was lost, so that nobody knows what became of a write. */
export function isLost(error: unknown): boolean {
  const code = String((error as { code?: unknown } | undefined)?.code);
  return code === NO_ANSWER || MEANINGS.get(code) === LOST;
}

const NO_ANSWER = "NO_ANSWER";

/** What a query fails with that got no answer, as when the client has lost it with its connection. */
export function noAnswer(waitedMs?: number): Error {
  const time = waitedMs === undefined ? "" : ` for ${waitedMs} ms`;
  return Object.assign(new Error(`the server has not answered${time}`), { code: NO_ANSWER });
}

/** A failure of the server or the connection as an error of ours; anything else as it is. */
export function postgresError(
  place: string,
  action: string,
  cause: unknown,
  shorten: (problem: string) => string = (problem) => problem,
): unknown {
  if (!(cause instanceof Error) || cause instanceof EideticaError) return cause;
  const problem = permissionProblem(cause);
  if (problem !== undefined) {
    return placeError("PermissionDenied", place, action, shorten(problem), { cause });
  }
  const { code, name } = cause as { code?: unknown; name?: string };
  if (typeof code !== "string" && name !== "AggregateError") return cause;
  const [ours, what] = meaningOf(String(code), cause);
  return placeError(ours, place, action, what, { cause, sqlState: code });
}

function meaningOf(code: string, cause: Error): readonly [code: string, what: string] {
  const unknown = "and a write may or may not be done; try again";
  if (code === NO_ANSWER) return ["Io", `${cause.message}, ${unknown}`];
  const [ours, what] = MEANINGS.get(code) ?? ["Failed", cause.message];
  return [ours!, what!];
}

/** An error about the storage at a place. */
export function placeError(
  code: string,
  place: string,
  action: string,
  what: string,
  { cause, ...fields }: { readonly cause?: unknown; readonly [field: string]: unknown } = {},
): StorageError {
  const message = `Cannot ${action} the PostgreSQL storage "${place}": ${what}`;
  return new StorageError(code, message, { cause, fields: { url: place, ...fields } });
}
