/** A relay of bytes between connections, which can be cut. */

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Passes on what comes to a server elsewhere. */
export class ByteRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** A relay to an address of this machine. */
  static async to(address: string): Promise<ByteRelay> {
    const [host, port] = address.split(":");
    const relay: ByteRelay = new ByteRelay(createServer((near) => {
      relay.#join(near, connect(Number(port), host!));
    }));
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  #join(near: Socket, far: Socket): void {
    for (const [one, other] of [[near, far], [far, near]] as const) {
      this.#sockets.add(one);
      one.on("error", () => {}).on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  /** Where it listens. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections: what is under way is lost. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends it. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }
}
