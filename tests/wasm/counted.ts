import { BatchVerifier, LARGE_BATCH } from "../../wasm/batch.ts";
import type { CryptoCore, VerifyItem } from "../../wasm/mod.ts";

/** How often {@link Counted.warmUp} gives work, and how long it waits each time, in milliseconds. */
const MAX_ROUNDS = 1500;
const PAUSE_MILLIS = 20;
const NOTHING = new Uint8Array(0);

/** Why tests that want threads are skipped, or false. */
export const oneProcessor: string | false = (globalThis.navigator?.hardwareConcurrency ?? 1) < 2 &&
  "one processor only";

/** A verifier with real threads that counts what it verifies in place. */
export class Counted {
  inPlace = 0;
  readonly batches: BatchVerifier;

  constructor({ ed25519, engine }: CryptoCore) {
    const verify: typeof ed25519.verify = (...given) => {
      this.inPlace++;
      return ed25519.verify(...given);
    };
    this.batches = new BatchVerifier(verify, { engine: engine as "wasm" | "native" });
  }

  /** Gives work, which is none, until threads do all of it: from then on they do all work. */
  async warmUp(): Promise<void> {
    const items = Array<VerifyItem>(LARGE_BATCH).fill({
      publicKey: NOTHING,
      data: NOTHING,
      signature: NOTHING,
    });
    for (let round = 0; round < MAX_ROUNDS; round++) {
      this.inPlace = 0;
      await this.batches.verifyBatch(items);
      if (this.inPlace === 0) return;
      if (this.batches.threads === 0) throw new Error("The threads failed");
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
    }
    throw new Error("The threads never took over");
  }
}

/** The verdicts of `verify`, one by one. */
export function oneByOne({ ed25519 }: CryptoCore, items: readonly VerifyItem[]): boolean[] {
  return items.map((item) => ed25519.verify(item.publicKey, item.data, item.signature));
}
