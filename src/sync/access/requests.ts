/**
 * Requests for access that an administrator decides on. Asking discloses nothing, so anybody may ask; that
 * nobody fills the storage by asking is the business of the limits here.
 *
 * @module
 */

import type { Permission } from "../../auth/permission.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Table } from "../../store/table.ts";
import { SyncError } from "../../util/errors.ts";
import { uuidV4 } from "../../util/random.ts";
import { type BootstrapRequest, UNKNOWN_ADDRESS } from "../peers/bootstrap_requests.ts";
import type { SyncTreeRequest } from "../v0/messages.ts";
import type { Serving } from "../v0/serving.ts";

/** Requests of one key that may wait at a time. */
export const MAX_REQUESTS_PER_KEY = 32;
/** Requests that may wait at a time. */
export const MAX_REQUESTS = 1024;
/** How long an undecided request waits, in milliseconds. */
export const REQUEST_LIFE_MS: number = 30 * 86_400_000;
/** Most letters of the name of a key. */
export const MAX_KEY_NAME = 256;
/** Most bytes of what a requester writes for the administrator, as JSON. */
export const MAX_METADATA_BYTES = 4096;

/** Stores a request, or finds the same one that waits already; its ID. */
export async function storeRequest(serving: Serving, asked: SyncTreeRequest): Promise<string> {
  const { clock, random } = serving.host.host;
  const request: BootstrapRequest = {
    treeId: asked.treeId,
    requestingKey: asked.requestingKey!,
    requestingKeyName: asked.requestingKeyName!,
    requestedPermission: asked.requestedPermission!,
    timestamp: clock.nowRfc3339(),
    status: { state: "Pending" },
    peerAddress: UNKNOWN_ADDRESS,
    metadata: asked.metadata,
  };
  requireSmall(request);
  return await serving.records.change(async (stores) => {
    const table = await stores.requests();
    const waiting = await waitingOf(table, clock.nowMillis());
    const same = waiting.find(([, other]) => isSame(request, other));
    if (same !== undefined) return same[0];
    requireRoom(waiting.map(([, other]) => other.requestingKey), request.requestingKey);
    const id = uuidV4(random);
    await table.set(id, request);
    return id;
  });
}

/** Requests that nobody has decided; those that have waited for too long are taken out. */
async function waitingOf(
  table: Table<BootstrapRequest>,
  now: number,
): Promise<[string, BootstrapRequest][]> {
  const pending = await table.search(({ status }) => status.state === "Pending");
  const isOld = ({ timestamp }: BootstrapRequest) => Date.parse(timestamp) < now - REQUEST_LIFE_MS;
  for (const [id] of pending.filter(([, request]) => isOld(request))) await table.delete(id);
  return pending.filter(([, request]) => !isOld(request));
}

function isSame(a: BootstrapRequest, b: BootstrapRequest): boolean {
  return a.treeId.equals(b.treeId) && a.requestingKey.equals(b.requestingKey) &&
    a.requestingKeyName === b.requestingKeyName &&
    isEqual(a.requestedPermission, b.requestedPermission) &&
    a.metadata?.stringify() === b.metadata?.stringify();
}

function isEqual(a: Permission, b: Permission): boolean {
  return a.compare(b) === 0;
}

function requireSmall({ requestingKeyName, metadata }: BootstrapRequest): void {
  const letters = requestingKeyName.length;
  if (letters > MAX_KEY_NAME) {
    throw refused(`a name has at most ${MAX_KEY_NAME} letters, not ${letters}`);
  }
  const bytes = metadata === undefined ? 0 : metadata.toBytes().length;
  if (bytes > MAX_METADATA_BYTES) {
    throw refused(`the note has at most ${MAX_METADATA_BYTES} bytes, not ${bytes}`);
  }
}

function requireRoom(keys: readonly PublicKey[], key: PublicKey): void {
  if (keys.length >= MAX_REQUESTS) throw refused("too many requests wait for a decision");
  if (keys.filter((other) => other.equals(key)).length >= MAX_REQUESTS_PER_KEY) {
    throw refused("too many requests of this key wait for a decision");
  }
}

function refused(reason: string): SyncError {
  return new SyncError("RequestRefused", `Cannot store the request for access: ${reason}`, {
    fields: { reason },
  });
}
