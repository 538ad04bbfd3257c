import net from "node:net";
import { encodeFrame, FrameReader } from "../../src/service/protocol/frames.ts";
import { concat, fromUtf8, utf8 } from "../../src/util/bytes.ts";

/** How long a frame or an end may take before a test has failed, in milliseconds. */
const PATIENCE_MS = 20_000;

/** A client of the service that sends what it is told, over a socket. */
export class RawClient {
  readonly #socket: net.Socket;
  readonly #reader = new FrameReader();
  #frames: string[] = [];
  #isEnded = false;
  #wake: (() => void)[] = [];

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => {
      for (const payload of this.#reader.push(bytes)) this.#frames.push(fromUtf8(payload));
      this.#tell();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.#isEnded = true;
        this.#tell();
      });
    }
  }

  /** Connects; fails when nobody is there. */
  static open(path: string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ path, allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawClient(socket));
      });
    });
  }

  /** As {@link open}, after a handshake. */
  static async greeted(path: string, features?: readonly string[]): Promise<RawClient> {
    const client = await RawClient.open(path);
    const list = features === undefined ? "" : `,"features":${JSON.stringify(features)}`;
    await client.ask(`{"protocol_version":0${list}}`);
    return client;
  }

  /** The socket. */
  get socket(): net.Socket {
    return this.#socket;
  }

  /** Whether the other end has ended. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} did not come`)), PATIENCE_MS);
    });
    try {
      while (!holds()) await Promise.race([late, new Promise<void>((r) => this.#wake.push(r))]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends messages at once. */
  sendTexts(...texts: readonly string[]): void {
    this.send(concat(...texts.map((text) => encodeFrame(utf8(text)))));
  }

  /** The next messages. */
  async next(count = 1): Promise<string[]> {
    await this.#until(() => this.#frames.length >= count || this.#isEnded, `${count} messages`);
    return this.#frames.splice(0, count);
  }

  /** The answer to a message. */
  async ask(text: string): Promise<string> {
    this.sendTexts(text);
    return (await this.next())[0] ?? "";
  }

  /** Resolves when the other end has ended; gives the messages that nobody has taken. */
  async ended(): Promise<string[]> {
    await this.#until(() => this.#isEnded, "the end");
    return this.#frames.splice(0);
  }

  /** Sends nothing more. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Leaves without a word. */
  close(): void {
    this.#socket.destroy();
  }
}
