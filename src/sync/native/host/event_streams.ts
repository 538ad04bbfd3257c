import type { PublicKey } from "../../../keys/public_key.ts";
import { SyncError } from "../../../util/errors.ts";

/** Streams of events that may be open at a time: a part of the sessions, so that they never take all of these. */
export const MAX_EVENT_STREAMS = 256;
/** Streams of one peer. */
export const MAX_EVENT_STREAMS_PER_PEER = 8;
/** Streams of those who have proved no key, together. */
export const MAX_NAMELESS_STREAMS = 64;

/** How many streams of events are open, and whose. */
export class EventStreams {
  readonly #byPeer = new Map<string, number>();
  #open = 0;

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  /** Lets one in; call what it gives, once, when it has ended. `TooManySessions` when there is no room. */
  enter(peer: PublicKey | undefined): () => void {
    const name = peer?.toString() ?? "";
    const most = peer === undefined ? MAX_NAMELESS_STREAMS : MAX_EVENT_STREAMS_PER_PEER;
    const same = this.#byPeer.get(name) ?? 0;
    if (this.#open >= MAX_EVENT_STREAMS || same >= most) throw noRoom();
    this.#open++;
    this.#byPeer.set(name, same + 1);
    return () => this.#leave(name);
  }

  #leave(name: string): void {
    this.#open--;
    const left = this.#byPeer.get(name)! - 1;
    if (left > 0) this.#byPeer.set(name, left);
    else this.#byPeer.delete(name);
  }
}

function noRoom(): SyncError {
  const message = "Cannot open another stream of events: there are too many";
  return new SyncError("TooManySessions", message);
}
