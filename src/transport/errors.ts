import { SyncError } from "../util/errors.ts";

/** The error of a server that cannot listen. */
export function serverBind(address: string, cause: unknown): SyncError {
  const reason = lineOf(cause);
  const message = `Cannot listen on ${address}: ${reason}; choose another address or port`;
  return new SyncError("ServerBind", message, { cause, fields: { address, reason } });
}

/** The error of an address where nobody answers. */
export function connectionFailed(address: string, cause: unknown): SyncError {
  const reason = reasonOf(cause);
  const message = `Cannot reach ${address}: ${reason}`;
  return new SyncError("ConnectionFailed", message, { cause, fields: { address, reason } });
}

/** The error of an exchange that failed after it had begun. */
export function networkFailed(address: string, reason: string, cause?: unknown): SyncError {
  const message = `Cannot complete the exchange with ${address}: ${reason}`;
  return new SyncError("Network", message, { cause, fields: { address, reason } });
}

/** The error of a server that is started twice. */
export function serverAlreadyRunning(address: string): SyncError {
  const message = `Cannot start the server: it is running already on ${address}; stop it first`;
  return new SyncError("ServerAlreadyRunning", message, { fields: { address } });
}

/** The error of a server that is asked while it does not run. */
export function serverNotRunning(type: string): SyncError {
  const message =
    `Cannot use the server of the transport "${type}": it is not running; start it first`;
  return new SyncError("ServerNotRunning", message, { fields: { transportType: type } });
}

/** What the innermost cause says: runtimes wrap why a connection failed in "fetch failed". */
function reasonOf(error: unknown): string {
  let inner = error;
  for (let depth = 0; depth < 8 && inner instanceof Error && inner.cause !== undefined; depth++) {
    inner = inner.cause;
  }
  const code = (inner as { code?: unknown } | null)?.code;
  const line = lineOf(inner);
  return typeof code === "string" && !line.includes(code) ? `${code} ${line}`.trim() : line;
}

/** The first line of what an error says. */
export function lineOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0]!;
}
