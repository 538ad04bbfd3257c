import type { Address } from "../transport/port.ts";
import { endedBy } from "../util/abort.ts";
import { SyncError } from "../util/errors.ts";
import type { DatabaseTicket } from "./ticket.ts";

/** How long one address of a ticket is tried, in milliseconds. */
export const TICKET_ADDRESS_MS = 30_000;

/**
 * Does something at all addresses of a ticket side by side; what the first one that succeeds gives. The others go on:
 * they, too, are peers of the database from then on. The signal that `attempt` gets ends its connecting in time.
 */
export async function atAnyAddress<T>(
  ticket: DatabaseTicket,
  signal: AbortSignal | undefined,
  attempt: (address: Address, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (ticket.addresses.length === 0) throw noHints();
  const attempts = ticket.addresses.map(async (address) => {
    const limit = AbortSignal.timeout(TICKET_ADDRESS_MS);
    return await attempt(address, signal === undefined ? limit : AbortSignal.any([limit, signal]));
  });
  try {
    return await Promise.any(attempts);
  } catch (error) {
    if (signal?.aborted) throw endedBy(signal, "reach an address of the ticket");
    throw preferred((error as AggregateError).errors);
  }
}

function noHints(): SyncError {
  const reason = "Ticket has no address hints";
  throw new SyncError("InvalidAddress", `Invalid address: ${reason}`, { fields: { reason } });
}

/** Of several failures the one that says most: what a peer answered, rather than that one did not. */
function preferred(errors: readonly unknown[]): unknown {
  const says = (error: unknown) =>
    error instanceof SyncError && error.code !== "ConnectionFailed" && error.code !== "Network";
  return errors.find(says) ?? errors.at(-1);
}
