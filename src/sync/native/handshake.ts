import { equalBytes } from "../../util/bytes.ts";
import { SyncError } from "../../util/errors.ts";
import { encodeMessage } from "./codec.ts";
import { openTranscript, type Role, sessionTranscript } from "./hello.ts";
import { MIN_FRAME_BYTES, type SessionLimits } from "./limits.ts";
import type { Hello, Message } from "./messages.ts";
import { malformed } from "./varint.ts";

/** The version of the protocol. */
export const NATIVE_VERSION = 1;

/** Who takes part in a session, on this side. */
export interface Identity {
  /** Whether this side has connected, or was connected to. */
  readonly role: Role;
  /** Public key of this device. */
  readonly key: Uint8Array;
  /** A nonce of 16 random bytes, never used before. */
  readonly nonce: Uint8Array;
  /** What this side is able and willing to do. */
  readonly features: number;
  /** The key that the other side must have; undefined for any. */
  readonly wantedKey?: Uint8Array | undefined;
  /** Names what carries the session; the same on both sides. */
  readonly binding: string;
  /** Signs with the key of this device. */
  sign(bytes: Uint8Array): Uint8Array;
  /** Whether a signature is that of a key. */
  verify(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
}

/** The proofs at the beginning of a session. */
export class Handshake {
  /** When this side began, in milliseconds. */
  readonly began: number;
  readonly #identity: Identity;
  readonly #own: Hello;
  readonly #ownPayload: Uint8Array;
  #peer: Hello | undefined;
  #peerPayload: Uint8Array | undefined;
  #isDone = false;

  /** A handshake that has not begun. */
  constructor(identity: Identity, limits: SessionLimits, now: number) {
    this.began = now;
    this.#identity = identity;
    const { key, nonce, wantedKey, features } = identity;
    this.#own = {
      type: "hello",
      versions: [NATIVE_VERSION],
      key,
      nonce,
      time: now,
      wantedKey,
      features,
      frameLimit: limits.frameBytes,
      credit: limits.credit,
    };
    this.#ownPayload = payloadOf(this.#own);
  }

  /** Whether the other side has proved its key. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** What the other side has said of itself. */
  get peer(): Hello | undefined {
    return this.#peer;
  }

  /** The first message, if it is this side that begins. */
  start(): Message[] {
    return this.#identity.role === "client" ? [this.#own] : [];
  }

  /** Takes a message and its bytes; what is to be answered. */
  receive(message: Message, payload: Uint8Array): Message[] {
    if (message.type === "hello" && this.#peer === undefined) {
      return this.#greeted(message, payload);
    }
    if (message.type === "proof" && this.#peer !== undefined) {
      return this.#proved(message.signature);
    }
    throw malformed("the keys have to be proved first");
  }

  #greeted(hello: Hello, payload: Uint8Array): Message[] {
    const { wantedKey, role, key } = this.#identity;
    if (!hello.versions.includes(NATIVE_VERSION)) {
      throw refused("VersionMismatch", `version ${NATIVE_VERSION} is spoken here`);
    }
    if (wantedKey !== undefined && !equalBytes(wantedKey, hello.key)) {
      throw refused("WrongPeer", "another instance answers at this address");
    }
    if (hello.wantedKey !== undefined && !equalBytes(hello.wantedKey, key)) {
      throw refused("WrongPeer", "this is another instance than the one that was wanted");
    }
    if (hello.frameLimit < MIN_FRAME_BYTES) {
      throw refused("FrameLimitTooSmall", `frames of ${MIN_FRAME_BYTES} bytes must be taken`);
    }
    if (equalBytes(hello.nonce, this.#own.nonce)) {
      throw refused("OwnNonce", "the nonce of this side was sent back");
    }
    [this.#peer, this.#peerPayload] = [copyOf(hello), payload.slice()];
    return role === "server" ? [this.#own, this.#proof()] : [];
  }

  #proved(signature: Uint8Array): Message[] {
    const { role } = this.#identity;
    const said = this.#transcript(role === "client" ? "server" : "client");
    if (!this.#identity.verify(this.#peer!.key, said, signature)) {
      throw refused("BadProof", "the signature is not that of the key");
    }
    this.#isDone = true;
    return role === "client" ? [this.#proof()] : [];
  }

  #proof(): Message {
    return { type: "proof", signature: this.#identity.sign(this.#transcript(this.#identity.role)) };
  }

  #transcript(role: Role): Uint8Array {
    return sessionTranscript(role, ...this.#hellos(), this.#identity.binding);
  }

  /** What another key than that of HELLO signs to vouch for reading a tree. */
  openTranscript(tree: Uint8Array): Uint8Array {
    return openTranscript(...this.#hellos(), this.#identity.binding, tree);
  }

  #hellos(): [client: Uint8Array, server: Uint8Array] {
    const [own, peer] = [this.#ownPayload, this.#peerPayload!];
    return this.#identity.role === "client" ? [own, peer] : [peer, own];
  }
}

/** A HELLO that does not change with the buffer that it came in. */
function copyOf(hello: Hello): Hello {
  return { ...hello, key: hello.key.slice(), nonce: hello.nonce.slice() };
}

/** The payload of the frame of a message of less than 16 KiB. */
function payloadOf(message: Message): Uint8Array {
  const frame = encodeMessage(message);
  return frame.subarray(frame[1]! < 0x80 ? 2 : 3);
}

function refused(code: string, why: string): SyncError {
  return new SyncError(code, `Cannot begin a session: ${why}`);
}
