import type { Permission } from "../../auth/permission.ts";
import { writeEntryJson } from "../../entry/entry_json_writer.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { concat, utf8 } from "../../util/bytes.ts";
import { SyncError } from "../../util/errors.ts";
import { JsonBytesWriter } from "../../util/json_bytes_writer.ts";
import { quoteJson } from "../../util/json64.ts";
import type { RequestProof } from "../access/request_proof.ts";
import type {
  BootstrapResponse,
  HandshakeRequest,
  HandshakeResponse,
  IncrementalResponse,
  NativeOffer,
  OutgoingEntries,
  OutgoingEntry,
  SyncRequest,
  SyncResponse,
  SyncTreeRequest,
  TreeInfo,
  Uint64,
} from "./messages.ts";

/** Pieces of about this size are handed out: memory does not grow with a message. */
export const CHUNK_BYTES: number = 64 * 1024;

const COMMA = utf8(",");
const MAX_U32 = 2n ** 32n - 1n;
const MAX_U64 = 2n ** 64n - 1n;

/** A message: what comes before its list of entries, the list, and what comes after it. */
interface Frame<Entries> {
  readonly head: (out: JsonBytesWriter) => void;
  readonly entries?: Entries;
  readonly tail?: string;
}

/** The JSON of a request as UTF-8, at once. */
export function encodeRequest(request: SyncRequest<Iterable<OutgoingEntry>>): Uint8Array {
  return encode(requestFrame(request));
}

/** The JSON of a response as UTF-8, at once. */
export function encodeResponse(
  response: SyncResponse<OutgoingEntry, Iterable<OutgoingEntry>>,
): Uint8Array {
  return encode(responseFrame(response));
}

/** The JSON of a request as UTF-8, in pieces of about {@link CHUNK_BYTES}. */
export function streamRequest(request: SyncRequest): AsyncGenerator<Uint8Array, void> {
  return stream(requestFrame(request));
}

/** The JSON of a response as UTF-8, in pieces of about {@link CHUNK_BYTES}. */
export function streamResponse(response: SyncResponse): AsyncGenerator<Uint8Array, void> {
  return stream(responseFrame(response));
}

function encode(frame: Frame<Iterable<OutgoingEntry>>): Uint8Array {
  const writer = new MessageWriter();
  frame.head(writer.out);
  const pieces = [...writer.items(frame.entries ?? [])];
  writer.out.json(frame.tail ?? "");
  return concat(...pieces, writer.out.take());
}

async function* stream(frame: Frame<OutgoingEntries>): AsyncGenerator<Uint8Array, void> {
  const writer = new MessageWriter();
  frame.head(writer.out);
  const { entries = [] } = frame;
  if (Symbol.iterator in entries) yield* writer.items(entries);
  else for await (const batch of entries) yield* writer.items(batch);
  writer.out.json(frame.tail ?? "");
  yield writer.out.take();
}

/** A buffer, and what is told of a list that is being written to it. */
class MessageWriter {
  readonly out: JsonBytesWriter = new JsonBytesWriter();
  #isFirst = true;

