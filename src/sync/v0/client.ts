/**
 * The asking side of protocol v0: one exchange each, over whatever transport leads to an address.
 *
 * @module
 */

import type { Permission } from "../../auth/permission.ts";
import type { Doc } from "../../crdt/doc.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address, ByteStream, ExchangeOptions } from "../../transport/port.ts";
import type { Clock } from "../../util/clock.ts";
import { SyncError } from "../../util/errors.ts";
import type { RandomSource } from "../../util/random.ts";
import { proveRequest } from "../access/request_proof.ts";
import { responseReader } from "./json_in.ts";
import { encodeRequest } from "./json_out.ts";
import {
  type NativeOffer,
  type OutgoingEntry,
  PROTOCOL_VERSION,
  type ReceivedResponse,
  type SyncRequest,
  type SyncTreeRequest,
} from "./messages.ts";

/** Name under which this node is known to others. */
export const CLIENT_NAME = "BackgroundSync";
const CHALLENGE_BYTES = 32;

/** Sends a request to an address and gives the answer, which may still be arriving. */
export type Exchange = (
  address: Address,
  request: Uint8Array,
  options: ExchangeOptions,
) => Promise<ByteStream>;

/** With what requests are made. */
export interface ClientOptions {
  /** Leads to addresses. */
  readonly exchange: Exchange;
  /** Key of this device. */
  readonly device: () => PrivateKey;
  /** Tells the time of proofs. */
  readonly clock: Clock;
  /** Makes challenges and nonces. */
  readonly random: RandomSource;
  /** Where this node can be reached. */
  readonly addresses: () => readonly Address[];
  /** What is told of the native protocol to whoever is at an address. */
  readonly offer?: ((address: Address) => NativeOffer | undefined) | undefined;
  /** Told what a peer has said of it. */
  readonly onOffer?: ((peer: PublicKey, offer: NativeOffer | undefined) => void) | undefined;
}

/** Who answered a handshake. */
export interface PeerIdentity {
  /** Its key. */
  readonly key: PublicKey;
  /** Name that it gives itself. */
  readonly displayName: string | undefined;
  /** Set when it understands the native protocol. */
  readonly native: NativeOffer | undefined;
}

/** What is asked for a tree. */
export interface TreeQuestion {
  /** Key of the server. */
  readonly server: PublicKey;
  /** Root of the tree. */
  readonly tree: ID;
  /** Tips that are held here. */
  readonly tips: Snapshot;
  /** Key that may read the tree. */
  readonly key: PrivateKey;
  /** Set to ask for access as well. */
  readonly access?: {
    readonly name: string;
    readonly permission?: Permission | undefined;
    readonly metadata?: Doc | undefined;
  } | undefined;
}

/** Takes entries as they arrive; the next are read when its promise is settled. */
export type EntrySink = (entries: Entry[], bytes: number) => Promise<void>;

/** Bytes after which the entries that were read are handed on. */
const CHUNK_BYTES = 256 * 1024;

/** Makes requests. */
export class V0Client {
  readonly #options: ClientOptions;

