import type { StateType } from "../backend/materialize.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { Encryptor } from "../store/context.ts";

/** What a transaction holds for one store: its parents, its delta, its encryption. */
export class StagedStore {
  /** Store tips that the delta builds on, once they were asked for. */
  parents: Promise<Snapshot> | undefined;
  /** Encrypts the delta and decrypts history. */
  encryptor: Encryptor | undefined;
  /** Payload written as it is, for system stores whose payload is not a document. */
  rawData: Uint8Array | undefined;
  #delta: unknown;
  #type: StateType<unknown> | undefined;

  /** Whether something was staged. */
  get isStaged(): boolean {
    return this.#type !== undefined || this.rawData !== undefined;
  }

  /** The staged delta; undefined before the first write. */
  get delta(): unknown {
    return this.#delta;
  }

  /** Replaces the delta. */
  stage<T>(delta: T, type: StateType<T>): void {
    this.#delta = delta;
    this.#type = type as StateType<unknown>;
  }

  /** The payload to write; undefined when nothing was staged. */
  data(): Uint8Array | undefined {
    return this.rawData ?? this.#type?.serialize(this.#delta);
  }
}
