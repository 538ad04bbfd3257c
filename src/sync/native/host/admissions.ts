import type { PublicKey } from "../../../keys/public_key.ts";
import type { Clock } from "../../../util/clock.ts";
import { addressBlock } from "../../../transport/address_block.ts";
import { SyncError } from "../../../util/errors.ts";

/** Sessions that others may have open at a time, whether they have proved a key or not. */
export const MAX_SESSIONS = 1024;
/** Sessions that one address may have open at a time; of IPv6, one network `/64`. */
export const MAX_SESSIONS_PER_ADDRESS = 16;
/** Peers that are remembered because they have sent too much that is invalid. */
export const MAX_BANS = 4096;
/** Milliseconds after which somebody for whom there is no room may try again. */
const RETRY_MS = 5000;

/** How many are let in. */
export interface AdmissionLimits {
  /** {@link MAX_SESSIONS} unless told. */
  readonly sessions?: number | undefined;
  /** {@link MAX_SESSIONS_PER_ADDRESS} unless told. */
  readonly sessionsPerAddress?: number | undefined;
  /** {@link MAX_BANS} unless told. */
  readonly bans?: number | undefined;
}

/** Who is let in: so many sessions at a time, so many of one address, and nobody who was thrown out lately. */
export class Admissions {
  readonly #clock: Clock;
  readonly #sessions: number;
  readonly #perAddress: number;
  readonly #mostBans: number;
  readonly #byBlock = new Map<string, number>();
  readonly #bans = new Map<string, number>();
  #open = 0;

  /** Nobody is in. */
  constructor(clock: Clock, limits: AdmissionLimits = {}) {
    this.#clock = clock;
    this.#sessions = limits.sessions ?? MAX_SESSIONS;
    this.#mostBans = limits.bans ?? MAX_BANS;
    this.#perAddress = limits.sessionsPerAddress ?? MAX_SESSIONS_PER_ADDRESS;
  }

  /** How many sessions are open. */
  get open(): number {
    return this.#open;
  }

  /** Lets a session in; call what it gives, once, when it has ended. `TooManySessions` when there is no room. */
  enter(address: string | undefined): () => void {
    const block = address === undefined ? undefined : addressBlock(address);
    const same = block === undefined ? 0 : this.#byBlock.get(block) ?? 0;
    if (this.#open >= this.#sessions || same >= this.#perAddress) throw noRoom();
    this.#open++;
    if (block !== undefined) this.#byBlock.set(block, same + 1);
    return () => this.#leave(block);
  }

  #leave(block: string | undefined): void {
    this.#open--;
    if (block === undefined) return;
    const left = this.#byBlock.get(block)! - 1;
    if (left > 0) this.#byBlock.set(block, left);
    else this.#byBlock.delete(block);
  }

  /** Lets a peer in no more for so many milliseconds. */
  ban(peer: PublicKey, forMs: number): void {
    this.#bans.set(peer.toString(), this.#clock.nowMillis() + forMs);
    if (this.#bans.size <= this.#mostBans) return;
    const [oldest] = this.#bans.keys();
    this.#bans.delete(oldest!);
  }

  /** Returns unless a peer was thrown out and has not waited since; `Banned` otherwise. */
  requireWelcome(peer: PublicKey): void {
    const until = this.#bans.get(peer.toString());
    if (until === undefined) return;
    const retryMs = until - this.#clock.nowMillis();
    if (retryMs <= 0) return void this.#bans.delete(peer.toString());
    const message = "Cannot begin a session: the peer has sent too much that is invalid";
    throw new SyncError("Banned", message, { fields: { retryMs } });
  }
}

function noRoom(): SyncError {
  const message = "Cannot begin a session: there are too many";
  return new SyncError("TooManySessions", message, { fields: { retryMs: RETRY_MS } });
}
