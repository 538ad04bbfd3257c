import type { BracketReader, WriteEvents, WriteOutcome } from "../../instance/write_events.ts";

/** Something to do in the order of the writes to a database. */
type Step = () => Promise<void>;

/**
 * Tells the handlers of one database of its writes, one after another: the next write is told when all handlers
 * of the one before have settled (11 §8.3).
 */
export class ToldInOrder {
  readonly #events: WriteEvents;
  readonly #read: BracketReader;
  readonly #steps: Step[] = [];
  #isAtWork = false;

  /** Tells the handlers in `events`; `read` finds the entries between two frontiers. */
  constructor(events: WriteEvents, read: BracketReader) {
    this.#events = events;
    this.#read = read;
  }

  /** Has a write told. Resolves when its handlers have settled. */
  tell(outcome: WriteOutcome): Promise<void> {
    return this.#add(async () => {
      await this.#events.settled(await this.#events.invoke(outcome, this.#read));
    });
  }

  /** Whether handlers are told of something now, or about to be. */
  get isAtWork(): boolean {
    return this.#isAtWork;
  }

  /** Has something done when all writes so far were told, and before any later one is. */
  async inTurn<T>(work: () => T): Promise<T> {
    let result: { readonly value: T } | undefined;
    await this.#add(() => {
      result = { value: work() };
      return Promise.resolve();
    });
    return result!.value;
  }

  #add(step: Step): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#steps.push(() => step().then(resolve, reject));
      if (!this.#isAtWork) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
      await step();
    }
    this.#isAtWork = false;
  }
}
