import { MAX_PRIORITY, Permission } from "../../auth/permission.ts";
import type { Doc } from "../../crdt/doc.ts";
import { parseDoc } from "../../crdt/doc_parse.ts";
import { bytes, id, ids, key, text, u32, u64 } from "../../entry/json_values.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { fromUtf8 } from "../../util/bytes.ts";
import type { JsonBytes } from "../../util/json_bytes.ts";
import { MAX_JSON_DEPTH } from "../../util/json_reader.ts";
import {
  endVariant,
  listOf,
  Members,
  openVariant,
  optional,
  readStruct,
} from "../../util/json_struct.ts";
import type { RequestProof } from "../access/request_proof.ts";
import type { Address } from "../address.ts";
import type {
  HandshakeRequest,
  HandshakeResponse,
  NativeOffer,
  PendingResponse,
  SyncTreeRequest,
  TreeInfo,
} from "./messages.ts";

/** The two containers that stand around the document of a request count as well. */
const DOC_DEPTH = MAX_JSON_DEPTH - 2;

const HANDSHAKE_REQUEST = new Members("a handshake request", [
  ...["device_id", "public_key", "display_name?", "protocol_version", "challenge"],
  ...["listen_addresses", "native??"],
]);
const HANDSHAKE_RESPONSE = new Members("a handshake response", [
  ...["device_id", "public_key", "display_name?", "protocol_version", "challenge_response"],
  ...["new_challenge", "available_trees", "native??"],
]);
const ADDRESS = new Members("an address", ["transport_type", "address"]);
const TREE_INFO = new Members("a tree", ["tree_id", "name?", "entry_count", "last_modified"]);
const SYNC_TREE = new Members("a sync request", [
  ...["tree_id", "our_tips", "peer_pubkey?", "requesting_key?", "requesting_key_name?"],
  ...["requested_permission?", "metadata??", "auth??"],
]);
const PROOF = new Members("a proof", ["key", "timestamp_ms", "nonce", "signature"]);
const PENDING = new Members("a pending request", ["request_id", "message"]);
const LEVELS = ["Admin", "Write", "Read"];

/** Reads the payload of a handshake as it is asked for. */
export function handshakeRequest(reader: JsonBytes): HandshakeRequest {
  const [deviceId, publicKey, displayName, protocolVersion, challenge, listenAddresses, native] =
    readStruct(
      reader,
      HANDSHAKE_REQUEST,
      ...[key, key, optional(text), u32, bytes, listOf("a list of addresses", address), offer],
    );
  return { deviceId, publicKey, displayName, protocolVersion, challenge, listenAddresses, native };
}

/** Reads the payload of a handshake as it is answered. */
export function handshakeResponse(reader: JsonBytes): HandshakeResponse {
  const [deviceId, publicKey, displayName, protocolVersion, challengeResponse, ...rest] =
    readStruct(
      reader,
      HANDSHAKE_RESPONSE,
      ...[key, key, optional(text), u32, bytes, bytes, listOf("a list of trees", treeInfo), offer],
    );
  const [newChallenge, availableTrees, native] = rest;
  return {
    ...{ deviceId, publicKey, displayName, protocolVersion },
    ...{ challengeResponse, newChallenge, availableTrees, native },
  };
}

function address(reader: JsonBytes): Address {
  const [transportType, where] = readStruct(reader, ADDRESS, text, text);
  return { transportType, address: where };
}

function treeInfo(reader: JsonBytes): TreeInfo {
  const [treeId, name, entryCount, lastModified] = //
    readStruct(reader, TREE_INFO, id, optional(text), u64, u64);
  return { treeId, name, entryCount, lastModified };
}

/** The native protocol is an extra: an offer that cannot be read is none. */
function offer(reader: JsonBytes): NativeOffer | undefined {
  const start = reader.position;
  reader.skip();
  try {
    const json = JSON.parse(fromUtf8(reader.bytes.subarray(start, reader.position)));
    const { versions, path } = json;
    const isOffer = typeof path === "string" && Array.isArray(versions) &&
      versions.every(Number.isSafeInteger);
    return isOffer ? { versions, path } : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the payload of a request for the entries of a database. */
export function syncTree(reader: JsonBytes): SyncTreeRequest {
  const [treeId, tips, peerPubkey, requestingKey, requestingKeyName, requestedPermission, ...rest] =
    readStruct(
      reader,
      SYNC_TREE,
      ...[id, ids, optional(key), optional(key), optional(text), optional(permission)],
      ...[optional(doc), optional(proof)],
    );
  const [metadata, auth] = rest;
  return {
    ...{ treeId, ourTips: Snapshot.of(tips), peerPubkey, requestingKey },
    ...{ requestingKeyName, requestedPermission, metadata, auth },
  };
}

function proof(reader: JsonBytes): RequestProof {
  const [signer, timestampMs, nonce, signature] = readStruct(reader, PROOF, key, u64, bytes, bytes);
  return { key: signer, timestampMs, nonce, signature };
}

/** Reads the payload of a response that somebody has to decide first. */
export function pending(reader: JsonBytes): PendingResponse {
  const [requestId, message] = readStruct(reader, PENDING, text, text);
  return { requestId, message };
}

/** Reads a permission. */
export function permission(reader: JsonBytes): Permission {
  const level = openVariant(reader, LEVELS, "a permission");
  if (level < 0) return LEVELS[-1 - level] === "Read" ? Permission.read : withoutNumber(reader);
  const read = LEVELS[level] === "Read" ? readUnit(reader) : priority(reader, level);
  endVariant(reader);
  return read;
}

function withoutNumber(reader: JsonBytes): never {
  return reader.unlike("a permission without a number");
}

/** `{ "Read": null }` means the same as `"Read"`. */
function readUnit(reader: JsonBytes): Permission {
  return reader.acceptNull() ? Permission.read : reader.mismatch("null");
}

function priority(reader: JsonBytes, level: number): Permission {
  const number = reader.smallUint(MAX_PRIORITY, "a priority");
  return LEVELS[level] === "Admin" ? Permission.admin(number) : Permission.write(number);
}

function doc(reader: JsonBytes): Doc {
  return parseDoc(reader.raw(), DOC_DEPTH);
}
