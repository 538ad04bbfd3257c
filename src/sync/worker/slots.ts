/** Lets only so much work be under way at a time; the rest waits in the order in which it came. */
export class Slots {
  readonly #most: number;
  readonly #queue: (() => void)[] = [];
  #busy = 0;

  /** Slots for `most` pieces of work. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Does a piece of work as soon as there is a slot for it. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    await this.#take();
    try {
      return await work();
    } finally {
      this.#give();
    }
  }

  #take(): Promise<void> | void {
    if (this.#busy < this.#most) this.#busy++;
    else return new Promise((resolve) => this.#queue.push(resolve));
  }

  /** Who waits longest gets the slot from hand to hand, so that nobody takes it in between. */
  #give(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#busy--;
    else next();
  }
}
