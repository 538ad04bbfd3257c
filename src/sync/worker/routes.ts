import type { PublicKey } from "../../keys/public_key.ts";
import type { Address } from "../../transport/port.ts";
import { EideticaError, SyncError } from "../../util/errors.ts";
import { addressText } from "../address.ts";
import { OFFER_MS } from "../native_offers.ts";
import type { V0Client } from "../v0/client.ts";

/** Failures of a way, after which the next one is tried. */
const OF_THE_WAY: ReadonlySet<string> = new Set([
  "ConnectionFailed",
  "Network",
  "HandshakeFailed",
  "NoTransportForAddress",
  "NoTransportEnabled",
  "SerializationError",
]);

/** The ways to a peer: the one that worked last is tried first, then the others in their order. */
export class Routes {
  readonly #client: V0Client;
  readonly #peer: PublicKey;
  readonly #now: () => number;
  #last: string | undefined;
  /** Addresses at which the peer has proved its key, and when. */
  readonly #proved = new Map<string, number>();

  /** Ways to a peer; `now` tells milliseconds. */
  constructor(client: V0Client, peer: PublicKey, now: () => number) {
    this.#client = client;
    this.#peer = peer;
    this.#now = now;
  }

  /** Does something at the first address at which the peer can be reached. */
  async over<T>(
    addresses: readonly Address[],
    signal: AbortSignal,
    work: (address: Address) => Promise<T>,
  ): Promise<T> {
    let failure: unknown = noAddress(this.#peer);
    for (const address of this.#ordered(addresses)) {
      try {
        await this.#prove(address, signal);
        const result = await work(address);
        this.#last = addressText(address);
        return result;
      } catch (error) {
        failure = error;
        const isOver = signal.aborted || !(error instanceof EideticaError) ||
          !OF_THE_WAY.has(error.code);
        if (isOver) throw error;
        this.#proved.delete(addressText(address));
      }
    }
    throw failure;
  }

  #ordered(addresses: readonly Address[]): readonly Address[] {
    const isLast = (address: Address) => addressText(address) === this.#last;
    return [...addresses.filter(isLast), ...addresses.filter((it) => !isLast(it))];
  }

  /** Once a day for each address: somebody else may have it today, or somebody who speaks other protocols. */
  async #prove(address: Address, signal: AbortSignal): Promise<void> {
    const name = addressText(address);
    if (this.#now() - (this.#proved.get(name) ?? -Infinity) < OFFER_MS) return;
    await this.#client.handshake(address, { signal, wanted: this.#peer });
    this.#proved.set(name, this.#now());
  }
}

/** The error for a peer that nobody knows how to reach. */
export function noAddress(peer: PublicKey): SyncError {
  const message = `Cannot reach ${peer}: no address of it is known`;
  return new SyncError("Network", message, { fields: { peer: `${peer}` } });
}
