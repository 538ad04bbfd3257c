/** How long work goes on before others get their turn, in milliseconds. */
const TURN = 10;

/** Breaks long work up, so that timers, input and other tasks of the process are not kept waiting. */
export class Pacer {
  #since = performance.now();

  /** Whether the work has gone on for long enough. */
  get isDue(): boolean {
    return performance.now() - this.#since >= TURN;
  }

  /** Lets others have their turn. */
  async rest(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    this.#since = performance.now();
  }
}
