import { AuthKey } from "../../auth/auth_key.ts";
import { DatabaseKey } from "../../auth/database_key.ts";
import { Database } from "../../database/database.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import { isNotFound, SyncError } from "../../util/errors.ts";
import type { SyncHost } from "../host.ts";
import { type BootstrapRequest, type BootstrapStatus, VERBS } from "../peers/bootstrap_requests.ts";
import type { SyncDatabase } from "../sync_database.ts";

/** With what requests for access are decided. */
export interface ApprovalHost {
  /** The instance. */
  readonly host: SyncHost;
  /** Where requests wait. */
  readonly records: SyncDatabase;
}

/** What granting a request would change. */
export interface ApprovalPreview {
  /** The request. */
  readonly request: BootstrapRequest;
  /** What the database says of the key now; undefined when it does not name it. */
  readonly before: AuthKey | undefined;
  /** What it would say. */
  readonly after: AuthKey;
}

/** What granting a request would change, with the request; nothing is written. */
export async function describeApproval(
  { host, records }: ApprovalHost,
  id: string,
): Promise<ApprovalPreview> {
  const request = await requireRequest(records, id);
  const database = await Database.open(host, request.treeId);
  const settings = await database.getSettings();
  const before = await settings.getAuthKey(request.requestingKey).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  return { request, before, after: grantOf(request) };
}

/**
 * Grants what a request asks for, as the request says and whatever the key had before, and notes who has granted
 * it. `RequestNotFound`, `InvalidRequestState` when it was decided, `InsufficientPermission` when `key` does not
 * administer the database.
 */
export async function approveRequest(
  approval: ApprovalHost,
  id: string,
  key: DatabaseKey | PrivateKey,
): Promise<void> {
  const { request, database, by } = await prepare(approval, id, key);
  await database.update(async (transaction) => {
    await transaction.getSettings().setAuthKey(request.requestingKey, grantOf(request));
  });
  await decide(approval, id, { state: "Approved", by, at: approval.host.host.clock.nowRfc3339() });
}

/** Notes that a request is refused, and by whom; the errors are those of {@link approveRequest}. */
export async function rejectRequest(
  approval: ApprovalHost,
  id: string,
  key: DatabaseKey | PrivateKey,
): Promise<void> {
  const { by } = await prepare(approval, id, key);
  await decide(approval, id, { state: "Rejected", by, at: approval.host.host.clock.nowRfc3339() });
}

function grantOf({ requestingKeyName, requestedPermission }: BootstrapRequest): AuthKey {
  return AuthKey.active(requestingKeyName, requestedPermission);
}

/** The request, and its database as seen by whoever decides, who must administer it. */
async function prepare({ host, records }: ApprovalHost, id: string, key: DatabaseKey | PrivateKey) {
  const request = await requireRequest(records, id);
  requirePending(id, request.status);
  const acting = key instanceof DatabaseKey ? key : new DatabaseKey(key);
  const database = (await Database.open(host, request.treeId)).withKey(acting);
  const permission = await database.currentPermission();
  if (permission.level !== "Admin") {
    throw insufficient(id, permission.toJSON(), permission.display());
  }
  return { request, database, by: acting.identity.displayId() };
}

async function requireRequest(records: SyncDatabase, id: string): Promise<BootstrapRequest> {
  const request = await (await records.view().requests()).getOption(id);
  if (request !== undefined) return request;
  const message = `Bootstrap request not found: ${id}`;
  throw new SyncError("RequestNotFound", message, { fields: { requestId: id } });
}

function requirePending(id: string, status: BootstrapStatus): void {
  if (status.state === "Pending") return;
  const currentStatus = statusText(status);
  const message = `Invalid request state for '${id}': expected Pending, found ${currentStatus}`;
  throw new SyncError("InvalidRequestState", message, {
    fields: { requestId: id, currentStatus, expectedStatus: "Pending" },
  });
}

/** As other implementations write it. */
function statusText(status: BootstrapStatus): string {
  if (status.state === "Pending") return "Pending";
  const [by, at] = VERBS[status.state];
  return `${status.state} { ${by}: ${JSON.stringify(status.by)}, ${at}: ${
    JSON.stringify(status.at)
  } }`;
}

function insufficient(id: string, permission: unknown, shown: string): SyncError {
  const message =
    `Insufficient permission for request '${id}': required Admin, but key has ${shown}`;
  return new SyncError("InsufficientPermission", message, {
    fields: { requestId: id, requiredPermission: "Admin", actualPermission: permission },
  });
}

/** Notes the decision, unless somebody else was faster. */
async function decide(
  { records }: ApprovalHost,
  id: string,
  status: BootstrapStatus,
): Promise<void> {
  await records.change(async (stores) => {
    const table = await stores.requests();
    const request = await table.get(id);
    requirePending(id, request.status);
    await table.set(id, { ...request, status });
  });
}