  /** A client. */
  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Asks who is at an address; `HandshakeFailed` unless it proves its key, and is the one that is wanted. */
  async handshake(
    address: Address,
    options: ExchangeOptions & { readonly wanted?: PublicKey | undefined } = {},
  ): Promise<PeerIdentity> {
    const challenge = this.#options.random.bytes(CHALLENGE_BYTES);
    const key = this.#options.device().publicKey;
    const answer = await this.#ask(address, {
      type: "Handshake",
      body: {
        deviceId: key,
        publicKey: key,
        displayName: CLIENT_NAME,
        protocolVersion: PROTOCOL_VERSION,
        challenge,
        listenAddresses: this.#options.addresses(),
        native: this.#options.offer?.(address),
      },
    }, options);
    const identity = checkHandshake(answer, challenge, options.wanted);
    this.#options.onOffer?.(identity.key, identity.native);
    return identity;
  }

  /** Asks for a tree; entries go to `sink` as they arrive, the answer comes without them. */
  async syncTree(
    address: Address,
    question: TreeQuestion,
    sink: EntrySink,
    options: ExchangeOptions = {},
  ): Promise<ReceivedResponse> {
    const { server, tree, tips, key, access } = question;
    const { device, clock, random } = this.#options;
    const body: SyncTreeRequest = {
      treeId: tree,
      ourTips: tips,
      peerPubkey: device().publicKey,
      requestingKey: access === undefined ? undefined : key.publicKey,
      requestingKeyName: access?.name,
      requestedPermission: access?.permission,
      metadata: access?.metadata,
      auth: proveRequest(key, { server, tree, tips }, { clock, random }),
    };
    return await this.#ask(address, { type: "SyncTree", body }, options, sink);
  }

  /** Pushes entries of one message; how many the other side holds now. */
  async sendEntries(
    address: Address,
    entries: readonly OutgoingEntry[],
    options: ExchangeOptions = {},
  ): Promise<number> {
    const answer = await this.#ask(address, { type: "SendEntries", body: entries }, options);
    if (answer.type === "Ack") return entries.length;
    if (answer.type === "Count") return Number(answer.body);
    throw answer.type === "Error" ? refused(answer.body) : unexpected("Ack or Count", answer.type);
  }

  async #ask(
    address: Address,
    request: SyncRequest<Iterable<OutgoingEntry>>,
    options: ExchangeOptions,
    sink?: EntrySink,
  ): Promise<ReceivedResponse> {
    const reader = responseReader();
    let bytes = 0;
    for await (
      const piece of await this.#options.exchange(address, encodeRequest(request), options)
    ) {
      bytes += piece.length;
      reader.push(piece);
      if (sink === undefined || bytes < CHUNK_BYTES) continue;
      const entries = reader.takeEntries();
      if (entries.length > 0) await sink(entries, bytes);
      bytes = 0;
    }
    const answer = reader.end();
    const rest = sink === undefined ? [] : listed(answer);
    if (sink !== undefined && rest.length > 0) await sink(rest, bytes);
    return answer;
  }
}

/** The entries that were not taken while the answer arrived. */
function listed(answer: ReceivedResponse): Entry[] {
  if (answer.type === "Incremental") return [...answer.body.missingEntries];
  if (answer.type !== "Bootstrap") return [];
  const { rootEntry, allEntries } = answer.body;
  return rootEntry === undefined ? [...allEntries] : [rootEntry, ...allEntries];
}

function checkHandshake(
  answer: ReceivedResponse,
  challenge: Uint8Array,
  wanted: PublicKey | undefined,
): PeerIdentity {
  if (answer.type === "Error") throw handshakeFailed(answer.body);
  if (answer.type !== "Handshake") throw handshakeFailed("unexpected response type");
  const { publicKey: key, protocolVersion, challengeResponse, displayName, native } = answer.body;
  if (protocolVersion !== PROTOCOL_VERSION) throw mismatch(protocolVersion);
  if (!key.verify(challenge, challengeResponse)) {
    throw handshakeFailed("the signature of the challenge is not that of the key");
  }
  if (wanted !== undefined && !key.equals(wanted)) {
    throw handshakeFailed(`another instance answers, ${key}, where ${wanted} was wanted`);
  }
  return { key, displayName, native };
}

function handshakeFailed(reason: string): SyncError {
  return new SyncError("HandshakeFailed", `Handshake failed: ${reason}`, { fields: { reason } });
}

function mismatch(received: number): SyncError {
  const message = `Protocol version mismatch: expected ${PROTOCOL_VERSION}, got ${received}`;
  return new SyncError("ProtocolMismatch", message, {
    fields: { expected: PROTOCOL_VERSION, received },
  });
}

/** The error for an answer of a kind that does not fit the question. */
export function unexpected(expected: string, actual: string): SyncError {
  const message = `Cannot use the answer of the peer: expected ${expected}, got ${actual}`;
  return new SyncError("UnexpectedResponse", message, { fields: { expected, actual } });
}

/** The error that the other side told, by the words that it begins with. */
export function refused(text: string): SyncError {
  const code = CODES.find(([words]) => text.startsWith(words))?.[1] ?? "SyncProtocolError";
  return new SyncError(code, `The peer refused: ${text}`, { fields: { reason: text } });
}

const CODES: readonly (readonly [words: string, code: string])[] = [
  ["Authentication required", "AuthenticationRequired"],
  ["Authentication failed", "AuthenticationFailed"],
  ["Permission denied", "PermissionDenied"],
  ["Tree not found", "TreeNotFound"],
  ["Protocol version mismatch", "ProtocolMismatch"],
];
