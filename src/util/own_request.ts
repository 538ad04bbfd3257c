/**
 * Has something called in the request in which this was made, whoever asks for it. At the edge a request may not use
 * what belongs to another one, such as its connection; but what awaits a promise goes on in the request in which it
 * began to, whoever settles the promise.
 */
export class OwnRequest {
  readonly #call: () => void;
  #isWanted = false;
  #isOver = false;
  #wake: () => void = () => {};

  /** Must be made in the request to which it shall belong; `call` throws nothing. */
  constructor(call: () => void) {
    this.#call = call;
    void this.#work();
  }

  /** Has it called soon; once, however often it is asked for until then. */
  ask(): void {
    this.#isWanted = true;
    this.#wake();
  }

  /** Nothing is called any more. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      if (!this.#isWanted) await new Promise<void>((resolve) => this.#wake = resolve);
      if (this.#isOver) return;
      this.#isWanted = false;
      this.#call();
    }
  }
}
