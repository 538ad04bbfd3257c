import { Instance, PrivateKey } from "../../mod.ts";
import type { Entry } from "../../src/entry/entry.ts";
import type { ID } from "../../src/entry/id.ts";
import { SigKey } from "../../src/entry/sig_info.ts";
import { encodeClientFrame } from "../../src/service/protocol/client_out.ts";
import { FEATURES, type Features } from "../../src/service/protocol/features.ts";
import { encodeFrame, FrameReader } from "../../src/service/protocol/frames.ts";
import { decodeHandshake, encodeHandshake } from "../../src/service/protocol/handshake.ts";
import type {
  ClientFrame,
  DatabaseOp,
  DatabaseWrite,
  ReceivedResponse,
  ReceivedServerFrame,
  ServiceRequest,
} from "../../src/service/protocol/messages.ts";
import { decodeServerFrame } from "../../src/service/protocol/server_in.ts";
import { fromWireError } from "../../src/service/protocol/wire_error.ts";
import type { ServiceConnection } from "../../src/service/server/connection.ts";
import type { ServiceServer } from "../../src/service/server/server.ts";
import type { EideticaError } from "../../src/util/errors.ts";

async function* payloadsOf({ outbox }: ServiceConnection): AsyncGenerator<Uint8Array, void> {
  const reader = new FrameReader();
  for await (const frames of outbox.chunks()) yield* reader.push(frames);
}

/** All features. */
export const ALL: Features = new Set(FEATURES);

/** A client on the server's end of a connection, without a socket in between. */
export class CoreClient {
  readonly connection: ServiceConnection;
  readonly #features: Features;
  readonly #payloads: AsyncGenerator<Uint8Array, void>;
  /** What was received and is no answer. */
  readonly writes: DatabaseWrite<Entry>[] = [];
  /** Why the server ends the connection. */
  closing: EideticaError | undefined;
  key: PrivateKey | undefined;

  private constructor(connection: ServiceConnection, features: Features) {
    this.connection = connection;
    this.#features = features;
    this.#payloads = payloadsOf(connection);
  }

  /** Connects and shakes hands. */
  static async begin(server: ServiceServer, features: Features = ALL): Promise<CoreClient> {
    const client = new CoreClient(server.accept(), features);
    client.connection.receive(encodeFrame(encodeHandshake(features)));
    const { value } = await client.#payloads.next();
    const { features: agreed } = decodeHandshake(value!);
    if (agreed.size !== features.size) throw new Error(`agreed on ${[...agreed]}`);
    return client;
  }

  /** Sends a frame, and does not wait for its answer. */
  send(frame: ClientFrame): void {
    this.connection.receive(encodeFrame(encodeClientFrame(frame, this.#features)));
  }

  /** The next answer; undefined when the connection has ended. */
  async next(): Promise<Exclude<ReceivedServerFrame, { type: "Notification" }> | undefined> {
    for (;;) {
      const { value, done } = await this.#payloads.next();
      if (done || value === undefined) return undefined;
      const frame = decodeServerFrame(value, this.#features);
      if (frame.type === "Notification") this.writes.push(frame.write);
      else {
        if (frame.type === "Closing") this.closing = fromWireError(frame.error);
        return frame;
      }
    }
  }

  /** The answer to a request; throws the error that is the answer. */
  async ask(request: ServiceRequest): Promise<ReceivedResponse> {
    this.send({ type: "Plain", request });
    return responseOf(await this.next());
  }

  /** Logs a user without a password in. */
  async login(username: string): Promise<void> {
    const answer = await this.ask({ type: "TrustedLoginUser", username });
    if (answer.type !== "TrustedLoginChallenge") throw new Error(answer.type);
    const { challenge, userInfo } = answer.login;
    this.key = PrivateKey.parse(JSON.parse(userInfo).credentials.root_key.key);
    await this.ask({ type: "TrustedLoginProve", signature: this.key.sign(challenge) });
  }

  /** Proves a further key. */
  async register(key: PrivateKey): Promise<void> {
    const pubkey = key.publicKey;
    const answer = await this.ask({ type: "SessionKeyChallenge", pubkey });
    if (answer.type !== "SessionKeyChallenge") throw new Error(answer.type);
    const signature = key.sign(answer.challenge);
    await this.ask({ type: "SessionKeyRegister", pubkey, signature });
  }

  /** An operation as the user that is logged in, or another key. */
  request(rootId: ID, op: DatabaseOp, key: PrivateKey = this.key!): ServiceRequest {
    return {
      type: "AuthenticatedDb",
      rootId,
      identity: SigKey.direct({ pubkey: key.publicKey }),
      op,
    };
  }

  /** What an operation answers. */
  async operate(rootId: ID, op: DatabaseOp, key?: PrivateKey): Promise<ReceivedResponse> {
    return await this.ask(this.request(rootId, op, key));
  }
}

/** The response in a frame; throws the error that it is. */
export function responseOf(frame: ReceivedServerFrame | undefined): ReceivedResponse {
  if (frame?.type !== "Response" && frame?.type !== "Reply") throw new Error(String(frame?.type));
  if (frame.response.type === "Error") throw fromWireError(frame.response.error);
  return frame.response;
}

/** A copy of an in-memory instance, which goes its own way. */
export async function twinOf(instance: Instance): Promise<Instance> {
  return await Instance.fromSnapshotText(await instance.snapshotText());
}