  /** Writes items of a list, and gives what was written whenever the buffer is full. */
  *items(entries: Iterable<OutgoingEntry>): Generator<Uint8Array, void> {
    for (const { bytes } of entries) {
      if (!this.#isFirst) this.out.raw(COMMA);
      this.#isFirst = false;
      writeEntryJson(bytes, this.out);
      if (this.out.length >= CHUNK_BYTES) yield this.out.take();
    }
  }
}

function requestFrame<Entries>(request: SyncRequest<Entries>): Frame<Entries> {
  switch (request.type) {
    case "Handshake":
      return text(`{"Handshake":${handshakeRequest(request.body)}}`);
    case "SyncTree":
      return text(`{"SyncTree":${syncTree(request.body)}}`);
    case "SendEntries":
      return { head: (out) => out.json('{"SendEntries":['), entries: request.body, tail: "]}" };
  }
}

function responseFrame<Entries>(response: SyncResponse<OutgoingEntry, Entries>): Frame<Entries> {
  switch (response.type) {
    case "Handshake":
      return text(`{"Handshake":${handshakeResponse(response.body)}}`);
    case "Bootstrap":
      return bootstrap(response.body);
    case "Incremental":
      return incremental(response.body);
    case "BootstrapPending": {
      const { requestId, message } = response.body;
      const body = `{"request_id":${quoteJson(requestId)},"message":${quoteJson(message)}}`;
      return text(`{"BootstrapPending":${body}}`);
    }
    case "Ack":
      return text('"Ack"');
    case "Count":
      return text(`{"Count":${uint(response.body)}}`);
    case "Error":
      return text(`{"Error":${quoteJson(response.body)}}`);
  }
}

function text<Entries>(json: string): Frame<Entries> {
  return { head: (out) => out.json(json) };
}

function bootstrap<Entries>(body: BootstrapResponse<OutgoingEntry, Entries>): Frame<Entries> {
  const granted = permission(body.grantedPermission);
  const isApproved = body.keyApproved === true;
  return {
    head: (out) => {
      out.json(`{"Bootstrap":{"tree_id":"${body.treeId}","root_entry":`);
      writeEntryJson(body.rootEntry.bytes, out);
      out.json(',"all_entries":[');
    },
    entries: body.allEntries,
    tail: `],"key_approved":${isApproved},"granted_permission":${granted}}}`,
  };
}

function incremental<Entries>(body: IncrementalResponse<Entries>): Frame<Entries> {
  const tips = JSON.stringify(body.theirTips);
  const head =
    `{"Incremental":{"tree_id":"${body.treeId}","their_tips":${tips},"missing_entries":[`;
  return { head: (out) => out.json(head), entries: body.missingEntries, tail: "]}}" };
}

// --- members -----------------------------------------------------------------------------------

function handshakeRequest(body: HandshakeRequest): string {
  return object({
    device_id: key(body.deviceId),
    public_key: key(body.publicKey),
    display_name: optionalText(body.displayName),
    protocol_version: uint(body.protocolVersion, MAX_U32),
    challenge: bytes(body.challenge),
    listen_addresses: `[${
      body.listenAddresses.map(({ transportType, address }) => {
        return `{"transport_type":${quoteJson(transportType)},"address":${quoteJson(address)}}`;
      })
    }]`,
    native: native(body.native),
  });
}

function handshakeResponse(body: HandshakeResponse): string {
  return object({
    device_id: key(body.deviceId),
    public_key: key(body.publicKey),
    display_name: optionalText(body.displayName),
    protocol_version: uint(body.protocolVersion, MAX_U32),
    challenge_response: bytes(body.challengeResponse),
    new_challenge: bytes(body.newChallenge),
    available_trees: `[${body.availableTrees.map(treeInfo)}]`,
    native: native(body.native),
  });
}

function treeInfo(info: TreeInfo): string {
  return object({
    tree_id: `"${info.treeId}"`,
    name: optionalText(info.name),
    entry_count: uint(info.entryCount),
    last_modified: uint(info.lastModified),
  });
}

function syncTree(body: SyncTreeRequest): string {
  return object({
    tree_id: `"${body.treeId}"`,
    our_tips: JSON.stringify(body.ourTips),
    peer_pubkey: key(body.peerPubkey),
    requesting_key: key(body.requestingKey),
    requesting_key_name: optionalText(body.requestingKeyName),
    requested_permission: permission(body.requestedPermission),
    metadata: body.metadata?.stringify() ?? "null",
    auth: body.auth === undefined ? "null" : proof(body.auth),
  });
}

function proof({ key: signer, timestampMs, nonce, signature }: RequestProof): string {
  return object({
    key: key(signer),
    timestamp_ms: uint(timestampMs),
    nonce: bytes(nonce),
    signature: bytes(signature),
  });
}

function object(members: Readonly<Record<string, string | undefined>>): string {
  const written = Object.entries(members).filter(([, json]) => json !== undefined);
  return `{${written.map(([name, json]) => `"${name}":${json}`)}}`;
}

function key(value: PublicKey | undefined): string {
  return value === undefined ? "null" : `"${value}"`;
}

function optionalText(value: string | undefined): string {
  return value === undefined ? "null" : quoteJson(value);
}

function bytes(value: Uint8Array): string {
  return `[${value.join(",")}]`;
}

function permission(value: Permission | undefined): string {
  return value === undefined ? "null" : JSON.stringify(value);
}

/** Other nodes pass this member over; it is left out where it says nothing. */
function native(offer: NativeOffer | undefined): string | undefined {
  return offer && `{"versions":${JSON.stringify(offer.versions)},"path":${quoteJson(offer.path)}}`;
}

function uint(value: Uint64, max: bigint = MAX_U64): string {
  const isExact = typeof value === "bigint" || Number.isSafeInteger(value);
  if (isExact && value >= 0 && value <= max) return String(value);
  const reason = `${value} is not an integer from 0 to ${max}`;
  throw new SyncError("SerializationError", `Cannot write a sync message: ${reason}`, {
    fields: { reason },
  });
}
