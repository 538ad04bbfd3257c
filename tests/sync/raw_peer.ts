/** The other end of a session, made by hand: says whatever a test wants. */

import { type ID, PrivateKey } from "../../mod.ts";
import { decodeMessage, encodeMessage } from "../../src/sync/native/codec.ts";
import { decodeFrames } from "../../src/sync/native/frames.ts";
import { Handshake, type Identity } from "../../src/sync/native/handshake.ts";
import { SESSION_LIMITS, type SessionLimits } from "../../src/sync/native/limits.ts";
import type { Hello, Message, Open } from "../../src/sync/native/messages.ts";
import {
  type NativeSession,
  runSession,
  type SessionRun,
} from "../../src/sync/native/native_session.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { SimLinkPair } from "../../src/testing/sim_link.ts";

/** Every message with a type. */
export type Of<T extends Message["type"]> = Extract<Message, { type: T }>;

/** One end of a connection made by hand, and the session of the first peer of a cluster at the other end. */
export class RawPeer {
  readonly #role: "client" | "server";
  readonly key: PrivateKey;
  readonly session: NativeSession;
  readonly #link;
  readonly #received: Message[] = [];
  #handshake: Handshake | undefined;
  #reading: AsyncIterator<Uint8Array>;

  constructor(
    cluster: Cluster,
    run: Partial<SessionRun> = {},
    key: PrivateKey = PrivateKey.generate(),
  ) {
    this.key = key;
    this.#role = run.role === "client" ? "server" : "client";
    const pair = new SimLinkPair();
    this.#link = pair.ends[0];
    this.#reading = this.#link.incoming[Symbol.asyncIterator]();
    const { native } = cluster.peers[0]!.sync;
    this.session = runSession(pair.ends[1], {
      host: native,
      role: "server",
      binding: "test",
      ...run,
    });
  }

  /** Begins a session as it should be begun, but for what is told. */
  async begin(
    limits: Partial<SessionLimits> = {},
    identity: Partial<Identity> = {},
  ): Promise<this> {
    this.#handshake = new Handshake(
      {
        role: this.#role,
        key: this.key.publicKey.bytes,
        nonce: new Uint8Array(16).fill(7),
        features: 2,
        binding: "test",
        sign: (bytes) => this.key.sign(bytes),
        verify: () => true,
        ...identity,
      },
      { ...SESSION_LIMITS, ...limits },
      0,
    );
    this.send(...this.#handshake.start());
    for (let count = 0; count < 2; count++) {
      // A server hears HELLO, answers, and hears PROOF; a client hears both.
      const { message, payload } = await this.#take();
      this.send(...this.#handshake.receive(message, payload));
    }
    return this;
  }

  /** What a key signs to vouch for reading a tree. */
  openTranscript(tree: Uint8Array): Uint8Array {
    return this.#handshake!.openTranscript(tree);
  }

  /** Sends messages, in one piece. */
  send(...messages: readonly Message[]): void {
    for (const message of messages) this.sendBytes(encodeMessage(message));
  }

  /** Sends bytes. */
  sendBytes(bytes: Uint8Array): void {
    if (this.session.end === undefined) this.#link.send(bytes);
  }

  /** Whatever came and was not taken yet. */
  readonly #frames: { message: Message; payload: Uint8Array }[] = [];

  async #take(): Promise<{ message: Message; payload: Uint8Array }> {
    while (this.#frames.length === 0) {
      const { value, done } = await this.#reading.next();
      if (done === true) {
        throw new Error(`the session has ended: ${JSON.stringify(this.session.end)}`);
      }
      for (const frame of decodeFrames(value, 2 ** 25)) {
        this.#frames.push({ message: decodeMessage(frame, 2 ** 20)!, payload: frame.payload });
      }
    }
    const next = this.#frames.shift()!;
    this.#received.push(next.message);
    return next;
  }

  /** The next message. */
  async next(): Promise<Message> {
    return (await this.#take()).message;
  }

  /** The next message of a type; others before it are passed over. */
  async nextOf<T extends Message["type"]>(type: T): Promise<Of<T>> {
    for (;;) {
      const message = await this.next();
      if (message.type === type) return message as Of<T>;
    }
  }

  /** The code with which the session was ended by the other side. */
  async endedBy(): Promise<string> {
    return (await this.nextOf("close")).code;
  }

  /** Everything that has been taken. */
  received<T extends Message["type"]>(type: T): Of<T>[] {
    return this.#received.filter((it): it is Of<T> => it.type === type);
  }

  /** Ends the connection. */
  close(): void {
    this.#link.close();
  }
}

/** A HELLO with members to be changed. */
export function hello(changes: Partial<Hello> = {}): Hello {
  return {
    type: "hello",
    versions: [1],
    key: PrivateKey.generate().publicKey.bytes,
    nonce: new Uint8Array(16).fill(3),
    time: 0,
    wantedKey: undefined,
    features: 0,
    frameLimit: 1024 * 1024,
    credit: 1024 * 1024,
    ...changes,
  };
}

/** An OPEN with members to be changed. */
export function openOf(tree: ID, changes: Partial<Open> = {}): Open {
  return {
    type: "open",
    channel: 0,
    tree,
    live: false,
    proofs: [],
    vouchedBy: undefined,
    tips: [],
    cursor: undefined,
    ...changes,
  };
}
