import { MOST_CREDIT } from "./limits.ts";
import type { Entries } from "./messages.ts";

/** What a message of entries costs besides the bytes of its body. */
const MESSAGE_COST = 64;

/** What a message of entries costs of the credit. */
export function costOf({ body }: Pick<Entries, "body">): number {
  return body.length + MESSAGE_COST;
}

/**
 * Bytes of entries that may be on their way in one direction. A message may be sent while anything is left, however
 * large it is; what is left may become negative by that one message. Whoever stores grants as much again.
 */
export class Credit {
  readonly #first: number;
  #left: number;

  /** So many bytes to begin with. */
  constructor(first: number) {
    this.#first = Math.min(first, MOST_CREDIT);
    this.#left = this.#first;
  }

  /** Whether a message may be on its way. */
  get isOpen(): boolean {
    return this.#left > 0;
  }

  /** Bytes that it is worth sending now: 0 while so little is left that messages would become many and small. */
  get room(): number {
    return this.#left > 0 && this.#left * 4 >= this.#first ? this.#left : 0;
  }

  /** So many bytes are on their way. */
  spend(bytes: number): void {
    this.#left -= bytes;
  }

  /** So many bytes more may be. */
  grant(bytes: number): void {
    this.#left = Math.min(MOST_CREDIT, this.#left + bytes);
  }
}
