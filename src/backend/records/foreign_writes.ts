import type { StorageDriver } from "../../storage/driver.ts";

/** Whether other processes may have written since somebody last asked, for one who keeps what was read. */
export class ForeignWrites {
  readonly #driver: StorageDriver;
  #token: unknown;

  /** Writes to `driver`. */
  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  /** Whether there may be any since the last call, or since ever. What was read before is then out of date. */
  mayBe(): boolean {
    // A storage that only this process can write changes only through it.
    if (!this.#driver.capabilities.multiWriter) return false;
    if (this.#driver.changeToken === undefined) return true;
    const token = this.#driver.changeToken();
    if (token === this.#token) return false;
    this.#token = token;
    return true;
  }
}
