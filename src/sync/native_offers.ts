import type { PublicKey } from "../keys/public_key.ts";
import { NATIVE_PATH } from "../transport/web_socket_link.ts";
import type { NativeOffer } from "./v0/messages.ts";

/** Version of the native protocol that is spoken here. */
export const NATIVE_VERSION = 1;
/** How long it is believed that a peer speaks what it has said, in milliseconds. */
export const OFFER_MS: number = 24 * 3600 * 1000;
/** Peers whose offers are remembered. */
const MAX_OFFERS = 4096;
/** A path that somebody may name to whom a connection is opened. */
const PATH = /^\/[\w\-.~/]{1,200}$/;

/** What is told to others. */
export const OWN_OFFER: NativeOffer = { versions: [NATIVE_VERSION], path: NATIVE_PATH };

/** Which peers have said that they speak the native protocol, and where. */
export class NativeOffers {
  readonly #now: () => number;
  readonly #paths = new Map<string, { readonly path: string; readonly until: number }>();

  /** Nobody has said anything. `now` tells milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes what a peer has said in its handshake. */
  note(peer: PublicKey, offer: NativeOffer | undefined): void {
    const key = peer.toString();
    this.#paths.delete(key);
    if (offer?.versions.includes(NATIVE_VERSION) !== true || !PATH.test(offer.path)) return;
    this.#paths.set(key, { path: offer.path, until: this.#now() + OFFER_MS });
    const [oldest] = this.#paths.keys();
    if (this.#paths.size > MAX_OFFERS) this.#paths.delete(oldest!);
  }

  /** The path at which a peer speaks the native protocol; undefined when it has not said so for a day. */
  pathOf(peer: PublicKey): string | undefined {
    const known = this.#paths.get(peer.toString());
    return known !== undefined && known.until > this.#now() ? known.path : undefined;
  }
}
