import type { StateType } from "../backend/state/state_type.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { Encryptor } from "../store/context.ts";

/** What a transaction holds for one store: its parents, its delta, its encryption. */
export class StagedStore {
  /** Store tips that the delta builds on, once they are known. */
  parents: Snapshot | undefined;
  /** The same while they are being read. */
  reading: Promise<Snapshot> | undefined;
  /** Payload written as it is, for system stores whose payload is not a document. */
  rawData: Uint8Array | undefined;
  #decrypted: Map<string, Promise<unknown>> | undefined;
  #encryptor: Encryptor | undefined;
  #delta: unknown;
  #type: StateType<unknown> | undefined;

  /** Encrypts the delta and decrypts history. */
  get encryptor(): Encryptor | undefined {
    return this.#encryptor;
  }

  /** Replaces the encryptor; what another one decrypted is forgotten. */
  setEncryptor(encryptor: Encryptor): void {
    this.#encryptor = encryptor;
    this.#decrypted = undefined;
  }

  /**
   * History as decrypted for this transaction, by the name of the reading. It is folded once, unless
   * that fails, and goes with the transaction.
   */
  decrypted<T>(reading: string, foldHistory: () => Promise<T>): Promise<T> {
    const all = this.#decrypted ??= new Map();
    const known = all.get(reading) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const folding = foldHistory();
    all.set(reading, folding);
    folding.catch(() => all.delete(reading));
    return folding;
  }

  /** Wipes keys and forgets what they decrypted: the delta is written, nothing needs them any more. */
  wipe(): void {
    this.#encryptor?.wipe?.();
    this.#decrypted = undefined;
  }

  /** Whether something was staged. */
  get isStaged(): boolean {
    return this.#type !== undefined || this.rawData !== undefined;
  }

  /** The staged delta; undefined before the first write. */
  get delta(): unknown {
    return this.#delta;
  }

  /** Type of the delta; undefined when nothing of a type was staged. */
  get type(): StateType<unknown> | undefined {
    return this.#type;
  }

  /** Replaces the delta. */
  stage<T>(delta: T, type: StateType<T>): void {
    this.#delta = delta;
    this.#type = type as StateType<unknown>;
  }

  /** Whether the payload to write depends on history: see {@link complete}. */
  get isOpen(): boolean {
    return this.#completion() !== undefined;
  }

  /** Makes the delta one whose payload says all, on top of what `readHistory` gives. */
  async complete(readHistory: (type: StateType<unknown>) => Promise<unknown>): Promise<void> {
    const completion = this.#completion();
    if (completion !== undefined) this.#delta = completion(await readHistory(this.#type!));
  }

  #completion(): ((history: unknown) => unknown) | undefined {
    return this.rawData === undefined ? this.#type?.completion?.(this.#delta) : undefined;
  }

  /** The payload to write; undefined when nothing was staged. */
  data(): Uint8Array | undefined {
    return this.rawData ?? this.#type?.serialize(this.#delta);
  }
}
