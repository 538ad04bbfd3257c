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

  /** Bytes that it is worth sending besides so many: 0 while so little is left that messages would become many and small. */
  roomBeside(held: number): number {
    const left = this.#left - held;
    return left > 0 && left * 4 >= this.#first ? left : 0;
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

/** What sends by shared credit. */
export interface Sender {
  /** There is room again. */
  resume(): void;
}

/**
 * The credit that the channels of a session share. Whoever reads something to send it holds room for it meanwhile, so
 * that all together do not send more than was granted; who finds none waits in line.
 */
export class SharedCredit {
  readonly #credit: Credit;
  readonly #most: number;
  readonly #held = new Map<Sender, number>();
  readonly #waiting = new Set<Sender>();
  #sum = 0;

  /** So many bytes to begin with, of which each sender holds at most so many. */
  constructor(first: number, most: number) {
    this.#credit = new Credit(first);
    this.#most = most;
  }

  /** Whether a message may be on its way. */
  get isOpen(): boolean {
    return this.#credit.isOpen;
  }

  /** Whether it is not worth sending anything, even if nobody else did. */
  get isSpent(): boolean {
    return this.#credit.roomBeside(0) === 0;
  }

  get #room(): number {
    return Math.min(this.#most, this.#credit.roomBeside(this.#sum));
  }

  /** Holds room for a sender; 0 when there is none, and the sender is told as soon as there is. */
  hold(sender: Sender): number {
    this.release(sender);
    const room = this.#room;
    if (room === 0) this.#waiting.add(sender);
    else this.#held.set(sender, room);
    this.#sum += room;
    return room;
  }

  /** A sender holds nothing any more, and waits for nothing. */
  release(sender: Sender): void {
    this.#sum -= this.#held.get(sender) ?? 0;
    this.#held.delete(sender);
    this.#waiting.delete(sender);
  }

  /** So many bytes are on their way. */
  spend(bytes: number): void {
    this.#credit.spend(bytes);
  }

  /** So many bytes more may be. */
  grant(bytes: number): void {
    this.#credit.grant(bytes);
  }

  /** Tells those who wait, one after the other, while there is room. */
  resume(): void {
    while (this.#waiting.size > 0 && this.#room > 0) {
      const [first] = this.#waiting;
      this.#waiting.delete(first!);
      first!.resume();
    }
  }
}
