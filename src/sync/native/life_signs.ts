/** Tells when to send a sign of life, and when the other side is taken for gone. */
export class LifeSigns {
  readonly #pingMs: number;
  readonly #silentMs: number;
  #heardAt: number;
  #askedAt: number | undefined;
  #tickedAt: number;

  /** Signs of life from now on. */
  constructor(pingMs: number, silentMs: number, now: number) {
    this.#pingMs = pingMs;
    this.#silentMs = silentMs;
    this.#heardAt = now;
    this.#tickedAt = now;
  }

  /** Something came. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#askedAt = undefined;
  }

  /**
   * What to do now. After a pause of the own timers, as when a machine was asleep, the other side is asked first
   * and given time: what it has sent meanwhile may not have been read yet.
   */
  tick(now: number): "ping" | "gone" | undefined {
    const slept = now - this.#tickedAt > this.#pingMs;
    this.#tickedAt = now;
    if (slept || now < this.#heardAt) {
      this.#heardAt = now - this.#pingMs;
      this.#askedAt = now;
      return "ping";
    }
    const patience = this.#silentMs - this.#pingMs;
    if (this.#askedAt !== undefined) return now - this.#askedAt >= patience ? "gone" : undefined;
    if (now - this.#heardAt < this.#pingMs) return undefined;
    this.#askedAt = now;
    return "ping";
  }
}
