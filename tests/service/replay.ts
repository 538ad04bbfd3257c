import { readFileSync } from "node:fs";
import { PrivateKey } from "../../src/keys/private_key.ts";
import { Doc, Instance } from "../../mod.ts";
import { encodeFrame, FrameReader } from "../../src/service/protocol/frames.ts";
import type { ServiceConnection } from "../../src/service/server/connection.ts";
import { ServiceServer } from "../../src/service/server/server.ts";
import { concat, fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { fromHex } from "../../src/util/hex.ts";
import type { Scenario, Step } from "./vector_frames.ts";
import { sentBy } from "./vector_frames.ts";

/** The node behind the recordings. */
export const NODE: URL = new URL("../vectors/service-node.json", import.meta.url);

/** What a step has given. */
export interface Got {
  readonly frames: readonly string[];
  readonly eof: boolean;
}

/** A connection without a socket, and what came out of it. */
export class Session {
  readonly #connection: ServiceConnection;
  #frames: string[] = [];
  #isEnded = false;

  constructor(server: ServiceServer) {
    this.#connection = server.accept();
    void this.#read();
  }

  async #read(): Promise<void> {
    const reader = new FrameReader();
    for await (const frames of this.#connection.outbox.chunks()) {
      for (const payload of reader.push(frames)) this.#frames.push(fromUtf8(payload));
    }
    this.#isEnded = true;
  }

  /** The connection. */
  get connection(): ServiceConnection {
    return this.#connection;
  }

  /** Sends a message. */
  sendText(text: string): void {
    this.send(encodeFrame(utf8(text)));
  }

  /** Sends bytes. */
  send(bytes: Uint8Array): void {
    this.#connection.receive(bytes);
  }

  /** What has come since, when all is answered. */
  async take(): Promise<Got> {
    await this.#connection.settled();
    // The reader of the outbox has its turns.
    for (let turn = 0; turn < 20; turn++) await undefined;
    return { frames: this.#frames.splice(0), eof: this.#isEnded };
  }
}

/** Plays a scenario to a server of our own, step by step. */
export class Replay {
  readonly #instance: Instance;
  readonly #server: ServiceServer;
  readonly #clients = new Map<string, Session>();
  readonly #got: (readonly string[])[] = [];

  private constructor(instance: Instance, server: ServiceServer) {
    this.#instance = instance;
    this.#server = server;
  }

  /** A fresh server of the recorded node. */
  static async begin(): Promise<Replay> {
    const instance = await Instance.fromSnapshotText(readFileSync(NODE, "utf8"));
    return new Replay(instance, await ServiceServer.of(instance.host));
  }

  /** The instance. */
  get instance(): Instance {
    return this.#instance;
  }

  /** What a step gives here. */
  async step(step: Step): Promise<Got> {
    const got = await this.#play(step);
    this.#got.push(got.frames);
    return got;
  }

  async #play(step: Step): Promise<Got> {
    const client = this.#client(step.c);
    if (step.do === "close") {
      this.#server.lost(client.connection);
      return { frames: [], eof: false };
    }
    if (step.do?.includes("SIGTERM")) await this.#server.stop();
    else if (step.send_hex !== undefined) {
      for (const chunk of step.send_hex) client.send(fromHex(chunk));
      if (step.then === "half-close") client.connection.receiveEnd();
    } else if (step.send !== undefined) {
      client.send(concat(...this.#texts(step).map((text) => encodeFrame(utf8(text)))));
    }
    return await client.take();
  }

  /** What a client gets for bytes that it sends in pieces. */
  async pieces(name: string, pieces: readonly Uint8Array[]): Promise<Got> {
    for (const piece of pieces) this.#client(name).send(piece);
    return await this.#client(name).take();
  }

  #client(name: string): Session {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const client = new Session(this.#server);
    this.#clients.set(name, client);
    return client;
  }

  /** What a step sends; signatures are made anew over the challenge that was received. */
  #texts({ send, sign, ...step }: Step): readonly string[] {
    if (sign === undefined) return sentBy({ ...step, send });
    const received = JSON.parse(this.#got[sign.challenge_of_step]!.at(-1)!).Response;
    const { challenge } = received.TrustedLoginChallenge ?? received.SessionKeyChallenge;
    const seed = PrivateKey.fromSeed(fromHex(sign.seed));
    let signature = [...seed.sign(Uint8Array.from(challenge))];
    const flipped = sign.then_flip_lowest_bit_of_byte;
    if (flipped !== undefined) signature[flipped]! ^= 1;
    const length = sign.then_cut_or_zero_pad_to;
    if (length !== undefined) {
      signature = Array.from({ length }, (_, at) => signature[at] ?? 0);
    }
    const request = JSON.parse(send as string);
    const [name] = Object.keys(request);
    request[name!].signature = signature;
    return [JSON.stringify(request)];
  }

  /** Ends it. */
  async end(): Promise<void> {
    await this.#server.stop();
    await this.#instance.close();
  }
}

/** Frames of a step, with what differs from run to run taken out. */
export function comparable(step: Step, frames: readonly string[]): string[] {
  return frames.map((text, at) => {
    const isOf = (path: string) => path.split("/")[2] === String(at);
    const paths = (step.vary ?? []).filter(isOf);
    const isState = step.json_in_bytes?.some(isOf) === true;
    if (paths.length === 0 && !isState) return text;
    const json = JSON.parse(text);
    const { Response: state } = json;
    if (isState && Array.isArray(state.CachedCrdtState)) state.CachedCrdtState = stateIn(state);
    for (const path of paths) blank(json, path.split("/").slice(3));
    return JSON.stringify(json);
  });
}

/** The document in a cached state: its members come in any order. */
function stateIn({ CachedCrdtState }: { readonly CachedCrdtState: readonly number[] }): string {
  return Doc.parseBytes(Uint8Array.from(CachedCrdtState)).stringify();
}

function blank(json: Record<string, unknown>, [name, ...rest]: readonly string[]): void {
  if (rest.length === 0) json[name!] = "varies";
  else if (json[name!] !== undefined) blank(json[name!] as Record<string, unknown>, rest);
}

/** Whether a step gave what was recorded, with either engine of the reference. */
export function isAsRecorded(scenario: Scenario, at: number, got: Got): boolean {
  const step = scenario.steps[at]!;
  if (step.recv === undefined) return true;
  const text = JSON.stringify(comparable(step, got.frames));
  const wanted = [step.recv, scenario.inmemory_engine?.[at] ?? step.recv];
  return (step.eof ?? false) === got.eof &&
    wanted.some((frames) => JSON.stringify(comparable(step, frames)) === text);
}
