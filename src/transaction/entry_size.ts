import { MAX_ENTRY_BYTES } from "../entry/constants.ts";
import type { ID } from "../entry/id.ts";
import { TransactionError } from "../util/errors.ts";

/** What a store adds to an entry. */
interface Payload {
  readonly name: string;
  readonly data: Uint8Array | undefined;
}

const sizeOf = ({ data }: Payload): number => data?.length ?? 0;

/** Fails with `EntryTooLarge` when no entry can hold the payloads: no node would read it. */
export function requireEntrySize(tree: ID | undefined, payloads: readonly Payload[]): void {
  let bytes = 0;
  for (const payload of payloads) bytes += sizeOf(payload);
  if (bytes <= MAX_ENTRY_BYTES) return;
  const { name: store } = payloads.reduce((a, b) => sizeOf(b) > sizeOf(a) ? b : a);
  const where = tree === undefined ? "create the database" : `commit to database "${tree}"`;
  const message =
    `Cannot ${where}: what was staged has ${bytes} bytes, and an entry holds at most ` +
    `${MAX_ENTRY_BYTES}; most of it is in the store "${store}": divide it among several transactions`;
  throw new TransactionError("EntryTooLarge", message, {
    fields: { bytes, limit: MAX_ENTRY_BYTES, store },
  });
}
