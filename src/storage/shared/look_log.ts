import { Logger } from "../../util/log.ts";

const log = new Logger("storage");

/** Tells the log when looks for the writes of others begin to fail: they are tried again, so nobody else is told. */
export class LookLog {
  readonly #storage: string;
  #isFailing = false;

  /** The looks at a storage of the kind `storage`. */
  constructor(storage: string) {
    this.#storage = storage;
  }

  /** A look has worked. */
  worked(): void {
    this.#isFailing = false;
  }

  /** A look has failed. */
  failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    log.warn("Writes of others to the {storage} storage cannot be looked for; it is tried again", {
      storage: this.#storage,
      error,
    });
  }
}
