/**
 * What others may make this node verify, in time: signatures cost more than anything else that a message can cause.
 *
 * @module
 */

import { core } from "../../../wasm/mod.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { PrivateKey } from "../../keys/private_key.ts";
import type { Clock } from "../../util/clock.ts";
import { SyncError } from "../../util/errors.ts";
import { pause, type Timers } from "../worker/timers.ts";

/** Part of one core that one peer, or one address, may keep busy with signatures for long. */
export const VERIFY_SHARE = 0.5;
/** Milliseconds of verification that it may ask for at once, after it has asked for little. */
export const VERIFY_BURST_MS = 10_000;
/** Peers and addresses of which it is remembered. */
export const MAX_METERED = 4096;

/** How much others may make this node verify. */
export interface VerifyLimits {
  /** {@link VERIFY_SHARE} unless told. */
  readonly share?: number | undefined;
  /** {@link VERIFY_BURST_MS} unless told. */
  readonly burstMs?: number | undefined;
  /** What a signature takes, in milliseconds; it is measured unless told. */
  readonly signatureMs?: number | undefined;
}

/** What is left of the time of one peer or address, when it was looked at last. */
interface Bucket {
  left: number;
  at: number;
}

/** Time for the signatures of others: a bucket for each peer and each address, which fills while time passes. */
export class VerifyTime {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #limits: VerifyLimits;
  readonly #buckets = new Map<string, Bucket>();

  /** Nobody has asked for anything. */
  constructor(clock: Clock, timers: Timers, limits: VerifyLimits = {}) {
    this.#clock = clock;
    this.#timers = timers;
    this.#limits = limits;
  }

  /** The time of a peer that has proved its key, and of where it is; either may be unknown. */
  meter(peer: PublicKey | undefined, address: string | undefined): VerifyMeter {
    const names = [peer && `peer ${peer}`, address && `address ${address}`];
    return new VerifyMeter(this, names.filter((name) => name !== undefined));
  }

  /** Milliseconds until a bucket has something left; 0 when it has. */
  waitOf(name: string): number {
    const { left } = this.#now(name);
    return left > 0 ? 0 : Math.ceil((1 - left) / (this.#limits.share ?? VERIFY_SHARE));
  }

  /** Takes the time of so many signatures out of a bucket, which may owe some then. */
  charge(name: string, signatures: number): void {
    this.#now(name).left -= signatures * (this.#limits.signatureMs ?? signatureMs());
  }

  /** Resolves after so many milliseconds. */
  async pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await pause(this.#timers, milliseconds, signal);
  }

  #now(name: string): Bucket {
    const { burstMs = VERIFY_BURST_MS, share = VERIFY_SHARE } = this.#limits;
    const now = this.#clock.nowMillis();
    const bucket = this.#buckets.get(name) ?? { left: burstMs, at: now };
    const passed = Math.max(0, now - bucket.at);
    [bucket.left, bucket.at] = [Math.min(burstMs, bucket.left + passed * share), now];
    // The one that was used last is the last to be forgotten.
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_METERED) this.#buckets.delete(oldest!);
    return bucket;
  }
}

/** The time of one who asks. */
export class VerifyMeter {
  readonly #time: VerifyTime;
  readonly #names: readonly string[];

  /** Use {@link VerifyTime.meter}. */
  constructor(time: VerifyTime, names: readonly string[]) {
    this.#time = time;
    this.#names = names;
  }

  get #waitMs(): number {
    return Math.max(0, ...this.#names.map((name) => this.#time.waitOf(name)));
  }

  /** Returns while some time is left; `TooBusy` otherwise. */
  require(): void {
    const retryMs = this.#waitMs;
    if (retryMs === 0) return;
    const message = `Cannot verify more now: too much was sent; try again in ${retryMs} ms`;
    throw new SyncError("TooBusy", message, { fields: { retryMs } });
  }

  /** Takes the time of so many signatures, also what is not left: then others must wait. */
  charge(signatures: number): void {
    for (const name of this.#names) this.#time.charge(name, signatures);
  }

  /** Takes the time of so many signatures as soon as some is left. */
  async spend(signatures: number, signal?: AbortSignal): Promise<void> {
    for (let wait = this.#waitMs; wait > 0; wait = this.#waitMs) {
      await this.#time.pause(wait, signal);
    }
    this.charge(signatures);
  }
}

/** What is taken for the time of a signature where clocks stand still: in plain JavaScript, and elsewhere. */
const [SLOW_MS, FAST_MS] = [8, 0.2];
/** How often it is measured; the least counts, since others may be at work. */
const SAMPLES = 3;

let measured: number | undefined;

/** What it takes here to verify one signature, in milliseconds. */
export function signatureMs(): number {
  return measured ??= measure();
}

function measure(): number {
  const key = PrivateKey.generate();
  const said = new Uint8Array(512);
  const signature = key.sign(said);
  const times = Array.from({ length: SAMPLES }, () => {
    const begun = performance.now();
    key.publicKey.verify(said, signature);
    return performance.now() - begun;
  });
  const least = Math.min(...times);
  if (least > 0) return least;
  return core().engine === "javascript" ? SLOW_MS : FAST_MS;
}
