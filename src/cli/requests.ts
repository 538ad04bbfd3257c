import type { Sync } from "../sync/port.ts";
import type { BootstrapRequest } from "../sync/port.ts";
import { Failure } from "./frame/failure.ts";
import { suggest } from "./frame/suggest.ts";
import { permissionText } from "./permission_text.ts";

/** A request for programs. */
export function requestJson(id: string, request: BootstrapRequest): Record<string, unknown> {
  const { metadata, status } = request;
  const note = metadata?.get("note");
  return {
    id,
    database: request.treeId.toString(),
    key: request.requestingKey.toString(),
    name: request.requestingKeyName,
    permission: permissionText(request.requestedPermission),
    note: typeof note === "string" ? note : null,
    since: request.timestamp,
    state: status.state,
  };
}

/** All requests, those that nobody has decided first. */
export async function allRequests(sync: Sync): Promise<[id: string, request: BootstrapRequest][]> {
  return [
    ...await sync.pendingBootstrapRequests(),
    ...await sync.approvedBootstrapRequests(),
    ...await sync.rejectedBootstrapRequests(),
  ];
}

/** The request of an ID, or of the beginning of one, that nobody has decided; there is none where nothing was synchronised. */
export async function pendingRequest(
  sync: Sync | undefined,
  text: string,
): Promise<[id: string, request: BootstrapRequest]> {
  const all = sync === undefined ? [] : await allRequests(sync);
  const fits = all.filter(([id]) => id === text || (text.length >= 4 && id.startsWith(text)));
  if (fits.length !== 1) {
    const near = suggest(text, all.map(([id]) => id));
    throw new Failure(`Cannot find a request "${text}".`, {
      code: "RequestNotFound",
      next: near === undefined ? "eidetica requests list" : `did you mean "${near}"?`,
    });
  }
  const { status } = fits[0]![1];
  if (status.state === "Pending") return fits[0]!;
  throw new Failure(`Cannot decide the request: it is ${status.state} since ${status.at}.`, {
    code: "RequestDecided",
    now: `by ${status.by}`,
    next: "eidetica db keys DB grant KEY PERM",
  });
}
