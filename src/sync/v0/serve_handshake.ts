import { ArrivalLog } from "../../backend/log/arrival_log.ts";
import type { ID } from "../../entry/id.ts";
import type { Address } from "../../transport/port.ts";
import { SyncError } from "../../util/errors.ts";
import {
  type HandshakeRequest,
  type NativeOffer,
  PROTOCOL_VERSION,
  type SyncResponse,
  type TreeInfo,
} from "./messages.ts";
import type { Serving } from "./serving.ts";

/** Bytes of a challenge. Nothing of another length is signed: it might mean something else. */
export const CHALLENGE_BYTES = 32;
/** Most addresses that are taken from one handshake. */
export const MAX_LISTEN_ADDRESSES = 16;
/** Most letters of an address that is noted. */
export const MAX_ADDRESS_LENGTH = 1024;
/** Most letters of a name that is noted. */
export const MAX_DISPLAY_NAME = 256;

/** The way on which a request has come. */
export interface Way {
  /** Where it comes from, if somebody can be reached there. */
  readonly remote: Address | undefined;
  /** The native protocol, if it is offered on this way. */
  readonly native?: NativeOffer | undefined;
}

/** Says who this node is, and notes who has asked. */
export async function answerHandshake(
  serving: Serving,
  request: HandshakeRequest,
  { remote, native }: Way,
): Promise<SyncResponse> {
  if (request.protocolVersion !== PROTOCOL_VERSION) throw mismatch(request.protocolVersion);
  if (request.challenge.length !== CHALLENGE_BYTES) {
    throw challengeRefused(request.challenge.length);
  }
  const device = serving.host.deviceKey();
  const availableTrees = await openTrees(serving);
  await serving.notePeer(
    request.publicKey,
    request.displayName?.slice(0, MAX_DISPLAY_NAME),
    addressesOf(request, remote),
  );
  return {
    type: "Handshake",
    body: {
      deviceId: device.publicKey,
      publicKey: device.publicKey,
      displayName: serving.displayName,
      protocolVersion: PROTOCOL_VERSION,
      challengeResponse: device.sign(request.challenge),
      newChallenge: serving.host.host.random.bytes(CHALLENGE_BYTES),
      availableTrees,
      native,
    },
  };
}

/** Those that the other side names, and where it was seen. */
function addressesOf(request: HandshakeRequest, remote: Address | undefined): Address[] {
  const told = request.listenAddresses.slice(0, MAX_LISTEN_ADDRESSES);
  const all = remote === undefined ? told : [...told, remote];
  return all.filter(({ address, transportType }) => {
    return address.length <= MAX_ADDRESS_LENGTH && transportType.length <= MAX_ADDRESS_LENGTH;
  });
}

/** Trees that are shared and that anybody may read: no others are told of. */
async function openTrees(serving: Serving): Promise<TreeInfo[]> {
  const found: TreeInfo[] = [];
  for (const [tree, settings] of await (await serving.records.view().users()).allCombined()) {
    if (!settings.syncEnabled || !await serving.access.isOpen(tree)) continue;
    found.push({
      treeId: tree,
      name: undefined,
      entryCount: await countOf(serving, tree),
      lastModified: 0,
    });
  }
  return found;
}

async function countOf(serving: Serving, tree: ID): Promise<number> {
  return (await ArrivalLog.of(serving.host.host.backend).head(tree))?.count ?? 0;
}

function mismatch(received: number): SyncError {
  const message = `Protocol version mismatch: expected ${PROTOCOL_VERSION}, got ${received}`;
  return new SyncError("ProtocolMismatch", message, {
    fields: { expected: PROTOCOL_VERSION, received },
  });
}

function challengeRefused(length: number): SyncError {
  const reason = `a challenge has ${CHALLENGE_BYTES} bytes, not ${length}`;
  return new SyncError("HandshakeFailed", `Handshake failed: ${reason}`, { fields: { reason } });
}
