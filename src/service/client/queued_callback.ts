import type { WriteCallback } from "../../database/host.ts";

/** The registration of a handler whose turn may not have come yet. */
export class QueuedCallback implements WriteCallback {
  #callback: WriteCallback | undefined;
  #isDetached = false;
  #isEnded = false;

  /** Registers the handler, unless that was ended before. */
  begin(register: () => WriteCallback): void {
    if (this.#isEnded) return;
    this.#callback = register();
    if (this.#isDetached) this.#callback.detach();
  }

  /** See {@link WriteCallback.detach}. */
  detach(): void {
    if (!this.#isEnded) this.#isDetached = true;
    this.#callback?.detach();
  }

  /** Ends the registration. */
  [Symbol.dispose](): void {
    if (this.#isDetached) return;
    this.#isEnded = true;
    this.#callback?.[Symbol.dispose]();
  }
}
