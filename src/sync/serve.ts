import { serverHere, upgradeHere } from "#servers";
import type { Listening, ListenOptions } from "../transport/port.ts";
import { SyncError } from "../util/errors.ts";

/** The server of the runtime that this runs on; `TransportInit` where there is none, as in a browser. */
export async function listenHere(options: ListenOptions): Promise<Listening> {
  const listen = await serverHere();
  if (listen !== undefined) return await listen(options);
  const message =
    "Cannot listen here: this runtime has no servers; give `sync.fetchHandler()` to the one that calls you";
  throw new SyncError("TransportInit", message);
}

export { upgradeHere };
