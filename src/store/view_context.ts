import type { StateType } from "../backend/state/state_type.ts";
import { StoreError } from "../util/errors.ts";
import type { RandomSource } from "../util/random.ts";
import type { Encryptor, StoreContext } from "./context.ts";
import type { DerivedKeys } from "./derived_keys.ts";
import { Registry } from "./registry.ts";

/** What a viewer sees of a transaction: all that can be read. Whatever would be staged is refused. */
export class ViewContext implements StoreContext {
  readonly #context: StoreContext;

  /** A view of the transaction behind `context`. */
  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** See {@link StoreContext.random}. */
  get random(): RandomSource {
    return this.#context.random;
  }

  /** See {@link StoreContext.derivedKeys}. */
  get derivedKeys(): DerivedKeys {
    return this.#context.derivedKeys;
  }

  /** See {@link StoreContext.place}. */
  get place(): string {
    return `${this.#context.place}, read-only`;
  }

  /** See {@link StoreContext.staged}. */
  staged<T>(store: string): T | undefined {
    return this.#context.staged(store);
  }

  /** Refuses: see {@link StoreContext.requireWritable}. */
  requireWritable(store: string): never {
    const message =
      `Cannot write to the store "${store}" through a viewer: open it with \`getStore\` in a transaction`;
    throw new StoreError("RequiresTransaction", message, { fields: { store } });
  }

  /** Refuses: see {@link StoreContext.stage}. */
  stage(store: string): never {
    return this.requireWritable(store);
  }

  /** See {@link StoreContext.fullState}. */
  fullState<T>(store: string, type: StateType<T>): Promise<T> {
    return this.#context.fullState(store, type);
  }

  /** See {@link StoreContext.peekState}. */
  peekState<T>(store: string, type: StateType<T>): T | undefined {
    return this.#context.peekState(store, type);
  }

  /** The registry, to be read. */
  getIndex(): Registry {
    return new Registry(this);
  }

  /** See {@link StoreContext.registerEncryptor}. */
  registerEncryptor(store: string, encryptor: Encryptor): void {
    this.#context.registerEncryptor(store, encryptor);
  }
}
