import type { Link } from "./port.ts";
import { CLOSE_CODES } from "./web_socket_link.ts";

/** The live connections of one server: they end with it. */
export class OpenLinks {
  readonly #links = new Set<Link>();
  #isClosed = false;

  /** Makes a connection that calls what it is given when it is over. */
  add<L extends Link>(make: (onEnd: () => void) => L): L {
    const link: L = make(() => this.#links.delete(link));
    this.#links.add(link);
    // Its request may have been under way when the server was ended.
    if (this.#isClosed) this.close();
    return link;
  }

  /** Ends all of them. */
  close(): void {
    this.#isClosed = true;
    for (const link of [...this.#links]) link.close(CLOSE_CODES.goingAway, "the server ends");
  }
}
