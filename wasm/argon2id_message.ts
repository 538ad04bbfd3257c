import type { Argon2idOptions } from "./types.ts";

/** What a thread is asked for; password and salt are its own. */
export interface Derivation {
  /** The password. */
  readonly password: Uint8Array;
  /** The salt. */
  readonly salt: Uint8Array;
  /** Costs and length. */
  readonly options: Argon2idOptions;
}

/** What the thread that runs the worker says as soon as it listens. */
export const THREAD_IS_HERE = "here";
