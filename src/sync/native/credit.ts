/** Bytes of entries that may be on their way in one direction, granted by whoever stores them. */
export class Credit {
  readonly #first: number;
  #left: number;

  /** So many bytes to begin with. */
  constructor(first: number) {
    this.#first = first;
    this.#left = first;
  }

  /** Bytes that may be sent now. When nothing is on its way, one message of any size may be. */
  get room(): number {
    return Math.max(0, this.#left);
  }

  /** Whether a message of so many bytes keeps within what was granted. */
  allows(bytes: number): boolean {
    return bytes <= this.#left || this.#left === this.#first;
  }

  /** So many bytes are on their way. */
  spend(bytes: number): void {
    this.#left -= bytes;
  }

  /** So many bytes are stored; never more than were on their way. */
  grant(bytes: number): void {
    this.#left = Math.min(this.#first, this.#left + bytes);
  }
}
