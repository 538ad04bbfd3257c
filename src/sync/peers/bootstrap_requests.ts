/**
 * Requests for access that wait for an administrator, as rows of the table `bootstrap_requests` of `_sync`. Key
 * of a row is the ID of the request, a random UUID; its value is JSON:
 *
 * ```text
 * { tree_id, requesting_pubkey, requesting_key_name, requested_permission, timestamp,
 *   status: "Pending" | {"Approved": {approved_by, approval_time}} | {"Rejected": {rejected_by, rejection_time}},
 *   peer_address: {transport_type, address}, metadata: document or null }
 * ```
 *
 * @module
 */

import { Permission } from "../../auth/permission.ts";
import { Doc } from "../../crdt/doc.ts";
import { ID } from "../../entry/id.ts";
import { PublicKey } from "../../keys/public_key.ts";
import type { StoreType } from "../../store/context.ts";
import type { RowCodec } from "../../store/row_codec.ts";
import { Table } from "../../store/table.ts";
import { type JsonObject, parseJson64, stringifyJson64 } from "../../util/json64.ts";
import type { Address } from "../address.ts";

/** What has become of a request. */
export type BootstrapStatus =
  | { readonly state: "Pending" }
  | { readonly state: "Approved" | "Rejected"; readonly by: string; readonly at: string };

/** A request for access to a database. */
export interface BootstrapRequest {
  /** Root of the database. */
  readonly treeId: ID;
  /** Key that asks to be let in. */
  readonly requestingKey: PublicKey;
  /** Name that the key shall have in the database's settings. */
  readonly requestingKeyName: string;
  /** What the key asks to be allowed. */
  readonly requestedPermission: Permission;
  /** When the request arrived, RFC 3339. */
  readonly timestamp: string;
  /** What has become of it. */
  readonly status: BootstrapStatus;
  /** Where it came from, as far as that is known. */
  readonly peerAddress: Address;
  /** What the requester wrote for the administrator. */
  readonly metadata: Doc | undefined;
}

/** Where a request came from when nobody knows. */
export const UNKNOWN_ADDRESS: Address = Object.freeze({
  transportType: "unknown",
  address: "unknown",
});

/** Members of a request that was decided: by whom, and when. */
export const VERBS = {
  Approved: ["approved_by", "approval_time"],
  Rejected: ["rejected_by", "rejection_time"],
} as const;

function statusJson(status: BootstrapStatus): unknown {
  if (status.state === "Pending") return "Pending";
  const [by, at] = VERBS[status.state];
  return { [status.state]: { [by]: status.by, [at]: status.at } };
}

type Json = Record<string, unknown>;

function statusOf(json: unknown): BootstrapStatus {
  if (json === "Pending") return { state: "Pending" };
  for (const state of ["Approved", "Rejected"] as const) {
    const told = (json as Json | null)?.[state] as Json | undefined;
    if (told === undefined) continue;
    const [by, at] = VERBS[state];
    return { state, by: text(told[by], by), at: text(told[at], at) };
  }
  throw new Error("its status is none of Pending, Approved and Rejected");
}

function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new Error(`its ${what} is not a text`);
}

function write(request: BootstrapRequest): string {
  const head = JSON.stringify({
    tree_id: request.treeId.toString(),
    requesting_pubkey: request.requestingKey.toString(),
    requesting_key_name: request.requestingKeyName,
    requested_permission: request.requestedPermission.toJSON(),
    timestamp: request.timestamp,
    status: statusJson(request.status),
    peer_address: {
      transport_type: request.peerAddress.transportType,
      address: request.peerAddress.address,
    },
  });
  return `${head.slice(0, -1)},"metadata":${request.metadata?.stringify() ?? "null"}}`;
}

function read(source: string): BootstrapRequest {
  const json = JSON.parse(source) as Json;
  const address = json.peer_address as Json;
  return {
    treeId: ID.parse(text(json.tree_id, "tree_id")),
    requestingKey: PublicKey.parse(text(json.requesting_pubkey, "requesting_pubkey")),
    requestingKeyName: text(json.requesting_key_name, "requesting_key_name"),
    requestedPermission: Permission.fromJSON(json.requested_permission),
    timestamp: text(json.timestamp, "timestamp"),
    status: statusOf(json.status),
    peerAddress: {
      transportType: text(address?.transport_type, "transport_type"),
      address: text(address?.address, "address"),
    },
    metadata: metadataOf(source, json),
  };
}

/** The document with its 64-bit integers, which plain JSON would round. */
function metadataOf(source: string, { metadata }: Json): Doc | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  const exact = (parseJson64(source) as JsonObject).get("metadata");
  return Doc.parse(stringifyJson64(exact));
}

/** A request as a row. */
export const bootstrapRequestRow: RowCodec<BootstrapRequest> = {
  write: (request) => Promise.resolve().then(() => write(request)),
  read: (source, refuse) =>
    Promise.resolve().then(() => {
      try {
        return read(source);
      } catch (error) {
        throw refuse((error as Error).message);
      }
    }),
};

/** The table of requests. */
export const BootstrapRequests: StoreType<Table<BootstrapRequest>> = {
  typeId: Table.typeId,
  load: (context, name) => new Table(context, name, bootstrapRequestRow),
};
