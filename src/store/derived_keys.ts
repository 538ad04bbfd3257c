import { core } from "../../wasm/mod.ts";
import type { DerivationCosts } from "../keys/sealed.ts";
import { concat, utf8 } from "../util/bytes.ts";
import { toHex } from "../util/hex.ts";
import { tasksEndWithRequests } from "../util/isolate.ts";
import { systemRandom } from "../util/random.ts";

/** How many keys are kept; the one that was kept first goes when there are more. */
export const MAX_DERIVED_KEYS = 64;
const SECRET_BYTES = 32;

/**
 * The keys of encrypted stores that were opened with their passwords in this instance, so that the next
 * transaction need not derive them again. Only the password leads to a key: keys are found by a hash of
 * password, salt and costs, under a secret of this process.
 */
export class DerivedKeys {
  readonly #keys = new Map<string, Uint8Array>();
  readonly #running = new Map<string, Promise<Uint8Array>>();
  #secret: Uint8Array | undefined;

  /** The name under which the key of a password is kept. */
  nameOf(password: string, salt: string, costs: DerivationCosts): string {
    const { memoryKiB, iterations, parallelism } = costs;
    this.#secret ??= systemRandom.bytes(SECRET_BYTES);
    const parts = JSON.stringify([password, salt, memoryKiB, iterations, parallelism]);
    return toHex(core().blake3(concat(this.#secret, utf8(parts))));
  }

  /**
   * A copy of the key under `name`, which `derive` makes, checks, and is then kept. While it is being made,
   * others that want it wait; when it turns out wrong, each derives its own.
   */
  async get(name: string, derive: () => Promise<Uint8Array>): Promise<Uint8Array> {
    for (;;) {
      const known = this.#keys.get(name);
      if (known !== undefined) return known.slice();
      const running = this.#running.get(name);
      // The derivation of another request may never end.
      if (running === undefined || tasksEndWithRequests) return await this.#derive(name, derive);
      await running.catch(() => {});
    }
  }

  async #derive(name: string, derive: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const deriving = derive();
    this.#running.set(name, deriving);
    try {
      const key = await deriving;
      // Whoever has wiped it meanwhile wants it to be gone.
      if (this.#running.get(name) === deriving) this.keep(name, key);
      return key;
    } finally {
      if (this.#running.get(name) === deriving) this.#running.delete(name);
    }
  }

  /** Keeps a copy of a key. */
  keep(name: string, key: Uint8Array): void {
    this.#wipe(name);
    this.#keys.set(name, key.slice());
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > MAX_DERIVED_KEYS) this.#wipe(oldest!);
  }

  #wipe(name: string): void {
    this.#keys.get(name)?.fill(0);
    this.#keys.delete(name);
  }

  /** Wipes a key; one that is being made is not kept. */
  forget(name: string): void {
    this.#running.delete(name);
    this.#wipe(name);
  }

  /** Wipes all keys; those that are being made are not kept. */
  wipe(): void {
    this.#running.clear();
    for (const name of [...this.#keys.keys()]) this.#wipe(name);
  }
}
