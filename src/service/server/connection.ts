import type { Entry } from "../../entry/entry.ts";
import { EideticaError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import { decodeClientFrame } from "../protocol/client_in.ts";
import { type Features, NO_FEATURES } from "../protocol/features.ts";
import { encodeFrame, FrameReader } from "../protocol/frames.ts";
import { decodeHandshake, encodeHandshake } from "../protocol/handshake.ts";
import {
  type ClientFrame,
  PROTOCOL_VERSION,
  type ReceivedRequest,
  type ServerFrame,
  type ServiceResponse,
} from "../protocol/messages.ts";
import { encodeServerFrame } from "../protocol/server_out.ts";
import { toWireError } from "../protocol/wire_error.ts";
import { ClientSession } from "./client_session.ts";
import { notReading, stopped } from "./endings.ts";
import { MAX_WAITING_BYTES, MAX_WAITING_REQUESTS } from "./limits.ts";
import type { Served } from "./operations.ts";
import { Outbox, type Soon } from "./outbox.ts";
import { isSubmit, RequestLife } from "./request_life.ts";

const log = new Logger("service");

/** A request that waits for its turn, or why it cannot be read. */
interface Waiting {
  readonly bytes: number;
  readonly life: RequestLife;
  readonly request: ReceivedRequest | EideticaError;
}

/**
 * The server's end of a connection, without the connection: bytes go in by {@link receive}, frames come out of
 * {@link outbox} (11 §2–§4).
 *
 * Requests are handled one after the other; notifications go out meanwhile. What cannot be read ends the
 * connection when all before it was answered.
 */
export class ServiceConnection {
  /** Frames for the client; it ends when the connection does. */
  readonly outbox: Outbox;
  /** Called when there is room for more bytes again. */
  onRoom: () => void = () => undefined;
  readonly #served: Served;
  readonly #reader = new FrameReader();
  #features: Features = NO_FEATURES;
  #client: ClientSession | undefined;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  readonly #lives = new Map<number, RequestLife>();
  #running: Promise<void> | undefined;
  #isInputEnded = false;
  #isSubmitting = false;
  #refusal: EideticaError | undefined;

  /** A connection that was just accepted. */
  constructor(served: Served, soon: Soon) {
    this.#served = served;
    this.outbox = new Outbox(soon);
  }

  /** Whether no more bytes should be read for now. */
  get isFull(): boolean {
    return this.#waitingBytes > MAX_WAITING_BYTES || this.#waiting.length > MAX_WAITING_REQUESTS;
  }

  // --- what comes in ---------------------------------------------------------------------------

  /** Takes bytes from the client. */
  receive(bytes: Uint8Array): void {
    if (this.#isInputEnded) return;
    try {
      for (const payload of this.#reader.push(bytes)) {
        if (this.#isInputEnded) return;
        if (this.#client === undefined) this.#shakeHands(payload);
        else this.#take(payload);
      }
    } catch (error) {
      this.#refuseInput(error);
    }
  }

  /** The client sends nothing more: what it has sent is answered. */
  receiveEnd(): void {
    try {
      this.#reader.end();
    } catch (error) {
      this.#refuseInput(error);
    }
    this.#endInput();
  }

  #refuseInput(error: unknown): void {
    if (!(error instanceof EideticaError)) throw error;
    log.debug("A connection has ended: {reason}", { reason: error.message });
    this.#refusal = error;
    this.#endInput();
  }

  #shakeHands(payload: Uint8Array): void {
    const { version, features } = decodeHandshake(payload);
    this.outbox.push(encodeFrame(encodeHandshake(features)));
    if (version !== PROTOCOL_VERSION) return this.#endInput();
    this.#features = features;
    this.#client = new ClientSession(this.#served, features, (write) => {
      const isRich = features.has("contents");
      const { rootId, previousTips, postTips, source } = write;
      const plain = { rootId, previousTips, postTips, source };
      const frame = this.#encode({ type: "Notification", write: isRich ? write : plain });
      // The answer to the write goes along. Others are told before the writer has its answer.
      this.outbox.notify(frame, this.#isSubmitting);
      if (this.outbox.isOverfull) this.#cutOff();
    });
  }

  #take(payload: Uint8Array): void {
    const frame = this.#decode(payload);
    if (frame.type === "Cancel") return this.#lives.get(frame.id)?.cancel();
    const id = frame.type === "Request" ? frame.id : undefined;
    const life = new RequestLife(id, frame.type === "Request" ? frame.deadlineMs : undefined);
    if (id !== undefined) this.#lives.set(id, life);
    this.#waiting.push({ bytes: payload.length, life, request: frame.request });
    this.#waitingBytes += payload.length;
    this.#running ??= this.#run().catch((error) => this.#giveUp(error));
  }

  /** With the feature `errors`, what cannot be read is answered; without it, it ends the connection. */
  #decode(payload: Uint8Array): ClientFrame<ReceivedRequest | EideticaError> {
    try {
      return decodeClientFrame(payload, this.#features);
    } catch (error) {
      if (!(error instanceof EideticaError) || !this.#features.has("errors")) throw error;
      return { type: "Plain", request: error };
    }
  }

  // --- requests --------------------------------------------------------------------------------

  async #run(): Promise<void> {
    await undefined;
    for (let next; (next = this.#waiting.shift()) !== undefined;) {
      await this.#handle(next);
      this.#waitingBytes -= next.bytes;
      await this.outbox.hasRoom();
      if (!this.isFull) this.onRoom();
    }
    this.#running = undefined;
    if (this.#isInputEnded) this.#finish();
  }

  /** What should not happen happens to one connection alone. */
  #giveUp(error: unknown): void {
    log.error("A connection was given up", { error }, this);
    this.lost();
  }

  async #handle({ request, life }: Waiting): Promise<void> {
    try {
      if (request instanceof EideticaError) throw request;
      this.#isSubmitting = isSubmit(request);
      this.#answer(life, await life.during(request, () => this.#client!.answer(request)));
    } catch (error) {
      if (!(error instanceof EideticaError)) log.error("A request has failed", { error }, this);
      this.#answer(life, { type: "Error", error: toWireError(error, this.#features) });
    } finally {
      this.#isSubmitting = false;
      life.end();
      if (life.id !== undefined && this.#lives.get(life.id) === life) this.#lives.delete(life.id);
      // What was given up and goes on must not meet the next request, nor may there be ever more of it.
      await life.over;
    }
  }

  /** Sends an answer; one that is too large for a frame is an error instead. */
  #answer({ id }: RequestLife, response: ServiceResponse<Entry>): void {
    const frame = (value: ServiceResponse<Entry>): ServerFrame =>
      id === undefined
        ? { type: "Response", response: value }
        : { type: "Reply", id, response: value };
    try {
      this.#send(frame(response));
    } catch (error) {
      if (!(error instanceof EideticaError)) throw error;
      this.#send(frame({ type: "Error", error: toWireError(error, this.#features) }));
    }
  }

  #send(frame: ServerFrame): void {
    this.outbox.push(this.#encode(frame));
  }

  #encode(frame: ServerFrame): Uint8Array {
    return encodeFrame(encodeServerFrame(frame, this.#features));
  }

  // --- the end ---------------------------------------------------------------------------------

  #endInput(): void {
    this.#isInputEnded = true;
    if (this.#running === undefined) this.#finish();
  }

  /** Resolves when all requests that were received are answered. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Nothing more is sent: what waits goes out, and why the connection ends if that is the client's fault. */
  #finish(): void {
    this.#client?.end();
    if (this.#refusal !== undefined) this.#sayWhy(this.#refusal);
    this.outbox.end();
  }

  /**
   * Ends the connection when the request that is handled was answered. Those that wait are not begun. Resolves
   * when nothing more is done; what waits to be sent may be on its way.
   */
  async stop(): Promise<void> {
    this.#dropWaiting();
    this.outbox.hurry();
    await this.#running;
    if (!this.#isInputEnded) this.#sayWhy(stopped());
    this.#isInputEnded = true;
    this.#finish();
  }

  /** The connection is gone: nothing can be sent any more. What was begun is finished for itself. */
  lost(): void {
    this.#dropWaiting();
    this.#isInputEnded = true;
    for (const life of this.#lives.values()) life.cancel();
    this.#finish();
    this.outbox.clear();
  }

  #dropWaiting(): void {
    for (const { life } of this.#waiting.splice(0)) life.end();
  }

  /** The client does not read: it is told why, if it ever reads again, and nothing else. */
  #cutOff(): void {
    log.warn("A client that does not read its notifications was cut off");
    this.#dropWaiting();
    this.outbox.clear();
    this.#sayWhy(notReading());
    this.#isInputEnded = true;
    this.#finish();
  }

  #sayWhy(reason: EideticaError): void {
    if (!this.#features.has("errors")) return;
    this.#send({ type: "Closing", error: toWireError(reason, this.#features) });
  }
}
